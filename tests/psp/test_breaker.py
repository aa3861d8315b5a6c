"""The circuit breaker as tables and laws: when it opens, what passes on trial, when it closes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import Money
from clearhouse.psp.breaker import (
    Breaker,
    BreakerPolicy,
    State,
    allowance,
    begun,
    heard,
    is_bad,
    rests_for,
)
from clearhouse.psp.contract import (
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

POLICY = BreakerPolicy(
    window=10, least=4, percent=50, rest=timedelta(seconds=5), longest=timedelta(seconds=15),
    trials=2,
)  # fmt: skip


def call(breaker: Breaker, now: float, *, bad: bool) -> Breaker:
    """One call, begun and answered at once."""
    started = begun(breaker, now, POLICY)
    return heard(started, started.era, now, POLICY, bad=bad)


def answers(word: str, breaker: Breaker | None = None, now: float = 0.0) -> Breaker:
    """The breaker after answers: x is a bad one."""
    breaker = breaker or Breaker()
    for letter in word:
        breaker = call(breaker, now, bad=letter == "x")
    return breaker


# answers in a row     state afterwards
TABLE = [
    ("",               State.CLOSED),
    ("xxx",            State.CLOSED),
    ("xxxx",           State.OPEN),
    ("..xx",           State.OPEN),
    ("...x",           State.CLOSED),
    ("...x...x..",     State.CLOSED),
    ("xx..",           State.CLOSED),
    ("xx..x",          State.OPEN),
    ("x..........",    State.CLOSED),
    ("..........xxxx", State.CLOSED),
    ("..........xxxxx", State.OPEN),
]  # fmt: skip


@pytest.mark.parametrize(("word", "state"), TABLE)
def test_it_opens_when_half_of_the_last_answers_were_bad(word: str, state: State) -> None:
    assert answers(word).state is state


OPEN = answers("xxxx", now=100.0)


@pytest.mark.parametrize(("now", "allowed"), [(100.0, 0), (104.9, 0), (105.0, 2), (999.0, 2)])
def test_an_open_one_rests_and_then_lets_trials_pass(now: float, allowed: int) -> None:
    assert allowance(OPEN, now, POLICY) == allowed
    assert (rests_for(OPEN, now, POLICY) == 0) == bool(allowed)


def test_a_closed_one_lets_everything_pass() -> None:
    assert allowance(answers("..x"), 0.0, POLICY) is None


def test_no_more_trials_are_under_way_than_are_allowed() -> None:
    first = begun(OPEN, 105.0, POLICY)
    assert (first.state, allowance(first, 105.0, POLICY)) == (State.HALF_OPEN, 1)
    second = begun(first, 105.0, POLICY)
    assert allowance(second, 105.0, POLICY) == 0
    answered = heard(second, second.era, 106.0, POLICY, bad=False)
    assert allowance(answered, 106.0, POLICY) == 0
    assert heard(answered, answered.era, 106.0, POLICY, bad=False) == Breaker(
        State.CLOSED, answered.era + 1
    )


def test_a_bad_trial_opens_it_for_longer_each_time_up_to_the_longest() -> None:
    breaker, now, rests = OPEN, 100.0, list[float]()
    for _ in range(4):
        rests.append(rests_for(breaker, now, POLICY))
        now += rests[-1]
        breaker = call(breaker, now, bad=True)
    assert rests == [5.0, 10.0, 15.0, 15.0]


def test_after_it_closed_the_rests_are_short_again() -> None:
    closed = answers("..", answers("x", OPEN, now=105.0), now=115.0)
    assert closed.state is State.CLOSED
    assert rests_for(answers("xxxx", closed, now=200.0), 200.0, POLICY) == 5.0


def test_answers_to_calls_of_before_count_no_more() -> None:
    old = Breaker().era
    trial = begun(OPEN, 105.0, POLICY)
    assert heard(OPEN, old, 101.0, POLICY, bad=False) == OPEN
    assert heard(trial, old, 106.0, POLICY, bad=True) == trial
    assert heard(trial, OPEN.era, 106.0, POLICY, bad=False) == trial


PRICE = Money(1, "USD")
JUDGED: list[tuple[PspOutcome, bool, bool]] = [
    # outcome                                                     charging  look-up
    (Succeeded("pi", PRICE),                                      False,    False),
    (Declined(DeclineReason.OTHER, Retry.HARD, "x"),              False,    False),
    (Pending(PendingReason.PROCESSING, "pi"),                     False,    False),
    (NotCharged("busy"),                                          True,     False),
    (Unknown("timeout"),                                          True,     True),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "charging", "looking"), JUDGED)
def test_what_speaks_against_a_psp(outcome: PspOutcome, charging: bool, looking: bool) -> None:
    assert is_bad(outcome, charging=True) is charging
    assert is_bad(outcome, charging=False) is looking


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60))
def test_whatever_happens_it_is_asked_again_some_day(history: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker(), 0.0
    for bad, later in history:
        now += later
        if allowance(breaker, now, POLICY) != 0:
            breaker = call(breaker, now, bad=bad)
        assert 0 <= rests_for(breaker, now, POLICY) <= POLICY.longest.total_seconds()
    for _ in range(POLICY.trials):
        now += POLICY.longest.total_seconds()
        assert allowance(breaker, now, POLICY) != 0
        breaker = call(breaker, now, bad=False)
    now += 1
    assert breaker.state is State.CLOSED
