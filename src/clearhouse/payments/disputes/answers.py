"""Answering disputes and asking after them: taken in once, sent under a lease, settled.

As with orders, between a claim and its settlement lies the call, in no database transaction; who
holds an older fence than the work row has lost its lease and cannot write (invariant I6).
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from clearhouse.access.replay import IntakeAnswer, known_answer
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.payments.disputes.answering import (
    Answer,
    AnswerTransition,
    ClaimedDispute,
    DisputeFindings,
    NewAnswer,
    apply,
    check_answerable,
    next_wait,
)
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import Dispute, LearntDispute
from clearhouse.payments.disputes.store import (
    QUERIES,
    claimed_dispute,
    dispute_id_of,
    dispute_of,
    store_answer,
)
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.payments.operations.store import lock_orders
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.store import QUERIES as PAYMENTS
from clearhouse.postgres.barrier import pass_barrier
from clearhouse.postgres.connection import Connection, Pool, in_race, in_transaction, row_value
from clearhouse.psp.disputes import DisputeStage

_LATER: Final = timedelta(microseconds=1)
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.disputes")


class AnswerIntake:
    """Accepts answers that clients give."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, *, lifetime: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._lifetime = lifetime

    async def accept(self, wanted: NewAnswer) -> IntakeAnswer:
        """Store an answer durably, or replay what its idempotency key was answered.

        Raises NotFound, NotAnswerable, KeyInUse, IdempotencyMismatch, and UnavailableError when
        the database is lost (repeat with the same key).
        """

        async def work(connection: Connection) -> IntakeAnswer:
            return await self._store(connection, wanted)

        # Another request may take the key, or answer the dispute, between our look and our insert.
        answer = await in_race(self._pool, self._clock, work, over="this dispute")
        if answer.replayed:
            await pass_barrier(self._pool)
        return answer

    async def _store(self, connection: Connection, wanted: NewAnswer) -> IntakeAnswer:
        [row] = await connection.fetch(
            QUERIES["look_before_answer"], wanted.api_key_id, wanted.idempotency_key
        )
        if (known := known_answer(wanted.body_hash, row)) is not None:
            return known
        if row["expired"]:
            await connection.execute(
                PAYMENTS["forget_keys"], [wanted.api_key_id], [wanted.idempotency_key]
            )
        identity = dispute_id_of(wanted.dispute_id)
        rows = await connection.fetch(QUERIES["lock"], [identity])
        if not rows:
            raise NotFound("There is no dispute with this id.")
        dispute = dispute_of(rows[0])
        standing = await connection.fetchval(QUERIES["standing_answer"], identity, dispute.version)
        now = self._clock.now()
        check_answerable(dispute, wanted.kind, now, is_answered=standing is not None)
        answer = self._new(wanted, dispute, now)
        body = wanted.render(answer, dispute)
        await store_answer(connection, answer, dispute.psp, wanted, body, self._lifetime)
        return IntakeAnswer(body, replayed=False)

    def _new(self, wanted: NewAnswer, dispute: Dispute, now: datetime) -> Answer:
        return Answer(
            answer_id=self._ids.at(now),
            dispute_id=dispute.dispute_id,
            dispute_version=dispute.version,
            kind=wanted.kind,
            evidence=wanted.evidence,
            status=OperationStatus.CREATED,
            reason=None,
            created_at=now,
            updated_at=now,
            finalized_at=None,
        )


class DisputeExecution:
    """Claims disputes that wait for a call, and settles what came of it."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        randomness: Randomness,
        learning: DisputeLearning,
        *,
        policy: RetryPolicy,
        lease: timedelta,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._randomness = randomness
        self._learning = learning
        self._policy = policy
        self._lease = lease

    async def claim(self, psp: str, limit: int) -> list[ClaimedDispute]:
        """Lease at most ``limit`` disputes that are due at a PSP; commits before it returns."""

        async def work(connection: Connection) -> list[ClaimedDispute]:
            rows = await connection.fetch(QUERIES["claim"], psp, limit, self._lease)
            claimed = [claimed_dispute(row) for row in rows]
            sent = [one.answer.answer_id for one in claimed if one.answer]
            if sent:
                await connection.execute(QUERIES["note_sending"], sent)
            return claimed

        return await in_transaction(self._pool, self._clock, work)

    async def settle(self, findings: DisputeFindings) -> bool:
        """Store what came of a claim; False when the lease was lost and nothing was written.

        Raises UnavailableError when the database is lost.
        """

        async def work(connection: Connection) -> bool:
            return await self._settle(connection, findings)

        return await in_transaction(self._pool, self._clock, work)

    async def _settle(self, connection: Connection, findings: DisputeFindings) -> bool:
        claimed = findings.claimed
        # In the order in which webhooks lock, so that nobody waits in a circle.
        await lock_orders(connection, [claimed.order_id])
        await connection.fetch(QUERIES["lock"], [claimed.dispute_id])
        work = await connection.fetchrow(QUERIES["lock_work"], claimed.dispute_id)
        if work is None or work["fence"] != claimed.fence:
            return False
        transition = await self._settle_answer(connection, findings)
        await self._learn(connection, findings)
        now = await connection.fetchrow(QUERIES["dispute_now"], claimed.dispute_id)
        wait = next_wait(
            DisputeStage(row_value(now, "stage")),
            transition,
            self._policy,
            tries=work["tries"],
            unchanged_for=row_value(now, "unchanged_for"),
            jitter=self._randomness.uniform(0, 1),
        )
        answered = transition is None or transition.status is not OperationStatus.SUBMITTED
        await connection.execute(QUERIES["postpone"], claimed.dispute_id, wait, answered)
        return True

    async def _learn(self, connection: Connection, findings: DisputeFindings) -> None:
        """What was read after all that is known is newer than it, whatever the clocks say."""
        facts, claimed = findings.facts, findings.claimed
        now = await connection.fetchrow(QUERIES["dispute_now"], claimed.dispute_id)
        if facts is None or row_value(now, "version") != claimed.version:
            return
        if facts.stage != row_value(now, "stage"):
            as_of = row_value(now, "told_as_of") + _LATER
            learnt = LearntDispute(row_value(now, "psp"), facts, as_of, facts.version)
            await self._learning.learn(connection, [learnt])

    async def _settle_answer(
        self, connection: Connection, findings: DisputeFindings
    ) -> AnswerTransition | None:
        answer, outcome = findings.claimed.answer, findings.outcome
        if answer is None or outcome is None:
            return None
        waited = self._clock.now() - answer.created_at
        after = apply(outcome, self._policy, waited=waited)
        await connection.execute(
            QUERIES["settle_answer"],
            answer.answer_id,
            after.status.value,
            after.reason,
            after.detail[:500] or None,
        )
        if after.raised:
            _log.error("dispute_answer_raised", answer=answer.public_id, reason=after.reason)
            await connection.execute(
                QUERIES["raise_to_person"],
                "answer",
                answer.dispute_id,
                answer.public_id,
                f"{answer.kind} {answer.public_id}: {after.reason} {after.detail}".strip(),
            )
        return after
