"""How a fee comes about: by table, and by properties that no terms can break."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.ids import floor_of
from clearhouse.kernel.money import MAX_MINOR
from clearhouse.payments.fees.model import DefaultFee, FeeTerms, Month, Tier
from clearhouse.payments.fees.rule import (
    fee_of,
    ids_of,
    month_of,
    steps_of,
    tier_at,
    volumes_before,
)

PLAIN = FeeTerms(290, 30)
BOUND = FeeTerms(290, 30, minimum_minor=50, cap_minor=1_000)
STEPPED = FeeTerms(300, 30, tiers=(Tier(100_000, 250, 25), Tier(1_000_000, 200, 0)))
BOTH = FeeTerms(300, 30, 100, 500, (Tier(100_000, 100, 0),))


@pytest.mark.parametrize(
    ("terms", "amount", "volume", "fee"),
    [
        # Rounded half up.
        (FeeTerms(290), 1_000, 0, 29),
        (FeeTerms(290), 1_017, 0, 29),
        (FeeTerms(290), 1_018, 0, 30),
        (FeeTerms(50), 100, 0, 1),
        (FeeTerms(49), 100, 0, 0),
        (PLAIN, 1_000, 0, 59),
        (PLAIN, 31, 0, 31),
        (PLAIN, 1, 0, 1),
        (FeeTerms(0), 1_000, 0, 0),
        (FeeTerms(10_000), 1_000, 0, 1_000),
        (FeeTerms(10_000, 1), 1_000, 0, 1_000),
        # The minimum and the cap, and a sale below the minimum.
        (BOUND, 100, 0, 50),
        (BOUND, 690, 0, 50),
        (BOUND, 700, 0, 50),
        (BOUND, 730, 0, 51),
        (BOUND, 33_448, 0, 1_000),
        (BOUND, 33_500, 0, 1_000),
        (BOUND, 9_999_999, 0, 1_000),
        (BOUND, 40, 0, 40),
        # Whole sales are under the rate that the volume had reached before them.
        (STEPPED, 10_000, 0, 330),
        (STEPPED, 10_000, 99_999, 330),
        (STEPPED, 10_000, 100_000, 275),
        (STEPPED, 10_000, 999_999, 275),
        (STEPPED, 10_000, 1_000_000, 200),
        (STEPPED, 5_000_000, 0, 150_030),
        # Bounds hold in all tiers.
        (BOTH, 5_000, 0, 180),
        (BOTH, 5_000, 100_000, 100),
        (BOTH, 100_000, 0, 500),
        (BOTH, 100_000, 100_000, 500),
    ],
)
def test_fees(terms: FeeTerms, amount: int, volume: int, fee: int) -> None:
    assert fee_of(terms, amount, volume) == fee


@pytest.mark.parametrize(
    ("basis_points", "fixed", "minimum", "cap", "tiers", "words"),
    [
        (-1, 0, 0, None, (), "rate"),
        (10_001, 0, 0, None, (), "rate"),
        (0, -1, 0, None, (), "fixed part"),
        (0, MAX_MINOR + 1, 0, None, (), "fixed part"),
        (0, 0, -1, None, (), "minimum"),
        (0, 0, 5, 4, (), "cap"),
        (0, 0, 0, -1, (), "cap"),
        (0, 0, 0, None, (Tier(0, 1, 0),), "tiers"),
        (0, 0, 0, None, (Tier(5, 1, 0), Tier(5, 1, 0)), "tiers"),
        (0, 0, 0, None, (Tier(6, 1, 0), Tier(5, 1, 0)), "tiers"),
        (0, 0, 0, None, (Tier(5, 10_001, 0),), "rate"),
        (0, 0, 0, None, (Tier(5, 0, -1),), "fixed part"),
    ],
)
def test_terms_that_cannot_be(
    basis_points: int,
    fixed: int,
    minimum: int,
    cap: int | None,
    tiers: tuple[Tier, ...],
    words: str,
) -> None:
    with pytest.raises(ValueError, match=words):
        FeeTerms(basis_points, fixed, minimum, cap, tiers)


@st.composite
def some_terms(draw: st.DrawFn, *, falling: bool = False) -> FeeTerms:
    minimum = draw(st.integers(0, 10_000))
    cap = draw(st.none() | st.integers(minimum, 1_000_000))
    bounds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=4)))
    rates = draw(
        st.lists(
            st.tuples(st.integers(0, 10_000), st.integers(0, 5_000)),
            min_size=len(bounds) + 1,
            max_size=len(bounds) + 1,
        )
    )
    if falling:
        rates = list(
            zip(
                sorted((rate for rate, _ in rates), reverse=True),
                sorted((fixed for _, fixed in rates), reverse=True),
                strict=True,
            )
        )
    tiers = tuple(Tier(bound, *rate) for bound, rate in zip(bounds, rates[1:], strict=True))
    return FeeTerms(*rates[0], minimum, cap, tiers)


AMOUNTS = st.integers(1, MAX_MINOR) | st.integers(1, 2_000)
VOLUMES = st.integers(0, 2 * 10**9)


@given(some_terms(), AMOUNTS, VOLUMES)
def test_a_fee_is_between_nothing_and_the_sale_and_its_bounds_hold(
    terms: FeeTerms, amount: int, volume: int
) -> None:
    fee = fee_of(terms, amount, volume)
    assert 0 <= fee <= amount
    assert fee >= min(terms.minimum_minor, amount)
    assert terms.cap_minor is None or fee <= terms.cap_minor


@given(some_terms(), AMOUNTS, VOLUMES)
def test_the_steps_add_up(terms: FeeTerms, amount: int, volume: int) -> None:
    steps = steps_of(terms, amount, volume)
    assert steps.fee_minor == fee_of(terms, amount, volume)
    assert steps.by_minimum_minor >= 0 >= steps.by_cap_minor
    assert steps.by_amount_minor <= 0
    assert not (steps.by_minimum_minor and steps.by_cap_minor)
    assert steps.tier == tier_at(terms, volume)


@given(some_terms(falling=True), AMOUNTS, VOLUMES, VOLUMES)
def test_rates_that_fall_never_make_a_bigger_seller_pay_more(
    terms: FeeTerms, amount: int, one: int, other: int
) -> None:
    assert fee_of(terms, amount, max(one, other)) <= fee_of(terms, amount, min(one, other))


@given(some_terms(), AMOUNTS, AMOUNTS, VOLUMES)
def test_a_bigger_sale_never_costs_less(terms: FeeTerms, one: int, other: int, volume: int) -> None:
    assert fee_of(terms, min(one, other), volume) <= fee_of(terms, max(one, other), volume)


def test_the_default_fee_by_currency() -> None:
    default = DefaultFee(250, {"USD": 30})
    assert default.terms("USD") == FeeTerms(250, 30)
    assert default.terms("EUR") == FeeTerms(250, 0)


@pytest.mark.parametrize(
    ("accepted", "begins", "ends"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), date(2026, 2, 1)),
        (
            datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC),
            date(2026, 11, 1),
            date(2026, 12, 1),
        ),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), date(2026, 12, 1), date(2027, 1, 1)),
        # Of UTC, whatever the zone it is told in.
        (
            datetime(2026, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
            date(2027, 1, 1),
            date(2027, 2, 1),
        ),
    ],
)
def test_the_month_a_sale_counts_in(accepted: datetime, begins: date, ends: date) -> None:
    month = month_of("seller", "USD", accepted)
    assert month == Month("seller", "USD", begins)
    first, beyond = ids_of(month)
    assert first == floor_of(datetime(begins.year, begins.month, 1, tzinfo=UTC))
    assert beyond == floor_of(datetime(ends.year, ends.month, 1, tzinfo=UTC))
    assert first <= floor_of(accepted) < beyond


def test_sales_of_a_batch_meet_those_before_them() -> None:
    march, april = (Month("s", "USD", date(2026, n, 1)) for n in (3, 4))
    sales = [(march, 10), (april, 5), (march, 7), (march, 1), (april, 2)]
    assert volumes_before({march: 100, april: 0}, sales) == [100, 0, 110, 117, 5]
