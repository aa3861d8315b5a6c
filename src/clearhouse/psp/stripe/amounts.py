"""Amounts as Stripe writes them: minor units, but not always those of ISO 4217.

Stripe departs from ISO in three ways. MGA has two decimals in ISO and none at Stripe. ISK
and UGX have none in ISO, yet Stripe wants two, which must be zeros. Amounts of currencies
with three decimals must be multiples of ten. Getting one of them wrong charges a hundred
times too much or too little, so all three live here, in two pure functions.
"""

from typing import Final

from clearhouse.kernel.money import Money, exponent

_STRIPE_DECIMALS: Final = {"MGA": 0, "ISK": 2, "UGX": 2}


def to_stripe(amount: Money) -> int | None:
    """The integer Stripe wants, or None where it has no way to say this amount."""
    shift = _shift(amount.currency)
    if shift >= 0:
        units = amount.minor * 10**shift
    else:
        units, rest = divmod(amount.minor, 10**-shift)
        if rest:
            return None
    if exponent(amount.currency) == 3 and units % 10:
        return None
    return units


def from_stripe(units: int, currency: str) -> Money:
    """Stripe's integer and lower-case currency as Money.

    Raises MoneyError for an unknown currency and ValueError for an amount smaller than the
    currency's smallest coin: a reply that makes no sense.
    """
    code = currency.upper()
    shift = _shift(code)
    if shift < 0:
        return Money(units * 10**-shift, code)
    minor, rest = divmod(units, 10**shift)
    if rest:
        raise ValueError(f"{units} is not an amount of {code}")
    return Money(minor, code)


def _shift(currency: str) -> int:
    """How many decimals Stripe has more than ISO 4217."""
    places = exponent(currency)
    return _STRIPE_DECIMALS.get(currency, places) - places
