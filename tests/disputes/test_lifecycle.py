"""Where a dispute's money goes, as a table; and that the order of what is told changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.payments.disputes.lifecycle import Told, is_news, shares, steps_to
from clearhouse.payments.disputes.model import DisputeMoney
from clearhouse.psp.disputes import DisputeStage

NONE, HELD = DisputeMoney.NONE, DisputeMoney.HELD
RETURNED, TAKEN = DisputeMoney.RETURNED, DisputeMoney.TAKEN
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

# fmt: off
STEPS: list[tuple[str, DisputeMoney, list[DisputeMoney]]] = [
    # stage            money     goes to, one after the other
    ("inquiry",        NONE,     []),
    ("inquiry_closed", NONE,     []),
    ("needs_response", NONE,     [HELD]),
    ("under_review",   NONE,     [HELD]),
    ("lost",           NONE,     [HELD, TAKEN]),
    ("prevented",      NONE,     [HELD, TAKEN]),
    ("won",            NONE,     []),
    ("under_review",   HELD,     []),
    ("won",            HELD,     [RETURNED]),
    ("inquiry_closed", HELD,     [RETURNED]),
    ("lost",           HELD,     [TAKEN]),
    ("accepted",       HELD,     [TAKEN]),
    ("needs_response", RETURNED, [HELD]),
    ("lost",           RETURNED, [HELD, TAKEN]),
    ("won",            RETURNED, []),
    ("under_review",   TAKEN,    []),
    ("won",            TAKEN,    [RETURNED]),
    ("lost",           TAKEN,    []),
]
SHARES = [
    # disputed left   seller bears  counted seller
    (100,      100,   True,         100,    100),
    (100,      100,   False,        100,    0),
    (100,      40,    True,         40,     40),
    (100,      0,     True,         0,      0),
    (30,       100,   True,         30,     30),
    (100,      -5,    True,         0,      0),
]
# fmt: on


@pytest.mark.parametrize(("stage", "money", "path"), STEPS)
def test_where_the_money_goes(stage: str, money: DisputeMoney, path: list[DisputeMoney]) -> None:
    steps = steps_to(money, DisputeStage(stage))
    assert [step.after for step in steps] == path
    assert [step.before for step in steps] == [money, *path][: len(path)]


@pytest.mark.parametrize(("amount", "left", "bears", "counted", "seller"), SHARES)
def test_what_was_refunded_counts_once(
    amount: int, left: int, bears: bool, counted: int, seller: int
) -> None:
    assert shares(amount, left, seller_bears=bears) == (counted, seller)


FACTS = st.builds(
    Told,
    st.sampled_from(DisputeStage),
    st.integers(0, 3).map(lambda hours: MOMENT + timedelta(hours=hours)),
)


@given(
    st.lists(FACTS, min_size=1, max_size=8).flatmap(
        lambda f: st.tuples(st.just(f), st.permutations([*f, *f]))
    )
)
def test_any_order_and_repetition_ends_alike(both: tuple[list[Told], list[Told]]) -> None:
    def end(facts: list[Told]) -> DisputeStage:
        known = facts[0]
        for told in facts[1:]:
            if is_news(known, told):
                known = told
        return known.stage

    once, shuffled = both
    assert end(once) == end(shuffled)


@given(st.lists(st.sampled_from(DisputeStage), max_size=10))
def test_money_is_conserved_on_every_path(stages: list[DisputeStage]) -> None:
    money, with_us = NONE, 1
    for stage in stages:
        for step in steps_to(money, stage):
            assert step.before is money
            money = step.after
            gone = step.after in {HELD, TAKEN}
            was_gone = step.before in {HELD, TAKEN}
            with_us += was_gone - gone
        assert with_us == (money not in {HELD, TAKEN})
