"""What finance asks of some days: what agreed, what does not, and where the money is."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.reconciliation.matching import CAUSES, Cause, Mender
from clearhouse.reconciliation.store import QUERIES

HISTORY: Final = timedelta(days=30)
"""How far back the history goes that stands beside the figures."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A PSP's days in one currency. Amounts in minor units, signed as they moved at the PSP.

    ``unmatched_minor`` is what is at stake in open breaks of these days that time alone does not
    mend, ``basis_points`` its share of everything in ten-thousandths, rounded up.
    """

    psp: str
    currency: str
    lines: int
    matched: int
    matched_minor: int
    charged_minor: int
    refunded_minor: int
    disputed_minor: int
    fees_minor: int
    paid_out_minor: int
    unmatched_minor: int

    @property
    def basis_points(self) -> int:
        """The unmatched share."""
        whole = self.matched_minor + self.unmatched_minor
        return -(-self.unmatched_minor * 10_000 // whole) if whole else 0


@dataclass(frozen=True, slots=True)
class OpenBreaks:
    """Open breaks of one cause, PSP and currency; ``age_days`` is the oldest's."""

    psp: str
    cause: Cause
    currency: str
    count: int
    at_stake_minor: int
    oldest: date
    age_days: int

    @property
    def is_timing(self) -> bool:
        """Whether nothing is wrong: the other side is expected with a later file."""
        return self.cause.mender is Mender.TIME


@dataclass(frozen=True, slots=True)
class Cash:
    """Where money is by our books, and by theirs where they tell it.

    ``place`` is ``psp_receivable``, ``cash_in_transit`` or ``bank``; ``owner`` a PSP or account.
    """

    place: str
    owner: str
    currency: str
    ours_minor: int
    theirs_minor: int | None


@dataclass(frozen=True, slots=True)
class PastDay:
    """One day of the history: lines that came and that agree, and breaks of that day still open."""

    day: date
    lines: int
    matched: int
    open_breaks: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, for the days from ``first`` to ``last``."""

    first: date
    last: date
    made_on: date
    figures: tuple[Figures, ...]
    breaks: tuple[OpenBreaks, ...]
    cash: tuple[Cash, ...]
    history: tuple[PastDay, ...]


class Reports:
    """Makes reports. Reads sums, so a month costs no more than a day."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def report(self, first: date, last: date) -> Report:
        """The report of some days, in one snapshot."""
        today = self._clock.now().date()
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return Report(
                first,
                last,
                today,
                await _figures(connection, first, last),
                await _breaks(connection, last, today),
                await _cash(connection),
                await _history(connection, last),
            )


async def _figures(connection: Connection, first: date, last: date) -> tuple[Figures, ...]:
    rows = await connection.fetch(QUERIES["report_figures"], first, last)
    return tuple(
        Figures(
            row["psp"],
            row["currency"],
            row["lines"],
            row["matched"],
            int(row["matched_minor"]),
            int(row["charged"]),
            int(row["refunded"]),
            int(row["disputed"]),
            int(row["fees"]),
            int(row["paid_out"]),
            int(row["unmatched"]),
        )
        for row in rows
    )


async def _breaks(connection: Connection, last: date, today: date) -> tuple[OpenBreaks, ...]:
    rows = await connection.fetch(QUERIES["report_breaks"], last)
    return tuple(
        OpenBreaks(
            row["psp"],
            CAUSES[row["cause"]],
            row["currency"],
            row["breaks"],
            int(row["at_stake"]),
            row["oldest"],
            (today - row["oldest"]).days,
        )
        for row in rows
    )


async def _cash(connection: Connection) -> tuple[Cash, ...]:
    rows = await connection.fetch(QUERIES["report_cash"])
    return tuple(
        Cash(
            row["family"],
            row["owner"],
            row["currency"],
            row["ours"],
            None if row["theirs"] is None else int(row["theirs"]),
        )
        for row in rows
    )


async def _history(connection: Connection, last: date) -> tuple[PastDay, ...]:
    rows = await connection.fetch(QUERIES["report_history"], last - HISTORY, last)
    return tuple(PastDay(row["day"], row["lines"], row["matched"], row["breaks"]) for row in rows)
