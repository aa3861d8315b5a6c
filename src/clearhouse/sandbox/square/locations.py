"""Square's locations: each takes one currency, so the sandbox has one per currency.

The id is ``L`` and the currency (``LUSD``, ``LJPY``, ``LKWD``); without a ``location_id`` a
payment goes to the main location, which is ``LUSD``. Real Square is open in eight countries
only; the sandbox does not stop there, so that routes in other currencies can be tried.
"""

from typing import Final

from clearhouse.kernel.money import EXPONENTS
from clearhouse.sandbox.square.errors import Json, not_found

MAIN: Final = "LUSD"
_UNKNOWN: Final = frozenset({"BYN", "MRU", "SLE", "STN", "UYW", "VED", "VES", "XAD", "XCG", "ZWG"})
CURRENCIES: Final = frozenset(EXPONENTS) - _UNKNOWN
"""The currencies of ISO 4217 that Square's API has a word for."""

_COUNTRIES: Final = {"USD": "US", "CAD": "CA", "GBP": "GB", "AUD": "AU", "JPY": "JP", "EUR": "IE"}


def currency_of(location_id: str) -> str:
    """The currency of a location. Raises SquareError when there is no such location."""
    currency = location_id.removeprefix("L")
    if currency == location_id or currency not in CURRENCIES:
        raise not_found("The location was not found.", "location_id")
    return currency


def location(location_id: str) -> Json:
    """One location as Square renders it. Raises SquareError when there is none."""
    currency = currency_of(location_id)
    return {
        "id": location_id,
        "name": f"Sandbox {currency}",
        "timezone": "UTC",
        "capabilities": ["CREDIT_CARD_PROCESSING"],
        "status": "ACTIVE",
        "created_at": "2026-01-01T00:00:00Z",
        "merchant_id": "MSANDBOX",
        "country": _COUNTRIES.get(currency, "US"),
        "language_code": "en-US",
        "currency": currency,
        "business_name": "Sandbox",
        "type": "PHYSICAL",
        "mcc": "7299",
    }


def locations() -> list[Json]:
    """All locations, the main one first."""
    others = sorted(f"L{currency}" for currency in CURRENCIES if f"L{currency}" != MAIN)
    return [location(location_id) for location_id in (MAIN, *others)]
