"""Whatever is asked of wallets under an idempotency key is done once, and answered the same way."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from clearhouse.access.replay import IntakeAnswer, known_answer
from clearhouse.kernel.clock import Clock
from clearhouse.postgres.barrier import pass_barrier
from clearhouse.postgres.connection import Connection, Pool, in_race
from clearhouse.postgres.queries import load_queries

_QUERIES: Final = load_queries("clearhouse.wallets", "answers.sql")


class Keyed(Protocol):
    """A request with its key and the hash of what it asks for."""

    @property
    def api_key_id(self) -> UUID:
        """Whose key it is: keys of others are other keys."""
        ...

    @property
    def idempotency_key(self) -> str:
        """The key."""
        ...

    @property
    def body_hash(self) -> bytes:
        """What another body under the same key is told by."""
        ...


class Answers:
    """Stores each answer in the transaction of what it answers."""

    def __init__(self, pool: Pool, clock: Clock, lifetime: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._lifetime = lifetime

    async def once(
        self, request: Keyed, make: Callable[[Connection], Awaitable[bytes]]
    ) -> IntakeAnswer:
        """Do what is asked and keep its answer, or replay the answer that its key was given.

        ``make`` does it in the transaction it is handed, and renders the answer. Raises KeyInUse,
        IdempotencyMismatch, what ``make`` raises, and UnavailableError when the database is lost
        (repeat with the same key).
        """

        async def work(connection: Connection) -> IntakeAnswer:
            return await self._once(connection, request, make)

        answer = await in_race(self._pool, self._clock, work, over="this key")
        if answer.replayed:
            await pass_barrier(self._pool)
        return answer

    async def _once(
        self,
        connection: Connection,
        request: Keyed,
        make: Callable[[Connection], Awaitable[bytes]],
    ) -> IntakeAnswer:
        key = (request.api_key_id, request.idempotency_key)
        [row] = await connection.fetch(_QUERIES["look_before"], *key)
        if (known := known_answer(request.body_hash, row)) is not None:
            return known
        if row["expired"]:
            await connection.execute(_QUERIES["forget_key"], *key)
        body = await make(connection)
        await connection.execute(
            _QUERIES["store_answer"], *key, request.body_hash, body, self._lifetime
        )
        return IntakeAnswer(body, replayed=False)
