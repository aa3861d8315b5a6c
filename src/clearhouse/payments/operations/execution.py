"""Executing operations: claim under a lease, and settle what the PSP said.

As with orders: between the two lies the call, in no database transaction, and whoever holds an
older fence number than the work row has lost its lease and cannot write (invariant I6).
"""

from collections.abc import Sequence
from datetime import timedelta

from clearhouse.kernel.clock import Clock
from clearhouse.payments.operations.model import (
    ClaimedOperation,
    OperationSettlement,
    OperationStatus,
)
from clearhouse.payments.operations.outcomes import OperationOutcomes, Told
from clearhouse.payments.operations.store import QUERIES, claimed_operation, submits
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.group_commit import GroupCommit
from clearhouse.psp.contract import Capabilities


class OperationExecution:
    """Claims operations and settles outcomes, each in batches that commit together."""

    def __init__(
        self, pool: Pool, clock: Clock, outcomes: OperationOutcomes, *, lease: timedelta
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._outcomes = outcomes
        self._lease = lease
        self._settlements = GroupCommit[OperationSettlement, OperationStatus](self._settle)

    async def claim(self, psp: str, limits: Capabilities, limit: int) -> list[ClaimedOperation]:
        """Lease at most ``limit`` operations that are due at a PSP; commits before it returns."""

        async def work(connection: Connection) -> list[ClaimedOperation]:
            rows = await connection.fetch(QUERIES["claim"], psp, limit, self._lease)
            claimed = [claimed_operation(row, limits) for row in rows]
            if claimed:
                await connection.execute(
                    QUERIES["note_calls"],
                    [one.operation_id for one in claimed],
                    [one.idempotency_key for one in claimed],
                    [submits(one) for one in claimed],
                )
            return claimed

        return await in_transaction(self._pool, self._clock, work)

    async def settle(self, settlement: OperationSettlement) -> OperationStatus | None:
        """Store what was learnt about a leased operation; returns its status when durable.

        None when the lease was lost: nothing was written. Raises UnavailableError when the
        database is lost.
        """
        try:
            return await self._settlements.submit(settlement)
        except _LeaseLost:
            return None

    async def close(self) -> None:
        """Wait until all settlements are stored."""
        await self._settlements.close()

    async def _settle(
        self, batch: Sequence[OperationSettlement]
    ) -> Sequence[OperationStatus | Exception]:
        async def work(connection: Connection) -> list[OperationStatus | Exception]:
            return await self._store(connection, batch)

        return await in_transaction(self._pool, self._clock, work)

    async def _store(
        self, connection: Connection, batch: Sequence[OperationSettlement]
    ) -> list[OperationStatus | Exception]:
        ids = [one.operation_id for one in batch]
        held = {
            row["operation_id"]: row for row in await connection.fetch(QUERIES["lock_work"], ids)
        }
        rows = await connection.fetch(QUERIES["lock_operations"], [*held])
        known = {row["operation_id"]: row for row in rows}
        answers: list[OperationStatus | Exception] = [_LeaseLost() for _ in batch]
        places: list[int] = []
        told: list[Told] = []
        for place, one in enumerate(batch):
            work = held.get(one.operation_id)
            row = known.pop(one.operation_id, None)
            if work is None or row is None or work["fence"] != one.fence:
                continue
            places.append(place)
            told.append(Told(row, one.outcome, work["tries"], one.ask, one.proven, one.key_expired))
        for place, status in zip(places, await self._outcomes.store(connection, told), strict=True):
            answers[place] = status
        return answers


class _LeaseLost(Exception):
    """Another owner holds the operation now, or it is settled."""
