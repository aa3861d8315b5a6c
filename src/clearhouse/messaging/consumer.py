"""Consumers: each handles a batch and stores its place in the same database transaction.

Redelivery is therefore harmless: either the effect and the position are both there, or
neither. What cannot be handled is laid aside as a dead letter, so that one bad event
never stops the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import msgspec
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.events import AnyEvent, Event, decode, type_of
from clearhouse.messaging.outbox import Envelope, Position, Stream, queries_of
from clearhouse.postgres.connection import (
    LOST,
    TROUBLE,
    Connection,
    Pool,
    in_transaction,
    row_value,
)

Handler = Callable[[Connection, Sequence[AnyEvent]], Awaitable[None]]
"""Handles a batch in the given transaction; must be harmless when it sees an event twice."""

_IDLE_FIRST: Final = 0.002
_IDLE_LONGEST: Final = 0.1
_TROUBLE_WAIT: Final = 0.5
_log: structlog.stdlib.BoundLogger = structlog.get_logger("clearhouse.consumer")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who reads what: ``schema`` is the consuming service's, which keeps the position.

    ``name`` is the consumer's stable name; a new name starts at the beginning of the stream.
    """

    name: str
    schema: str
    stream: Stream
    types: tuple[type[Event], ...]
    handler: Handler
    batch: int = 1000


class Consumer:
    """Runs one subscription. Many may run at once; the row of the position lets one work."""

    def __init__(self, pool: Pool, clock: Clock, subscription: Subscription) -> None:
        self._pool = pool
        self._clock = clock
        self._subscription = subscription
        self._queries = queries_of(subscription.schema)
        self._wanted = {type_of(kind) for kind in subscription.types}

    @property
    def name(self) -> str:
        """The subscription's stable name."""
        return self._subscription.name

    @property
    def subscription(self) -> Subscription:
        """Who reads what."""
        return self._subscription

    async def run(self) -> None:
        """Consume until cancelled; waits a little longer after each empty look, up to 0.1 s."""
        idle = _IDLE_FIRST
        while True:
            try:
                count = await self.step()
            except TROUBLE as error:
                _log.warning("consumer_waits", consumer=self.name, error=type(error).__name__)
                await self._clock.sleep(_TROUBLE_WAIT)
                continue
            idle = _IDLE_FIRST if count else min(idle * 2, _IDLE_LONGEST)
            if count < self._subscription.batch:
                await self._clock.sleep(idle)

    async def step(self) -> int:
        """Handle one batch; returns how many events were passed, 0 when there is nothing new.

        Raises UnavailableError when a database is lost; the batch then counts as not handled.
        """
        subscription = self._subscription
        row = await self._pool.fetchrow(self._queries["read_position"], subscription.name)
        after = Position(row["xid"], row["position"]) if row else Position(0, 0)
        batch = await subscription.stream.read(after, subscription.batch)
        if not batch:
            return 0
        last = batch[-1].position

        async def work(connection: Connection) -> int:
            row = await connection.fetchrow(self._queries["take_position"], subscription.name)
            taken = Position(row_value(row, "xid"), row_value(row, "position"))
            if taken != after:
                return 0  # another process was faster; what we read is handled already
            await self._handle(connection, batch)
            await connection.execute(
                self._queries["store_position"], subscription.name, str(last.xid), last.number
            )
            return len(batch)

        return await in_transaction(self._pool, self._clock, work)

    async def _handle(self, connection: Connection, batch: Sequence[Envelope]) -> None:
        wanted = [envelope for envelope in batch if envelope.type in self._wanted]
        if not wanted:
            return
        try:
            events = [decode(envelope.payload) for envelope in wanted]
            async with connection.transaction():
                await self._subscription.handler(connection, events)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            raise
        except LOST:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must go on
            _log.warning("batch_failed", consumer=self.name, error=repr(error), size=len(wanted))
            for envelope in wanted:
                await self._handle_alone(connection, envelope)

    async def _handle_alone(self, connection: Connection, envelope: Envelope) -> None:
        try:
            event = decode(envelope.payload)
            async with connection.transaction():
                await self._subscription.handler(connection, [event])
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            raise
        except LOST:
            raise
        except (msgspec.MsgspecError, asyncpg.PostgresError, Exception) as error:  # noqa: BLE001
            _log.error("event_buried", consumer=self.name, type=envelope.type, error=repr(error))
            await connection.execute(
                self._queries["bury"],
                self.name,
                envelope.type,
                envelope.aggregate_id,
                envelope.version,
                envelope.payload,
                f"{type(error).__name__}: {error}"[:2000],
            )


async def run_all(consumers: Sequence[Consumer]) -> None:
    """Run several consumers in one process until cancelled; if one breaks, all stop."""
    async with asyncio.TaskGroup() as group:
        for consumer in consumers:
            group.create_task(consumer.run(), name=consumer.name)
