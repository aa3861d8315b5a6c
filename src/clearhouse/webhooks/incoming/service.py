"""The verbs of incoming webhooks: store them once, lease them, and keep what became of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.group_commit import GroupCommit
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.notices import Received
from clearhouse.webhooks.incoming.model import (
    ClaimedWebhook,
    NewWebhook,
    ReceivedState,
    Taken,
    parking_time,
)

SCHEMA: Final = "webhooks"
_QUERIES: Final = load_queries("clearhouse.webhooks.incoming")


class Inbox:
    """Keeps authentic webhooks; each is stored before it is acknowledged."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, *, lease: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._lease = lease
        self._commits = GroupCommit[NewWebhook, bool](self._store)

    async def keep(self, psp: str, received: Received, body: bytes) -> bool:
        """Store a webhook durably; False when it had come before.

        Raises UnavailableError when the database is lost: the PSP will send it again.
        """
        new = NewWebhook(self._ids.new(), psp, received.key, received.kind, body)
        return await self._commits.submit(new)

    async def claim(self, psp: str, limit: int) -> list[ClaimedWebhook]:
        """Lease at most ``limit`` webhooks of a PSP that are due; commits before it returns."""

        async def work(connection: Connection) -> list[ClaimedWebhook]:
            rows = await connection.fetch(_QUERIES["claim"], psp, limit, self._lease)
            return [ClaimedWebhook(**dict(row)) for row in rows]

        return await in_transaction(self._pool, self._clock, work)

    async def settle(self, batch: Sequence[Taken]) -> None:
        """Keep what became of a batch; what another worker has claimed since is left alone."""

        async def work(connection: Connection) -> None:
            ids = [taken.webhook.received_id for taken in batch]
            rows = await connection.fetch(_QUERIES["lock_claimed"], ids)
            fences = {row["received_id"]: row["fence"] for row in rows}
            held = [t for t in batch if fences.get(t.webhook.received_id) == t.webhook.fence]
            if held:
                await self._write(connection, held)

        await in_transaction(self._pool, self._clock, work)

    async def close(self) -> None:
        """Wait until all that came is stored."""
        await self._commits.close()

    async def _store(self, batch: Sequence[NewWebhook]) -> Sequence[bool | Exception]:
        async def work(connection: Connection) -> list[bool | Exception]:
            # Sorted, so that two batches which race for the same keys wait in the same order.
            ordered = sorted(batch, key=lambda new: (new.psp, new.key))
            rows = await connection.fetch(
                _QUERIES["store"],
                [new.psp for new in ordered],
                [new.key for new in ordered],
                [new.received_id for new in ordered],
                [new.kind for new in ordered],
                [new.body for new in ordered],
                self._clock.now(),
            )
            fresh = {row["received_id"] for row in rows}
            return [new.received_id in fresh for new in batch]

        return await in_transaction(self._pool, self._clock, work)

    async def _write(self, connection: Connection, held: Sequence[Taken]) -> None:
        await connection.execute(
            _QUERIES["settle"],
            [taken.webhook.received_id for taken in held],
            [taken.state.value for taken in held],
            [taken.detail or None for taken in held],
            self._clock.now(),
        )
        waiting = [taken for taken in held if taken.state is ReceivedState.PARKED]
        ended = [taken for taken in held if taken.state is not ReceivedState.PARKED]
        if waiting:
            await connection.execute(
                _QUERIES["park"],
                [taken.webhook.received_id for taken in waiting],
                [parking_time(taken.webhook.tries) for taken in waiting],
            )
        if ended:
            await connection.execute(
                _QUERIES["finish"], [taken.webhook.received_id for taken in ended]
            )
        lost = [taken for taken in ended if taken.state is ReceivedState.GIVEN_UP]
        if lost:
            await connection.execute(
                _QUERIES["bury"],
                ["webhooks" for _ in lost],
                [f"{taken.webhook.psp}:{taken.webhook.kind}" for taken in lost],
                [taken.webhook.received_id for taken in lost],
                [1 for _ in lost],
                [f"{taken.webhook.psp} {taken.webhook.key}" for taken in lost],
                [taken.detail for taken in lost],
            )
