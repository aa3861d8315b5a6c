"""Rates as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.payments.fees.model import Tier
from clearhouse.payments.fees.words import parse_amount, parse_rate, parse_tier, percent, rate


@pytest.mark.parametrize(
    ("text", "currency", "basis_points", "fixed"),
    [
        ("2.9% + 0.30", "USD", 290, 30),
        ("2.9%+0.30", "USD", 290, 30),
        (" 2.95 % 0.3 ", "USD", 295, 30),
        ("0.05%", "USD", 5, 0),
        ("100%", "USD", 10_000, 0),
        ("0%", "USD", 0, 0),
        ("0.30", "USD", 0, 30),
        ("+ 0.30", "USD", 0, 30),
        ("3% + 30", "JPY", 300, 30),
        ("3% + 0.100", "KWD", 300, 100),
        ("3%", "", 300, 0),
    ],
)
def test_rates(text: str, currency: str, basis_points: int, fixed: int) -> None:
    assert parse_rate(text, currency) == (basis_points, fixed)


@pytest.mark.parametrize(
    ("text", "currency", "words"),
    [
        ("", "USD", "no rate"),
        ("much", "USD", "no rate"),
        ("2.999%", "USD", "no rate"),
        ("-2%", "USD", "no rate"),
        ("2% - 0.30", "USD", "no rate"),
        ("2% + 0.305", "USD", "no amount of USD"),
        ("2% + 0.5", "JPY", "no amount of JPY"),
        ("2% + 0.30", "", "name its currency"),
    ],
)
def test_what_is_no_rate(text: str, currency: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_rate(text, currency)


def test_tiers_and_amounts() -> None:
    assert parse_tier("10000.00: 2.5% + 0.25", "USD") == Tier(1_000_000, 250, 25)
    assert parse_tier("5000: 2%", "JPY") == Tier(5_000, 200, 0)
    assert parse_amount("12.50", "EUR") == 1250
    for text in ("10000.00", "10000.00 2.5%", ": 2%", "1.005: 2%", "-5.00: 2%"):
        with pytest.raises(ValueError, match=r"tier|amount"):
            parse_tier(text, "USD")


@pytest.mark.parametrize(
    ("basis_points", "words"),
    [
        (290, "2.9 %"),
        (5, "0.05 %"),
        (0, "0 %"),
        (10_000, "100 %"),
        (-25, "-0.25 %"),
        (1_001, "10.01 %"),
    ],
)
def test_percentages(basis_points: int, words: str) -> None:
    assert percent(basis_points) == words


@given(st.integers(0, 10_000), st.integers(0, 10**9))
def test_what_is_written_is_read_as_the_same(basis_points: int, fixed: int) -> None:
    assert parse_rate(rate(basis_points, fixed, "USD"), "USD") == (basis_points, fixed)


def test_without_a_currency_what_is_fixed_is_in_minor_units() -> None:
    assert rate(300, 5, "") == "3 % + 5 minor units"
    assert rate(300, 0, "") == "3 %"
    assert rate(0, 25, "USD") == "0.25"
