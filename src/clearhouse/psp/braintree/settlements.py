"""Braintree's settlement, fetched: the payment-level fee report of a day, held against the summary.

The report comes from GraphQL as an address that is the permission itself. Where a merchant has
no such report, the transactions that were settled on the day are searched, hour by hour since a
search finds at most 50,000, and written in the same columns, without fees. Either way the sums
must be those of the settlement batch summary, which Braintree makes by itself.
"""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from itertools import islice
from typing import Final

from clearhouse.kernel.days import midnight
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import MoneyError, format_minor
from clearhouse.psp.braintree.connection import Connection
from clearhouse.psp.braintree.reports import COLUMNS, OPTIONAL
from clearhouse.psp.csv_reports import read_csv, report_minor
from clearhouse.psp.report_files import Spool, download
from clearhouse.psp.settlements import Report, Trouble, TroubleKind

_HEADER: Final = (*COLUMNS, *OPTIONAL)
_HOUR: Final = timedelta(hours=1)
_PAGE: Final = 50
_SUMMED: Final = (
    "Merchant Account ID",
    "Transaction Type",
    "Settlement Currency",
    "Settlement Amount",
)


class ReportCalls:
    """The protocol Settlements."""

    _connection: Connection
    _download_limits: tuple[bool, float]
    """Whether a base URL was given, and the time limit."""

    async def reports(self, day: date) -> AsyncIterator[Report]:
        """The report of a UTC day. Raises UnavailableError."""
        spool: Spool | None = None
        try:
            url = await self._connection.call(lambda gateway: gateway.fee_report(day))
            spool = await (self._search(day) if url is None else self._get(url))
            sums = await self._connection.call(lambda gateway: gateway.settlement_sums(day))
            troubles = await asyncio.to_thread(differences, day, spool, sums)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            if spool is not None:
                spool.close()
            raise UnavailableError(
                f"Braintree's report of {day} could not be fetched ({type(error).__name__}).",
                hint="Try again; or drop the file from the control panel into the reports folder.",
            ) from None
        name = "settled-transactions" if url is None else "payment-level-fees"
        yield spool.report(f"{name}-{day}.csv", troubles)

    async def _get(self, url: str) -> Spool:
        elsewhere, limit = self._download_limits
        if not elsewhere and not url.startswith("https://"):
            raise ValueError("the report is not at an https address")
        return await asyncio.to_thread(download, url, {}, limit)

    async def _search(self, day: date) -> Spool:
        """The same from a search, page by page, each within the time limit of a call."""
        spool, call = Spool(), self._connection.call
        spool.write(_row(dict(zip(_HEADER, _HEADER, strict=True))))
        start = midnight(day)
        for hour in range(24):
            since = start + hour * _HOUR
            until = since + _HOUR - timedelta(seconds=1)
            found = await call(
                lambda gateway, since=since, until=until: gateway.settled_between(since, until)
            )
            while page := await call(lambda _gateway, found=found: list(islice(found, _PAGE))):
                for each in page:
                    spool.write(_row(each))
        return spool


def differences(
    day: date, spool: Spool, sums: Mapping[tuple[str, str], str]
) -> tuple[Trouble, ...]:
    """Where a report does not have the sums that Braintree tells of its day; reads it once."""
    found: Counter[tuple[str, str]] = Counter()
    currencies: dict[str, str] = {}
    for row in read_csv(spool.pieces(), _SUMMED):
        if not isinstance(row, Trouble):
            account, kind, currency, amount = row[1]
            with suppress(MoneyError):  # the reader tells it with its line
                found[account, kind.lower()] += abs(report_minor(amount, currency.upper()))
                currencies[account] = currency.upper()
    return tuple(
        trouble
        for account, kind in sorted({*found, *sums})
        for trouble in _difference(
            day, account, kind, currencies.get(account), found[account, kind], sums
        )
    )


def _difference(
    day: date,
    account: str,
    kind: str,
    currency: str | None,
    found: int,
    sums: Mapping[tuple[str, str], str],
) -> list[Trouble]:
    told = sums.get((account, kind), "0")
    try:
        if currency is not None and report_minor(told, currency) == found:
            return []
    except MoneyError:
        pass
    has = format_minor(found, currency) if currency is not None else "nothing"
    text = f"Braintree settled {kind}s of {told} in {account} on {day}, and its report has {has}."
    return [Trouble(0, TroubleKind.WRONG_TOTAL, text)]


def _row(cells: Mapping[str, str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([cells.get(name, "") for name in _HEADER])
    return out.getvalue().encode()
