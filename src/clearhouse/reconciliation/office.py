"""A PSP's day from its reports to the books, step by step; and the bank's.

Each step commits by itself and is safe to repeat, so a process that dies in between leaves a day
that is simply compared again.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.reconciliation.booking import Booking
from clearhouse.reconciliation.breaks import Breaks
from clearhouse.reconciliation.likeness import Likenesses
from clearhouse.reconciliation.mending import Mending
from clearhouse.reconciliation.model import Area, BankNight, Night
from clearhouse.reconciliation.payouts import BACK, PayoutMatching
from clearhouse.reconciliation.service import Nights, open_breaks
from clearhouse.reconciliation.settled import SettledSales
from clearhouse.reconciliation.store import QUERIES


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who does the steps."""

    nights: Nights
    breaks: Breaks
    booking: Booking
    settled: SettledSales
    mending: Mending
    payouts: PayoutMatching
    likenesses: Likenesses


class Office:
    """Does all that is to be done about a day."""

    def __init__(self, pool: Pool, clock: Clock, rooms: Rooms) -> None:
        self._pool = pool
        self._clock = clock
        self._rooms = rooms

    async def day(self, psp: str, day: date) -> Night:
        """Compare a UTC day of a PSP, book what its report says, mend and tell."""
        night = await self._rooms.nights.reconcile(psp, day)

        async def follow(connection: Connection) -> None:
            await self._rooms.booking.book_day(connection, psp, day)
            await self._rooms.mending.tell(connection, psp, day)
            await self._rooms.likenesses.find(connection, psp, day)

        await in_transaction(self._pool, self._clock, follow)
        await self._rooms.settled.tell(psp, day)
        return night

    async def bank(self) -> BankNight:
        """Match payouts with bank lines, and book what has arrived."""

        async def work(connection: Connection) -> BankNight:
            await connection.execute(QUERIES["lock_psp"], "bank")
            differences = await self._rooms.payouts.match(connection)
            breaks, today = self._rooms.breaks, self._clock.now().date()
            await breaks.begin(connection)
            await breaks.find(connection, differences)
            first, last = today - BACK - timedelta(days=2), today + timedelta(days=2)
            new, closed = await breaks.compare(connection, Area.BANK, None, first, last)
            booked = await self._rooms.booking.book_bank(connection)
            matched = await connection.fetchval(QUERIES["count_matched"])
            found = await open_breaks(connection, None, Area.BANK)
            return BankNight(matched, booked, new, closed, found)

        return await in_transaction(self._pool, self._clock, work)
