"""What becomes of a page: one table for its outcomes, one for what to do next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.payments.pages.lifecycle import FINAL, PageEffect, apply, next_call
from clearhouse.payments.pages.model import (
    CardAttempt,
    PageCall,
    PageState,
    PaymentPage,
    new_token,
    page_of_token,
)
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)
from clearhouse.psp.pages import OpenedPage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOTAL = Money(2001, "USD")
POLICY = RetryPolicy(timedelta(seconds=1), timedelta(minutes=5))
PAGE_ID = Ids(SystemClock(), SeededRandomness(7)).at(NOW)

CREATED, OPEN, COMPLETED, EXPIRED = PageState
E = PageEffect
SUCCEEDED = Succeeded("pi_1", TOTAL)
OTHER_SUM = Succeeded("pi_1", Money(2000, "USD"))
OTHER_MONEY = Succeeded("pi_1", Money(2001, "EUR"))
REVERSED = Reversed("pi_1", TOTAL, "settlement_declined")
CLOSED = Declined(DeclineReason.EXPIRED, Retry.HARD, "page_expired")
REFUSED = Declined(DeclineReason.CARD_DECLINED, Retry.HARD, "2000")
PENDING = Pending(PendingReason.PROCESSING, "cs_1")
NOTHING = NotCharged("busy")
LOST = Unknown("timeout")
PAGE = OpenedPage("cs_1", "https://psp.test", None)


def a_page(state: PageState, *, late: bool = False) -> PaymentPage:
    expires = NOW - timedelta(seconds=1) if late else NOW + timedelta(hours=1)
    return PaymentPage(
        page_id=PAGE_ID, checkout_id="c", psp="stripe", token="t", state=state,
        psp_page_reference=None, url=None, total=TOTAL, return_url=None, cancel_url=None,
        attempt=0, attempt_open=False, declined_for=None, expires_at=expires, created_at=NOW,
    )  # fmt: skip


# fmt: off
STEPS = [
    # state    late   call              outcome      proven  →  state     effect
    (CREATED,  False, PageCall.OPEN,    PAGE,        False, OPEN,      E.OPEN),
    (CREATED,  False, PageCall.OPEN,    NOTHING,     False, CREATED,   E.WAIT),
    (CREATED,  False, PageCall.OPEN,    LOST,        False, CREATED,   E.WAIT),
    (CREATED,  False, PageCall.OPEN,    REFUSED,     False, EXPIRED,   E.EXPIRE),
    (CREATED,  True,  PageCall.OPEN,    NOTHING,     False, EXPIRED,   E.EXPIRE),
    (CREATED,  True,  PageCall.OPEN,    LOST,        False, EXPIRED,   E.EXPIRE),
    (OPEN,     False, PageCall.OUTCOME, PENDING,     False, OPEN,      E.WAIT),
    (OPEN,     False, PageCall.OUTCOME, LOST,        False, OPEN,      E.WAIT),
    (OPEN,     False, PageCall.OUTCOME, NOTHING,     False, OPEN,      E.WAIT),
    (OPEN,     False, PageCall.OUTCOME, SUCCEEDED,   False, COMPLETED, E.COMPLETE),
    (OPEN,     False, PageCall.OUTCOME, REVERSED,    False, COMPLETED, E.COMPLETE),
    (OPEN,     False, PageCall.OUTCOME, OTHER_SUM,   False, OPEN,      E.RAISE),
    (OPEN,     False, PageCall.OUTCOME, OTHER_MONEY, False, OPEN,      E.RAISE),
    (OPEN,     False, PageCall.OUTCOME, CLOSED,      False, EXPIRED,   E.EXPIRE),
    (OPEN,     True,  PageCall.CLOSE,   CLOSED,      False, EXPIRED,   E.EXPIRE),
    # Paid in the last moment, before it could be closed.
    (OPEN,     True,  PageCall.CLOSE,   SUCCEEDED,   False, COMPLETED, E.COMPLETE),
    # Not knowing whether it was closed is no reason to let the orders go.
    (OPEN,     True,  PageCall.CLOSE,   LOST,        False, OPEN,      E.WAIT),
    (OPEN,     True,  PageCall.CLOSE,   NOTHING,     False, OPEN,      E.WAIT),
    (OPEN,     True,  PageCall.CLOSE,   PENDING,     False, OPEN,      E.WAIT),
    (OPEN,     True,  PageCall.EXPIRE,  CLOSED,      False, EXPIRED,   E.EXPIRE),
    # A card on a page of ours: declined, the next may be tried; lost, nobody guesses.
    (OPEN,     False, PageCall.CHARGE,  REFUSED,     False, OPEN,      E.NEXT_CARD),
    (OPEN,     True,  PageCall.CHARGE,  REFUSED,     False, OPEN,      E.NEXT_CARD),
    (OPEN,     False, PageCall.CHARGE,  LOST,        False, OPEN,      E.WAIT),
    (OPEN,     True,  PageCall.CHARGE,  LOST,        False, OPEN,      E.WAIT),
    (OPEN,     False, PageCall.CHARGE,  SUCCEEDED,   False, COMPLETED, E.COMPLETE),
    (OPEN,     False, PageCall.LOOK_UP, NOTHING,     False, OPEN,      E.WAIT),
    (OPEN,     False, PageCall.LOOK_UP, NOTHING,     True,  OPEN,      E.NEXT_CARD),
    # Final is final.
    (COMPLETED, False, PageCall.OUTCOME, CLOSED,     False, COMPLETED, E.WAIT),
    (EXPIRED,  False, PageCall.OUTCOME, SUCCEEDED,   False, EXPIRED,   E.WAIT),
]
# fmt: on


@pytest.mark.parametrize(("state", "late", "call", "outcome", "proven", "then", "effect"), STEPS)
def test_each_outcome_has_its_step(
    state: PageState,
    late: bool,
    call: PageCall,
    outcome: object,
    proven: bool,
    then: PageState,
    effect: PageEffect,
) -> None:
    step = apply(
        a_page(state, late=late),
        call,
        outcome,  # type: ignore[arg-type]
        NOW,
        POLICY,
        0.5,
        proven=proven,
    )
    assert (step.state, step.effect) == (then, effect)


CARD = CardAttempt(1, "nonce", "key", NOW, look_up_proves=False)

# fmt: off
CALLS = [
    # state    late   ours   card  expired →
    (CREATED, False, False, None, False, PageCall.OPEN),
    (CREATED, False, True,  None, False, PageCall.OPEN),
    (OPEN,    False, False, None, False, PageCall.OUTCOME),
    (OPEN,    True,  False, None, False, PageCall.CLOSE),
    (OPEN,    False, True,  None, False, PageCall.OUTCOME),
    (OPEN,    True,  True,  None, False, PageCall.EXPIRE),
    (OPEN,    False, True,  CARD, False, PageCall.CHARGE),
    # A charge under way is settled first, however late the page is.
    (OPEN,    True,  True,  CARD, False, PageCall.CHARGE),
    (OPEN,    True,  True,  CARD, True,  PageCall.LOOK_UP),
]
# fmt: on


@pytest.mark.parametrize(("state", "late", "ours", "card", "expired", "call"), CALLS)
def test_what_to_do_next(
    state: PageState,
    late: bool,
    ours: bool,
    card: CardAttempt | None,
    expired: bool,
    call: PageCall,
) -> None:
    page = a_page(state, late=late)
    assert next_call(page, card, NOW, ours=ours, key_expired=expired) is call


@given(
    outcomes=st.lists(
        st.sampled_from([SUCCEEDED, CLOSED, PENDING, NOTHING, LOST, REVERSED]), max_size=12
    )
)
def test_a_final_page_is_never_left(outcomes: list[object]) -> None:
    page, decided = a_page(OPEN), None
    for outcome in outcomes:
        step = apply(page, PageCall.OUTCOME, outcome, NOW, POLICY, 0.5)  # type: ignore[arg-type]
        page = a_page(step.state)
        decided = decided or (step.state if step.state in FINAL else None)
        assert step.state is (decided or OPEN)


def test_a_wait_ends_when_the_page_does() -> None:
    page = a_page(OPEN)
    long_ago = NOW + timedelta(minutes=59, seconds=50)
    assert apply(page, PageCall.OUTCOME, PENDING, long_ago, POLICY, 1).wait <= timedelta(seconds=10)


def test_a_token_leads_to_its_page_and_no_word_breaks_it() -> None:
    token = new_token(PAGE_ID, SeededRandomness(1))
    assert page_of_token(token) == PAGE_ID
    for word in ("", "x", token[:-1], token + "A", token[:-1] + "=", "ä" * 43, "\x00" * 43):
        assert page_of_token(word) is None
    assert new_token(PAGE_ID, SeededRandomness(2)) != token
