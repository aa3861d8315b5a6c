"""The nights: what a PSP's day is, compared with ours, and what differs put where it is seen.

Safe to run twice or at once: a break has one subject for ever, so what was found before is found
again and changes nothing. A day is looked at again on each of the following nights until nothing
of it is open, which is also how days are caught up after an outage.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.reconciliation.judging import judge_again
from clearhouse.reconciliation.matching import CAUSES, FeePlan, plan_columns
from clearhouse.reconciliation.model import CauseFigures, Matched, Night
from clearhouse.reconciliation.store import QUERIES

_AROUND: Final = timedelta(days=8)
"""A PSP may book a charge on another day than we do, or settle it a week later."""
_DAY: Final = timedelta(days=1)


class Nights:
    """Reconciles days. ``patience`` is how many days a PSP has to report what happened."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        plans: Mapping[str, Mapping[str, FeePlan]],
        patience: int,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._plans = plans
        self._patience = timedelta(days=patience)

    async def reconcile(self, psp: str, day: date, last: date | None = None) -> Night:
        """Compare a UTC day of a PSP, or all from ``day`` to ``last``, and tell what was found."""
        until = last or day
        started = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_psp"], psp)
            for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
                await connection.execute(f"set local {setting} = on")
            plans = self._plans.get(psp, {})
            await judge_again(connection, psp, day, until, plans)
            await self._find(connection, psp, day, until, plans)
            new, closed = await self._compare(connection, psp, day, until)
            return await self._tell(connection, psp, day, until, started, new, closed)

    async def _find(
        self,
        connection: Connection,
        psp: str,
        day: date,
        until: date,
        plans: Mapping[str, FeePlan],
    ) -> None:
        await connection.execute(QUERIES["make_found"])
        agreed = plan_columns(plans)[:3]
        await connection.execute(QUERIES["find_in_lines"], psp, day, until, *agreed)
        await connection.execute(
            QUERIES["find_without_lines"],
            psp,
            _midnight(day),
            _midnight(until + _DAY),
            day - _AROUND,
            until + _AROUND,
            self._clock.now().date() - self._patience,
        )

    async def _compare(
        self, connection: Connection, psp: str, day: date, until: date
    ) -> tuple[int, int]:
        now = self._clock.now()
        closed = await connection.fetch(QUERIES["close_agreed"], psp, day, until, now)
        count = await connection.fetchval(QUERIES["count_found"])
        ids = [self._ids.at(now) for _ in range(count)]
        opened = await connection.fetch(QUERIES["open_found"], psp, now, ids)
        return sum(row["version"] == 1 for row in opened), len(closed)

    async def _tell(
        self,
        connection: Connection,
        psp: str,
        day: date,
        until: date,
        started: datetime,
        new: int,
        closed: int,
    ) -> Night:
        lines = await connection.fetch(QUERIES["figures_of_lines"], psp, day, until)
        matched = tuple(
            Matched(row["currency"], row["lines"], int(row["value"]), int(row["fees"]))
            for row in lines
        )
        night = Night(
            self._ids.new(),
            psp,
            day,
            started,
            self._clock.now(),
            matched,
            new,
            closed,
            await open_breaks(connection, psp),
        )
        await connection.execute(
            QUERIES["store_run"],
            night.run_id,
            psp,
            day,
            started,
            night.ended_at,
            sum(one.count for one in matched),
            " ".join(f"{one.value_minor} {one.currency}" for one in matched),
            sum(one.count for one in night.open_breaks),
            msgspec.json.encode(_figures(night)).decode(),
        )
        return night


async def open_breaks(connection: Connection, psp: str) -> tuple[CauseFigures, ...]:
    """The open breaks of a PSP by cause and currency."""
    rows = await connection.fetch(QUERIES["figures_of_breaks"], psp)
    return tuple(
        CauseFigures(
            CAUSES[row["cause"]],
            row["currency"],
            row["breaks"],
            int(row["at_stake"]),
            row["oldest"],
        )
        for row in rows
    )


def _figures(night: Night) -> dict[str, object]:
    return {
        "matched": night.matched,
        "new_breaks": night.new_breaks,
        "closed_breaks": night.closed_breaks,
        "open_breaks": [
            {
                "cause": one.cause.word,
                "currency": one.currency,
                "count": one.count,
                "at_stake_minor": one.at_stake_minor,
                "oldest": one.oldest,
            }
            for one in night.open_breaks
        ],
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
