"""The payout's lifecycle as a table, as a whole, and under every order of what is told."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from clearhouse.wallets.payouts.atlas import (
    AMOUNT,
    FACTS,
    MOVERS,
    Arrow,
    Fact,
    Place,
    arrows,
    place_of,
    sections,
)
from clearhouse.wallets.payouts.lifecycle import (
    Action,
    Effect,
    PayoutState,
    Transition,
    do,
    learn,
    outcome_word,
)
from clearhouse.wallets.payouts.model import BACK, SENT, PayoutStatus, SendingReason

ARROWS = list(arrows())
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

# fmt: off
DONE: list[tuple[str, str, str | None]] = [
    # before      action     after
    ("created",   "approve", "approved"),
    ("created",   "cancel",  "cancelled"),
    ("created",   "batch",   None),
    ("approved",  "approve", "approved"),
    ("approved",  "cancel",  "cancelled"),
    ("approved",  "batch",   "submitted"),
    ("submitted", "approve", None),
    ("submitted", "cancel",  None),
    ("submitted", "batch",   "submitted"),
    ("paid",      "cancel",  None),
    ("paid",      "batch",   None),
    ("failed",    "approve", None),
    ("failed",    "cancel",  None),
    ("failed",    "batch",   None),
    ("returned",  "batch",   None),
    ("cancelled", "approve", None),
    ("cancelled", "cancel",  "cancelled"),
    ("cancelled", "batch",   None),
]

UNKNOWN, NOT_SENT, ACCEPTED = Unknown("timeout"), NotSent("busy"), Submitted("file-1")
PAID, FAILED = PaidOut("file-1", MOMENT), Failed(FailureReason.ACCOUNT_CLOSED, "AC04")
RETURNED = Returned(FailureReason.ACCOUNT_BLOCKED, "AC06", MOMENT)
REPEATED = Failed(FailureReason.DUPLICATE, "AM05")

LEARNT: list[tuple[str, str | None, PayoutOutcome, str, str | None, str]] = [
    # status      reason             learnt    becomes      reason             effect
    ("created",   None,              PAID,     "created",   None,              "raise"),
    ("approved",  None,              FAILED,   "approved",  None,              "raise"),
    ("cancelled", None,              PAID,     "cancelled", None,              "raise"),
    ("submitted", "sending",         ACCEPTED, "submitted", "under_way",       "wait"),
    ("submitted", "sending",         UNKNOWN,  "submitted", "unknown_outcome", "inquire"),
    ("submitted", "sending",         NOT_SENT, "submitted", "not_sent",        "send_again"),
    ("submitted", "unknown_outcome", NOT_SENT, "submitted", "not_sent",        "send_again"),
    ("submitted", "unknown_outcome", UNKNOWN,  "submitted", "unknown_outcome", "inquire"),
    ("submitted", "not_sent",        UNKNOWN,  "submitted", "unknown_outcome", "inquire"),
    ("submitted", "unknown_outcome", ACCEPTED, "submitted", "under_way",       "wait"),
    ("submitted", "under_way",       ACCEPTED, "submitted", "under_way",       "nothing"),
    ("submitted", "under_way",       NOT_SENT, "submitted", "under_way",       "nothing"),
    ("submitted", "under_way",       UNKNOWN,  "submitted", "under_way",       "nothing"),
    ("submitted", "under_way",       PAID,     "paid",      None,              "pay"),
    ("submitted", "unknown_outcome", PAID,     "paid",      None,              "pay"),
    ("submitted", "under_way",       FAILED,   "failed",    "account_closed",  "fail"),
    ("submitted", "under_way",       RETURNED, "returned",  "account_blocked", "pay_and_return"),
    ("submitted", "under_way",       REPEATED, "submitted", "contradiction",   "raise"),
    ("submitted", "contradiction",   ACCEPTED, "submitted", "contradiction",   "nothing"),
    ("submitted", "contradiction",   NOT_SENT, "submitted", "contradiction",   "nothing"),
    ("submitted", "contradiction",   PAID,     "paid",      None,              "pay"),
    ("paid",      None,              PAID,     "paid",      None,              "nothing"),
    ("paid",      None,              UNKNOWN,  "paid",      None,              "nothing"),
    ("paid",      None,              FAILED,   "failed",    "account_closed",  "fail_paid"),
    ("paid",      None,              RETURNED, "returned",  "account_blocked", "return"),
    ("paid",      None,              REPEATED, "paid",      None,              "nothing"),
    ("failed",    "account_closed",  PAID,     "failed",    "account_closed",  "nothing"),
    ("failed",    "account_closed",  FAILED,   "failed",    "account_closed",  "nothing"),
    ("failed",    "account_closed",  RETURNED, "returned",  "account_blocked", "rename"),
    ("returned",  "account_blocked", PAID,     "returned",  "account_blocked", "nothing"),
    ("returned",  "account_blocked", FAILED,   "returned",  "account_blocked", "nothing"),
    ("returned",  "account_blocked", RETURNED, "returned",  "account_blocked", "nothing"),
]
# fmt: on


def state(status: str, reason: str | None = None) -> PayoutState:
    kind = SendingReason if status == "submitted" else FailureReason
    return PayoutState(PayoutStatus(status), kind(reason) if reason else None, AMOUNT)


@pytest.mark.parametrize(("before", "action", "after"), DONE)
def test_what_is_done(before: str, action: str, after: str | None) -> None:
    made = do(state(before), Action(action))
    assert (made.status if made else None) == after
    if made is not None and after == before:
        assert made.effect is Effect.NOTHING


@pytest.mark.parametrize(("status", "reason", "outcome", "after", "later", "effect"), LEARNT)
def test_what_is_learnt(
    status: str,
    reason: str | None,
    outcome: PayoutOutcome,
    after: str,
    later: str | None,
    effect: str,
) -> None:
    made = learn(state(status, reason), outcome)
    assert (made.status, made.reason, made.effect) == (after, later, effect)


@pytest.mark.parametrize("outcome", [PAID, FAILED, RETURNED, ACCEPTED])
@pytest.mark.parametrize("moved", [Money(999, "EUR"), Money(1001, "EUR"), Money(1000, "USD")])
def test_another_amount_than_was_sent_is_put_before_a_person(
    outcome: PayoutOutcome, moved: Money
) -> None:
    made = learn(state("submitted", "under_way"), outcome, moved)
    assert (made.reason, made.effect) == (SendingReason.CONTRADICTION, Effect.RAISE)
    assert str(moved) in made.detail
    after = learn(state("paid"), outcome, moved)
    assert (after.status, after.effect) == (PayoutStatus.PAID, Effect.RAISE)


def test_the_amount_that_was_sent_is_believed() -> None:
    assert learn(state("submitted", "under_way"), PAID, AMOUNT).effect is Effect.PAY


def test_each_outcome_has_a_word_of_its_own() -> None:
    outcomes = [UNKNOWN, NOT_SENT, ACCEPTED, PAID, FAILED, RETURNED]
    assert len({outcome_word(outcome) for outcome in outcomes}) == len(outcomes)


def test_every_status_and_sending_reason_is_a_place_with_somebody_who_moves_it() -> None:
    assert {place.status for place in MOVERS} == {*PayoutStatus}
    assert {place.reason for place in MOVERS} == {None, *SendingReason}
    assert all(MOVERS.values())
    assert all(place.node in sections()["diagram"] for place in MOVERS)


def ways_on(start: Place) -> set[Place]:
    reached, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {a.after for a in ARROWS if a.before == here} - reached
        reached |= new
        todo += new
    return reached


def test_every_place_is_reached_from_the_first() -> None:
    assert ways_on(Place(PayoutStatus.CREATED)) == MOVERS.keys()


@pytest.mark.parametrize("place", [p for p in MOVERS if p.status not in BACK])
def test_no_place_is_a_dead_end(place: Place) -> None:
    ends = {there.status for there in ways_on(place)}
    assert ends & BACK
    assert PayoutStatus.PAID in ends


# What each effect does with the money: where it is before, and where it is after.
BOOKED = {
    Effect.CANCEL: ("transit", "available"),
    Effect.PAY: ("transit", "out"),
    Effect.FAIL: ("transit", "available"),
    Effect.FAIL_PAID: ("out", "available"),
    Effect.RETURN: ("out", "available"),
    Effect.PAY_AND_RETURN: ("transit", "available"),
}


def money_at(status: PayoutStatus) -> str:
    if status in BACK:
        return "available"
    return "out" if status is PayoutStatus.PAID else "transit"


@pytest.mark.parametrize("arrow", ARROWS, ids=lambda a: f"{a.before.node}-{a.fact.words}")
def test_every_arrow_moves_the_money_to_where_its_end_says(arrow: Arrow) -> None:
    here = money_at(arrow.before.status)
    source, goal = BOOKED.get(arrow.effect, (here, here)) if arrow.effect else (here, here)
    assert source == here
    assert goal == money_at(arrow.after.status)
    assert arrow.after in MOVERS


@pytest.mark.parametrize("arrow", ARROWS, ids=lambda a: f"{a.before.node}-{a.fact.words}")
def test_no_arrow_sends_again_what_may_have_left(arrow: Arrow) -> None:
    if arrow.before.status in SENT:
        assert arrow.after.status in SENT
        assert arrow.effect is not Effect.BATCH
    if arrow.before.status in BACK:
        assert arrow.after.status in BACK
        assert arrow.effect not in BOOKED


def step(here: PayoutState, fact: Fact) -> tuple[PayoutState, Effect | None]:
    made: Transition | None
    if isinstance(fact.what, Action):
        made = do(here, fact.what)
    else:
        made = learn(here, fact.what, fact.moved)
    if made is None:
        return here, None
    return PayoutState(made.status, made.reason, here.amount), made.effect


def walk(facts: Sequence[Fact], start: PayoutState) -> tuple[PayoutState, str]:
    """Where a payout is after some facts, and where its money is by what was booked."""
    here, money = start, money_at(start.status)
    for fact in facts:
        here, effect = step(here, fact)
        if effect is not None and effect in BOOKED:
            source, goal = BOOKED[effect]
            assert source == money, "booked from where the money is not"
            money = goal
    return here, money


@given(st.lists(st.sampled_from(FACTS), max_size=30))
def test_no_sequence_leaves_the_places_or_loses_the_money(facts: list[Fact]) -> None:
    here, money = walk(facts, state("created"))
    assert place_of(here.status, here.reason) in MOVERS
    assert money == money_at(here.status)


TOLD = [fact for fact in FACTS if not isinstance(fact.what, Action | NotSent | Unknown)]


@given(
    st.lists(st.sampled_from(TOLD), min_size=1, max_size=8).flatmap(
        lambda f: st.tuples(st.just(f), st.permutations([*f, *f]))
    )
)
def test_any_order_and_repetition_of_what_is_told_ends_alike(
    both: tuple[list[Fact], list[Fact]],
) -> None:
    once, shuffled = (walk(facts, state("submitted", "sending")) for facts in both)
    assert once == shuffled
