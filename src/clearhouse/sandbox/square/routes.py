"""Square's endpoints, with the operation that faults name for each."""

from typing import Any, cast

import msgspec

from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.square import later
from clearhouse.sandbox.square.disputes import Disputes
from clearhouse.sandbox.square.endpoint import PSP, Call, endpoint, failed, respond
from clearhouse.sandbox.square.links import Links
from clearhouse.sandbox.square.listing import Listing
from clearhouse.sandbox.square.locations import MAIN, location, locations
from clearhouse.sandbox.square.orders import Orders
from clearhouse.sandbox.square.page import Page
from clearhouse.sandbox.square.payments import Payments
from clearhouse.sandbox.square.payouts import Payouts
from clearhouse.sandbox.square.refunds import Refunds

_PAYMENTS = "/v2/payments"
_REFUNDS = "/v2/refunds"
_DISPUTES = "/v2/disputes"
_LINKS = "/v2/online-checkout/payment-links"
_PAYOUTS = "/v2/payouts"
_ORDERS = "/v2/orders"
_PAY = "/_sandbox/square/pay/{account}/{id}"


def routes(core: Core) -> list[Route]:
    """All endpoints of Square that the sandbox has."""
    payments, refunds, listing = Payments(core), Refunds(core), Listing(core)
    disputes, orders, links, page = Disputes(core), Orders(core), Links(core), Page(core)
    payouts = Payouts(core)
    later.register(core)
    table = (
        ("POST", _PAYMENTS, payments.create, "charge"),
        ("GET", _PAYMENTS, listing.payments, "look-up"),
        ("POST", f"{_PAYMENTS}/cancel", payments.cancel_by_key, "cancel"),
        ("GET", f"{_PAYMENTS}/{{id}}", payments.get, "look-up"),
        ("POST", f"{_PAYMENTS}/{{id}}/complete", payments.complete, "capture"),
        ("POST", f"{_PAYMENTS}/{{id}}/cancel", payments.cancel, "cancel"),
        ("PUT", f"{_PAYMENTS}/{{id}}", payments.update, "capture"),
        ("POST", _REFUNDS, refunds.create, "refund"),
        ("GET", _REFUNDS, listing.refunds, "look-up"),
        ("GET", f"{_REFUNDS}/{{id}}", refunds.get, "look-up"),
        ("GET", _DISPUTES, disputes.list, "look-up"),
        ("GET", f"{_DISPUTES}/{{id}}", disputes.get, "look-up"),
        ("POST", f"{_DISPUTES}/{{id}}/accept", disputes.accept, "dispute"),
        ("POST", f"{_DISPUTES}/{{id}}/evidence-text", disputes.add_text, "dispute"),
        ("POST", f"{_DISPUTES}/{{id}}/submit-evidence", disputes.submit, "dispute"),
        ("POST", _LINKS, links.create, "page"),
        ("GET", _LINKS, links.list, "look-up"),
        ("GET", f"{_LINKS}/{{id}}", links.get, "look-up"),
        ("DELETE", f"{_LINKS}/{{id}}", links.delete, "page"),
        ("POST", f"{_ORDERS}/search", orders.search, "look-up"),
        ("GET", f"{_ORDERS}/{{id}}", orders.get, "look-up"),
        ("PUT", f"{_ORDERS}/{{id}}", orders.update, "page"),
        ("GET", _PAYOUTS, payouts.list, "report"),
        ("GET", f"{_PAYOUTS}/{{id}}", payouts.get, "report"),
        ("GET", f"{_PAYOUTS}/{{id}}/payout-entries", payouts.entries, "report"),
        ("GET", "/v2/locations", _list_locations, "other"),
        ("GET", "/v2/locations/{id}", _get_location, "other"),
    )
    shown = (
        ("GET", _PAY, page.show),
        ("POST", _PAY, page.pay),
        ("GET", f"{_PAY}/challenge", page.ask),
        ("POST", f"{_PAY}/challenge", page.confirm),
    )
    return [
        *(
            Route(PSP, method, pattern, endpoint(action), failed, operation, _reference)
            for method, pattern, action, operation in table
        ),
        *(Route(PSP, method, pattern, action, failed) for method, pattern, action in shown),
    ]


async def _list_locations(call: Call) -> Response:
    return respond(call.request, 200, {"locations": locations()})


async def _get_location(call: Call) -> Response:
    identifier = call.request.params["id"]
    wanted = MAIN if identifier == "main" else identifier
    return respond(call.request, 200, {"location": location(wanted)})


def _reference(request: Request) -> str | None:
    """Our reference in a request, else the id in its path, else the idempotency key."""
    try:
        body: Any = msgspec.json.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return request.params.get("id")
    if not isinstance(body, dict):
        return request.params.get("id")
    fields = cast("dict[str, Any]", body)
    for value in (fields.get("reference_id"), request.params.get("id")):
        if isinstance(value, str):
            return value
    key = fields.get("idempotency_key")
    return key if isinstance(key, str) else None
