"""Executing payment orders: claim under a lease, and settle what the PSP said.

Between the two lies the call to the PSP, in no database transaction. Whoever holds an older
fence number than the work row has lost its lease and cannot write (invariant I6); what it
learnt is learnt again by the next owner, with the same key.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.randomness import Randomness
from clearhouse.messaging.outbox import publish
from clearhouse.payments.facts import claimed_order, executing_event
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays, StrayCharges
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import Effect
from clearhouse.payments.model import Call, ClaimedOrder, Settled, Settlement
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.store import QUERIES, SCHEMA
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.group_commit import GroupCommit
from clearhouse.psp.contract import Capabilities, Reversed, Succeeded


class ExecutionService:
    """Claims orders and settles outcomes, each in batches that commit together."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        randomness: Randomness,
        *,
        lease: timedelta,
        policy: RetryPolicy,
        default_fee: DefaultFee,
        strays: StrayCharges | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._lease = lease
        self._learning = LearningService(
            clock,
            randomness,
            policy=policy,
            default_fee=default_fee,
            strays=strays or RaisedStrays(),
        )
        self._settlements = GroupCommit[Settlement, Settled](self._settle, committers=2)

    async def claim(self, psp: str, limits: Capabilities, limit: int) -> list[ClaimedOrder]:
        """Lease at most ``limit`` orders that are due at a PSP; commits before it returns.

        ``limits`` are the PSP's, and decide what to ask it. Orders under another's lease are
        passed over, not waited for.
        """

        async def work(connection: Connection) -> list[ClaimedOrder]:
            rows = await connection.fetch(QUERIES["claim"], psp, limit, self._lease)
            claimed = [claimed_order(row, limits) for row in rows]
            if not claimed:
                return []
            await connection.execute(
                QUERIES["note_calls"],
                [order.order_id for order in claimed],
                [order.attempt for order in claimed],
                [order.idempotency_key for order in claimed],
                psp,
                [order.order_id for order in claimed if order.call is Call.CHARGE],
            )
            await publish(connection, SCHEMA, [e for row in rows if (e := executing_event(row))])
            return claimed

        return await in_transaction(self._pool, self._clock, work)

    async def settle(self, settlement: Settlement) -> Settled | None:
        """Store what was learnt about a leased order; returns what became of it when durable.

        None when the lease was lost: nothing was written, and another owner will learn the
        same from the PSP. Raises UnavailableError when the database is lost.
        """
        try:
            return await self._settlements.submit(settlement)
        except _LeaseLost:
            return None

    async def put_back(self, orders: Sequence[ClaimedOrder], wait: timedelta) -> None:
        """Give up the leases of orders whose PSP was not asked; they are due after ``wait``."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                QUERIES["put_back"],
                [order.order_id for order in orders],
                [order.fence for order in orders],
                [wait for _ in orders],
                [order.attempt for order in orders],
            )

        await in_transaction(self._pool, self._clock, work)

    async def move_on(self, psp: str, limit: int) -> int:
        """Move orders that were never sent to a PSP which rests to the next that can take them."""

        async def work(connection: Connection) -> int:
            moved = await connection.fetch(QUERIES["move_on"], psp, limit)
            return len(moved)

        return await in_transaction(self._pool, self._clock, work)

    async def close(self) -> None:
        """Wait until all settlements are stored."""
        await self._settlements.close()

    async def _settle(self, batch: Sequence[Settlement]) -> Sequence[Settled | Exception]:
        async def work(connection: Connection) -> list[Settled | Exception]:
            return await self._store(connection, batch)

        return await in_transaction(self._pool, self._clock, work)

    async def _store(
        self, connection: Connection, batch: Sequence[Settlement]
    ) -> list[Settled | Exception]:
        ids = [settlement.order_id for settlement in batch]
        rows = {row["order_id"]: row for row in await connection.fetch(QUERIES["lock_orders"], ids)}
        held: dict[UUID, tuple[Settlement, asyncpg.Record]] = {}
        for settlement in batch:
            row = rows.get(settlement.order_id)
            if row is not None and _may_write(row, settlement):
                held[settlement.order_id] = settlement, row
        decided = await self._learning.decide(
            connection, [(row, _learnt(one)) for one, row in held.values()]
        )
        await self._learning.write(connection, decided, leased=True)
        after = {
            one.row["order_id"]: Settled(one.transition.status, one.effect is Effect.FAIL_OVER)
            for one in decided
        }
        return [
            after[one.order_id]
            if one.order_id in held and held[one.order_id][0] is one
            else _LeaseLost()
            for one in batch
        ]


def _may_write(row: asyncpg.Record, settlement: Settlement) -> bool:
    """Whether a settlement holds the lease; money taken for a final order is heard in any case."""
    if row["fence"] == settlement.fence:
        return True
    return row["fence"] is None and isinstance(settlement.outcome, Succeeded | Reversed)


def _learnt(settlement: Settlement) -> Learnt:
    return Learnt(
        settlement.order_id,
        settlement.outcome,
        Source.REPLY,
        attempt=settlement.attempt,
        proves_no_charge=settlement.key_expired,
        psp=settlement.psp,
    )


class _LeaseLost(Exception):
    """Another owner holds the order now, or it is settled."""
