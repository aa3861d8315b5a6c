"""Currencies, amounts and times as people give them to commands."""

from datetime import UTC, datetime

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_minor


def check_currency(code: str | None) -> None:
    """Raises ConfigurationError for a code that was given and is no currency."""
    if code is not None and code not in EXPONENTS:
        raise ConfigurationError(
            f"{code[:10]} is no currency.", hint="Use ISO 4217 in capitals, such as EUR."
        )


def minor_of(amount: str, currency: str) -> int:
    """An amount such as ``12.50`` in minor units. Raises ConfigurationError."""
    try:
        return parse_minor(amount, currency)
    except MoneyError as error:
        raise ConfigurationError(f"{amount[:40]} {currency} is no amount: {error}.") from None


def in_utc(moment: datetime) -> datetime:
    """A time with its offset; one without is in UTC."""
    return moment.replace(tzinfo=moment.tzinfo or UTC)
