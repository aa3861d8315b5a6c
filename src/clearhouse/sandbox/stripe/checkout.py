"""Checkout sessions: a page at Stripe on which a buyer pays, opened, expired and completed."""

from typing import Any, Final, cast

from clearhouse.sandbox.stripe import charging, currencies, shapes, values
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reply
from clearhouse.sandbox.stripe.errors import StripeError, invalid, missing, not_found
from clearhouse.sandbox.stripe.expand import expand, paths
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shapes_checkout import line_item, session
from clearhouse.sandbox.stripe.shelves import Shelves

KIND: Final = "checkout.session"
_CREATE: Final = {
    *("allowed_payment_method_types", "billing_address_collection", "cancel_url"),
    *("client_reference_id", "customer", "customer_creation", "customer_email", "expand"),
    *("expires_at", "line_items", "locale", "metadata", "mode", "payment_intent_data"),
    *("payment_method_types", "submit_type", "success_url", "ui_mode"),
}
_INTENT_DATA: Final = {
    *("capture_method", "description", "metadata", "receipt_email", "statement_descriptor"),
    *("statement_descriptor_suffix", "transfer_group"),
}
_SHORTEST: Final = 30 * 60
_LONGEST: Final = 24 * 3600
_TEXTS: Final = ("customer_email", "locale", "submit_type")


def create(call: Call) -> Effect:
    """POST /v1/checkout/sessions."""
    params = call.params
    values.known(params, _CREATE)
    wanted = paths(params)
    if values.choice(params, "mode", {"payment"}) is None:
        raise missing("mode")
    values.choice(params, "ui_mode", {"hosted_page", "hosted"})
    items = _line_items(call)
    identifier = f"cs_test_{call.shelves.new_id('')[1:]}"
    made = session(
        identifier,
        url=f"{call.base_url}/_sandbox/stripe/checkout/{call.account}/{identifier}",
        currency=str(items[0]["currency"]),
        total=sum(item["amount_total"] for item in items),
        now=call.shelves.now,
    )
    made["success_url"] = _url(params, "success_url", required=True)
    made["cancel_url"] = _url(params, "cancel_url", required=False)
    made["expires_at"] = _expires_at(call)
    made["client_reference_id"] = values.text(params, "client_reference_id", 200)
    made["metadata"] = values.metadata(params)
    for name in _TEXTS:
        made[name] = values.text(params, name)
    data = values.nested(params, "payment_intent_data")
    values.known(data, _INTENT_DATA)
    behind = {
        "id": identifier,
        "object": "checkout.behind",
        "items": items,
        "metadata": values.metadata(data),
        "capture_method": values.choice(data, "capture_method", {"automatic", "manual"}),
    }

    def effect() -> Reply:
        call.shelves.save(made)
        call.shelves.save(behind)
        wait = made["expires_at"] - call.shelves.now
        call.shelves.later("checkout_expires", float(wait), identifier)
        return 200, expand(call.shelves, made, wanted)

    return effect


def end(call: Call) -> Effect:
    """POST /v1/checkout/sessions/{id}/expire."""
    values.known(call.params, {"expand"})
    wanted = paths(call.params)
    _load(call)

    def effect() -> Reply:
        found = _load(call)
        if found["status"] != "open":
            error = invalid(
                f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
                f" Session has a status of `{found['status']}`."
            )
            return error.status, error.body()
        expire(call.shelves, found)
        return 200, expand(call.shelves, found, wanted)

    return effect


def line_items(call: Call) -> Json:
    """GET /v1/checkout/sessions/{id}/line_items."""
    values.known(call.params, {"limit", "expand"})
    _load(call)
    behind = call.shelves.load("checkout.behind", call.id)
    assert behind is not None
    url = f"/v1/checkout/sessions/{call.id}/line_items"
    return {"object": "list", "data": behind["items"], "has_more": False, "url": url}


def expire(shelves: Shelves, found: Json) -> None:
    """Close a page that is open, and end what was begun on it."""
    found.update(status="expired", url=None)
    intent = found["payment_intent"] and shelves.load("payment_intent", found["payment_intent"])
    if intent and intent["status"] not in {"succeeded", "canceled", "processing"}:
        charging.cancel(shelves, intent, "automatic")
    shelves.save(found)
    shelves.tell("checkout.session.expired", found)


def intent_of(shelves: Shelves, found: Json) -> Json:
    """The payment intent of a page, made when a buyer first tries to pay."""
    if found["payment_intent"]:
        intent = shelves.load("payment_intent", found["payment_intent"])
        assert intent is not None
        return intent
    behind = shelves.load("checkout.behind", found["id"])
    assert behind is not None
    intent = shapes.payment_intent(
        shelves.new_id("pi"),
        shelves.new_id("")[1:],
        amount=found["amount_total"],
        currency=found["currency"],
        now=shelves.now,
    )
    intent["metadata"] = behind["metadata"]
    intent["capture_method"] = behind["capture_method"] or "automatic_async"
    found["payment_intent"] = intent["id"]
    shelves.save(intent)
    shelves.save(found)
    shelves.tell("payment_intent.created", intent)
    return intent


def settle(shelves: Shelves, intent: Json) -> None:
    """Complete the page of an intent, if it has one and the intent has come that far."""
    for found in shelves.related(KIND, payment_intent=intent["id"]):
        if found["status"] == "open" and intent["status"] in _COMPLETE:
            paid = intent["status"] == "succeeded"
            found.update(status="complete", payment_status="paid" if paid else "unpaid", url=None)
            shelves.save(found)
            shelves.tell("checkout.session.completed", found)
        elif found["status"] == "complete" and found["payment_status"] == "unpaid":
            _settle_late(shelves, found, intent)


_COMPLETE: Final = {"succeeded", "requires_capture", "processing"}


def _settle_late(shelves: Shelves, found: Json, intent: Json) -> None:
    if intent["status"] == "succeeded":
        found["payment_status"] = "paid"
        shelves.save(found)
        shelves.tell("checkout.session.async_payment_succeeded", found)
    elif intent["status"] == "requires_payment_method":
        shelves.tell("checkout.session.async_payment_failed", found)


def _line_items(call: Call) -> list[Json]:
    asked: Any = call.params.get("line_items")
    if not isinstance(asked, list) or not asked:
        raise missing("line_items")
    items: list[Json] = []
    for number, each in enumerate(cast("list[Params]", asked)):
        name = f"line_items[{number}]"
        price = values.nested(each, "price_data")
        amount = values.required_integer(price, "unit_amount")
        quantity = values.integer(each, "quantity")
        currency = (values.text(price, "currency") or "").lower()
        title = values.text(values.nested(price, "product_data"), "name")
        if quantity is None or quantity < 1 or amount < 0:
            raise invalid("Invalid non-negative integer", param=f"{name}[quantity]")
        if title is None:
            raise missing(f"{name}[price_data][product_data][name]")
        if items and currency != items[0]["currency"]:
            raise invalid("All prices must have the same currency.", param="line_items")
        items.append(line_item(call.shelves.new_id("li"), title, amount, quantity, currency))
    total = sum(item["amount_total"] for item in items)
    currencies.check(total, str(items[0]["currency"]).upper())
    return items


def _url(params: Params, name: str, *, required: bool) -> str | None:
    url = values.text(params, name)
    if url is None:
        if required:
            raise missing(name)
        return None
    if not url.startswith(("http://", "https://")):
        raise StripeError(
            400, "invalid_request_error", "Not a valid URL", code="url_invalid", param=name
        )
    return url


def _expires_at(call: Call) -> int:
    now = call.shelves.now
    wanted = values.integer(call.params, "expires_at")
    if wanted is None:
        return now + _LONGEST
    if not now + _SHORTEST <= wanted <= now + _LONGEST:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from"
            " Checkout Session creation.",
            param="expires_at",
        )
    return wanted


def _load(call: Call) -> Json:
    found = call.shelves.load(KIND, call.id)
    if found is None:
        raise not_found("checkout.session", call.id, param="session")
    return found
