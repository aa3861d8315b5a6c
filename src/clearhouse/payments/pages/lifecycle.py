"""What becomes of a payment page when something is learnt about it: pure functions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.payments.pages.model import CardAttempt, PageCall, PageState, PaymentPage
from clearhouse.payments.patience import RetryPolicy
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
from clearhouse.psp.pages import OpenedPage

PAGE_EXPIRED: Final = Declined(DeclineReason.EXPIRED, Retry.HARD, "page_expired")
"""What the orders of a page learn that was never paid."""
FINAL: Final = frozenset({PageState.COMPLETED, PageState.EXPIRED})


class PageEffect(StrEnum):
    """What must follow in the same database transaction."""

    WAIT = "wait"
    """Ask again after ``wait``."""
    OPEN = "open"
    """The page is there; the buyer can be sent to it."""
    NEXT_CARD = "next_card"
    """The card was declined for good; the buyer may try another on the same page."""
    COMPLETE = "complete"
    """Paid: each order learns its part."""
    EXPIRE = "expire"
    """Never to be paid: each order learns so."""
    RAISE = "raise"
    """Another sum was paid than was asked: a person decides, and nothing is guessed."""


@dataclass(frozen=True, slots=True)
class PageStep:
    """The state after an outcome, and what follows from it."""

    state: PageState
    effect: PageEffect
    wait: timedelta = timedelta(0)
    charge_reference: str | None = None
    declined_for: str | None = None
    detail: str = ""


def apply(
    page: PaymentPage,
    call: PageCall,
    outcome: OpenedPage | PspOutcome,
    now: datetime,
    policy: RetryPolicy,
    jitter: float,
    *,
    tries: int = 0,
    proven: bool = False,
) -> PageStep:
    """The step that an outcome causes. Pure and total.

    ``proven`` says of NotCharged that a look-up searched all there could be. ``now`` is UTC.
    """
    match outcome:
        case _ if page.state in FINAL:
            return PageStep(page.state, PageEffect.WAIT)
        case OpenedPage():
            return _until(page, PageState.OPEN, PageEffect.OPEN, timedelta(0), now)
        case Succeeded() | Reversed() if outcome.charged != page.total:
            detail = f"asked for {page.total}, the PSP charged {outcome.charged}"
            return PageStep(page.state, PageEffect.RAISE, policy.longest, detail=detail)
        case Succeeded() | Reversed():
            reference = outcome.psp_reference
            return PageStep(PageState.COMPLETED, PageEffect.COMPLETE, charge_reference=reference)
        case Declined() if call in {PageCall.CHARGE, PageCall.LOOK_UP}:
            return _next_card(page, outcome.reason.value, outcome.psp_code, now)
        case Declined():
            return PageStep(PageState.EXPIRED, PageEffect.EXPIRE, detail=outcome.psp_code)
        case NotCharged() if proven:
            return _next_card(page, DeclineReason.PROCESSING_ERROR.value, outcome.detail, now)
        case NotCharged() | Unknown() if call is PageCall.OPEN and now >= page.expires_at:
            # If one was opened after all, nobody was ever told its address.
            return PageStep(PageState.EXPIRED, PageEffect.EXPIRE, detail=outcome.detail)
        case Pending():
            wait = policy.poll(now - page.created_at, jitter)
            return _until(page, page.state, PageEffect.WAIT, wait, now)
        case NotCharged() | Unknown():
            wait = policy.wait(tries, jitter)
            if isinstance(outcome, NotCharged):
                wait = max(wait, outcome.retry_after or wait)
            return PageStep(page.state, PageEffect.WAIT, wait, detail=outcome.detail)


def next_call(
    page: PaymentPage, card: CardAttempt | None, now: datetime, *, ours: bool, key_expired: bool
) -> PageCall:
    """What to do next about a page; ``ours`` for one that holds the PSP's fields. ``now`` is UTC.

    A charge under way is settled first, however late it is.
    """
    late = now >= page.expires_at
    if card is not None:
        return PageCall.LOOK_UP if key_expired else PageCall.CHARGE
    if page.state is PageState.CREATED:
        return PageCall.OPEN
    if ours:
        return PageCall.EXPIRE if late else PageCall.OUTCOME
    return PageCall.CLOSE if late else PageCall.OUTCOME


def _next_card(page: PaymentPage, reason: str, detail: str, now: datetime) -> PageStep:
    rest = max(page.expires_at - now, timedelta(0))
    return PageStep(page.state, PageEffect.NEXT_CARD, rest, declined_for=reason, detail=detail)


def _until(
    page: PaymentPage, state: PageState, effect: PageEffect, wait: timedelta, now: datetime
) -> PageStep:
    """Wait, but not past the page's time, when it must be closed."""
    rest = page.expires_at - now
    return PageStep(state, effect, min(wait, rest) if rest > timedelta(0) else wait)
