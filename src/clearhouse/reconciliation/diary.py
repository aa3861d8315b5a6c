"""Which days are due, and which were done: so that an outage is caught up with day by day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import Pool
from clearhouse.reconciliation.statements import BANK
from clearhouse.reconciliation.store import QUERIES

CATCH_UP: Final = timedelta(days=60)
"""So far back days are caught up with; older ones are for a person to ask for."""
MOST_DAYS: Final = timedelta(days=400)
"""No file speaks of more; one that does has a date in it that is none."""
_PATIENCE_MINUTES: Final = 10
_LONGEST_MINUTES: Final = 360
_AGAIN_SOON: Final = timedelta(minutes=10)
_AGAIN: Final = timedelta(hours=12)


class Diary:
    """The days of each PSP; the bank has one of its own."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def due(self, psp: str, last: date) -> Sequence[date]:
        """The days up to ``last`` that are not done, oldest first; those that failed wait a while.

        A PSP that was never asked starts with ``last``.
        """
        now = self._clock.now()
        await self._pool.execute(QUERIES["open_days"], psp, last, last - CATCH_UP, now)
        rows = await self._pool.fetch(QUERIES["due_days"], psp, last, now)
        return [row["day"] for row in rows]

    async def to_look_at(self, psp: str) -> Sequence[date]:
        """Days with open breaks that may have closed: soon after mending, else twice a day."""
        now = self._clock.now()
        rows = await self._pool.fetch(
            QUERIES["days_to_look_at"], psp, now.date() - CATCH_UP, now - _AGAIN_SOON, now - _AGAIN
        )
        return [row["day"] for row in rows]

    async def ask(self, psp: str, first: date, last: date) -> None:
        """Have some days compared soon, since a file speaks of them; the last 400 at most."""
        since = max(first, last - MOST_DAYS)
        await self._pool.execute(QUERIES["ask_days"], psp, since, last, self._clock.now())

    async def asked(self) -> Sequence[tuple[str, date]]:
        """The days that somebody asked for, of whichever PSP; the bank's stand for all of its."""
        rows = await self._pool.fetch(QUERIES["asked_days"])
        return [(row["psp"], row["day"]) for row in rows]

    async def looked_at(self, psp: str, day: date) -> None:
        """A day was compared with what is there; its report is fetched all the same."""
        await self._pool.execute(QUERIES["day_looked_at"], psp, day, self._clock.now())

    async def done(self, psp: str, day: date) -> None:
        """A day was fetched and compared."""
        await self._pool.execute(QUERIES["day_done"], psp, day, self._clock.now())

    async def failed(self, psp: str, day: date, why: str) -> None:
        """A day could not be fetched; it is tried again, later and later."""
        await self._pool.execute(
            QUERIES["day_failed"],
            psp,
            day,
            why,
            self._clock.now(),
            _PATIENCE_MINUTES,
            _LONGEST_MINUTES,
        )

    async def bank_is_due(self) -> bool:
        """Whether payouts and bank lines were not compared for half a day."""
        now = self._clock.now()
        rows = await self._pool.fetch(QUERIES["compared_since"], BANK, now.date(), now - _AGAIN)
        return not rows

    async def bank_done(self) -> None:
        """Payouts and bank lines were compared."""
        await self.done(BANK, self._clock.now().date())
