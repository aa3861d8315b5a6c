"""The ledger's verbs: book what happened, once, and tell that it is booked."""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.ledger import store
from clearhouse.ledger.chart import RULES, entry_for
from clearhouse.ledger.model import JournalEntry, Outcome, Posted, PostingRefused
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent, JournalEntryPosted
from clearhouse.messaging.outbox import Stream, publish
from clearhouse.postgres.connection import Connection

SCHEMA: Final = "ledger"


class LedgerService:
    """Books events and entries; holds nothing but the sources of ids and time."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    async def post(self, connection: Connection, entries: Sequence[JournalEntry]) -> list[Posted]:
        """Book entries, and publish JournalEntryPosted for each new one.

        Two statements in the caller's transaction, however many entries. Answers stand in the
        entries' order; a duplicate or refused entry has its own, and nothing is published for it.
        """
        now = self._clock.now()
        answers = await store.post(connection, entries, [self._ids.new() for _ in entries], now)
        await publish(
            connection,
            SCHEMA,
            [
                JournalEntryPosted(
                    aggregate_id=answer.entry_id,
                    version=1,
                    occurred_at=now,
                    kind=answer.entry.kind,
                    source_id=answer.entry.source_id,
                    reference=answer.entry.reference,
                )
                for answer in answers
                if answer.outcome is Outcome.POSTED and answer.entry_id is not None
            ],
        )
        return answers

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

    def subscription(self, payments: Stream) -> Subscription:
        """What the ledger reads from the payments service."""
        return Subscription(
            name="ledger.payments",
            schema=SCHEMA,
            stream=payments,
            types=tuple(RULES),
            handler=self.handle,
        )
