"""Answers to disputes: what may be answered, and what becomes of an answer. Pure.

An answer moves one way::

    CREATED ──claim──▶ SUBMITTED ──outcome──▶ SUCCEEDED or FAILED

Sending the same answer again is harmless at every PSP (its contract says so), so an answer that
was lost is sent again until the PSP says what became of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.errors import NotAnswerable
from clearhouse.payments.disputes.model import Dispute
from clearhouse.payments.model import StatusReason
from clearhouse.payments.operations.model import OperationReason, OperationStatus
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeFacts, DisputeStage, Evidence
from clearhouse.psp.operations import Done, NotDone, OperationOutcome, Refused, Waiting

ANSWERABLE: Final = frozenset({DisputeStage.INQUIRY, DisputeStage.NEEDS_RESPONSE})
"""The stages in which a bank waits for an answer."""
OPEN: Final = ANSWERABLE | {DisputeStage.UNDER_REVIEW}
"""The stages in which a PSP is asked from time to time what became of it."""
_ENDS: Final = frozenset({OperationStatus.SUCCEEDED, OperationStatus.FAILED})


class AnswerKind(StrEnum):
    """How a dispute is answered; the word that is stored."""

    EVIDENCE = "evidence"
    """Why the charge was right: the bank decides."""
    ACCEPTANCE = "acceptance"
    """We give in: the dispute is lost at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is stored. Times are UTC.

    ``dispute_version`` is the dispute's when it was answered; ``reason`` is of
    ``OperationReason`` while under way, and the PSP's refusal once it failed.
    """

    answer_id: UUID
    dispute_id: UUID
    dispute_version: int
    kind: AnswerKind
    evidence: Evidence
    status: OperationStatus
    reason: str | None
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None

    @property
    def public_id(self) -> str:
        """Its name for clients."""
        return f"da_{self.answer_id.hex}"

    @property
    def is_final(self) -> bool:
        """Whether the PSP has said what became of it."""
        return self.status in _ENDS


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """A checked request to answer a dispute: what the API hands to the service.

    ``body_hash`` is 32 bytes over the request; ``render`` makes the answer of the API, which is
    stored with it and replayed byte for byte (invariant I4).
    """

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    dispute_id: str
    kind: AnswerKind
    evidence: Evidence
    render: Callable[[Answer, Dispute], bytes]


@dataclass(frozen=True, slots=True)
class ClaimedDispute:
    """A dispute under lease; ``answer`` is what is still to be sent, None to only ask about it.

    ``version`` is the dispute's: what the PSP says is news only while nothing was learnt
    meanwhile. ``fence`` grows with every claim.
    """

    dispute_id: UUID
    order_id: UUID
    psp_reference: str
    version: int
    fence: int
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class DisputeFindings:
    """What came of a claim: the outcome of the answer, and the dispute as the PSP has it now.

    Either is None where it was not asked for, or could not be read.
    """

    claimed: ClaimedDispute
    outcome: OperationOutcome | None
    facts: DisputeFacts | None


@dataclass(frozen=True, slots=True)
class AnswerTransition:
    """An answer after an outcome; ``raised`` when a person must know."""

    status: OperationStatus
    reason: str | None
    detail: str
    raised: bool = False


def check_answerable(
    dispute: Dispute, kind: AnswerKind, now: datetime, *, is_answered: bool
) -> None:
    """Raise NotAnswerable, with a sentence, unless the dispute can be answered so.

    ``is_answered`` says that an answer stands which did not fail. ``now`` is UTC. A deadline
    stands against evidence only: giving in is possible as long as the PSP has it open.
    """
    if dispute.stage not in ANSWERABLE:
        raise NotAnswerable(
            f"The dispute is {dispute.stage.value.replace('_', ' ')}; only one whose bank waits"
            " for an answer can be answered."
        )
    if is_answered:
        raise NotAnswerable("The dispute was answered already.")
    due = dispute.evidence_due_at
    if kind is AnswerKind.EVIDENCE and due is not None and now > due:
        raise NotAnswerable(f"Evidence was due by {due:%Y-%m-%d %H:%M} UTC.")


def apply(outcome: OperationOutcome, policy: RetryPolicy, *, waited: timedelta) -> AnswerTransition:
    """What an outcome makes of an answer that is under way; ``waited`` since it was accepted."""
    match outcome:
        case Done():
            return AnswerTransition(OperationStatus.SUCCEEDED, None, "")
        case Refused():
            return AnswerTransition(
                OperationStatus.FAILED, outcome.reason.value, outcome.psp_code, raised=True
            )
        case Waiting():
            reason, detail = OperationReason.PROCESSING, ""
        case NotDone():
            reason, detail = OperationReason.PSP_UNAVAILABLE, outcome.detail
        case Unknown():
            reason, detail = OperationReason.UNKNOWN_OUTCOME, outcome.detail
    overdue = policy.overdue(StatusReason(reason), waited)
    return AnswerTransition(OperationStatus.SUBMITTED, reason, detail, raised=overdue)


def next_wait(
    stage: DisputeStage,
    transition: AnswerTransition | None,
    policy: RetryPolicy,
    *,
    tries: int,
    unchanged_for: timedelta,
    jitter: float,
) -> timedelta | None:
    """When the PSP is to be called again; None when nothing more is to be asked.

    An unsent answer is sent again as any call is; an open dispute is asked about at half the
    time that it has stood unchanged. ``jitter`` is 0..1 from the caller.
    """
    if transition is not None and transition.status not in _ENDS:
        return policy.wait(tries, jitter)
    if stage in OPEN:
        return policy.poll(unchanged_for, jitter)
    return None
