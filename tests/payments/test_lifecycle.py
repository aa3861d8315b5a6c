"""The lifecycle as a table, and as laws that hold for every sequence of outcomes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import Money
from clearhouse.payments.lifecycle import (
    Effect,
    OrderState,
    RetryPolicy,
    apply,
    key_expired,
    look_up_proves,
    next_call,
    outcome_word,
)
from clearhouse.payments.model import FINAL, Call, OrderStatus, StatusReason
from clearhouse.psp.contract import (
    Capabilities,
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)

PRICE = Money(1000, "USD")
POLICY = RetryPolicy()
PAID = Succeeded("pi_1", PRICE)
PAID_OTHERWISE = Succeeded("pi_1", Money(999, "USD"))
REFUSED = Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.SOFT, "51")
LOST = Unknown("timeout")
NOTHING = NotCharged("busy")
REVIEW = Pending(PendingReason.PENDING_REVIEW, "pi_1")
STEP_UP = Pending(PendingReason.REQUIRES_ACTION, "pi_1", "https://bank.example/3ds")

N, E, S, F = OrderStatus
R = StatusReason

# status before, key expired, outcome → status after, reason after, effect
TABLE = [
    (E, False, PAID, S, None, Effect.SUCCEED),
    (E, False, PAID_OTHERWISE, E, R.CONTRADICTION, Effect.RAISE),
    (E, False, REFUSED, F, R.DECLINED, Effect.FAIL),
    (E, False, REVIEW, E, R.PENDING_REVIEW, Effect.RETRY),
    (E, False, STEP_UP, E, R.REQUIRES_ACTION, Effect.RETRY),
    (E, False, NOTHING, E, R.PSP_UNAVAILABLE, Effect.RETRY),
    (E, True, NOTHING, E, R.PSP_UNAVAILABLE, Effect.NEW_ATTEMPT),
    (E, False, LOST, E, R.UNKNOWN_OUTCOME, Effect.RETRY),
    (E, True, LOST, E, R.UNKNOWN_OUTCOME, Effect.RETRY),
    (E, True, PAID, S, None, Effect.SUCCEED),
    (N, False, PAID, S, None, Effect.SUCCEED),
    (S, False, PAID, S, None, Effect.NOTHING),
    (S, False, LOST, S, None, Effect.NOTHING),
    (S, False, REVIEW, S, None, Effect.NOTHING),
    (S, True, NOTHING, S, None, Effect.NOTHING),
    (S, False, REFUSED, S, None, Effect.RAISE),
    (F, False, REFUSED, F, None, Effect.NOTHING),
    (F, False, LOST, F, None, Effect.NOTHING),
    (F, False, PAID, F, None, Effect.RAISE),
]

outcomes = st.one_of(
    st.builds(Succeeded, st.text(max_size=5), st.builds(Money, st.integers(), st.just("USD"))),
    st.just(PAID),
    st.builds(Declined, st.sampled_from(DeclineReason), st.sampled_from(Retry), st.text()),
    st.builds(Pending, st.sampled_from(PendingReason), st.text(max_size=5)),
    st.builds(NotCharged, st.text(), st.none() | st.timedeltas(timedelta(0), timedelta(days=1))),
    st.builds(Unknown, st.text()),
)


def state(status: OrderStatus, *, expired: bool = False, tries: int = 1) -> OrderState:
    return OrderState(status, None, PRICE, tries, expired)


@pytest.mark.parametrize(("before", "expired", "outcome", "after", "reason", "effect"), TABLE)
def test_each_arrow(
    before: OrderStatus,
    expired: bool,
    outcome: PspOutcome,
    after: OrderStatus,
    reason: StatusReason | None,
    effect: Effect,
) -> None:
    transition = apply(state(before, expired=expired), outcome, POLICY, 0.5)
    assert (transition.status, transition.reason, transition.effect) == (after, reason, effect)


@given(st.lists(outcomes, max_size=30), st.floats(0, 1))
def test_no_sequence_leaves_a_final_state(sequence: list[PspOutcome], jitter: float) -> None:
    order = state(E)
    for outcome in sequence:
        transition = apply(order, outcome, POLICY, jitter)
        if order.status in FINAL:
            assert transition.status is order.status
            assert transition.effect in {Effect.NOTHING, Effect.RAISE}
        assert (transition.effect in {Effect.SUCCEED, Effect.FAIL}) == (
            order.status not in FINAL and transition.status in FINAL
        )
        order = OrderState(transition.status, transition.reason, PRICE, order.tries + 1)


@given(st.lists(st.sampled_from([PAID, LOST, NOTHING, REVIEW]), min_size=1), st.randoms())
def test_order_and_duplicates_of_the_same_facts_do_not_matter(
    facts: list[PspOutcome], shuffler: object
) -> None:
    def end(sequence: list[PspOutcome]) -> OrderStatus:
        order = state(E)
        for outcome in sequence:
            order = state(apply(order, outcome, POLICY, 0).status)
        return order.status

    shuffled = list(facts) * 2
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert end(shuffled) is end(facts)


@given(outcomes, st.integers(0, 10_000), st.booleans())
def test_only_a_definite_no_ever_fails_an_order(
    outcome: PspOutcome, tries: int, expired: bool
) -> None:
    transition = apply(state(E, expired=expired, tries=tries), outcome, POLICY, 1.0)
    assert (transition.status is F) == isinstance(outcome, Declined)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_waits_grow_and_are_bounded(tries: int, jitter: float) -> None:
    wait = POLICY.wait(tries, jitter)
    assert POLICY.first * 0.5 <= wait <= POLICY.longest
    assert POLICY.wait(tries + 1, jitter) >= wait


def test_a_psp_may_ask_for_a_longer_wait() -> None:
    asked = NotCharged("busy", timedelta(hours=2))
    assert apply(state(E), asked, POLICY, 0).wait == timedelta(hours=2)


LIMITS = Capabilities(45, timedelta(hours=24), repeat_is_lookup=False)
START = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age_hours", "reason", "call"),
    [
        (0, None, Call.CHARGE),
        (1, R.UNKNOWN_OUTCOME, Call.CHARGE),
        (21, R.UNKNOWN_OUTCOME, Call.CHARGE),
        (22, R.UNKNOWN_OUTCOME, Call.LOOK_UP),
        (30, R.PSP_UNAVAILABLE, Call.LOOK_UP),
        (0, R.PENDING_REVIEW, Call.LOOK_UP),
        (0, R.REQUIRES_ACTION, Call.LOOK_UP),
        (0, R.CONTRADICTION, Call.LOOK_UP),
    ],
)
def test_a_key_is_never_repeated_past_its_lifetime(
    age_hours: int, reason: StatusReason | None, call: Call
) -> None:
    expired = key_expired(START, START + timedelta(hours=age_hours), LIMITS)
    assert next_call(reason, expired=expired) is call


def test_a_look_up_proves_nothing_while_a_call_may_be_under_way() -> None:
    patience = LIMITS.look_up_proves_after
    assert not look_up_proves(START, START + patience, LIMITS)
    assert look_up_proves(START, START + patience + timedelta(seconds=1), LIMITS)


def test_every_outcome_has_a_word_of_its_own() -> None:
    assert [outcome_word(o) for o in (PAID, REFUSED, REVIEW, NOTHING, LOST)] == [
        "succeeded",
        "declined",
        "pending",
        "not_charged",
        "unknown",
    ]
