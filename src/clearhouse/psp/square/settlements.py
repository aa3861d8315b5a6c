"""Square's payouts and their entries, fetched page by page and kept as the API said them.

Square has no settlement file, so one is written here, a line of JSON for each payout and entry
(``reports.py`` says how). A payout is made once its day is over, so those of the hours after it
are fetched with it; that they come again with the next day's does no harm.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from clearhouse.kernel.days import midnight
from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.report_files import Spool
from clearhouse.psp.settlements import Report
from clearhouse.psp.square.connection import ONCE, Connection, fields_of, rfc3339
from clearhouse.psp.square.walking import PAGE

_DAY: Final = timedelta(days=1)
_AFTERWARDS: Final = timedelta(hours=8)


class ReportCalls:
    """The protocol Settlements."""

    _connection: Connection

    async def reports(self, day: date) -> AsyncIterator[Report]:
        """All payouts of a UTC day, of all locations, as one report; none where there are none.

        Raises UnavailableError.
        """
        start = midnight(day)
        spool = Spool()
        try:
            for location in await self._connection.all_locations():
                window: dict[str, Any] = {
                    "begin_time": rfc3339(start),
                    "end_time": rfc3339(start + _DAY + _AFTERWARDS),
                    "sort_order": "ASC",
                    "limit": PAGE,
                }
                if location is not None:
                    window["location_id"] = location
                async for payout in self._payouts(window):
                    await self._write(spool, payout)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            spool.close()
            raise UnavailableError(
                f"Square's payouts of {day} could not be fetched ({type(error).__name__}).",
                hint="Try again.",
            ) from None
        if spool.is_empty:
            spool.close()
        else:
            yield spool.report(f"payouts-{day}.jsonl")

    async def _payouts(self, window: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        page = await self._connection.page(
            lambda square: square.payouts.list(**window, request_options=ONCE)
        )
        async for payout in self._walk(page):
            yield payout

    async def _write(self, spool: Spool, payout: Mapping[str, Any]) -> None:
        """A payout, its entries, and what they must add up to by the payout's own amount."""
        identifier = str(payout["id"])
        spool.write_record({"payout": payout})
        page = await self._connection.page(
            lambda square: square.payouts.list_entries(
                payout_id=identifier, limit=PAGE, sort_order="ASC", request_options=ONCE
            )
        )
        entries = 0
        async for entry in self._walk(page):
            spool.write_record({"entry": entry})
            entries += 1
        net = int(payout["amount_money"]["amount"])
        spool.write_record({"end": {"entries": entries, "net_minor": net}})

    async def _walk(self, page: Any) -> AsyncIterator[Mapping[str, Any]]:
        while True:
            for item in page.items or ():
                yield fields_of(item)
            if not page.has_next:
                return
            following = page.next_page
            page = await self._connection.page(lambda _, following=following: following())
