"""Stripe's currency rules: which are accepted, their smallest charge, and their odd units.

Stripe counts most currencies in ISO 4217 minor units, with exceptions: some have no
decimals at Stripe that ISO gives two (MGA), some have two at Stripe and none at ISO
(ISK, UGX), and those with three must be sent as multiples of ten.
"""

from typing import Final

from clearhouse.kernel.money import EXPONENTS, exponent
from clearhouse.sandbox.stripe.errors import invalid

ZERO_DECIMAL: Final = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
"""Currencies that Stripe charges in whole units."""

WHOLE_ONLY: Final = frozenset({"ISK", "UGX"})
"""Sent with two decimals, which must be zeros."""

THREE_DECIMAL: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Sent with three decimals, the last of which must be zero."""

_TWO_DECIMAL: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD"
    " CDF CHF CNY COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL"
    " HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR"
    " MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD"
    " SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER"
    " ZAR ZMW"
)
SUPPORTED: Final = (
    ZERO_DECIMAL | WHOLE_ONLY | THREE_DECIMAL | frozenset(_TWO_DECIMAL.split())
) & EXPONENTS.keys()
"""Presentment currencies, as far as ISO 4217 still has them."""

_MINIMUM: Final = {
    "USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50,
    "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300,
    "SGD": 50, "THB": 1000,
}  # fmt: skip
_MAXIMUM: Final = 99_999_999


def check(amount: int, currency: str) -> None:
    """Raise StripeError when Stripe would not charge this amount (in its own units)."""
    if currency not in SUPPORTED:
        raise invalid(f"Invalid currency: {currency.lower()[:16]}.", param="currency")
    if amount > _MAXIMUM:
        raise invalid(
            f"Amount must be no more than {_MAXIMUM}.", param="amount", code="amount_too_large"
        )
    least = _MINIMUM.get(currency, 1)
    if amount < least:
        message = f"Amount must be at least {least} {currency.lower()}"
        raise invalid(message, param="amount", code="amount_too_small")
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_ONLY else 1
    if amount % step:
        message = f"Invalid amount: {currency} amounts must be evenly divisible by {step}."
        raise invalid(message, param="amount", code="parameter_invalid_integer")


def iso_minor(amount: int, currency: str) -> int:
    """An amount in Stripe's units as ISO 4217 minor units, in which the truth is kept."""
    at_stripe = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    difference = exponent(currency) - at_stripe
    return amount * 10**difference if difference >= 0 else amount // 10**-difference


def stripe_units(minor: int, currency: str) -> int:
    """ISO 4217 minor units as Stripe counts them; what it cannot say is rounded down."""
    at_stripe = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    difference = at_stripe - exponent(currency)
    return minor * 10**difference if difference >= 0 else minor // 10**-difference
