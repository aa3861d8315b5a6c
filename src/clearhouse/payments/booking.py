"""Hearing back from the ledger and the wallets: booked orders, and checkouts that are done."""

from collections.abc import Sequence
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import (
    AnyEvent,
    JournalEntryPosted,
    WalletUpdated,
)
from clearhouse.messaging.outbox import Stream, publish
from clearhouse.payments.facts import done_event
from clearhouse.payments.store import QUERIES, SCHEMA, close_orders
from clearhouse.postgres.connection import Connection


class BookingService:
    """Sets ``ledger_updated`` and ``wallet_updated``, and with the last ``is_payment_done``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def subscriptions(self, ledger: Stream, wallets: Stream) -> list[Subscription]:
        """What payments listens to."""
        return [
            Subscription("payments.ledger", SCHEMA, ledger, (JournalEntryPosted,), self.on_ledger),
            Subscription("payments.wallets", SCHEMA, wallets, (WalletUpdated,), self.on_wallets),
        ]

    async def on_ledger(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Mark the orders whose sale is booked; an event seen twice changes nothing."""
        sales = [
            e.source_id for e in events if isinstance(e, JournalEntryPosted) and e.kind == "sale"
        ]
        rows = await connection.fetch(QUERIES["mark_ledger_updated"], sales)
        await self._close(connection, [row["event_id"] for row in rows if row["complete"]])

    async def on_wallets(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Mark the orders whose sale is in the seller's wallet."""
        sales = [e.source_id for e in events if isinstance(e, WalletUpdated) and e.kind == "sale"]
        rows = await connection.fetch(QUERIES["mark_wallet_updated"], sales)
        await self._close(connection, [row["event_id"] for row in rows if row["complete"]])

    async def _close(self, connection: Connection, event_ids: Sequence[UUID]) -> None:
        now = self._clock.now()
        done = await close_orders(connection, event_ids, now)
        await publish(connection, SCHEMA, [done_event(row, now) for row in done])
