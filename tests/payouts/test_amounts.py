"""How much is paid, as tables; that nobody is paid what they owe; and four eyes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import MAX_MINOR
from clearhouse.wallets.payouts.amounts import (
    Limits,
    Withheld,
    asked_for,
    may_approve,
    needs_approval,
    payable,
)

ANY = Limits()
BOUND = Limits(minimum=1_000, maximum=50_000, keep=200)

# fmt: off
PAYABLE: list[tuple[int, Limits, bool, int, int | str]] = [
    # available limits held   threshold  paid, or why not
    (5_000,     ANY,   False, 0,         5_000),
    (1,         ANY,   False, 0,         1),
    (0,         ANY,   False, 0,         "nothing"),
    (-1,        ANY,   False, 0,         "debt"),
    (-1,        ANY,   True,  0,         "held"),
    (5_000,     ANY,   True,  0,         "held"),
    (5_000,     BOUND, False, 0,         4_800),
    (200,       BOUND, False, 0,         "nothing"),
    (1_199,     BOUND, False, 0,         "below_minimum"),
    (1_200,     BOUND, False, 0,         1_000),
    (50_200,    BOUND, False, 0,         50_000),
    (90_000,    BOUND, False, 0,         50_000),
    (9_999,     ANY,   False, 10_000,    "below_minimum"),
    (10_000,    ANY,   False, 10_000,    10_000),
    (10_000,    BOUND, False, 10_000,    9_800),
]
ASKED: list[tuple[int, int, bool, str | None]] = [
    # amount available held   refused, since
    (1_000,  5_000,    False, None),
    (4_800,  5_000,    False, None),
    (4_801,  5_000,    False, "it is more than the seller has available"),
    (1_000,  -1,       False, "it is more than the seller has available"),
    (999,    5_000,    False, "it is less than the minimum of a payout"),
    (0,      5_000,    False, "it is less than the minimum of a payout"),
    (-5,     5_000,    False, "it is less than the minimum of a payout"),
    (50_000, 90_000,   False, None),
    (50_001, 90_000,   False, "it is more than the maximum of one payout"),
    (1_000,  5_000,    True,  "the payouts of this seller are held"),
]
APPROVERS = [
    # created by      approver         may
    ("key:shop",      "key:finance",   True),
    ("key:shop",      "operator:ada",  True),
    ("key:shop",      "key:shop",      False),
    ("operator:ada",  "operator:ada",  False),
    ("schedule",      "operator:ada",  True),
    ("schedule",      "schedule",      False),
    ("key:shop",      "schedule",      False),
    ("key:shop",      "",              False),
]
IMPOSSIBLE = [
    # minimum maximum        keep approval_above
    (0,       1_000,         0,   None),
    (-1,      1_000,         0,   None),
    (1_001,   1_000,         0,   None),
    (1,       MAX_MINOR + 1, 0,   None),
    (1,       1_000,         -1,  None),
    (1,       1_000,         0,   -1),
]
# fmt: on


@pytest.mark.parametrize(("available", "limits", "held", "threshold", "paid"), PAYABLE)
def test_what_a_run_pays(
    available: int, limits: Limits, held: bool, threshold: int, paid: int | str
) -> None:
    assert payable(available, limits, held=held, threshold=threshold) == paid


@pytest.mark.parametrize(("amount", "available", "held", "since"), ASKED)
def test_what_may_be_asked_for(amount: int, available: int, held: bool, since: str | None) -> None:
    assert asked_for(amount, available, BOUND, held=held) == since


@pytest.mark.parametrize(("created_by", "approver", "may"), APPROVERS)
def test_who_created_a_payout_does_not_approve_it(
    created_by: str, approver: str, may: bool
) -> None:
    assert may_approve(created_by, approver) is may


@pytest.mark.parametrize(
    ("amount", "above", "needed"),
    [(100, 100, False), (101, 100, True), (1, 0, True), (MAX_MINOR, None, False)],
)
def test_when_four_eyes_are_needed(amount: int, above: int | None, needed: bool) -> None:
    assert needs_approval(amount, Limits(approval_above=above)) is needed


@pytest.mark.parametrize(("minimum", "maximum", "keep", "above"), IMPOSSIBLE)
def test_limits_that_no_amount_meets_are_refused(
    minimum: int, maximum: int, keep: int, above: int | None
) -> None:
    with pytest.raises(ValueError, match=r"a payout needs|are not negative"):
        Limits(minimum, maximum, keep, above)


LIMITS = st.builds(
    lambda low, more, keep: Limits(low, low + more, keep),
    st.integers(1, 5_000),
    st.integers(0, 50_000),
    st.integers(0, 5_000),
)


@given(st.integers(-100_000, 200_000), LIMITS)
def test_runs_pay_all_that_is_free_and_never_what_is_owed(available: int, limits: Limits) -> None:
    paid, left = 0, available
    while not isinstance(now := payable(left, limits), Withheld):
        assert limits.minimum <= now <= limits.maximum
        assert asked_for(now, left, limits) is None
        paid, left = paid + now, left - now
    assert paid + left == available
    assert left >= min(limits.keep, available)
    assert left < limits.keep + limits.minimum
