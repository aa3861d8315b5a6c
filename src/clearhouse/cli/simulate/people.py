"""Who sells in the simulation: sellers with their prices, terms, schedules and accounts."""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

from clearhouse.psp.rails import BankAccount, ConnectedAccount, Destination, UsAccount
from clearhouse.wallets.maturing.agreements import Wish
from clearhouse.wallets.maturing.model import Matures
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller: sales a day on average, prices in minor units, and how the money comes.

    ``schedule`` None: paid on request alone. ``fails_after`` is the share of the simulated days
    after which the seller is bankrupt; None for the others.
    """

    name: str
    currency: str
    sales_a_day: float
    prices: tuple[int, int]
    destination: Destination
    schedule: Schedule | None
    wish: Wish | None = None
    fails_after: float | None = None


def _iban(holder: str) -> BankAccount:
    return BankAccount("DE89370400440532013000", "", holder)


def _us(holder: str) -> UsAccount:
    return UsAccount("021000021", "123456789", holder)


_DAILY: Final = Schedule(Rhythm.DAILY, "Europe/Berlin")
_SOON: Final = Wish(delay=timedelta(days=1))
_RESERVE: Final = Wish(delay=timedelta(days=2), reserve_basis_points=1_000, reserve_days=30)
_SETTLED: Final = Wish(matures=Matures.WHEN_SETTLED)

SELLERS: Final = (
    Seller("harbour-tea", "EUR", 4.0, (500, 3_500), _iban("Harbour Tea"), _DAILY),
    Seller(
        "juniper-books",
        "EUR",
        2.5,
        (900, 4_500),
        _iban("Juniper Books"),
        Schedule(Rhythm.WEEKLY, "Europe/Lisbon", weekday=2),
        _RESERVE,
    ),
    Seller(
        "copper-lamps",
        "EUR",
        1.0,
        (3_500, 32_000),
        _iban("Copper Lamps"),
        Schedule(Rhythm.MONTHLY, "Europe/Helsinki", day=31),
        _SETTLED,
    ),
    Seller(
        "willow-toys",
        "EUR",
        1.5,
        (800, 6_000),
        _iban("Willow Toys"),
        Schedule(Rhythm.THRESHOLD, "Europe/Berlin", threshold_minor=25_000),
        _SOON,
    ),
    Seller("meadow-crafts", "EUR", 0.7, (1_000, 9_000), _iban("Meadow Crafts"), None),
    Seller(
        "gilded-fleece", "EUR", 2.5, (2_000, 24_000), _iban("Gilded Fleece"), _DAILY, _SOON, 0.35
    ),
    Seller(
        "lantern-ceramics",
        "USD",
        2.5,
        (1_800, 12_000),
        _us("Lantern Ceramics"),
        Schedule(Rhythm.DAILY, "America/New_York", at=time(9)),
        Wish(delay=timedelta(days=3), keep_minor=5_000),
    ),
    Seller(
        "northern-garden",
        "USD",
        2.0,
        (1_200, 18_000),
        _us("Northern Garden"),
        Schedule(Rhythm.WEEKLY, "America/Los_Angeles", weekday=4),
        _RESERVE,
    ),
    Seller(
        "saffron-spice",
        "USD",
        3.0,
        (600, 4_000),
        _us("Saffron Spice"),
        Schedule(Rhythm.MONTHLY, "America/Chicago", day=1),
        _SETTLED,
    ),
    Seller(
        "silver-lining",
        "USD",
        2.5,
        (2_500, 26_000),
        _us("Silver Lining"),
        Schedule(Rhythm.DAILY, "America/New_York"),
        _SOON,
        0.55,
    ),
    Seller(
        "sakura-paper",
        "JPY",
        2.0,
        (800, 6_000),
        ConnectedAccount("acct_sakura0001"),
        Schedule(Rhythm.DAILY, "Asia/Tokyo"),
    ),
    Seller(
        "kumo-ceramics",
        "JPY",
        1.0,
        (3_000, 40_000),
        ConnectedAccount("acct_kumo000001"),
        Schedule(Rhythm.THRESHOLD, "Asia/Tokyo", threshold_minor=100_000),
        _RESERVE,
    ),
)
"""Different in all that is decided about payouts; two of them go bankrupt."""

CURRENCIES: Final = tuple(sorted({one.currency for one in SELLERS}))
