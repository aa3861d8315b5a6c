"""Mending by itself: what a settlement line proves is told to payments, which knows what to do.

Reconciliation changes no order and moves no money. An order that was charged succeeds, a second
charge is given back, a sale that the PSP took back is reversed, a refund made at the PSP is taken
in: each through the same door as if a webhook had said so. The break closes when both sides agree.
"""

from datetime import date
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.events import SettlementProved
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection
from clearhouse.reconciliation.matching import Cause, Mender
from clearhouse.reconciliation.store import QUERIES, SCHEMA

TOLD: Final = tuple(cause.word for cause in Cause if cause.mender is Mender.ENGINE)
"""The causes that payments mends when it is told."""


class Mending:
    """Tells payments what lines prove, once for each break; in the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def tell(self, connection: Connection, psp: str, day: date) -> int:
        """Tell what a day's open breaks prove; how many were told now."""
        rows = await connection.fetch(QUERIES["open_to_tell"], list(TOLD), psp, day)
        if not rows:
            return 0
        now = self._clock.now()
        events = [
            SettlementProved(
                aggregate_id=row["break_id"],
                version=1,
                occurred_at=now,
                psp=row["psp"],
                line_kind=row["kind"],
                psp_reference=row["reference"],
                charge_reference=row["charge_reference"],
                payment_order_id=row["order_hint"],
                amount_minor=abs(row["gross_minor"]),
                currency=row["currency"],
                line_key=row["line_key"],
            )
            for row in rows
        ]
        await publish(connection, SCHEMA, events)
        await connection.execute(QUERIES["note_told"], [row["break_id"] for row in rows], now)
        return len(events)
