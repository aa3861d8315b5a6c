"""GET /v2/payments: by time window, eventually consistent, without a filter by our reference."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, invalid

_PARAMETERS: Final = {
    "begin_time",
    "end_time",
    "sort_order",
    "cursor",
    "location_id",
    "total",
    "last_4",
    "card_brand",
    "limit",
    "is_offline_payment",
    "offline_begin_time",
    "offline_end_time",
    "updated_at_begin_time",
    "updated_at_end_time",
    "sort_field",
}
_YEAR: Final = timedelta(days=365)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Listing:
    """The list of payments over one core; lags behind by the setting ``list_lag_seconds``."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def payments(self, call: Call) -> Response:
        """A page of payments and the cursor of the next one."""
        query = call.query
        for name in query:
            if name not in _PARAMETERS:
                raise invalid("UNKNOWN_QUERY_PARAMETER", "Unknown parameter.", name[:80])
        if query.get("sort_field", "CREATED_AT") != "CREATED_AT":
            detail = "The sandbox sorts payments by CREATED_AT only."
            raise invalid("INVALID_SORT_ORDER", detail, "sort_field")
        await call.request.working_time()
        limit = self._limit(call)
        ascending = query.get("sort_order", "DESC") == "ASC"
        now = self._core.now_us()
        since = self._time(call, "begin_time", now - _YEAR // _MICROSECOND)
        until = min(self._time(call, "end_time", now), self._core.visible_until(PSP))
        place = self._number(call, "cursor", "INVALID_CURSOR")
        page: list[Json] = []
        while True:
            found = self._core.objects.find(
                Shelf(PSP, call.account, "payment"),
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
                    page.append(item.body)
                if len(page) == limit:
                    return self._page(call, page, place)
            if len(found) < limit:
                return self._page(call, page, None)

    def _page(self, call: Call, page: list[Json], place: int | None) -> Response:
        body: Json = {"payments": page} if page else {}
        if place is not None:
            body["cursor"] = str(place)
        return respond(call.request, 200, body)

    def _fits(self, call: Call, payment: Json) -> bool:
        card = payment["card_details"]["card"]
        values = {
            "location_id": payment["location_id"],
            "total": str(payment["total_money"]["amount"]),
            "last_4": card["last_4"],
            "card_brand": card["card_brand"],
        }
        if any(name in call.query and call.query[name] != has for name, has in values.items()):
            return False
        updated = _microseconds(datetime.fromisoformat(payment["updated_at"]))
        since = self._time(call, "updated_at_begin_time", 0)
        return since <= updated <= self._time(call, "updated_at_end_time", updated)

    def _limit(self, call: Call) -> int:
        limit = self._number(call, "limit", "EXPECTED_INTEGER")
        return 100 if limit is None else max(1, min(limit, 100))

    def _number(self, call: Call, name: str, code: str) -> int | None:
        value = call.query.get(name)
        if value is None:
            return None
        if not _DIGITS.fullmatch(value):
            raise invalid(code, f"`{value[:40]}` is not valid.", name)
        return int(value)

    def _time(self, call: Call, name: str, default: int) -> int:
        value = call.query.get(name)
        if value is None:
            return default
        try:
            moment: Any = datetime.fromisoformat(value)
        except ValueError:
            raise invalid("INVALID_TIME", f"`{value[:40]}` is not RFC 3339.", name) from None
        if moment.tzinfo is None:
            raise invalid("INVALID_TIME", f"`{value[:40]}` has no time zone.", name)
        return _microseconds(moment)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
