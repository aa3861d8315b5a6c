"""From events to deliveries: whoever of the merchants' endpoints wants a message gets one laid out.

Apart from sending, since it needs no secret: it is a consumer like ledger and wallets are.
"""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent
from clearhouse.messaging.outbox import Stream
from clearhouse.postgres.connection import Connection
from clearhouse.webhooks.outgoing import store
from clearhouse.webhooks.outgoing.messages import PUBLIC, message_of

SCHEMA: Final = "webhooks"


class Announcer:
    """Lays deliveries out for what services tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def subscriptions(self, *sources: Stream) -> list[Subscription]:
        """What outgoing webhooks read from some services' events."""
        return [
            Subscription(
                name=f"webhooks.{source.name}",
                schema=SCHEMA,
                stream=source,
                types=tuple(PUBLIC),
                handler=self.handle,
            )
            for source in sources
        ]

    async def handle(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Lay out a delivery for each endpoint that wants an event; a message handler."""
        if not await store.anybody_listens(connection):
            return
        messages = [message for event in events if (message := message_of(event)) is not None]
        if messages:
            await store.lay_out(connection, messages, self._clock.now())
