"""The ledger's verbs: book what happened, once, and tell that it is booked."""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.ledger import store
from clearhouse.ledger.accounts import KnownAccounts
from clearhouse.ledger.model import JournalEntry, Posted, PostingRefused
from clearhouse.ledger.rules import PAYMENTS, SETTLEMENTS, WALLETS, entry_for
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent, JournalEntryPosted
from clearhouse.messaging.outbox import Stream
from clearhouse.postgres.connection import Connection

SCHEMA: Final = "ledger"


class LedgerService:
    """Books events and entries of one database, whose accounts it remembers."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._accounts = KnownAccounts()

    async def post(self, connection: Connection, entries: Sequence[JournalEntry]) -> list[Posted]:
        """Book entries, and publish JournalEntryPosted for each new one.

        One statement in the caller's transaction, however many entries, once their accounts are
        known. Answers stand in the entries' order; a duplicate or refused entry has its own, and
        nothing is published for it.
        """
        now = self._clock.now()
        ids = [self._ids.new() for _ in entries]
        events = [
            JournalEntryPosted(
                aggregate_id=entry_id,
                version=1,
                occurred_at=now,
                kind=entry.kind,
                source_id=entry.source_id,
                reference=entry.reference,
            )
            for entry, entry_id in zip(entries, ids, strict=True)
        ]
        return await store.post(connection, entries, ids, now, self._accounts, events)

    async def handle(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Book the events that move money, once each; a message handler.

        Raises PostingRefused when an entry is refused, and ValueError for an event that cannot
        be booked; the consumer then handles the events one by one and lays that one aside.
        """
        entries = [entry for event in events if (entry := entry_for(event)) is not None]
        for answer in await self.post(connection, entries):
            if answer.entry_id is None:
                raise PostingRefused(
                    f"The {answer.entry.kind} {answer.entry.reference} is {answer.outcome}.",
                    hint="Look at the accounts' floors, types and currencies, then replay it.",
                )

    def subscriptions(self, payments: Stream, wallets: Stream) -> list[Subscription]:
        """What the ledger reads from the payments service and from the wallets."""
        return [
            Subscription("ledger.payments", SCHEMA, payments, tuple(PAYMENTS), self.handle),
            Subscription("ledger.wallets", SCHEMA, wallets, tuple(WALLETS), self.handle),
        ]

    def settlements(self, reconciliation: Stream) -> Subscription:
        """What the ledger reads from reconciliation."""
        return Subscription(
            name="ledger.reconciliation",
            schema=SCHEMA,
            stream=reconciliation,
            types=tuple(SETTLEMENTS),
            handler=self.handle,
        )
