"""A large file of one day becomes a partition of its own: copied once, judged where it lies.

Each line is written as what nearly all are: matched by its reference. One join with the facts then
finds those that are not, and changes them; it finds the day's charges that no line names, too, and
these are remembered. Indexes are built at once when the rest is done. Nobody sees any of it before
all of it commits. Where that cannot be (several days in one file, a day that has lines already, a
key that is in it twice), its lines are read as those of any other file.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import asyncpg

from clearhouse.kernel.days import midnight
from clearhouse.postgres.connection import Connection, row_value
from clearhouse.reconciliation.copying import LineSource
from clearhouse.reconciliation.matching import FeePlan, plan_columns
from clearhouse.reconciliation.store import QUERIES

LARGE_BYTES: Final = 1 << 20
"""From this size on a file is worth a partition."""
AROUND: Final = timedelta(days=8)
"""A PSP may book a charge on another day than we do, or settle it a week later."""
_DAY: Final = timedelta(days=1)
ON_ITS_WAY: Final = timedelta(hours=1)
"""So long after it happened a sale may still be on its way into one of our books."""
_FEW: Final = 10
"""One of so many lines: more charges without a line are no few that are looked up one by one."""


class LargeFiles:
    """Takes large files of a PSP in; ``now`` is when, which says what can be remembered."""

    def __init__(
        self, connection: Connection, psp: str, plans: Mapping[str, FeePlan], now: datetime
    ) -> None:
        self._connection = connection
        self._psp = psp
        self._plans = plans
        self._now = now

    async def take(self, source: LineSource) -> bool:
        """Read a file into a partition of its own; False when its lines are in ``incoming``
        instead.
        """
        file_id = source.file.file_id
        table = f"lines_{file_id.hex}"
        await self._connection.execute(QUERIES["open_large"], file_id, self._psp)
        await source.copy(self._connection, table, is_new=True)
        if len(source.days) == 1 and await self._attach(source, table):
            return True
        await self._connection.execute(_of(table, "read_large"))
        await self._connection.execute(QUERIES["drop_large"], file_id)
        return False

    async def _attach(self, source: LineSource, table: str) -> bool:
        connection, file_id, [day] = self._connection, source.file.file_id, source.days
        await connection.execute(QUERIES["ensure_days"], [day])
        if not await connection.fetchval(QUERIES["day_is_free"], self._psp, day):
            return False
        try:
            async with connection.transaction():
                await connection.execute(QUERIES["analyze_large"], file_id)
                first, last = await self._when(table, source.file.lines, day)
                await connection.execute(
                    _of(table, "judge_large"),
                    self._psp,
                    first,
                    last,
                    *plan_columns(self._plans),
                    midnight(day),
                )
                await connection.execute(_of(table, "mark_large"))
                await self._remember(source, day)
                await connection.execute(QUERIES["attach_large"], file_id, self._psp, day)
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def _when(self, table: str, lines: int, day: date) -> tuple[datetime, datetime]:
        """From when to when the facts are that nearly all lines name, told by a sample.

        Why not simply some days: each of them costs as much to read as the one that is asked for.
        """
        told = await self._connection.fetchrow(_of(table, "sample_large"), self._psp, lines)
        start = midnight(day)
        seen = row_value(told, "first") or start, row_value(told, "last") or start
        first, last = min(seen[0], start) - _DAY, max(seen[1], start) + 2 * _DAY
        return max(first, start - AROUND), min(last, start + _DAY + AROUND)

    async def _remember(self, source: LineSource, day: date) -> None:
        """Remember which charges of the day no line names, once all of the day is known."""
        if self._now < midnight(day) + _DAY + ON_ITS_WAY:
            return
        unnamed = await self._connection.fetchval(QUERIES["count_unnamed"])
        if unnamed * _FEW <= source.file.lines:
            await self._connection.execute(
                QUERIES["remember_unnamed"], self._psp, day, source.file.file_id, self._now
            )


def _of(table: str, query: str) -> str:
    return QUERIES[query].replace("{large}", table)
