"""What becomes of a payment order when something is learnt about it: one pure function.

Replies, webhooks, polls and settlement lines all arrive here as a PspOutcome. Duplicates and
any order of arrival end in the same state, because a final state is never left and because
what contradicts it is reported instead of believed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.payments.model import FINAL, Call, OrderStatus, StatusReason
from clearhouse.psp.contract import (
    Capabilities,
    Declined,
    NotCharged,
    Pending,
    PspOutcome,
    Reversed,
    Succeeded,
    Unknown,
)

_UNDECIDED: Final = frozenset(
    {
        StatusReason.PROCESSING,
        StatusReason.PENDING_REVIEW,
        StatusReason.REQUIRES_ACTION,
        StatusReason.AUTHORIZED,
        StatusReason.CONTRADICTION,
    }
)


@dataclass(frozen=True, slots=True)
class OrderState:
    """The part of a payment order that outcomes change.

    ``tries`` counts calls of this attempt. ``key_expired`` is true once the PSP may have
    forgotten the attempt's key, so that the attempt can only be looked up.
    """

    status: OrderStatus
    reason: StatusReason | None
    amount: Money
    tries: int
    key_expired: bool = False


class Effect(StrEnum):
    """What must follow in the same database transaction."""

    NOTHING = "nothing"
    """Known already."""
    SUCCEED = "succeed"
    """Publish ``payment_order.succeeded``; drop the work."""
    FAIL = "fail"
    """Publish ``payment_order.failed``; drop the work."""
    RETRY = "retry"
    """Call again after ``wait``."""
    NEW_ATTEMPT = "new_attempt"
    """This attempt is proven not to have charged and its key is spent: begin the next one."""
    RAISE = "raise"
    """Put it before a person; nothing is guessed."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after an outcome, and what follows from it."""

    status: OrderStatus
    reason: StatusReason | None
    effect: Effect
    failure_code: str | None = None
    psp_reference: str | None = None
    wait: timedelta = timedelta(0)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait before the next call: doubling from ``first`` up to ``longest``."""

    first: timedelta = timedelta(seconds=0.5)
    longest: timedelta = timedelta(minutes=5)

    def wait(self, tries: int, jitter: float) -> timedelta:
        """The wait after ``tries`` fruitless calls; ``jitter`` in 0..1 spreads it over 50-100 %."""
        doubled = self.first * 2 ** min(tries, 30)
        return min(doubled, self.longest) * (0.5 + jitter / 2)


def apply(order: OrderState, outcome: PspOutcome, policy: RetryPolicy, jitter: float) -> Transition:
    """The transition that an outcome causes. Pure and total: every pair has an answer.

    ``jitter`` is a random number in 0..1 from the caller. A final order never changes; an
    outcome that contradicts it has the effect RAISE, so that a person sees it.
    """
    if order.status in FINAL:
        return _when_final(order, outcome)
    match outcome:
        case Succeeded():
            return _succeed(order, outcome, policy)
        case Reversed():
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason.CONTRADICTION,
                Effect.RAISE,
                psp_reference=outcome.psp_reference,
                wait=policy.longest,
                detail=f"taken back by the PSP ({outcome.psp_code})",
            )
        case Declined():
            return Transition(
                OrderStatus.FAILED,
                StatusReason.DECLINED,
                Effect.FAIL,
                failure_code=outcome.reason.value,
                psp_reference=outcome.psp_reference,
                detail=outcome.psp_code,
            )
        case Pending():
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason(outcome.reason.value),
                Effect.RETRY,
                psp_reference=outcome.psp_reference,
                wait=policy.wait(order.tries, jitter),
            )
        case NotCharged() if order.key_expired:
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason.PSP_UNAVAILABLE,
                Effect.NEW_ATTEMPT,
                detail=outcome.detail,
            )
        case NotCharged():
            wait = policy.wait(order.tries, jitter)
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason.PSP_UNAVAILABLE,
                Effect.RETRY,
                wait=max(wait, outcome.retry_after or wait),
                detail=outcome.detail,
            )
        case Unknown():
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason.UNKNOWN_OUTCOME,
                Effect.RETRY,
                wait=policy.wait(order.tries, jitter),
                detail=outcome.detail,
            )


def _succeed(order: OrderState, outcome: Succeeded, policy: RetryPolicy) -> Transition:
    if outcome.charged != order.amount:
        return Transition(
            OrderStatus.EXECUTING,
            StatusReason.CONTRADICTION,
            Effect.RAISE,
            psp_reference=outcome.psp_reference,
            wait=policy.longest,
            detail=f"ordered {order.amount}, the PSP charged {outcome.charged}",
        )
    return Transition(
        OrderStatus.SUCCESS, None, Effect.SUCCEED, psp_reference=outcome.psp_reference
    )


def _when_final(order: OrderState, outcome: PspOutcome) -> Transition:
    contradicted = (order.status is OrderStatus.FAILED and isinstance(outcome, Succeeded)) or (
        order.status is OrderStatus.SUCCESS and isinstance(outcome, Declined | Reversed)
    )
    effect = Effect.RAISE if contradicted else Effect.NOTHING
    detail = f"{order.status} was final, then came {outcome_word(outcome)}" if contradicted else ""
    return Transition(order.status, order.reason, effect, detail=detail)


def outcome_word(outcome: PspOutcome) -> str:
    """An outcome in one stable word, as attempts store it and metrics count it."""
    match outcome:
        case Succeeded():
            return "succeeded"
        case Reversed():
            return "reversed"
        case Declined():
            return "declined"
        case Pending():
            return "pending"
        case NotCharged():
            return "not_charged"
        case Unknown():
            return "unknown"


def key_expired(attempted_at: datetime, now: datetime, capabilities: Capabilities) -> bool:
    """Whether the PSP may have forgotten a key first sent at ``attempted_at``. Times are UTC.

    A tenth of the key's lifetime is kept as a margin against skewed clocks and slow calls
    (invariants I11 and I12).
    """
    return now - attempted_at > capabilities.idempotency_key_lifetime * 0.9


def look_up_proves(charged_at: datetime, now: datetime, capabilities: Capabilities) -> bool:
    """Whether a look-up that finds nothing proves that nothing was charged. Times are UTC.

    ``charged_at`` is when a call that could charge was last sent: it may still be under way
    at the PSP for a while, even if its sender has died.
    """
    return now - charged_at > capabilities.look_up_proves_after


def next_call(reason: StatusReason | None, *, expired: bool) -> Call:
    """Charge with the same key while the PSP is sure to remember it; only look up after that.

    A payment that the PSP holds undecided is looked up as well: asking it to charge again
    tells nothing new.
    """
    return Call.LOOK_UP if expired or reason in _UNDECIDED else Call.CHARGE
