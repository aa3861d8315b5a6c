"""Rates as people write them, ``2.9% + 0.30``: read and written, exactly."""

import re
from typing import Final

from clearhouse.kernel.money import MoneyError, format_minor, parse_minor
from clearhouse.payments.fees.model import OTHER_CURRENCIES, Tier

_RATE: Final = re.compile(
    r"(?:([0-9]{1,3})(?:\.([0-9]{1,2}))? *%)?(?: *\+? *([0-9]+(?:\.[0-9]+)?))?", re.ASCII
)


def parse_rate(text: str, currency: str) -> tuple[int, int]:
    """Basis points and the fixed part in minor units; either may be left out, not both.

    Without a currency there is no fixed part. Raises ValueError with words that follow the rate.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or not (match[1] or match[3]):
        raise ValueError("is no rate such as 2.9% + 0.30")
    basis_points = int(match[1] or 0) * 100 + int((match[2] or "").ljust(2, "0"))
    if match[3] is None:
        return basis_points, 0
    return basis_points, parse_amount(match[3], currency)


def parse_tier(text: str, currency: str) -> Tier:
    """``10000.00: 2.5% + 0.30``: the rate from a volume of the month on. Raises ValueError."""
    volume, colon, rate = text.partition(":")
    if not colon:
        raise ValueError("is no tier such as 10000.00: 2.5% + 0.30")
    return Tier(parse_amount(volume.strip(), currency), *parse_rate(rate, currency))


def parse_amount(text: str, currency: str) -> int:
    """An amount in minor units. Raises ValueError."""
    if currency == OTHER_CURRENCIES:
        raise ValueError("names an amount: name its currency too")
    try:
        minor = parse_minor(text, currency)
    except MoneyError as error:
        raise ValueError(f"has no amount of {currency}: {error}") from None
    if minor < 0:
        raise ValueError("has an amount below zero")
    return minor


def percent(basis_points: int) -> str:
    """Basis points as a percentage, exactly: ``2.9 %``, ``0.05 %``."""
    whole, part = divmod(abs(basis_points), 100)
    digits = f"{part:02d}".rstrip("0")
    return f"{'-' if basis_points < 0 else ''}{whole}{'.' if digits else ''}{digits} %"


def rate(basis_points: int, fixed_minor: int, currency: str) -> str:
    """A rate as it is written: ``2.9 % + 0.30``; without a currency, what is fixed is in minor
    units.
    """
    if not fixed_minor:
        return percent(basis_points)
    fixed = format_minor(fixed_minor, currency) if currency else f"{fixed_minor} minor units"
    return f"{percent(basis_points)} + {fixed}" if basis_points else fixed
