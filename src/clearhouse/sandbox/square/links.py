"""Square's payment links: each stands for one order, and leads to a page where it is paid."""

from typing import Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.square import orders, shapes
from clearhouse.sandbox.square.checks import money, part
from clearhouse.sandbox.square.endpoint import Call, respond
from clearhouse.sandbox.square.errors import Json, invalid, not_found
from clearhouse.sandbox.square.keys import once
from clearhouse.sandbox.square.shelves import Shelves

_KNOWN: Final = {
    *("idempotency_key", "description", "quick_pay", "order", "checkout_options"),
    *("pre_populated_data", "payment_note"),
}
_LONGEST_KEY, _LONGEST_URL, _LONGEST_NOTE = 192, 2048, 500


class Links:
    """The payment links of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, call: Call) -> Response:
        """POST /v2/online-checkout/payment-links, for an order or for one price."""
        _check(call.body)
        host = call.request.headers.get("host", "127.0.0.1")

        def work() -> Json:
            shelves = Shelves(self._core, call.account)
            order = orders.make(self._core, _order(call.body))
            shelves.add_order(order)
            link = self._link(call, order, host)
            shelves.write_link(link, {"order_id": order["id"]})
            return {"payment_link": link, "related_resources": {"orders": [order]}}

        key = call.body.get("idempotency_key") or self._core.name(32)
        return await once(self._core, call, f"links {key}", work)

    async def get(self, call: Call) -> Response:
        """GET /v2/online-checkout/payment-links/{id}."""
        await call.request.working_time()
        link = _load(Shelves(self._core, call.account), call.request.params["id"])
        return respond(call.request, 200, {"payment_link": link})

    async def list(self, call: Call) -> Response:
        """GET /v2/online-checkout/payment-links, the oldest first."""
        await call.request.working_time()
        cursor, limit = call.query.get("cursor", "0"), call.query.get("limit", "100")
        if not cursor.isdecimal() or not limit.isdecimal():
            raise invalid("INVALID_CURSOR", "The cursor is not valid.", "cursor")
        most = min(max(int(limit), 1), 1000)
        found = self._core.objects.find(
            Shelves(self._core, call.account).shelf("payment_link"),
            after=int(cursor),
            limit=most,
            newest_first=False,
        )
        links = [each.body for each in found if not each.body.get("deleted")]
        body: Json = {"payment_links": links} if links else {}
        if len(found) == most:
            body["cursor"] = str(found[-1].seq)
        return respond(call.request, 200, body)

    async def delete(self, call: Call) -> Response:
        """DELETE .../{id}: the page is gone, and the order canceled unless it is paid."""
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            link = _load(shelves, call.request.params["id"])
            close(shelves, link)
        reply: Json = {"id": link["id"]}
        order = orders.load(shelves, link["order_id"])
        if order["state"] == "CANCELED":
            reply["cancelled_order_id"] = order["id"]
        return respond(call.request, 200, reply)

    def _link(self, call: Call, order: Json, host: str) -> Json:
        now, identifier = shapes.moment(self._core.now_us()), self._core.name(16)
        url = f"http://{host}/_sandbox/square/pay/{call.account}/{identifier}"
        link: Json = {
            "id": identifier,
            "version": 1,
            "order_id": order["id"],
            "url": url,
            "long_url": url,
            "created_at": now,
            "updated_at": now,
        }
        passed_on = ("description", "checkout_options", "pre_populated_data", "payment_note")
        link.update({name: call.body[name] for name in passed_on if name in call.body})
        return link


def close(shelves: Shelves, link: Json) -> None:
    """The link leads nowhere any more; an unpaid order can't be paid."""
    shelves.write_link({**link, "deleted": True})
    order = orders.load(shelves, link["order_id"])
    if order["state"] in {"DRAFT", "OPEN"}:
        order["state"] = "CANCELED"
        shelves.change_order(order)


def _load(shelves: Shelves, identifier: str) -> Json:
    link = shelves.load("payment_link", identifier)
    if link is None or link.get("deleted"):
        raise not_found("Could not find the payment link.", "id")
    return link


def _check(body: Json) -> None:
    for name in body:
        if name not in _KNOWN:
            raise invalid("UNKNOWN_BODY_PARAMETER", "Unknown parameter.", name[:80])
    if ("order" in body) == ("quick_pay" in body):
        raise invalid("BAD_REQUEST", "Exactly one of order and quick_pay is needed.", "order")
    options = part(body, "checkout_options")
    for value, longest, field in (
        (body.get("idempotency_key", ""), _LONGEST_KEY, "idempotency_key"),
        (body.get("payment_note", ""), _LONGEST_NOTE, "payment_note"),
        (options.get("redirect_url", ""), _LONGEST_URL, "checkout_options.redirect_url"),
    ):
        if not isinstance(value, str):
            raise invalid("EXPECTED_STRING", "Expected a string value.", field)
        if len(value) > longest:
            detail = f"Field must not be greater than {longest} in length."
            raise invalid("VALUE_TOO_LONG", detail, field)
    url = options.get("redirect_url", "")
    if url and not url.startswith(("http://", "https://")):
        raise invalid("INVALID_VALUE", "It is no URL.", "checkout_options.redirect_url")


def _order(body: Json) -> Json:
    if "order" in body:
        return part(body, "order")
    quick = part(body, "quick_pay")
    money(quick, "price_money")
    line = {"name": quick.get("name"), "quantity": "1", "base_price_money": quick["price_money"]}
    return {"location_id": quick.get("location_id"), "line_items": [line]}
