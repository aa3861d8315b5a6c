"""Rows of disputes as frozen values, and the statements that read and write them."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.payments.disputes.answering import Answer, AnswerKind, ClaimedDispute, NewAnswer
from clearhouse.payments.disputes.model import Dispute, DisputeMoney
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.postgres.connection import Connection, Pool, RaceLost, row_value
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.disputes import DisputeStage, Evidence

QUERIES: Final = load_queries("clearhouse.payments.disputes")
_MARK: Final = "dp_"


ASKED_AFTER: Final = timedelta(minutes=1)
"""When an open dispute's PSP is first asked about it; its webhooks come sooner."""


def dispute_of(row: asyncpg.Record) -> Dispute:
    """A row of payments.disputes, with its order's names, as a Dispute."""
    return Dispute(
        dispute_id=row["dispute_id"],
        public_id=row["public_id"],
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        seller_account=row["seller_account"],
        psp=row["psp"],
        psp_reference=row["psp_reference"],
        amount=Money(row["amount_minor"], row["currency"]),
        counted_minor=row["counted_minor"],
        seller_minor=row["seller_minor"],
        stage=DisputeStage(row["stage"]),
        money=DisputeMoney(row["money"]),
        reason=row["reason"],
        evidence_due_at=row["evidence_due_at"],
        opened_at=row["opened_at"],
        told_as_of=row["told_as_of"],
        told_version=row["told_version"],
        version=row["version"],
        opened_version=row["opened_version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def store(
    connection: Connection,
    disputes: Sequence[Dispute],
    new: Sequence[UUID],
    counted: Mapping[UUID, int],
) -> None:
    """Write disputes as they are now; ``counted`` is the change of each order's disputed amount.

    Raises RaceLost when one of the ``new`` ones was made meanwhile.
    """
    row = await connection.fetchrow(
        QUERIES["store"],
        [one.dispute_id for one in disputes],
        [one.public_id for one in disputes],
        [one.order_id for one in disputes],
        [one.psp for one in disputes],
        [one.psp_reference for one in disputes],
        [one.amount.minor for one in disputes],
        [one.amount.currency for one in disputes],
        [one.counted_minor for one in disputes],
        [one.seller_minor for one in disputes],
        [one.stage.value for one in disputes],
        [one.money.value for one in disputes],
        [one.reason for one in disputes],
        [one.evidence_due_at for one in disputes],
        [one.opened_at for one in disputes],
        [one.told_as_of for one in disputes],
        [one.told_version for one in disputes],
        [one.version for one in disputes],
        [one.opened_version for one in disputes],
        [one.created_at for one in disputes],
        list(new),
        list(counted),
        list(counted.values()),
        ASKED_AFTER,
    )
    if row_value(row, "keys") != len(new):
        raise RaceLost


async def dispute_by_id(pool: Pool, dispute_id: UUID) -> Dispute | None:
    """One dispute, if there is one."""
    row = await pool.fetchrow(QUERIES["dispute"], dispute_id)
    return dispute_of(row) if row else None


async def list_disputes(
    pool: Pool, before: UUID | None, stage: DisputeStage | None, limit: int
) -> list[Dispute]:
    """At most ``limit`` disputes, newest first, older than ``before``."""
    rows = await pool.fetch(QUERIES["list"], before, stage and stage.value, limit)
    return [dispute_of(row) for row in rows]


async def disputes_of(pool: Pool, order_id: UUID) -> list[Dispute]:
    """All disputes of an order, oldest first."""
    return [dispute_of(row) for row in await pool.fetch(QUERIES["disputes_of"], order_id)]


def dispute_id_of(public_id: str) -> UUID | None:
    """The dispute that a public id leads to, or None for what is no such id."""
    digits = public_id.removeprefix(_MARK)
    if len(digits) != 32 or digits == public_id:
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None


def answer_of(row: asyncpg.Record) -> Answer:
    """A row of payments.dispute_answers as an Answer."""
    return Answer(
        answer_id=row["answer_id"],
        dispute_id=row["dispute_id"],
        dispute_version=row["dispute_version"],
        kind=AnswerKind(row["kind"]),
        evidence=Evidence(row["body"], json.loads(row["fields"])),
        status=OperationStatus(row["status"]),
        reason=row["reason"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finalized_at=row["finalized_at"],
    )


def claimed_dispute(row: asyncpg.Record) -> ClaimedDispute:
    """A row of the query ``claim``."""
    return ClaimedDispute(
        dispute_id=row["dispute_id"],
        order_id=row["order_id"],
        psp_reference=row["psp_reference"],
        version=row["version"],
        fence=row["fence"],
        answer=None if row["answer_id"] is None else answer_of(row),
    )


async def store_answer(
    connection: Connection,
    answer: Answer,
    psp: str,
    wanted: NewAnswer,
    body: bytes,
    lifetime: timedelta,
) -> None:
    """Store a new answer with its work and the API's ``body``.

    Raises asyncpg's UniqueViolationError when a key was taken meanwhile, or the dispute answered.
    """
    await connection.execute(
        QUERIES["store_answer"],
        answer.answer_id,
        answer.dispute_id,
        answer.dispute_version,
        answer.kind.value,
        answer.evidence.text,
        json.dumps(dict(answer.evidence.fields), sort_keys=True),
        answer.created_at,
        psp,
        wanted.api_key_id,
        wanted.idempotency_key,
        wanted.body_hash,
        body,
        lifetime,
    )


async def answers_of(pool: Pool, dispute_id: UUID) -> list[Answer]:
    """All answers to a dispute, oldest first."""
    return [answer_of(row) for row in await pool.fetch(QUERIES["answers_of"], dispute_id)]
