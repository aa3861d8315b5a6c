"""Executing payment orders: claim under a lease, and settle what the PSP said.

Between the two lies the call to the PSP, in no database transaction. Whoever holds an older
fence number than the work row has lost its lease and cannot write (invariant I6); what it
learnt is learnt again by the next owner, with the same key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import Randomness
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import publish
from clearhouse.payments.facts import (
    claimed_order,
    done_event,
    executing_event,
    final_event,
)
from clearhouse.payments.fees import DefaultFee, FeePlan
from clearhouse.payments.lifecycle import (
    Effect,
    OrderState,
    RetryPolicy,
    Transition,
    apply,
    outcome_word,
)
from clearhouse.payments.model import Call, ClaimedOrder, OrderStatus, Settlement, StatusReason
from clearhouse.payments.store import QUERIES, SCHEMA, close_orders
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.group_commit import GroupCommit
from clearhouse.psp.contract import Capabilities

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payments")


@dataclass(frozen=True, slots=True)
class _Settled:
    row: asyncpg.Record
    settlement: Settlement
    transition: Transition

    @property
    def is_final(self) -> bool:
        return self.transition.effect in {Effect.SUCCEED, Effect.FAIL}

    @property
    def version(self) -> int:
        return self.row["version"] + self.is_final


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
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._randomness = randomness
        self._lease = lease
        self._policy = policy
        self._default_fee = default_fee
        self._settlements = GroupCommit[Settlement, OrderStatus](self._settle, committers=2)

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

    async def settle(self, settlement: Settlement) -> OrderStatus | None:
        """Store what was learnt about a leased order; returns its status when durable.

        None when the lease was lost: nothing was written, and another owner will learn the
        same from the PSP. Raises UnavailableError when the database is lost.
        """
        try:
            return await self._settlements.submit(settlement)
        except _LeaseLost:
            return None

    async def close(self) -> None:
        """Wait until all settlements are stored."""
        await self._settlements.close()

    async def _settle(self, batch: Sequence[Settlement]) -> Sequence[OrderStatus | Exception]:
        async def work(connection: Connection) -> list[OrderStatus | Exception]:
            return await self._store(connection, batch)

        return await in_transaction(self._pool, self._clock, work)

    async def _store(
        self, connection: Connection, batch: Sequence[Settlement]
    ) -> list[OrderStatus | Exception]:
        rows = await connection.fetch(
            QUERIES["lock_for_settlement"], [settlement.order_id for settlement in batch]
        )
        known = {row["order_id"]: row for row in rows}
        settled: dict[Any, _Settled] = {}
        for settlement in batch:
            row = known.get(settlement.order_id)
            if row is not None and row["fence"] == settlement.fence:
                settled[settlement.order_id] = self._decide(row, settlement)
        if settled:
            await self._write(connection, list(settled.values()))
        return [
            settled[s.order_id].transition.status
            if s.order_id in settled and settled[s.order_id].settlement is s
            else _LeaseLost()
            for s in batch
        ]

    def _decide(self, row: asyncpg.Record, settlement: Settlement) -> _Settled:
        state = OrderState(
            status=OrderStatus(row["status"]),
            reason=StatusReason(row["status_reason"]) if row["status_reason"] else None,
            amount=Money(row["amount_minor"], row["currency"]),
            tries=row["tries"],
            key_expired=settlement.key_expired,
        )
        jitter = self._randomness.uniform(0, 1)
        transition = apply(state, settlement.outcome, self._policy, jitter)
        return _Settled(row, settlement, transition)

    async def _write(self, connection: Connection, settled: Sequence[_Settled]) -> None:
        now = self._clock.now()
        await connection.execute(
            QUERIES["settle_orders"],
            [one.row["order_id"] for one in settled],
            [one.transition.status.value for one in settled],
            [one.transition.reason and one.transition.reason.value for one in settled],
            [one.transition.failure_code for one in settled],
            [one.transition.psp_reference for one in settled],
            [self._fee(one) for one in settled],
            [one.row["attempt"] + (one.transition.effect is Effect.NEW_ATTEMPT) for one in settled],
            [one.version for one in settled],
            [now] * len(settled),
        )
        await connection.execute(
            QUERIES["settle_attempts"],
            [one.row["order_id"] for one in settled],
            [one.row["attempt"] for one in settled],
            [outcome_word(one.settlement.outcome) for one in settled],
            [one.transition.detail or None for one in settled],
            [
                now if one.is_final or one.transition.effect is Effect.NEW_ATTEMPT else None
                for one in settled
            ],
        )
        finished = [one for one in settled if one.is_final]
        waiting = [one for one in settled if not one.is_final]
        if finished:
            await connection.execute(
                QUERIES["finish_work"], [one.row["order_id"] for one in finished]
            )
        if waiting:
            await self._postpone(connection, waiting)
        failed = [one.row["event_id"] for one in finished if one.transition.effect is Effect.FAIL]
        done = await close_orders(connection, failed, now)
        events: list[Event] = [
            final_event(one.row, one.transition, one.version, self._fee(one), now)
            for one in finished
        ]
        events += [done_event(row, now) for row in done]
        await publish(connection, SCHEMA, events)

    async def _postpone(self, connection: Connection, waiting: Sequence[_Settled]) -> None:
        await connection.execute(
            QUERIES["postpone_work"],
            [one.row["order_id"] for one in waiting],
            [one.transition.wait for one in waiting],
            [
                0 if one.transition.effect is Effect.NEW_ATTEMPT else one.row["tries"]
                for one in waiting
            ],
        )
        raised = [one for one in waiting if one.transition.effect is Effect.RAISE]
        if raised:
            for one in raised:
                _log.error("contradiction", payment_order_id=one.row["payment_order_id"])
            await connection.execute(
                QUERIES["raise_to_person"],
                [one.row["order_id"] for one in raised],
                [one.version for one in raised],
                [repr(one.settlement.outcome) for one in raised],
                [one.transition.detail for one in raised],
            )

    def _fee(self, one: _Settled) -> int | None:
        if one.transition.effect is not Effect.SUCCEED:
            return None
        row = one.row
        plan = self._default_fee.plan(row["currency"])
        if row["basis_points"] is not None:
            plan = FeePlan(row["basis_points"], row["fixed_minor"])
        return plan.fee_on(Money(row["amount_minor"], row["currency"]))


class _LeaseLost(Exception):
    """Another owner holds the order now, or it is settled."""
