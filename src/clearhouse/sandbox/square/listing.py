"""Lists of payments and refunds: by time window, eventually consistent, none by our reference."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, invalid

_WINDOW: Final = frozenset(
    {
        *("begin_time", "end_time", "sort_order", "cursor", "location_id", "limit", "sort_field"),
        *("updated_at_begin_time", "updated_at_end_time"),
    }
)
_PAYMENTS: Final = _WINDOW | {
    *("total", "last_4", "card_brand"),
    *("is_offline_payment", "offline_begin_time", "offline_end_time"),
}
_REFUNDS: Final = _WINDOW | {"status", "source_type"}
_YEAR: Final = timedelta(days=365)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Listing:
    """The lists over one core; they lag behind by the setting ``list_lag_seconds``."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def payments(self, call: Call) -> Response:
        """GET /v2/payments: a page of payments and the cursor of the next one."""
        return await self._list(call, "payment", _PAYMENTS)

    async def refunds(self, call: Call) -> Response:
        """GET /v2/refunds: a page of refunds and the cursor of the next one."""
        return await self._list(call, "refund", _REFUNDS)

    async def _list(self, call: Call, kind: str, parameters: frozenset[str]) -> Response:
        query = call.query
        for name in query:
            if name not in parameters:
                raise invalid("UNKNOWN_QUERY_PARAMETER", "Unknown parameter.", name[:80])
        if query.get("sort_field", "CREATED_AT") != "CREATED_AT":
            detail = "The sandbox sorts by CREATED_AT only."
            raise invalid("INVALID_SORT_ORDER", detail, "sort_field")
        await call.request.working_time()
        limit = limit_of(call)
        ascending = query.get("sort_order", "DESC") == "ASC"
        now = self._core.now_us()
        since = time_of(call, "begin_time", now - _YEAR // _MICROSECOND)
        until = min(time_of(call, "end_time", now), self._core.visible_until(PSP))
        place = number_of(call, "cursor", "INVALID_CURSOR")
        page: list[Json] = []
        while True:
            found = self._core.objects.find(
                Shelf(PSP, call.account, kind),
                created_from=since,
                created_to=until,
                after=place if ascending else None,
                before=None if ascending else place,
                limit=limit,
                newest_first=not ascending,
            )
            for item in found:
                place = item.seq
                if self._fits(call, item.body):
                    page.append(shapes.shown(item.body, now))
                if len(page) == limit:
                    return self._page(call, f"{kind}s", page, place)
            if len(found) < limit:
                return self._page(call, f"{kind}s", page, None)

    def _page(self, call: Call, name: str, page: list[Json], place: int | None) -> Response:
        body: Json = {name: page} if page else {}
        if place is not None:
            body["cursor"] = str(place)
        return respond(call.request, 200, body)

    def _fits(self, call: Call, item: Json) -> bool:
        card = item.get("card_details", {}).get("card", {})
        values = {
            "location_id": item["location_id"],
            "total": str(item.get("total_money", {}).get("amount")),
            "last_4": card.get("last_4"),
            "card_brand": card.get("card_brand"),
            "status": item["status"],
            "source_type": "CARD",
        }
        if any(name in call.query and call.query[name] != has for name, has in values.items()):
            return False
        updated = shapes.micros(item["updated_at"])
        since = time_of(call, "updated_at_begin_time", 0)
        return since <= updated <= time_of(call, "updated_at_end_time", updated)


def limit_of(call: Call) -> int:
    """How many a page has."""
    limit = number_of(call, "limit", "EXPECTED_INTEGER")
    return 100 if limit is None else max(1, min(limit, 100))


def number_of(call: Call, name: str, code: str) -> int | None:
    """A number of the query, None where there is none."""
    value = call.query.get(name)
    if value is None:
        return None
    if not _DIGITS.fullmatch(value):
        raise invalid(code, f"`{value[:40]}` is not valid.", name)
    return int(value)


def time_of(call: Call, name: str, default: int) -> int:
    """A time of the query in microseconds, ``default`` where there is none."""
    value = call.query.get(name)
    if value is None:
        return default
    try:
        moment: Any = datetime.fromisoformat(value)
    except ValueError:
        raise invalid("INVALID_TIME", f"`{value[:40]}` is not RFC 3339.", name) from None
    if moment.tzinfo is None:
        raise invalid("INVALID_TIME", f"`{value[:40]}` has no time zone.", name)
    return int(moment.timestamp() * 1_000_000)
