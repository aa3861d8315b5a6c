"""A realistic marketplace, made from a seed: sellers, prices, buyers, cards and baskets.

Cards are the official test tokens of the PSPs, so the same baskets could be sold at their
own sandboxes. Prices look like those of a shop in each currency, JPY without decimals and KWD
with three.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from clearhouse.kernel.money import EXPONENTS, format_minor
from clearhouse.kernel.randomness import Randomness

T = TypeVar("T")

_NAMES: Final = (
    "harbour", "juniper", "copper", "willow", "northern", "lantern", "meadow", "saffron",
)  # fmt: skip
_TRADES: Final = (
    # What they sell, and from which to which price in US cents.
    ("tea", 500, 3_500),
    ("books", 900, 4_500),
    ("toys", 800, 6_000),
    ("ceramics", 1_800, 12_000),
    ("garden", 1_200, 18_000),
    ("lamps", 3_500, 32_000),
)
_BUYERS: Final = ("Ada", "Grace", "Linus", "Mary", "Alan", "Katherine", "Edsger", "Barbara")

_PSPS: Final = (("stripe", 45), ("square", 30), ("braintree", 25))
_DECLINED_PER_CENT: Final = 7

_CARD_FIELD: Final = {
    "stripe": "payment_method",
    "braintree": "payment_method_nonce",
    "square": "source_id",
}
_GOOD_CARDS: Final = {
    "stripe": ("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit"),
    "braintree": ("fake-valid-visa-nonce", "fake-valid-mastercard-nonce", "fake-valid-amex-nonce"),
    "square": ("cnon:card-nonce-ok",),
}
_BAD_CARDS: Final = {
    "stripe": (
        "pm_card_visa_chargeDeclined",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_visa_chargeDeclinedLostCard",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_chargeDeclinedIncorrectCvc",
    ),
    "square": (
        "cnon:card-nonce-declined",
        "cnon:card-nonce-rejected-cvv",
        "cnon:card-nonce-rejected-expiration",
    ),
}
# Braintree's sandbox declines by amount, in major units of any currency.
_BRAINTREE_DECLINES: Final = (2000, 2001, 2004, 2010, 2046)
_BRAINTREE_TRIGGERS: Final = (range(2000, 3001), range(5001, 5002))


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """How prices look in one currency.

    A price in US cents times ``numerator / denominator`` is in minor units, rounded to
    ``step`` and lowered by ``ending`` (9.99 instead of 10.00).
    """

    currency: str
    weight: int
    numerator: int
    denominator: int
    step: int
    ending: int

    def price(self, us_cents: int) -> int:
        """The price in minor units; at least one step."""
        minor = us_cents * self.numerator // self.denominator
        return max(1, round(minor / self.step)) * self.step - self.ending


_LEVELS: Final = (
    PriceLevel("USD", 38, 1, 1, 100, 1),
    PriceLevel("EUR", 26, 95, 100, 50, 1),
    PriceLevel("GBP", 14, 4, 5, 100, 1),
    PriceLevel("JPY", 14, 3, 2, 10, 0),
    # Stripe takes dinars only in whole hundredths, which is how shops price them anyway.
    PriceLevel("KWD", 8, 31, 10, 250, 0),
)

CURRENCIES: Final = tuple(level.currency for level in _LEVELS)
"""What is sold in."""


@dataclass(frozen=True, slots=True)
class Basket:
    """One checkout, ready to be sent to ``POST /v1/payments``."""

    checkout_id: str
    body: dict[str, Any]

    @property
    def orders(self) -> int:
        """Over how many sellers it is split."""
        return len(self.body["payment_orders"])


class Marketplace:
    """Baskets without end; the same for the same randomness. ``name`` begins every id."""

    def __init__(self, randomness: Randomness, name: str = "cart") -> None:
        self._randomness = randomness
        self._name = name
        self.sellers: Sequence[tuple[str, int, int]] = [
            (f"{first}-{trade}", low, high) for trade, low, high in _TRADES for first in _NAMES
        ]

    def baskets(self) -> Iterator[Basket]:
        """The next checkouts, one after the other."""
        number = 0
        while True:
            number += 1
            yield self._basket(f"{self._name}-{number:05d}")

    def gap_seconds(self, per_second: float) -> float:
        """How long until the next buyer comes, when ``per_second`` come on average."""
        return -math.log(1.0 - self._randomness.uniform(0.0, 1.0 - 1e-9)) / per_second

    def chance(self, per_cent: float) -> bool:
        """True in so many of 100 cases."""
        return self._randomness.uniform(0.0, 100.0) < per_cent

    def _basket(self, checkout_id: str) -> Basket:
        psp = self._weighted(_PSPS)
        level = self._weighted([(level, level.weight) for level in _LEVELS])
        declined = self.chance(_DECLINED_PER_CENT)
        orders = [
            {
                "payment_order_id": f"{checkout_id}-{place}",
                "seller_account": seller,
                "amount": format_minor(self._amount(psp, level, low, high), level.currency),
                "currency": level.currency,
            }
            for place, (seller, low, high) in enumerate(self._some_sellers(), 1)
        ]
        if declined and psp == "braintree":
            major = self._pick(_BRAINTREE_DECLINES)
            minor = major * 10 ** EXPONENTS[level.currency]
            orders[0]["amount"] = format_minor(minor, level.currency)
        cards = _BAD_CARDS[psp] if declined and psp in _BAD_CARDS else _GOOD_CARDS[psp]
        buyer = self._pick(_BUYERS)
        body = {
            "checkout_id": checkout_id,
            "buyer_info": {"name": buyer, "email": f"{buyer.lower()}@example.com"},
            "credit_card_info": {"psp": psp, _CARD_FIELD[psp]: self._pick(cards)},
            "payment_orders": orders,
        }
        return Basket(checkout_id, body)

    def _amount(self, psp: str, level: PriceLevel, low: int, high: int) -> int:
        # Squared, since cheap things are bought more often.
        share = self._randomness.uniform(0.0, 1.0) ** 2
        minor = level.price(low + int((high - low) * share))
        scale = 10 ** EXPONENTS[level.currency]
        if psp == "braintree" and any(minor // scale in range_ for range_ in _BRAINTREE_TRIGGERS):
            minor += 1_100 * scale
        return minor

    def _some_sellers(self) -> list[tuple[str, int, int]]:
        count = self._weighted(((1, 38), (2, 28), (3, 18), (4, 10), (5, 6)))
        chosen: dict[str, tuple[str, int, int]] = {}
        while len(chosen) < count:
            # Squared: a few sellers sell much, most sell some.
            place = int(len(self.sellers) * self._randomness.uniform(0.0, 1.0) ** 2)
            seller = self.sellers[min(place, len(self.sellers) - 1)]
            chosen[seller[0]] = seller
        return list(chosen.values())

    def _pick(self, options: Sequence[T]) -> T:
        place = int(self._randomness.uniform(0.0, len(options)))
        return options[min(place, len(options) - 1)]

    def _weighted(self, options: Sequence[tuple[T, int]]) -> T:
        left = self._randomness.uniform(0.0, sum(weight for _, weight in options))
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]
