"""Money: integer minor units plus an ISO 4217 currency; no float ever touches an amount.

Why decimal strings at the edge: ``"10.10"`` has one meaning in every language, while
10.10 as a JSON number passes through binary floats in most of them.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import iso4217

MAX_MINOR: Final = 999_999_999_999
"""The largest amount one order may have, in minor units: far above any card limit, and so
small that nine million of them still fit the 64-bit balance of an account."""

EXPONENTS: Final = MappingProxyType(
    {c.code: int(c.exponent) for c in iso4217.Currency if c.exponent is not None}
)
"""Currency code to number of decimals, from ISO 4217 (JPY 0, USD 2, KWD 3); metals and test
codes without decimals are left out, since nobody pays with them."""

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)


class MoneyError(ValueError):
    """An amount or currency that cannot be money; ``code`` is stable, the text is for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency; it adds only to its own currency.

    ``minor`` may be negative (a balance can be). Raises MoneyError for an unknown currency.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise MoneyError("unknown-currency", f"{self.currency!r} is not an ISO 4217 currency")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError("currency-mismatch", f"cannot add {other.currency} to {self.currency}")
        return other.minor

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"


def exponent(currency: str) -> int:
    """The number of decimals of a currency (ISO 4217). Raises MoneyError when it is unknown."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(
            "unknown-currency", f"{currency[:16]!r} is not an ISO 4217 currency"
        ) from None


def parse_minor(text: str, currency: str) -> int:
    """A decimal string in major units as minor units; exact, or MoneyError.

    ``"10"``, ``"10.5"`` and ``"10.50"`` are the same USD amount. More decimals than the
    currency has are refused even when they are zeros: the sender means another currency.
    """
    places = exponent(currency)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise MoneyError("amount-not-decimal", 'must be a decimal string of digits such as "10.00"')
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > places:
        raise MoneyError(
            "too-many-decimals", f"{currency} has {places} decimals, not {len(fraction)}"
        )
    minor = int(whole) * 10**places + int(fraction.ljust(places, "0") or "0")
    return -minor if sign else minor


def parse_charge(text: str, currency: str) -> Money:
    """An amount that a buyer can be charged: positive and at most MAX_MINOR. Raises MoneyError."""
    minor = parse_minor(text, currency)
    if minor <= 0:
        raise MoneyError("amount-not-positive", "must be greater than zero")
    if minor > MAX_MINOR:
        limit = format_minor(MAX_MINOR, currency)
        raise MoneyError("amount-too-large", f"must be at most {limit} {currency}")
    return Money(minor, currency)


def format_minor(minor: int, currency: str) -> str:
    """Minor units as the decimal string the API speaks, with exactly the currency's decimals."""
    places = exponent(currency)
    sign, digits = ("-", -minor) if minor < 0 else ("", minor)
    if places == 0:
        return f"{sign}{digits}"
    text = str(digits).rjust(places + 1, "0")
    return f"{sign}{text[:-places]}.{text[-places:]}"


def basis_points_of(minor: int, basis_points: int) -> int:
    """The share of an amount in basis points, rounded half up to the minor unit.

    Half up, not half even: it is what a seller checks with a pocket calculator. Both
    arguments must not be negative.
    """
    if minor < 0 or basis_points < 0:
        raise ValueError("a share is taken of a non-negative amount")
    return (minor * basis_points + 5_000) // 10_000
