"""The lifecycle as a table, and as laws that hold for every sequence of outcomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.payments.lifecycle import (
    ENDING,
    Age,
    Effect,
    OrderState,
    Transition,
    apply,
    outcome_word,
)
from clearhouse.payments.model import FINAL, Call, OrderStatus, StatusReason
from clearhouse.payments.patience import RetryPolicy, key_expired, look_up_proves, next_call
from clearhouse.psp.contract import (
    Capabilities,
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)

PRICE = Money(1000, "USD")
POLICY = RetryPolicy()
PAID = Succeeded("pi_1", PRICE)
PAID_OTHERWISE = Succeeded("pi_1", Money(999, "USD"))
LOST = Unknown("timeout")
NOTHING = NotCharged("busy")
REVIEW = Pending(PendingReason.PENDING_REVIEW, "pi_1")
STEP_UP = Pending(PendingReason.REQUIRES_ACTION, "pi_1", "https://bank.example/3ds")

N, E, S, F = OrderStatus
R = StatusReason

SOFT = Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.SOFT, "51")
HARD = Declined(DeclineReason.LOST_OR_STOLEN, Retry.HARD, "43")
USED_UP = Declined(DeclineReason.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "token_used")
VOIDED = Declined(DeclineReason.VOIDED, Retry.HARD, "canceled:requested_by_customer", "pi_1")
EXPIRED = Declined(DeclineReason.EXPIRED, Retry.HARD, "canceled:automatic", "pi_1")
PAID_BY_ANOTHER = Succeeded("pi_2", PRICE)
PART = Succeeded("pi_1", Money(400, "USD"))
TOO_MUCH = Succeeded("pi_1", Money(1001, "USD"))
WORKING = Pending(PendingReason.PROCESSING, "pi_1")
HELD = Pending(PendingReason.AUTHORIZED, "pi_1")
BACK = Reversed("pi_1", PRICE, "settlement_declined")
BACK_OF_ANOTHER = Reversed("pi_2", PRICE, "settlement_declined")

FRESH = OrderState(E, None, PRICE, 1)
PROVEN = replace(FRESH, key_expired=True)
IN_DOUBT = replace(FRESH, reason=R.UNKNOWN_OUTCOME)
PATIENT = replace(FRESH, may_retry=True)
LAST_TRY = replace(FRESH, declines=2, soft_decline="insufficient_funds")
ACTING = replace(FRESH, reason=R.REQUIRES_ACTION)
REVIEWED = replace(FRESH, reason=R.PENDING_REVIEW)
MANUAL = replace(FRESH, partly=True)
ON_HOLD = replace(MANUAL, reason=R.AUTHORIZED)
DONE = OrderState(S, None, PRICE, 1, reference="pi_1", captured_minor=1000)
PART_DONE = replace(DONE, captured_minor=400, partly=True)
TAKEN_BACK = replace(DONE, reason=R.REVERSED)
LOST_FOR_GOOD = OrderState(F, R.DECLINED, PRICE, 1)
UNTOUCHED = OrderState(N, None, PRICE, 0)

# order before    outcome           status, reason and effect after
TABLE = [
    (FRESH,         PAID,             S, None,               Effect.SUCCEED),
    (FRESH,         PAID_OTHERWISE,   E, R.CONTRADICTION,    Effect.RAISE),
    (FRESH,         PART,             E, R.CONTRADICTION,    Effect.RAISE),
    (FRESH,         BACK,             S, R.REVERSED,         Effect.SUCCEED_REVERSED),
    (FRESH,         SOFT,             F, R.DECLINED,         Effect.FAIL),
    (FRESH,         HARD,             F, R.DECLINED,         Effect.FAIL),
    (FRESH,         REVIEW,           E, R.PENDING_REVIEW,   Effect.RETRY),
    (FRESH,         WORKING,          E, R.PROCESSING,       Effect.RETRY),
    (FRESH,         STEP_UP,          E, R.REQUIRES_ACTION,  Effect.ACT),
    (FRESH,         HELD,             E, R.AUTHORIZED,       Effect.AUTHORIZE),
    (FRESH,         NOTHING,          E, R.PSP_UNAVAILABLE,  Effect.RETRY),
    (FRESH,         LOST,             E, R.UNKNOWN_OUTCOME,  Effect.RETRY),
    (IN_DOUBT,      NOTHING,          E, R.UNKNOWN_OUTCOME,  Effect.RETRY),
    (PROVEN,        NOTHING,          E, R.PSP_UNAVAILABLE,  Effect.NEW_ATTEMPT),
    (PROVEN,        LOST,             E, R.UNKNOWN_OUTCOME,  Effect.RETRY),
    (PROVEN,        PAID,             S, None,               Effect.SUCCEED),
    (PATIENT,       SOFT,             E, R.RETRY_SCHEDULED,  Effect.NEW_ATTEMPT),
    (PATIENT,       HARD,             F, R.DECLINED,         Effect.FAIL),
    (PATIENT,       USED_UP,          F, R.DECLINED,         Effect.FAIL),
    (LAST_TRY,      SOFT,             F, R.DECLINED,         Effect.FAIL),
    (ACTING,        STEP_UP,          E, R.REQUIRES_ACTION,  Effect.RETRY),
    (ACTING,        LOST,             E, R.REQUIRES_ACTION,  Effect.RETRY),
    (ACTING,        NOTHING,          E, R.REQUIRES_ACTION,  Effect.RETRY),
    (ACTING,        WORKING,          E, R.PROCESSING,       Effect.RETRY),
    (ACTING,        PAID,             S, None,               Effect.SUCCEED),
    (ACTING,        EXPIRED,          F, R.EXPIRED,          Effect.FAIL),
    (REVIEWED,      PAID,             S, None,               Effect.SUCCEED),
    (REVIEWED,      HARD,             F, R.DECLINED,         Effect.FAIL),
    (MANUAL,        HELD,             E, R.AUTHORIZED,       Effect.AUTHORIZE),
    (ON_HOLD,       HELD,             E, R.AUTHORIZED,       Effect.RETRY),
    (ON_HOLD,       PAID,             S, None,               Effect.SUCCEED),
    (ON_HOLD,       PART,             S, None,               Effect.SUCCEED),
    (ON_HOLD,       TOO_MUCH,         E, R.CONTRADICTION,    Effect.RAISE),
    (ON_HOLD,       VOIDED,           F, R.VOIDED,           Effect.FAIL),
    (ON_HOLD,       EXPIRED,          F, R.EXPIRED,          Effect.FAIL),
    (DONE,          PAID,             S, None,               Effect.NOTHING),
    (DONE,          PAID_BY_ANOTHER,  S, None,               Effect.STRAY),
    (DONE,          PART,             S, None,               Effect.RAISE),
    (DONE,          LOST,             S, None,               Effect.NOTHING),
    (DONE,          REVIEW,           S, None,               Effect.NOTHING),
    (DONE,          NOTHING,          S, None,               Effect.NOTHING),
    (DONE,          VOIDED,           S, None,               Effect.RAISE),
    (DONE,          SOFT,             S, None,               Effect.NOTHING),
    (DONE,          BACK,             S, R.REVERSED,         Effect.REVERSE),
    (DONE,          BACK_OF_ANOTHER,  S, None,               Effect.RAISE),
    (PART_DONE,     PART,             S, None,               Effect.NOTHING),
    (TAKEN_BACK,    BACK,             S, R.REVERSED,         Effect.NOTHING),
    (TAKEN_BACK,    PAID,             S, R.REVERSED,         Effect.NOTHING),
    (LOST_FOR_GOOD, SOFT,             F, R.DECLINED,         Effect.NOTHING),
    (LOST_FOR_GOOD, LOST,             F, R.DECLINED,         Effect.NOTHING),
    (LOST_FOR_GOOD, PAID,             F, R.DECLINED,         Effect.STRAY),
    (LOST_FOR_GOOD, BACK,             F, R.DECLINED,         Effect.RAISE),
    (UNTOUCHED,     PAID,             N, None,               Effect.RAISE),
    (UNTOUCHED,     LOST,             N, None,               Effect.RAISE),
]  # fmt: skip


@pytest.mark.parametrize(("before", "outcome", "status", "reason", "effect"), TABLE)
def test_each_arrow(
    before: OrderState,
    outcome: PspOutcome,
    status: OrderStatus,
    reason: StatusReason | None,
    effect: Effect,
) -> None:
    transition = apply(before, outcome, POLICY, 0.5)
    assert (transition.status, transition.reason, transition.effect) == (status, reason, effect)


# What is old changes nothing, but money that was taken is believed whenever it is heard of.
AGED = [
    (FRESH, SOFT, Age.EARLIER_ATTEMPT, E, Effect.NOTHING),
    (FRESH, HARD, Age.STALE, E, Effect.NOTHING),
    (ACTING, WORKING, Age.STALE, E, Effect.NOTHING),
    (ACTING, LOST, Age.EARLIER_ATTEMPT, E, Effect.NOTHING),
    (FRESH, PAID, Age.EARLIER_ATTEMPT, S, Effect.SUCCEED),
    (FRESH, PAID, Age.STALE, S, Effect.SUCCEED),
    (DONE, VOIDED, Age.EARLIER_ATTEMPT, S, Effect.NOTHING),
    (DONE, PAID_BY_ANOTHER, Age.EARLIER_ATTEMPT, S, Effect.STRAY),
]


@pytest.mark.parametrize(("before", "outcome", "age", "status", "effect"), AGED)
def test_what_is_old(
    before: OrderState, outcome: PspOutcome, age: Age, status: OrderStatus, effect: Effect
) -> None:
    transition = apply(before, outcome, POLICY, 0.5, age)
    assert (transition.status, transition.effect) == (status, effect)


def test_what_a_single_use_token_was_declined_for_is_remembered() -> None:
    first = apply(PATIENT, SOFT, POLICY, 0.5)
    assert first.soft_decline == "insufficient_funds"
    second = apply(replace(LAST_TRY, soft_decline=first.soft_decline), USED_UP, POLICY, 0.5)
    assert second.failure_code == "insufficient_funds"
    assert apply(FRESH, USED_UP, POLICY, 0.5).failure_code == "payment_method_invalid"


outcomes = st.one_of(
    st.builds(Succeeded, st.text(max_size=5), st.builds(Money, st.integers(), st.just("USD"))),
    st.sampled_from([PAID, PAID_BY_ANOTHER, BACK, PART]),
    st.builds(Reversed, st.text(max_size=5), st.just(PRICE), st.text()),
    st.builds(Declined, st.sampled_from(DeclineReason), st.sampled_from(Retry), st.text()),
    st.builds(Pending, st.sampled_from(PendingReason), st.text(max_size=5)),
    st.builds(NotCharged, st.text(), st.none() | st.timedeltas(timedelta(0), timedelta(days=1))),
    st.builds(Unknown, st.text()),
)


def after(order: OrderState, transition: Transition) -> OrderState:
    """The order as a store would keep it."""
    new = transition.effect is Effect.NEW_ATTEMPT
    return replace(
        order,
        status=transition.status,
        reason=transition.reason,
        tries=0 if new else order.tries + 1,
        key_expired=False,
        declines=order.declines + (transition.reason is R.RETRY_SCHEDULED),
        soft_decline=transition.soft_decline,
        reference=None if new else transition.psp_reference or order.reference,
        captured_minor=transition.charged.minor
        if transition.charged and transition.effect in ENDING
        else order.captured_minor,
    )


@given(st.lists(st.tuples(outcomes, st.sampled_from(Age), st.booleans()), max_size=30))
def test_no_sequence_leaves_a_final_state_or_ends_dead(
    sequence: list[tuple[PspOutcome, Age, bool]],
) -> None:
    order = FRESH
    for outcome, age, flag in sequence:
        order = replace(order, key_expired=flag, may_retry=flag)
        transition = apply(order, outcome, POLICY, 0.5, age)
        if order.status in FINAL:
            assert transition.status is order.status
            assert transition.effect not in ENDING
        else:
            assert (transition.effect in ENDING) == (transition.status in FINAL)
            # Whatever is not final is asked again, looked at by a person, or tried anew.
            assert transition.status in FINAL or transition.effect is not Effect.STRAY
        order = after(order, transition)
        assert (order.status is S) == (order.captured_minor > 0)


HISTORIES = [
    [WORKING, PAID],
    [STEP_UP, WORKING, PAID],
    [REVIEW, PAID],
    [WORKING, PAID, BACK],
    [STEP_UP, HARD],
    [REVIEW, HARD],
    [HELD, VOIDED],
    [HELD, EXPIRED],
]
"""What one charge can go through at a PSP, the oldest first."""


@given(st.sampled_from(HISTORIES), st.data())
def test_fifty_shuffled_and_repeated_facts_of_a_history_end_in_its_end(
    history: list[PspOutcome], data: st.DataObject
) -> None:
    repeats = st.lists(st.integers(0, len(history) - 1), max_size=50 - len(history))
    places = data.draw(st.permutations([*range(len(history)), *data.draw(repeats)]))
    order, seen = FRESH, -1
    for place in places:
        age = Age.STALE if place < seen else Age.CURRENT
        seen = max(seen, place)
        order = after(order, apply(order, history[place], POLICY, 0.5, age))
    straight = FRESH
    for outcome in history:
        straight = after(straight, apply(straight, outcome, POLICY, 0.5))
    assert (order.status, order.reason) == (straight.status, straight.reason)


@given(outcomes, st.integers(0, 10_000), st.booleans())
def test_only_a_definite_no_ever_fails_an_order(
    outcome: PspOutcome, tries: int, expired: bool
) -> None:
    order = replace(FRESH, key_expired=expired, tries=tries)
    transition = apply(order, outcome, POLICY, 1.0)
    assert (transition.status is F) == isinstance(outcome, Declined)


def test_many_random_sequences_reach_no_illegal_state() -> None:
    """The same law over very many sequences, cheaply drawn; more of them in a soak."""
    draws = SeededRandomness(7)
    pool = [PAID, PAID_BY_ANOTHER, PART, BACK, SOFT, HARD, VOIDED, EXPIRED, REVIEW, STEP_UP]
    pool += [WORKING, HELD, LOST, NOTHING, TOO_MUCH, USED_UP]
    _walk(20_000, pool, draws)


@pytest.mark.soak
def test_a_million_random_sequences_reach_no_illegal_state() -> None:
    draws = SeededRandomness(8)
    pool = [PAID, PAID_BY_ANOTHER, PART, BACK, SOFT, HARD, VOIDED, EXPIRED, REVIEW, STEP_UP]
    pool += [WORKING, HELD, LOST, NOTHING, TOO_MUCH, USED_UP]
    _walk(1_000_000, pool, draws)


def _walk(sequences: int, pool: list[PspOutcome], draws: SeededRandomness) -> None:
    starts = [FRESH, MANUAL, PATIENT, UNTOUCHED]
    ages = [*Age]
    for _ in range(sequences):
        numbers = draws.token(9)
        order = starts[numbers[0] % len(starts)]
        for number in numbers[1:]:
            age = ages[number % 3] if number % 4 == 0 else Age.CURRENT
            transition = apply(order, pool[number % len(pool)], POLICY, 0.5, age)
            legal = {(order.status, order.status), (E, S), (E, F)}
            assert (order.status, transition.status) in legal
            assert transition.status in FINAL or transition.effect not in ENDING
            order = after(order, transition)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_waits_grow_and_are_bounded(tries: int, jitter: float) -> None:
    wait = POLICY.wait(tries, jitter)
    assert POLICY.first * 0.5 <= wait <= POLICY.longest
    assert POLICY.wait(tries + 1, jitter) >= wait


def test_a_psp_may_ask_for_a_longer_wait() -> None:
    asked = NotCharged("busy", timedelta(hours=2))
    assert apply(FRESH, asked, POLICY, 0).wait == timedelta(hours=2)


def test_a_payment_held_undecided_is_asked_about_ever_more_rarely() -> None:
    waits = [POLICY.poll(timedelta(minutes=m), 1.0) for m in (0, 1, 10, 60, 600, 60_000)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (POLICY.first, POLICY.poll_longest)


@pytest.mark.parametrize(
    ("reason", "hours", "overdue"),
    [
        (None, 9999, False),
        (R.UNKNOWN_OUTCOME, 0.9, False),
        (R.UNKNOWN_OUTCOME, 1.1, True),
        (R.REQUIRES_ACTION, 25, True),
        (R.PENDING_REVIEW, 25, False),
        (R.CONTRADICTION, 9999, False),
    ],
)
def test_what_waits_too_long_is_told(
    reason: StatusReason | None, hours: float, overdue: bool
) -> None:
    assert POLICY.overdue(reason, timedelta(hours=hours)) is overdue


def test_declines_are_tried_again_after_ever_longer_waits() -> None:
    waits = [POLICY.after_decline(n, 1.0) for n in (1, 2, 3)]
    assert waits == [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=6)]


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
    assert [outcome_word(o) for o in (PAID, BACK, SOFT, REVIEW, NOTHING, LOST)] == [
        "succeeded",
        "reversed",
        "declined",
        "pending",
        "not_charged",
        "unknown",
    ]
