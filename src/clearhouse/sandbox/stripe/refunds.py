"""Refunds: money given back at once, later, or not after all."""

from typing import Final

from clearhouse.sandbox.stripe import balance, values
from clearhouse.sandbox.stripe.cards import card_of
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reply
from clearhouse.sandbox.stripe.errors import StripeError, invalid, not_found
from clearhouse.sandbox.stripe.expand import expand, paths
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_CREATE: Final = {
    *("amount", "charge", "currency", "customer", "expand", "instructions_email", "metadata"),
    *("origin", "payment_intent", "reason", "refund_application_fee", "reverse_transfer"),
}
_REASONS: Final = {"duplicate", "fraudulent", "requested_by_customer"}
_PENDING: Final = "pending"
_LATER: Final = 300.0
"""Seconds after which a test card's refund changes: at Stripe "some time later"."""

_CHARGED_BACK: Final = {"needs_response", "under_review", "lost"}


def create(call: Call) -> Effect:
    """POST /v1/refunds, of a charge or of the charge behind a payment intent."""
    values.known(call.params, _CREATE)
    wanted = paths(call.params)
    amount = values.integer(call.params, "amount")
    reason = values.choice(call.params, "reason", _REASONS)
    metadata = values.metadata(call.params)
    identifier = _charge_id(call)

    def effect() -> Reply:
        charge = call.shelves.load("charge", identifier)
        assert charge is not None
        left = charge["amount"] - charge["amount_refunded"]
        error = _refusal(call.shelves, charge, amount, left)
        if error is not None:
            return error.status, error.body()
        refund = made(call.shelves, charge, left if amount is None else amount, reason)
        refund["metadata"] = metadata
        give(call.shelves, charge, refund)
        return 200, expand(call.shelves, refund, wanted)

    return effect


def update(call: Call) -> Effect:
    """POST /v1/refunds/{id}: its metadata, and nothing else."""
    values.known(call.params, {"metadata", "expand"})
    wanted = paths(call.params)
    metadata = values.metadata(call.params)
    _load(call)

    def effect() -> Reply:
        refund = _load(call)
        refund["metadata"] = {**refund["metadata"], **metadata}
        call.shelves.save(refund)
        return 200, expand(call.shelves, refund, wanted)

    return effect


def give(shelves: Shelves, charge: Json, refund: Json) -> None:
    """Take the refund off the charge and off the balance, and write both down."""
    method = shelves.load("payment_method", charge["payment_method"])
    assert method is not None
    _, card = card_of(method)
    charge["amount_refunded"] += refund["amount"]
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    if card.refund == _PENDING:
        refund.update(status="pending", pending_reason="processing")
    refund["balance_transaction"] = balance.book(shelves, "refund", refund, -refund["amount"])["id"]
    _save(shelves, refund)
    shelves.save(charge)
    shelves.tell("charge.refunded", charge)
    shelves.tell("refund.created", refund)
    if card.refund is not None:
        shelves.later(f"refund_{card.refund}", _LATER, refund["id"])


def succeed(shelves: Shelves, refund: Json) -> None:
    """What was pending has reached the buyer."""
    refund.update(status="succeeded", pending_reason=None)
    _save(shelves, refund)
    _tell_updated(shelves, refund, {"status": "pending", "pending_reason": "processing"})


def fail(shelves: Shelves, refund: Json, reason: str = "lost_or_stolen_card") -> None:
    """The buyer's bank did not take the money: it comes back to the balance and the charge."""
    charge = shelves.load("charge", refund["charge"])
    assert charge is not None
    previous = {"status": refund["status"], "failure_reason": None}
    entry = balance.book(shelves, "refund_failure", refund, refund["amount"], at_once=True)
    refund.update(
        status="failed",
        pending_reason=None,
        failure_reason=reason,
        failure_balance_transaction=entry["id"],
    )
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    shelves.save(charge)
    _save(shelves, refund)
    _tell_updated(shelves, refund, previous)
    shelves.tell("refund.failed", refund)


def _save(shelves: Shelves, refund: Json) -> None:
    shelves.save(refund)
    shelves.record_refund(refund)


def _tell_updated(shelves: Shelves, refund: Json, previous: Json) -> None:
    # Stripe tells it twice, under the newer name and the older one.
    shelves.tell("refund.updated", refund, previous=previous)
    shelves.tell("charge.refund.updated", refund, previous=previous)


def _charge_id(call: Call) -> str:
    charge_id, intent_id = (
        values.text(call.params, "charge"),
        values.text(call.params, "payment_intent"),
    )
    if intent_id is not None:
        intent = call.shelves.load("payment_intent", intent_id)
        if intent is None:
            raise not_found("payment_intent", intent_id, param="payment_intent")
        if intent["latest_charge"] is None:
            raise invalid(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                param="payment_intent",
                code="payment_intent_unexpected_state",
            )
        charge_id = str(intent["latest_charge"])
    if charge_id is None:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or"
            " charge."
        )
    if call.shelves.load("charge", charge_id) is None:
        raise not_found("charge", charge_id, param="charge")
    return charge_id


def _refusal(shelves: Shelves, charge: Json, amount: int | None, left: int) -> StripeError | None:
    """Why Stripe would not give this back: never more than was taken, less what already went."""
    name = charge["id"]
    if charge["status"] != "succeeded" or not charge["captured"]:
        message = f"Charge {name} has not been captured; there is nothing to refund."
        return invalid(message, param="charge", code="charge_not_refundable")
    if any(d["status"] in _CHARGED_BACK for d in shelves.related("dispute", charge=name)):
        message = f"Charge {name} has been charged back; cannot issue a refund."
        return invalid(message, param="charge", code="charge_disputed")
    if left == 0:
        message = f"Charge {name} has already been refunded."
        return invalid(message, param="charge", code="charge_already_refunded")
    if amount is not None and amount < 1:
        return invalid("Invalid positive integer", param="amount")
    if amount is not None and amount > left:
        message = (
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            f" in the smallest unit of {charge['currency'].upper()}."
        )
        return invalid(message, param="amount")
    return None


def made(shelves: Shelves, charge: Json, amount: int, reason: str | None) -> Json:
    """A refund that nobody has written down yet."""
    return {
        "id": shelves.new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": shelves.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _load(call: Call) -> Json:
    refund = call.shelves.load("refund", call.id)
    if refund is None:
        raise not_found("refund", call.id, param="refund")
    return refund
