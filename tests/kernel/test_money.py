"""Money: exact between decimal strings and minor units, and strict about what is not money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import (
    EXPONENTS,
    MAX_MINOR,
    Money,
    MoneyError,
    basis_points_of,
    format_minor,
    parse_charge,
    parse_minor,
)

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-(10**17), 10**17)

# text, currency, minor units or the code of the error; in the order in which errors win.
TABLE = [
    ("10.00", "USD", 1000),
    ("10", "USD", 1000),
    ("10.5", "USD", 1050),
    ("0.01", "USD", 1),
    ("100", "JPY", 100),
    ("1.234", "KWD", 1234),
    ("0.0001", "CLF", 1),
    ("1", "XXX", "unknown-currency"),
    ("1", "usd", "unknown-currency"),
    ("", "USD", "amount-not-decimal"),
    ("1,00", "USD", "amount-not-decimal"),
    ("1e2", "USD", "amount-not-decimal"),
    (" 1", "USD", "amount-not-decimal"),
    ("+1", "USD", "amount-not-decimal"),
    (".5", "USD", "amount-not-decimal"),
    ("5.", "USD", "amount-not-decimal"),
    ("١٠", "USD", "amount-not-decimal"),
    ("1\n", "USD", "amount-not-decimal"),
    ("NaN", "USD", "amount-not-decimal"),
    ("9" * 19, "USD", "amount-not-decimal"),
    ("1.000", "USD", "too-many-decimals"),
    ("1.0", "JPY", "too-many-decimals"),
    ("0", "USD", "amount-not-positive"),
    ("0.00", "USD", "amount-not-positive"),
    ("-1.00", "USD", "amount-not-positive"),
    ("10000000000.00", "USD", "amount-too-large"),
    ("9999999999.99", "USD", MAX_MINOR),
]


@pytest.mark.parametrize(("text", "currency", "expected"), TABLE)
def test_parse_charge(text: str, currency: str, expected: int | str) -> None:
    if isinstance(expected, int):
        assert parse_charge(text, currency) == Money(expected, currency)
        return
    with pytest.raises(MoneyError) as caught:
        parse_charge(text, currency)
    assert caught.value.code == expected


@given(minors, currencies)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    assert parse_minor(text, currency) == minor
    places = EXPONENTS[currency]
    assert len(text.partition(".")[2]) == places


@given(st.text(max_size=30), currencies)
def test_any_text_is_money_or_a_money_error(text: str, currency: str) -> None:
    try:
        minor = parse_minor(text, currency)
    except MoneyError:
        return
    assert isinstance(minor, int)
    assert text.isascii()


@given(minors, minors, currencies)
def test_sums_keep_every_minor_unit(a: int, b: int, currency: str) -> None:
    total = Money(a, currency) + Money(b, currency)
    assert total.minor == a + b
    assert total - Money(b, currency) == Money(a, currency)
    negated = -total
    assert -negated == total


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyError, match="cannot add"):
        _ = Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(MoneyError, match="not an ISO 4217"):
        Money(1, "BTC")


@given(st.integers(0, 10**15), st.integers(0, 10_000))
def test_a_share_is_rounded_half_up(minor: int, points: int) -> None:
    share = basis_points_of(minor, points)
    assert 0 <= share <= minor + 1
    assert -5_000 <= share * 10_000 - minor * points <= 5_000
    assert basis_points_of(50, 100) == 1  # half a unit rounds up
    assert basis_points_of(49, 100) == 0


def test_a_share_of_a_negative_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        basis_points_of(-1, 10)
