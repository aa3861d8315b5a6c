"""Square's orders as far as payment links need them: get, search, and cancel."""

from typing import Any, Final, cast

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.checks import money, part
from clearhouse.sandbox.square.endpoint import Call, respond
from clearhouse.sandbox.square.errors import Json, invalid, not_found
from clearhouse.sandbox.square.locations import currency_of
from clearhouse.sandbox.square.shelves import Shelves

_MOST_LINES: Final = 500
_LONGEST_REFERENCE: Final = 40


class Orders:
    """The orders of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def get(self, call: Call) -> Response:
        """GET /v2/orders/{id}."""
        await call.request.working_time()
        order = load(Shelves(self._core, call.account), call.request.params["id"])
        return respond(call.request, 200, {"order": order})

    async def search(self, call: Call) -> Response:
        """POST /v2/orders/search: by location and state; there is no filter by reference."""
        await call.request.working_time()
        chosen = part(part(part(call.body, "query"), "filter"), "state_filter")
        states: list[str] = chosen.get("states") or []
        places: list[str] = call.body.get("location_ids") or []
        found = self._core.objects.find(Shelves(self._core, call.account).shelf("order"), limit=500)
        orders = [
            each.body
            for each in found
            if each.body["location_id"] in places and (not states or each.body["state"] in states)
        ]
        return respond(call.request, 200, {"orders": orders} if orders else {})

    async def update(self, call: Call) -> Response:
        """PUT /v2/orders/{id}: the sandbox changes nothing of it but its state to CANCELED."""
        await call.request.working_time()
        wanted = part(call.body, "order")
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            order = load(shelves, call.request.params["id"])
            if wanted.get("version") != order["version"]:
                raise invalid("VERSION_MISMATCH", "The version is not the latest.", "order.version")
            if order["state"] not in {"OPEN", "DRAFT"} or wanted.get("state") != "CANCELED":
                raise invalid("BAD_REQUEST", "The order can't be changed that way.", "order.state")
            order["state"] = "CANCELED"
            shelves.change_order(order)
        return respond(call.request, 200, {"order": order})


def load(shelves: Shelves, identifier: str) -> Json:
    """An order. Raises SquareError when there is none."""
    order = shelves.load("order", identifier)
    if order is None:
        raise not_found("Could not find the order.", "order_id")
    return order


def make(core: Core, wanted: Json) -> Json:
    """A new order, not yet written. Raises SquareError for one that makes no sense."""
    location = wanted.get("location_id")
    if not isinstance(location, str):
        raise invalid("MISSING_REQUIRED_PARAMETER", "Missing parameter.", "order.location_id")
    currency = currency_of(location)
    reference = wanted.get("reference_id", "")
    if not isinstance(reference, str) or len(reference) > _LONGEST_REFERENCE:
        detail = f"Field must not be greater than {_LONGEST_REFERENCE} in length."
        raise invalid("VALUE_TOO_LONG", detail, "order.reference_id")
    lines = _lines(wanted.get("line_items"), currency)
    amount = sum(line["total_money"]["amount"] for line in lines)
    total: Json = {"amount": amount, "currency": currency}
    if amount < 1:
        raise invalid("VALUE_TOO_LOW", "An order costs at least 1.", "order.line_items")
    now = shapes.moment(core.now_us())
    order: Json = {
        "id": f"{core.name(26)}ZY",
        "location_id": location,
        "source": {"name": "clearhouse sandbox"},
        "line_items": lines,
        "state": "DRAFT",
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "total_money": total,
        "net_amount_due_money": dict(total),
    }
    if reference:
        order["reference_id"] = reference
    return order


def _lines(given: Any, currency: str) -> list[Json]:
    lines: list[Any] = cast("list[Any]", given) if isinstance(given, list) else []
    if not 0 < len(lines) <= _MOST_LINES:
        detail = f"An order has between 1 and {_MOST_LINES} lines."
        raise invalid("ARRAY_LENGTH_TOO_SHORT", detail, "order.line_items")
    return [_line(line, currency, number) for number, line in enumerate(lines)]


def _line(given: Any, currency: str, number: int) -> Json:
    line = cast("Json", given) if isinstance(given, dict) else {}
    quantity, name = line.get("quantity"), line.get("name")
    if not isinstance(quantity, str) or not quantity.isdecimal() or not 0 < len(quantity) < 6:
        raise invalid("INVALID_VALUE", "It is a whole number.", "order.line_items.quantity")
    if not isinstance(name, str) or not 0 < len(name) <= 512:
        raise invalid("VALUE_EMPTY", "A line needs a name.", "order.line_items.name")
    amount, its = money(line, "base_price_money", least=0)
    if its != currency:
        detail = f"The location takes {currency}."
        raise invalid("INVALID_VALUE", detail, "order.line_items.base_price_money.currency")
    total = {"amount": amount * int(quantity), "currency": currency}
    return {
        "uid": f"line-{number}",
        "name": name,
        "quantity": quantity,
        "base_price_money": {"amount": amount, "currency": currency},
        "gross_sales_money": total,
        "total_money": total,
    }
