"""The nightly job: days that are over are fetched and compared, and dropped files are read.

One process does it at a time, whichever: an advisory lock of the session keeps the others away,
and is gone with the process that held it. No database transaction is open while a PSP is asked.
What was missed in an outage is due until it is done, day by day, oldest first.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.connection import TROUBLE, Pool
from clearhouse.psp.settlements import Settlements
from clearhouse.reconciliation.alerts import Alarm
from clearhouse.reconciliation.collecting import Collector
from clearhouse.reconciliation.diary import Diary
from clearhouse.reconciliation.files import unheard
from clearhouse.reconciliation.model import BankNight, Night
from clearhouse.reconciliation.office import Office
from clearhouse.reconciliation.report import Reports
from clearhouse.reconciliation.statements import BANK
from clearhouse.workers.metrics import ALERTS, BREAKS, MATCHED, NIGHTS, OLDEST, UNMATCHED

_EVERY_SECONDS: Final = 60.0
_LOCK: Final = 0x6E_6967_6874
_SHOWN: Final[dict[str, set[tuple[str, str]]]] = {}
"""The gauges that were ever set, by PSP: what is closed goes back to zero."""
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.nightly")


class NightlyJob:
    """Reconciles by itself. ``hour`` is when a day is looked at, in UTC of the day after it."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        office: Office,
        collector: Collector,
        diary: Diary,
        psps: Mapping[str, object],
        *,
        hour: int,
        drop_folder: Path,
        reports: Reports,
        alarm: Alarm,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._office = office
        self._collector = collector
        self._diary = diary
        self._psps = psps
        self._hour = hour
        self._drop_folder = drop_folder
        self._reports = reports
        self._alarm = alarm

    async def run(self) -> None:
        """Look every minute until cancelled; trouble is logged and tried again."""
        while True:
            try:
                await self.round()
            except TROUBLE as error:
                _log.warning("nightly_waits", error=type(error).__name__)
            await self._clock.sleep(_EVERY_SECONDS)

    async def round(self) -> bool:
        """All that is due now; False when another process is at it."""
        async with self._alone() as free:
            if not free:
                return False
            bank_is_due = await self._dropped()
            bank_is_due = await self._asked() or bank_is_due
            for psp, adapter in self._psps.items():
                for day in await self._diary.due(psp, last_day(self._clock.now(), self._hour)):
                    bank_is_due = await self._fetched(psp, adapter, day) or bank_is_due
                for day in await self._diary.to_look_at(psp):
                    await self._compare(psp, day)
            if bank_is_due or await self._diary.bank_is_due():
                _tell_bank(await self._office.bank())
                # Bank lines that name no payout are no PSP's.
                await self._watch("", self._clock.now().date())
                await self._diary.bank_done()
            return True

    async def _dropped(self) -> bool:
        """Read what was dropped, and compare the days it speaks of; whether there was any."""
        found = await self._collector.take_dropped(
            self._drop_folder, self._clock.now(), lambda _text: None
        )
        for one in found:
            _log.info("file_read", file=one.name, source=one.source, state=one.read.state.value)
            if one.source == BANK or one.read.first is None or one.read.last is None:
                continue
            day = one.read.first
            while day <= one.read.last:
                await self._compare(one.source, day)
                day += timedelta(days=1)
        return bool(found)

    async def _asked(self) -> bool:
        """Compare the days of files that were handed in; whether there was one of the bank's."""
        asked = await self._diary.asked()
        for source, day in asked:
            if source == BANK:
                await self._diary.looked_at(source, day)
            else:
                await self._compare(source, day)
        return bool(asked)

    async def _fetched(self, psp: str, adapter: object, day: date) -> bool:
        """Fetch and compare a day; whether that could be done."""
        try:
            if isinstance(adapter, Settlements):
                await self._collector.fetch(psp, adapter, day, unheard)
        except UnavailableError as error:
            _log.warning("reports_not_fetched", psp=psp, day=str(day), why=error.message)
            await self._diary.failed(psp, day, error.message)
            NIGHTS.labels(psp, "not_fetched").inc()
            return False
        await self._compare(psp, day)
        await self._diary.done(psp, day)
        return True

    async def _compare(self, psp: str, day: date) -> None:
        night = await self._office.day(psp, day)
        await self._diary.looked_at(psp, day)
        _tell(night)
        await self._watch(psp, day)

    async def _watch(self, psp: str, day: date) -> None:
        """Show how much does not agree, and for how long; past the limits, tell it."""
        report = await self._reports.report(day, day)
        for one in report.figures:
            if one.psp == psp:
                UNMATCHED.labels(psp, one.currency).set(one.basis_points)
        waiting = [one for one in report.breaks if one.psp == psp and not one.is_timing]
        OLDEST.labels(psp).set(max((one.age_days for one in waiting), default=0))
        for alert in await self._alarm.tell(report, psp):
            ALERTS.labels(psp, alert.kind.value).inc()
            _log.warning(
                "reconciliation_alert",
                kind=alert.kind.value,
                psp=psp,
                cause=alert.cause,
                day=str(alert.day),
                currency=alert.currency,
                is_at=alert.over,
                limit=alert.limit,
            )

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[bool]:
        async with self._pool.acquire() as connection:
            free = bool(await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK))
            try:
                yield free
            finally:
                if free:
                    await connection.execute("select pg_advisory_unlock($1)", _LOCK)


def last_day(now: datetime, hour: int) -> date:
    """The last UTC day that is due: yesterday once it is ``hour`` o'clock, else the day before."""
    today = now.astimezone(UTC)
    return today.date() - timedelta(days=1 if today.hour >= hour else 2)


def _tell(night: Night) -> None:
    NIGHTS.labels(night.psp, "compared").inc()
    MATCHED.labels(night.psp).set(sum(one.count for one in night.matched))
    open_now = {(one.cause.word, one.currency): one.count for one in night.open_breaks}
    told = _SHOWN.setdefault(night.psp, set())
    told |= open_now.keys()
    for cause, currency in told:
        BREAKS.labels(night.psp, cause, currency).set(open_now.get((cause, currency), 0))
    _log.info(
        "day_compared",
        psp=night.psp,
        day=str(night.day),
        matched=sum(one.count for one in night.matched),
        new_breaks=night.new_breaks,
        closed_breaks=night.closed_breaks,
        open_breaks=sum(one.count for one in night.open_breaks),
    )


def _tell_bank(night: BankNight) -> None:
    _log.info(
        "bank_compared",
        matched=night.matched,
        booked=night.booked,
        new_breaks=night.new_breaks,
        closed_breaks=night.closed_breaks,
    )
