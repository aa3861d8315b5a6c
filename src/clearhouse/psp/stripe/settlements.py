"""Stripe's settlement reports, fetched: report runs through the SDK, their files by a plain GET.

``balance_change_from_activity`` tells all that moved the balance on a day, payouts among it;
``payout_reconciliation`` tells which payout each movement went with, once that arrives. The same
movement has the same key in both, so it is one line, and the second report completes the first.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.days import midnight
from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.report_files import Spool, download
from clearhouse.psp.settlements import Report
from clearhouse.psp.stripe.connection import Connection

KINDS: Final = ("balance_change_from_activity.itemized.3", "payout_reconciliation.itemized.5")
"""The reports of a day, in the order in which they are fetched."""
COLUMNS: Final = (
    *("balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee"),
    *("net", "reporting_category", "source_id", "charge_id", "payment_intent_id"),
    *("automatic_payout_id", "payment_metadata[payment_order_id]"),
)
"""Asked for by name, so that their order and number are ours to know."""
_DAY: Final = timedelta(days=1)
_PATIENCE: Final = timedelta(minutes=20)
_LONGEST_PAUSE: Final = 15.0
_CLOCK: Final = SystemClock()


class ReportCalls:
    """The protocol Settlements."""

    _connection: Connection

    async def reports(self, day: date) -> AsyncIterator[Report]:
        """Both reports of a UTC day. Raises UnavailableError, also when it is not over yet."""
        for kind in KINDS:
            name = f"{kind}-{day}.csv"
            try:
                spool = await self._fetch(kind, day)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
                raise _unfetched(day, type(error).__name__) from None
            yield spool.report(name)

    async def _fetch(self, kind: str, day: date) -> Spool:
        start = midnight(day)
        end = start + _DAY
        await self._check_ready(kind, day, end)
        asked = {
            "report_type": kind,
            "parameters": {
                "interval_start": int(start.timestamp()),
                "interval_end": int(end.timestamp()),
                "columns": list(COLUMNS),
                "timezone": "Etc/UTC",
            },
        }
        run = await self._connection.run(
            lambda client: client.v1.reporting.report_runs.create_async(cast("Any", asked))
        )
        file = await self._wait_for(run.id, day)
        url, headers, limit = self._connection.file(file)
        return await asyncio.to_thread(download, url, headers, limit)

    async def _check_ready(self, kind: str, day: date, end: datetime) -> None:
        """Stripe refuses an interval of which it does not have all yet; it can be hours late."""
        known = await self._connection.run(
            lambda client: client.v1.reporting.report_types.retrieve_async(kind)
        )
        if known.data_available_end < end.timestamp():
            raise UnavailableError(
                f"Stripe has not got all of {day} for its reports yet.",
                hint="Reconcile this day later; Stripe takes up to 12 hours after midnight UTC.",
            )

    async def _wait_for(self, run_id: str, day: date) -> str:
        """The id of a run's file, once it is made."""
        pause, give_up = 0.1, _CLOCK.monotonic() + _PATIENCE.total_seconds()
        while True:
            run = await self._connection.run(
                lambda client: client.v1.reporting.report_runs.retrieve_async(run_id)
            )
            if run.status == "succeeded" and run.result is not None:
                return run.result.id
            if run.status == "failed":
                raise _unfetched(day, "the run failed")
            if _CLOCK.monotonic() > give_up:
                raise _unfetched(day, f"not ready after {_PATIENCE}")
            await _CLOCK.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _unfetched(day: date, why: str) -> UnavailableError:
    return UnavailableError(
        f"Stripe's reports of {day} could not be fetched ({why}).",
        hint="Try again; or drop the file from the dashboard into the reports folder.",
    )
