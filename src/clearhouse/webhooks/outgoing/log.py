"""The log of deliveries: what was sent where, and sending it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import EndpointDisabled, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, affected, in_transaction
from clearhouse.webhooks.outgoing import store
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState, EndpointState
from clearhouse.webhooks.outgoing.model import Delivery, DeliveryKey, DeliveryPage, Endpoint, Try
from clearhouse.webhooks.outgoing.store import QUERIES

_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be sent, and how many seconds ago the oldest of it was told."""

    waiting: int
    oldest_seconds: float


class DeliveryLog:
    """Deliveries as people and programs see them."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids

    async def deliveries(
        self,
        endpoint_id: UUID,
        state: DeliveryState | None = None,
        before: DeliveryKey | None = None,
        limit: int = 50,
    ) -> DeliveryPage:
        """Deliveries to an endpoint, newest first, deleted endpoints' too."""
        return await store.deliveries(self._pool, endpoint_id, state, before, limit)

    async def delivery(self, key: DeliveryKey) -> tuple[Delivery, list[Try]]:
        """One delivery with its tries. Raises NotFound."""
        found = await store.delivery(self._pool, key)
        if found is None:
            raise NotFound("There is no such delivery.")
        return found

    async def resend(self, actor: str, key: DeliveryKey) -> None:
        """Send it again now, with all its tries before it. Raises NotFound, EndpointDisabled."""
        await self.delivery(key)
        now = self._clock.now()

        async def work(connection: Connection) -> None:
            endpoint = await _enabled(connection, key.endpoint_id)
            await connection.execute(
                QUERIES["resend"], key.aggregate_id, key.version, key.endpoint_id, now
            )
            await self._note(connection, actor, endpoint, f"resent {key.message_id}")

        await in_transaction(self._pool, self._clock, work)

    async def resend_since(
        self,
        actor: str,
        endpoint_id: UUID,
        since: datetime,
        until: datetime | None = None,
        states: Sequence[DeliveryState] = (DeliveryState.FAILED,),
    ) -> int:
        """Send again what was told from ``since`` until before ``until``; returns how much it is.

        In batches, each a transaction of its own: repeating it after a failure goes on where it
        stopped. Raises NotFound, EndpointDisabled.
        """
        now = self._clock.now()
        wanted = [state.value for state in states]

        async def work(connection: Connection) -> int:
            await _enabled(connection, endpoint_id)
            done = await connection.execute(
                QUERIES["resend_since"], endpoint_id, since, until or now, wanted, now, _AT_ONCE
            )
            return affected(done)

        resent = count = await in_transaction(self._pool, self._clock, work)
        while count == _AT_ONCE:
            count = await in_transaction(self._pool, self._clock, work)
            resent += count

        async def note(connection: Connection) -> None:
            endpoint = await _enabled(connection, endpoint_id)
            words = (
                f"resent {resent} deliveries ({', '.join(wanted)}) since {since:%Y-%m-%d %H:%M} UTC"
            )
            await self._note(connection, actor, endpoint, words)

        await in_transaction(self._pool, self._clock, note)
        return resent

    async def forget(self, lifetime: timedelta) -> int:
        """Delete what is final and older; returns how many deliveries of each endpoint at most.

        To be repeated until it is 0.
        """
        before = self._clock.now() - lifetime
        return affected(await self._pool.execute(QUERIES["forget"], before, _AT_ONCE))

    async def backlog(self) -> Backlog:
        """What waits; what waits for an endpoint that is switched off is failed first."""
        await self._pool.execute(QUERIES["drop_stranded"], self._clock.now())
        row = await self._pool.fetchrow(QUERIES["backlog"])
        assert row is not None
        return Backlog(row["waiting"], row["oldest"])

    async def _note(
        self, connection: Connection, actor: str, endpoint: Endpoint, reason: str
    ) -> None:
        action = "webhook_endpoint.resent"
        now = self._clock.now()
        deed = Deed(self._ids.new(), now, actor, action, endpoint.public_id, reason)
        await note_deed(connection, deed)


async def _enabled(connection: Connection, endpoint_id: UUID) -> Endpoint:
    """The endpoint, if it can be called."""
    endpoint = await store.endpoint(connection, endpoint_id)
    if endpoint is None:
        raise NotFound("There is no webhook endpoint with this id.")
    if endpoint.state is EndpointState.DISABLED:
        raise EndpointDisabled("The endpoint is switched off.", hint="Enable it, then send again.")
    return endpoint
