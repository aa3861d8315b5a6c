"""What the reports and statements say that moved, told to the ledger as differences.

Each subject (a day's fees, a payout, a bank line) has an amount that the sources say now. What was
told of it before is subtracted, so that repeating tells nothing, and a correction tells the rest.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import SettlementBooked
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection
from clearhouse.reconciliation.payouts import BACK
from clearhouse.reconciliation.store import QUERIES, SCHEMA

SURE: Final = 70
"""The least confidence of a match by which a bank line is booked without a person."""


class Booking:
    """Tells the ledger what is to be booked; all in the caller's transaction."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def book_day(self, connection: Connection, psp: str, day: date) -> int:
        """Book a day's fees and payouts of a PSP; how many bookings that were."""
        rows = await connection.fetch(QUERIES["due_of_day"], psp, day)
        return await self.tell(connection, [self._booking(row) for row in rows])

    async def book_bank(self, connection: Connection) -> int:
        """Book what came to the bank from PSPs, as far as it is sure."""
        since = self._clock.now().date() - BACK
        rows = await connection.fetch(QUERIES["due_of_bank"], since, SURE)
        return await self.tell(connection, [self._booking(row) for row in rows])

    def _booking(self, row: asyncpg.Record) -> tuple[str, SettlementBooked]:
        now = self._clock.now()
        return row["subject"], SettlementBooked(
            aggregate_id=self._ids.at(now),
            version=1,
            occurred_at=now,
            kind=row["kind"],
            psp=row["psp"],
            bank_account=row["bank_account"],
            currency=row["currency"],
            amount_minor=int(row["due_minor"]),
            reference=row["reference"],
            reason=row["reason"],
        )

    async def tell(
        self,
        connection: Connection,
        bookings: Sequence[tuple[str, SettlementBooked]],
        break_id: object = None,
    ) -> int:
        """Keep bookings with their subjects, and publish them."""
        if not bookings:
            return 0
        events = [event for _, event in bookings]
        await connection.execute(
            QUERIES["store_bookings"],
            [event.aggregate_id for event in events],
            [event.kind for event in events],
            [subject for subject, _ in bookings],
            [event.psp for event in events],
            [event.bank_account for event in events],
            [event.currency for event in events],
            [event.amount_minor for event in events],
            [event.reference for event in events],
            [event.reason for event in events],
            break_id,
            self._clock.now(),
        )
        await publish(connection, SCHEMA, events)
        return len(events)
