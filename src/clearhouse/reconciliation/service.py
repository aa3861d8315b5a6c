"""The nights: what a PSP's day is, compared with ours, and what differs put where it is seen.

Safe to run twice or at once: a break has one subject for ever, so what was found before is found
again and changes nothing. A day is looked at again on each of the following nights until nothing
of it is open, which is also how days are caught up after an outage.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.days import midnight
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.reconciliation.breaks import Breaks
from clearhouse.reconciliation.judging import judge_again
from clearhouse.reconciliation.large import AROUND, ON_ITS_WAY
from clearhouse.reconciliation.matching import CAUSES, FACT_KINDS, FeePlan, plan_columns
from clearhouse.reconciliation.model import Area, CauseFigures, Matched, Night
from clearhouse.reconciliation.scanning import read_whole_tables
from clearhouse.reconciliation.store import QUERIES

_DAY: Final = timedelta(days=1)
_FACTS: Final = sorted(set(FACT_KINDS.values()))
_NO_CHARGES: Final = [kind for kind in _FACTS if kind != "charge"]


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
        self._breaks = Breaks(clock, ids)
        self._patience = timedelta(days=patience)

    async def reconcile(
        self, psp: str, day: date, last: date | None = None, *, books: bool = True
    ) -> Night:
        """Compare a UTC day of a PSP, or all from ``day`` to ``last``, and tell what was found.

        With ``books``, what our own books say of each other is compared as well.
        """
        until = last or day
        started = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_psp"], psp)
            await self._breaks.begin(connection)
            await read_whole_tables(connection)
            plans = self._plans.get(psp, {})
            await judge_again(connection, psp, day, until, plans)
            await self._find(connection, psp, day, until, plans)
            first = await self._breaks.compare(connection, Area.PSP, psp, day, until)
            second = (0, 0)
            if books:
                await self._breaks.begin(connection)
                await self._find_in_books(connection, psp, day, until)
                second = await self._breaks.compare(connection, Area.BOOKS, psp, day, until)
            new, closed = first[0] + second[0], first[1] + second[1]
            return await self._tell(connection, psp, day, until, started, new, closed)

    async def _find(
        self,
        connection: Connection,
        psp: str,
        day: date,
        until: date,
        plans: Mapping[str, FeePlan],
    ) -> None:
        agreed = plan_columns(plans)[:3]
        days = (until - day) // _DAY + 1
        remembered = await connection.fetchval(QUERIES["large_days"], psp, day, until)
        kinds: Sequence[str] = _FACTS
        unnamed: Sequence[str] = ()
        if remembered == days:
            kinds = _NO_CHARGES
            unnamed = await self._unnamed(connection, psp, day, until)
        await connection.execute(QUERIES["find_in_lines"], psp, day, until, *agreed)
        await connection.execute(
            QUERIES["find_without_lines"],
            psp,
            midnight(day),
            midnight(until + _DAY),
            day - AROUND,
            until + AROUND,
            self._clock.now().date() - self._patience,
            kinds,
            unnamed,
        )

    async def _unnamed(
        self, connection: Connection, psp: str, day: date, until: date
    ) -> Sequence[str]:
        """The charges of some days that no line named when they were read, nor has since."""
        rows = await connection.fetch(QUERIES["unnamed_charges"], psp, day, until)
        unnamed = [row["reference"] for row in rows]
        if not unnamed:
            # All lines would be read to find none of them.
            return ()
        named = await connection.fetch(
            QUERIES["named_since"], psp, day - AROUND, until + AROUND, unnamed
        )
        return list(set(unnamed).difference(row["reference"] for row in named))

    async def _find_in_books(
        self, connection: Connection, psp: str, day: date, until: date
    ) -> None:
        """What our own books say of each other; what is young may be on its way between them."""
        start, end = midnight(day), midnight(until + _DAY)
        young = self._clock.now() - ON_ITS_WAY
        await connection.execute(QUERIES["find_in_books"], psp, start, end, young)
        for name in ("find_in_ledger", "find_in_attempts"):
            await connection.execute(QUERIES[name], psp, start, end)

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
        await connection.execute(QUERIES["empty_totals"], psp, day, until)
        await connection.execute(QUERIES["sum_up"], psp, day, until)
        await connection.execute(QUERIES["make_totals"])
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
            await open_breaks(connection, psp, Area.PSP, Area.BOOKS),
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


async def open_breaks(
    connection: Connection, psp: str | None, *areas: Area
) -> tuple[CauseFigures, ...]:
    """The open breaks of a PSP (None: of all) in some areas, by cause and currency."""
    rows = await connection.fetch(QUERIES["figures_of_breaks"], psp, [one.value for one in areas])
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
