"""PaymentMethods: found by id or official test name, or made from a test token."""

from clearhouse.sandbox.stripe import shapes, values
from clearhouse.sandbox.stripe.cards import CARDS, fingerprint, name_of
from clearhouse.sandbox.stripe.endpoint import Call, Effect
from clearhouse.sandbox.stripe.errors import invalid, missing, not_found
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json

_CREATE = {"type", "card", "billing_details", "metadata", "customer", "allow_redisplay", "expand"}


def resolve(call: Call) -> Json | None:
    """The PaymentMethod that a confirmation names, or None. Raises StripeError when unknown.

    An official test name makes a new PaymentMethod each time, as at Stripe.
    """
    data = values.nested(call.params, "payment_method_data")
    if data:
        return from_token(call, data, "payment_method_data")
    identifier = values.text(call.params, "payment_method")
    if identifier is None:
        return None
    stored = call.shelves.load("payment_method", identifier)
    if stored is not None:
        return stored
    name = name_of(identifier) if identifier.startswith("pm_card_") else None
    if name is None:
        raise not_found("PaymentMethod", identifier, param="payment_method", status=400)
    return _new(call, name)


def from_token(call: Call, data: Params, param: str) -> Json:
    """A PaymentMethod from ``card[token]=tok_...``; card numbers themselves are refused."""
    if values.text(data, "type") != "card":
        raise invalid("The sandbox knows PaymentMethods of type card only.", param=f"{param}[type]")
    card = values.nested(data, "card")
    if "number" in card:
        raise invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe."
            " Use an official test token instead.",
            param=f"{param}[card][number]",
        )
    token = values.text(card, "token")
    if token is None:
        raise missing(f"{param}[card][token]")
    name = name_of(token) if token.startswith("tok_") else None
    if name is None:
        raise not_found("token", token, param=f"{param}[card][token]", status=400)
    method = _new(call, name)
    details = values.nested(data, "billing_details")
    address = values.nested(details, "address")
    method["billing_details"]["address"].update(address)
    method["billing_details"].update(
        {name: value for name, value in details.items() if name != "address"}
    )
    return method


def create(call: Call) -> Effect:
    """POST /v1/payment_methods."""
    values.known(call.params, _CREATE)
    method = from_token(call, call.params, "payment_method")
    method["metadata"] = values.metadata(call.params)

    def effect() -> tuple[int, Json]:
        call.shelves.save(method)
        return 200, method

    return effect


def _new(call: Call, name: str) -> Json:
    return shapes.payment_method(
        call.shelves.new_id("pm"),
        CARDS[name],
        fingerprint=fingerprint(name),
        now=call.shelves.now,
    )
