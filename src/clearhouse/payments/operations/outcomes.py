"""What was learnt about operations, decided and written: the one place where both happen.

An operator's reply and the PSP's own word come here alike, in the caller's transaction, with the
operations' rows locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import Randomness
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import publish
from clearhouse.payments.learning import LearningService
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.model import StatusReason
from clearhouse.payments.operations.facts import failed_event, succeeded_event
from clearhouse.payments.operations.lifecycle import (
    Effect,
    OperationState,
    OperationTransition,
    apply,
)
from clearhouse.payments.operations.model import Ask, Kind, OperationStatus
from clearhouse.payments.operations.store import QUERIES
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.store import SCHEMA
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import Declined, DeclineReason, Retry, Succeeded
from clearhouse.psp.operations import OperationOutcome

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.operations")
_ENDS: Final = {Effect.SUCCEED, Effect.FAIL}
_OWED: Final = "the money is still owed to the buyer"


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome for a locked operation: ``row`` is one of the query ``lock_operations``."""

    row: asyncpg.Record
    outcome: OperationOutcome
    tries: int = 0
    ask: Ask | None = None
    proven: bool = False
    key_expired: bool = False


@dataclass(frozen=True, slots=True)
class _Decided:
    told: Told
    transition: OperationTransition

    @property
    def gives_back(self) -> bool:
        return Kind(self.told.row["kind"]).gives_back

    @property
    def version(self) -> int:
        told = self.transition.effect in _ENDS and self.gives_back
        return self.told.row["version"] + told


class OperationOutcomes:
    """Decides outcomes and writes what follows from them."""

    def __init__(
        self,
        clock: Clock,
        randomness: Randomness,
        policy: RetryPolicy,
        orders: LearningService,
    ) -> None:
        self._clock = clock
        self._randomness = randomness
        self._policy = policy
        self._orders = orders

    async def store(self, connection: Connection, told: Sequence[Told]) -> list[OperationStatus]:
        """Write outcomes, one for each operation; returns their statuses, in order."""
        decided = [_Decided(one, self._decide(one)) for one in told]
        changed = [one for one in decided if one.transition.effect is not Effect.NOTHING]
        if changed:
            await self._write(connection, changed)
        return [one.transition.status for one in decided]

    def _decide(self, told: Told) -> OperationTransition:
        row = told.row
        state = OperationState(
            kind=Kind(row["kind"]),
            status=OperationStatus(row["status"]),
            reason=row["reason"],
            amount=Money(row["amount_minor"], row["currency"]),
            tries=told.tries,
            ask=told.ask,
            proven=told.proven,
            key_expired=told.key_expired,
        )
        return apply(state, told.outcome, self._policy, self._randomness.uniform(0, 1))

    async def _write(self, connection: Connection, decided: Sequence[_Decided]) -> None:
        now = self._clock.now()
        raised = [one for one in decided if one.transition.effect is Effect.RAISE]
        # What contradicts a final state changes nothing but what people see.
        moved = [one for one in decided if one not in raised or not _is_final(one)]
        await connection.execute(
            QUERIES["settle"],
            [one.told.row["operation_id"] for one in moved],
            [one.transition.status.value for one in moved],
            [one.transition.reason for one in moved],
            [one.transition.detail[:500] or None for one in moved],
            [one.transition.psp_reference for one in moved],
            [one.transition.effect is Effect.NEW_KEY for one in moved],
            [one.version for one in moved],
            now,
        )
        ended = [one for one in moved if one.transition.effect in _ENDS]
        waiting = [one for one in moved if one.transition.effect not in _ENDS]
        await self._end(connection, ended, now)
        if waiting:
            await connection.execute(
                QUERIES["postpone_work"],
                [one.told.row["operation_id"] for one in waiting],
                [one.transition.wait for one in waiting],
                [
                    0 if one.transition.effect is Effect.NEW_KEY else one.told.tries
                    for one in waiting
                ],
            )
        overdue = [one for one in waiting if self._is_overdue(one)]
        if raised or overdue:
            await self._raise(connection, raised, overdue)

    def _is_overdue(self, one: _Decided) -> bool:
        """Whether it has waited longer for its reason than it may, by the limits of orders."""
        reason = one.transition.reason
        is_asked_again = one.transition.effect is Effect.RETRY and reason is not None
        return is_asked_again and self._policy.overdue(StatusReason(reason), one.told.row["waited"])

    async def _end(self, connection: Connection, ended: Sequence[_Decided], now: datetime) -> None:
        if not ended:
            return
        await connection.execute(
            QUERIES["finish_work"], [one.told.row["operation_id"] for one in ended]
        )
        failed = [one for one in ended if one.transition.effect is Effect.FAIL]
        refunds = [one.told.row for one in failed if one.told.row["kind"] == Kind.REFUND]
        if refunds:
            await connection.execute(
                QUERIES["give_back"],
                [row["order_id"] for row in refunds],
                [row["amount_minor"] for row in refunds],
            )
        authorizations = [one.told.row for one in failed if not one.gives_back]
        if authorizations:
            await connection.execute(
                QUERIES["release_authorizations"], [row["operation_id"] for row in authorizations]
            )
        strays = [one for one in failed if one.told.row["kind"] == Kind.STRAY_REFUND]
        if strays:
            # The buyer is still owed it, and no order will ask for it again.
            await self._raise(connection, strays)
        await publish(connection, SCHEMA, [_event(one, now) for one in ended if one.gives_back])
        done = [
            _learnt(one.told.row)
            for one in ended
            if not one.gives_back and one.transition.effect is Effect.SUCCEED
        ]
        if done:
            await self._orders.learn(connection, done)

    async def _raise(
        self,
        connection: Connection,
        raised: Sequence[_Decided],
        overdue: Sequence[_Decided] = (),
    ) -> None:
        told = [(one, "operations", one.transition.detail or _OWED) for one in raised]
        for one in overdue:
            reason = one.transition.reason
            why = f"waits for {reason} longer than it may; last heard: {one.transition.detail}"
            told.append((one, f"time_limit.operation.{reason}", why))
        for one, consumer, _ in told:
            _log.error("operation_raised", by=consumer, operation=one.told.row["public_id"])
        await connection.execute(
            QUERIES["raise_to_person"],
            [consumer for _, consumer, _ in told],
            [one.told.row["operation_id"] for one, _, _ in told],
            [one.version for one, _, _ in told],
            [repr(one.told.outcome) for one, _, _ in told],
            [why for _, _, why in told],
        )


def _is_final(one: _Decided) -> bool:
    return one.told.row["finalized_at"] is not None


def _learnt(row: asyncpg.Record) -> Learnt:
    """What a capture or void that was done means for its order."""
    reference = row["charge_reference"]
    if row["kind"] == Kind.CAPTURE:
        captured = Succeeded(reference, Money(row["amount_minor"], row["currency"]))
        return Learnt(row["order_id"], captured, Source.OPERATION)
    voided = Declined(DeclineReason.VOIDED, Retry.HARD, "voided", reference)
    return Learnt(row["order_id"], voided, Source.OPERATION)


def _event(one: _Decided, moment: datetime) -> Event:
    row, transition = one.told.row, one.transition
    if transition.effect is Effect.SUCCEED:
        return succeeded_event(row, one.version, moment, transition.psp_reference or "")
    return failed_event(row, one.version, moment, transition.reason or "")
