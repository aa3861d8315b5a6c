"""What becomes of a payout when something is done or learnt about it: pure functions.

People and workers do three things to a payout (``do``). All that a rail answers, finds, or tells
later enters through ``learn``. Duplicates and any order of what is told end in the same place: a
payment is believed until it is known to have come back, and what came back is never sent again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import (
    Failed,
    FailureReason,
    NotSent,
    PaidOut,
    PayoutOutcome,
    Returned,
    Submitted,
)
from clearhouse.wallets.payouts.model import SENT, PayoutReason, PayoutStatus, SendingReason


@dataclass(frozen=True, slots=True)
class PayoutState:
    """The part of a payout that the lifecycle looks at."""

    status: PayoutStatus
    reason: PayoutReason | None
    amount: Money


class Action(StrEnum):
    """What is done to a payout on purpose."""

    APPROVE = "approve"
    CANCEL = "cancel"
    BATCH = "batch"
    """It becomes a member of a batch, before any of it is sent."""


class Effect(StrEnum):
    """What must follow in the same database transaction."""

    NOTHING = "nothing"
    """Known already, or older than what is known."""
    APPROVE = "approve"
    """It may be sent."""
    CANCEL = "cancel"
    """In transit to available."""
    BATCH = "batch"
    """It is sent with its batch, after the commit."""
    SEND_AGAIN = "send_again"
    """The same batch is sent again, under the same identity."""
    INQUIRE = "inquire"
    """The rail is asked what became of the batch."""
    WAIT = "wait"
    """The bank or PSP tells, or is asked in the end."""
    PAY = "pay"
    """In transit to the platform's bank account or PSP balance."""
    FAIL = "fail"
    """In transit to available: it never left."""
    FAIL_PAID = "fail_paid"
    """The platform's bank account or PSP balance to available: it was paid, and came back."""
    RETURN = "return"
    """As FAIL_PAID, and the bank calls it a return."""
    PAY_AND_RETURN = "pay_and_return"
    """As PAY, then as RETURN: that it was paid was not heard before."""
    RENAME = "rename"
    """No money moves: what was taken for a failure had left and came back."""
    RAISE = "raise"
    """A person is told; nothing is guessed, and no money moves."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The place after what was done or learnt, and what follows; ``detail`` is for people."""

    status: PayoutStatus
    reason: PayoutReason | None
    effect: Effect
    detail: str = ""


_FROM: Final = {
    Action.APPROVE: frozenset({PayoutStatus.CREATED}),
    Action.CANCEL: frozenset({PayoutStatus.CREATED, PayoutStatus.APPROVED}),
    Action.BATCH: frozenset({PayoutStatus.APPROVED}),
}
_TO: Final = {
    Action.APPROVE: Transition(PayoutStatus.APPROVED, None, Effect.APPROVE),
    Action.CANCEL: Transition(PayoutStatus.CANCELLED, None, Effect.CANCEL),
    Action.BATCH: Transition(PayoutStatus.SUBMITTED, SendingReason.SENDING, Effect.BATCH),
}


def do(payout: PayoutState, action: Action) -> Transition | None:
    """What an action makes of a payout; None where it may not be done any more, or not yet.

    The same action again changes nothing. A payout in a batch is not cancelled: it may have been
    sent.
    """
    made = _TO[action]
    if payout.status in _FROM[action]:
        return made
    if payout.status is made.status:
        return _kept(payout, Effect.NOTHING)
    return None


def learn(payout: PayoutState, outcome: PayoutOutcome, moved: Money | None = None) -> Transition:
    """The transition that an outcome causes. Total: every combination has an answer.

    ``moved`` is what the bank or PSP says it moved, where it says so.
    """
    if payout.status not in SENT:
        return _kept(payout, Effect.RAISE, f"nobody sent it, and yet: {outcome_word(outcome)}")
    if moved is not None and moved != payout.amount:
        return _contradicted(payout, f"sent {payout.amount}, the rail says {moved}")
    match outcome:
        case Failed(FailureReason.DUPLICATE) if payout.status is PayoutStatus.SUBMITTED:
            return _contradicted(payout, "taken for a repetition: the first may have been paid")
        case Failed(FailureReason.DUPLICATE):
            return _kept(payout, Effect.NOTHING)
        case Failed():
            return _failed(payout, outcome)
        case Returned():
            return _returned(payout, outcome)
        case _ if payout.status is not PayoutStatus.SUBMITTED:
            return _kept(payout, Effect.NOTHING)
        case PaidOut():
            return Transition(PayoutStatus.PAID, None, Effect.PAY)
        case Submitted() | NotSent() | Unknown():
            return _on_its_way(payout, outcome)


def _failed(payout: PayoutState, outcome: Failed) -> Transition:
    made = Transition(PayoutStatus.FAILED, outcome.reason, Effect.FAIL, outcome.code)
    match payout.status:
        case PayoutStatus.SUBMITTED:
            return made
        case PayoutStatus.PAID:
            return Transition(made.status, made.reason, Effect.FAIL_PAID, outcome.code)
        case _:
            return _kept(payout, Effect.NOTHING)


def _returned(payout: PayoutState, outcome: Returned) -> Transition:
    effects = {
        PayoutStatus.SUBMITTED: Effect.PAY_AND_RETURN,
        PayoutStatus.PAID: Effect.RETURN,
        PayoutStatus.FAILED: Effect.RENAME,
    }
    effect = effects.get(payout.status)
    if effect is None:
        return _kept(payout, Effect.NOTHING)
    return Transition(PayoutStatus.RETURNED, outcome.reason, effect, outcome.code)


def _on_its_way(payout: PayoutState, outcome: Submitted | NotSent | Unknown) -> Transition:
    """A call's own answer, while nothing is decided."""
    if payout.reason is SendingReason.CONTRADICTION:
        return _kept(payout, Effect.NOTHING)
    if isinstance(outcome, Submitted):
        known = payout.reason is SendingReason.UNDER_WAY
        effect = Effect.NOTHING if known else Effect.WAIT
        return Transition(payout.status, SendingReason.UNDER_WAY, effect, outcome.reference)
    if payout.reason is SendingReason.UNDER_WAY:
        # Of an older call, or of one that was not needed: the bank or PSP has it.
        return _kept(payout, Effect.NOTHING)
    if isinstance(outcome, NotSent):
        reason, effect = SendingReason.NOT_SENT, Effect.SEND_AGAIN
    else:
        reason, effect = SendingReason.UNKNOWN_OUTCOME, Effect.INQUIRE
    return Transition(payout.status, reason, effect, outcome.detail)


def _contradicted(payout: PayoutState, detail: str) -> Transition:
    if payout.status is PayoutStatus.SUBMITTED:
        return Transition(payout.status, SendingReason.CONTRADICTION, Effect.RAISE, detail)
    return _kept(payout, Effect.RAISE, detail)


def _kept(payout: PayoutState, effect: Effect, detail: str = "") -> Transition:
    return Transition(payout.status, payout.reason, effect, detail)


def outcome_word(outcome: PayoutOutcome) -> str:
    """An outcome in one stable word, for logs and metrics."""
    match outcome:
        case Submitted():
            return "submitted"
        case PaidOut():
            return "paid"
        case Failed():
            return "failed"
        case Returned():
            return "returned"
        case NotSent():
            return "not_sent"
        case Unknown():
            return "unknown"
