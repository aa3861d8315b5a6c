"""What becomes of a payment order when something is learnt about it: one pure function.

Replies, webhooks, polls, pages and settlement lines all arrive here as a PspOutcome. Duplicates
and any order of arrival end in the same state: a success is believed whenever it comes, a final
state is never left, what is older than what is known changes nothing, and what contradicts it is
put before a person or, where it is money, given back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.payments.model import FINAL, OrderStatus, StatusReason
from clearhouse.payments.patience import UNDECIDED, RetryPolicy
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PspOutcome,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class OrderState:
    """The part of a payment order that outcomes change.

    ``tries`` counts calls of this attempt. ``key_expired`` is true once the attempt is proven not
    to have charged by a look-up that found nothing. ``waited`` is how long the order has had its
    reason. ``may_retry`` says that the rules of the card networks allow another attempt after
    soft decline number ``declines`` + 1, ``soft_decline`` is the failure code of the last one.
    ``partly`` allows a success of less than ``amount``: authorized, then captured in part.
    ``reference`` is the charge that the order is known to stand for. ``elsewhere`` says that
    another PSP is left that could take it, ``all_answered`` that every call of this attempt came
    back: none was given up with its executor, and none is under way.
    """

    status: OrderStatus
    reason: StatusReason | None
    amount: Money
    tries: int
    key_expired: bool = False
    waited: timedelta = timedelta(0)
    declines: int = 0
    may_retry: bool = False
    soft_decline: str | None = None
    partly: bool = False
    reference: str | None = None
    captured_minor: int = 0
    elsewhere: bool = False
    all_answered: bool = False


class Age(StrEnum):
    """How a fact stands to what is known already."""

    CURRENT = "current"
    """Of the attempt under way, and as new as anything that is known."""
    STALE = "stale"
    """Older than something known of the same attempt."""
    EARLIER_ATTEMPT = "earlier_attempt"
    """Of an attempt that was given up since."""


class Effect(StrEnum):
    """What must follow in the same database transaction."""

    NOTHING = "nothing"
    """Known already."""
    SUCCEED = "succeed"
    """Publish ``payment_order.succeeded``; drop the work."""
    SUCCEED_REVERSED = "succeed_reversed"
    """Publish ``payment_order.succeeded`` and ``payment_order.reversed``; drop the work."""
    REVERSE = "reverse"
    """Publish ``payment_order.reversed``."""
    FAIL = "fail"
    """Publish ``payment_order.failed``; drop the work."""
    AUTHORIZE = "authorize"
    """Publish ``payment_order.authorized``; ask again after ``wait``."""
    ACT = "act"
    """Publish ``payment_order.action_required``; ask again after ``wait``."""
    RETRY = "retry"
    """Call again after ``wait``."""
    NEW_ATTEMPT = "new_attempt"
    """This attempt is proven not to have charged and its key is spent: begin the next one."""
    FAIL_OVER = "fail_over"
    """Proven not to have charged, and another PSP can take it: begin the next attempt there."""
    RAISE = "raise"
    """Put it before a person; nothing is guessed."""
    STRAY = "stray"
    """A charge that no order stands for: give it back, and show it."""


ENDING: Final = frozenset({Effect.SUCCEED, Effect.SUCCEED_REVERSED, Effect.FAIL})
"""The effects that make an order final."""

BEGINNING: Final = frozenset({Effect.NEW_ATTEMPT, Effect.FAIL_OVER})
"""The effects that begin another attempt."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after an outcome, and what follows from it.

    ``charged`` is what the PSP charged, for a success or a stray charge. ``soft_decline`` is kept
    for the attempts to come.
    """

    status: OrderStatus
    reason: StatusReason | None
    effect: Effect
    failure_code: str | None = None
    psp_reference: str | None = None
    wait: timedelta = timedelta(0)
    detail: str = ""
    charged: Money | None = None
    action_url: str | None = None
    expires_at: datetime | None = None
    soft_decline: str | None = None


def apply(
    order: OrderState,
    outcome: PspOutcome,
    policy: RetryPolicy,
    jitter: float,
    age: Age = Age.CURRENT,
) -> Transition:
    """The transition that an outcome causes. Pure and total: every combination has an answer.

    ``jitter`` is a random number in 0..1 from the caller. A final status never changes.
    """
    if order.status in FINAL:
        return _when_final(order, outcome, age)
    if order.status is OrderStatus.NOT_STARTED:
        return _kept(order, Effect.RAISE, f"nobody was asked, and yet: {outcome_word(outcome)}")
    if isinstance(outcome, Succeeded | Reversed):
        return _succeed(order, outcome, policy)
    if age is not Age.CURRENT:
        return _kept(order, Effect.NOTHING)
    match outcome:
        case Declined():
            return _declined(order, outcome, policy, jitter)
        case Pending():
            return _pending(order, outcome, policy, jitter)
        case NotCharged() if _leaves(order, policy):
            return _fail_over(order, outcome.detail)
        case NotCharged() if order.key_expired and order.reason not in UNDECIDED:
            return Transition(
                OrderStatus.EXECUTING,
                StatusReason.PSP_UNAVAILABLE,
                Effect.NEW_ATTEMPT,
                detail=outcome.detail,
                soft_decline=order.soft_decline,
            )
        case NotCharged():
            wait = policy.wait(order.tries, jitter)
            wait = max(wait, outcome.retry_after or wait)
            # It speaks of this call only: an answer that was lost before stays lost.
            lost = order.reason is StatusReason.UNKNOWN_OUTCOME
            reason = StatusReason.UNKNOWN_OUTCOME if lost else StatusReason.PSP_UNAVAILABLE
            return _again(order, reason, wait, outcome.detail)
        case Unknown():
            wait = policy.wait(order.tries, jitter)
            return _again(order, StatusReason.UNKNOWN_OUTCOME, wait, outcome.detail)


def _succeed(order: OrderState, outcome: Succeeded | Reversed, policy: RetryPolicy) -> Transition:
    charged = outcome.charged
    fits = charged == order.amount or (
        order.partly and charged.currency == order.amount.currency
        and 0 < charged.minor < order.amount.minor
    )  # fmt: skip
    if not fits:
        return Transition(
            OrderStatus.EXECUTING,
            StatusReason.CONTRADICTION,
            Effect.RAISE,
            psp_reference=outcome.psp_reference,
            wait=policy.longest,
            detail=f"ordered {order.amount}, the PSP charged {charged}",
        )
    taken_back = isinstance(outcome, Reversed)
    return Transition(
        OrderStatus.SUCCESS,
        StatusReason.REVERSED if taken_back else None,
        Effect.SUCCEED_REVERSED if taken_back else Effect.SUCCEED,
        psp_reference=outcome.psp_reference,
        charged=charged,
        detail=f"taken back ({outcome.psp_code})" if isinstance(outcome, Reversed) else "",
    )


def _leaves(order: OrderState, policy: RetryPolicy) -> bool:
    """Whether a call that charged nothing is reason and proof enough to ask another PSP."""
    if not order.elsewhere or order.reason in UNDECIDED:
        return False
    if order.key_expired:
        return True
    return _nothing_lost(order) and 0 < policy.failover_tries <= order.tries


def _nothing_lost(order: OrderState) -> bool:
    """Whether no call of this attempt can have charged behind a lost answer.

    A PSP may refuse a repeated call for what the first one did, such as using up the token.
    """
    lost = {StatusReason.UNKNOWN_OUTCOME, StatusReason.CONTRADICTION}
    return order.all_answered and order.reason not in lost


def _fail_over(order: OrderState, detail: str) -> Transition:
    return Transition(
        OrderStatus.EXECUTING,
        StatusReason.FAILED_OVER,
        Effect.FAIL_OVER,
        detail=detail,
        soft_decline=order.soft_decline,
    )


_ENDED: Final = {
    DeclineReason.VOIDED: StatusReason.VOIDED,
    DeclineReason.EXPIRED: StatusReason.EXPIRED,
}


def _declined(
    order: OrderState, outcome: Declined, policy: RetryPolicy, jitter: float
) -> Transition:
    code = outcome.reason.value
    if order.elsewhere and outcome.reason in policy.failover_declines and _nothing_lost(order):
        return _fail_over(order, outcome.psp_code)
    if outcome.retry is Retry.SOFT and order.may_retry:
        return Transition(
            OrderStatus.EXECUTING,
            StatusReason.RETRY_SCHEDULED,
            Effect.NEW_ATTEMPT,
            wait=policy.after_decline(order.declines + 1, jitter),
            detail=outcome.psp_code,
            soft_decline=code,
        )
    if outcome.reason is DeclineReason.PAYMENT_METHOD_INVALID and order.soft_decline:
        # A token that is good for one attempt only: what the first was declined for counts.
        code = order.soft_decline
    return Transition(
        OrderStatus.FAILED,
        _ENDED.get(outcome.reason, StatusReason.DECLINED),
        Effect.FAIL,
        failure_code=code,
        psp_reference=outcome.psp_reference,
        detail=outcome.psp_code,
    )


def _pending(order: OrderState, outcome: Pending, policy: RetryPolicy, jitter: float) -> Transition:
    reason = StatusReason(outcome.reason.value)
    is_new = reason is not order.reason
    effect = Effect.RETRY
    if is_new and reason is StatusReason.REQUIRES_ACTION:
        effect = Effect.ACT
    elif is_new and reason is StatusReason.AUTHORIZED:
        effect = Effect.AUTHORIZE
    waited = timedelta(0) if is_new else order.waited
    return Transition(
        OrderStatus.EXECUTING,
        reason,
        effect,
        psp_reference=outcome.psp_reference,
        wait=policy.poll(waited, jitter),
        action_url=outcome.redirect_url,
        expires_at=outcome.expires_at,
        soft_decline=order.soft_decline,
    )


def _again(order: OrderState, reason: StatusReason, wait: timedelta, detail: str) -> Transition:
    """Asked in vain; an undecided payment stays what it was known to be."""
    kept = order.reason if order.reason in UNDECIDED else reason
    return Transition(
        OrderStatus.EXECUTING,
        kept,
        Effect.RETRY,
        wait=wait,
        detail=detail,
        soft_decline=order.soft_decline,
    )


def _when_final(order: OrderState, outcome: PspOutcome, age: Age) -> Transition:
    match outcome:
        case Succeeded() if order.status is OrderStatus.FAILED:
            return _stray(order, outcome, "the order had failed")
        case Succeeded() if order.reference not in {None, outcome.psp_reference}:
            return _stray(order, outcome, "another charge had paid for the order")
        case Succeeded() if outcome.charged.minor != order.captured_minor:
            detail = f"captured {order.captured_minor} minor units, now {outcome.charged}"
            return _kept(order, Effect.RAISE, detail)
        case Reversed() if order.status is OrderStatus.SUCCESS and order.reference in {
            None,
            outcome.psp_reference,
        }:
            if order.reason is StatusReason.REVERSED:
                return _kept(order, Effect.NOTHING)
            detail = f"taken back ({outcome.psp_code})"
            return Transition(order.status, StatusReason.REVERSED, Effect.REVERSE, detail=detail)
        case Reversed():
            return _kept(order, Effect.RAISE, _contradicted(order, outcome))
        case Declined() if (
            order.status is OrderStatus.SUCCESS
            and age is Age.CURRENT
            and order.reference in {None, outcome.psp_reference}
        ):
            return _kept(order, Effect.RAISE, _contradicted(order, outcome))
        case _:
            return _kept(order, Effect.NOTHING)


def _stray(order: OrderState, outcome: Succeeded, why: str) -> Transition:
    return Transition(
        order.status,
        order.reason,
        Effect.STRAY,
        psp_reference=outcome.psp_reference,
        charged=outcome.charged,
        detail=f"charged {outcome.charged}, though {why}",
    )


def _kept(order: OrderState, effect: Effect, detail: str = "") -> Transition:
    return Transition(order.status, order.reason, effect, detail=detail)


def _contradicted(order: OrderState, outcome: PspOutcome) -> str:
    return f"{order.status} was final, then came {outcome_word(outcome)}"


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
