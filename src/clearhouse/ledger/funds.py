"""Where all the money came from, where it lies and whose it is: three sums that must be one.

Every movement into or out of what the platform holds (the asset accounts) has one meaning for a
finance person, and the sum of them all is what is held now; and all that is held belongs to
sellers, to buyers or to the platform. If the three sums are equal in each currency, no cent is
lost. Pure, over sums that the database makes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clearhouse.ledger.chart import Family
from clearhouse.ledger.model import AccountType


class Movement(StrEnum):
    """What a movement of held money was, seen from outside."""

    PAID_BY_BUYERS = "paid by buyers"
    GIVEN_BACK = "given back to buyers"
    DISPUTED = "taken by disputes"
    PAID_OUT = "paid out to sellers"
    PSP_FEES = "kept by PSPs as fees"
    CORRECTED = "corrected by adjustments"
    OTHER = "other"
    ARCHIVED = "all before, archived"


class Owner(StrEnum):
    """Whose money it is."""

    SELLERS = "sellers, to be paid out"
    RESERVE = "sellers, kept in reserve"
    UNDER_WAY = "sellers, on its way to their banks"
    DEBT = "less what sellers owe"
    BUYERS = "buyers, refunds under way"
    PLATFORM = "the platform: fees earned"
    COSTS = "less PSP fees"
    LOSSES = "less losses"
    ADJUSTED = "adjustments"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Flow:
    """What entries of one kind moved between held money and one family of other accounts.

    Minor units of ``currency``, positive for money that came in. ``family`` is empty for what
    was archived.
    """

    currency: str
    kind: str
    family: str
    minor: int


@dataclass(frozen=True, slots=True)
class FamilyBalance:
    """The balances of one family, in its normal side; ``negative_minor`` is the part below zero."""

    currency: str
    family: str
    type: AccountType
    owner: str
    minor: int
    negative_minor: int = 0


@dataclass(frozen=True, slots=True)
class Funds:
    """All money of one currency, in minor units, three times."""

    currency: str
    moved: Mapping[Movement, int]
    held: Mapping[str, int]
    owned: Mapping[Owner, int]

    @property
    def moved_minor(self) -> int:
        """What came in less what went out."""
        return sum(self.moved.values())

    @property
    def held_minor(self) -> int:
        """What PSPs and banks hold for us."""
        return sum(self.held.values())

    @property
    def owned_minor(self) -> int:
        """What belongs to somebody."""
        return sum(self.owned.values())

    @property
    def agree(self) -> bool:
        """Whether every cent is accounted for."""
        return self.moved_minor == self.held_minor == self.owned_minor


_BY_FAMILY: Final[Mapping[str, Movement]] = MappingProxyType(
    {
        Family.PAYOUTS_IN_TRANSIT.value.word: Movement.PAID_OUT,
        Family.REFUNDS_IN_TRANSIT.value.word: Movement.GIVEN_BACK,
        Family.PSP_FEE_EXPENSE.value.word: Movement.PSP_FEES,
        Family.ADJUSTMENTS.value.word: Movement.CORRECTED,
    }
)
_BY_KIND: Final[Mapping[str, Movement]] = MappingProxyType(
    {
        "sale": Movement.PAID_BY_BUYERS,
        "sale_reversal": Movement.PAID_BY_BUYERS,
        "stray_charge": Movement.PAID_BY_BUYERS,
        "dispute_opened": Movement.DISPUTED,
        "dispute_won": Movement.DISPUTED,
        "dispute_lost": Movement.DISPUTED,
    }
)
_WHOSE: Final[Mapping[str, Owner]] = MappingProxyType(
    {
        Family.SELLER_PAYABLE.value.word: Owner.SELLERS,
        Family.SELLER_RESERVE.value.word: Owner.RESERVE,
        Family.PAYOUTS_IN_TRANSIT.value.word: Owner.UNDER_WAY,
        Family.REFUNDS_IN_TRANSIT.value.word: Owner.BUYERS,
        Family.PLATFORM_FEE_REVENUE.value.word: Owner.PLATFORM,
        Family.PSP_FEE_EXPENSE.value.word: Owner.COSTS,
        Family.LOSSES.value.word: Owner.LOSSES,
        Family.ADJUSTMENTS.value.word: Owner.ADJUSTED,
    }
)


def movement_of(kind: str, family: str) -> Movement:
    """What a movement was: by its entry's kind, else by the family on its other side."""
    if not family:
        return Movement.ARCHIVED
    # Entries of one source that may be booked again carry a version: dispute_lost.3
    known = _BY_KIND.get(kind.partition(".")[0])
    return known or _BY_FAMILY.get(family, Movement.OTHER)


def funds_of(flows: Iterable[Flow], balances: Iterable[FamilyBalance]) -> list[Funds]:
    """The funds of each currency, sorted by it; parts that are zero are left out."""
    moved: dict[str, dict[Movement, int]] = {}
    held: dict[str, dict[str, int]] = {}
    owned: dict[str, dict[Owner, int]] = {}
    for flow in flows:
        parts = moved.setdefault(flow.currency, {})
        movement = movement_of(flow.kind, flow.family)
        parts[movement] = parts.get(movement, 0) + flow.minor
    for one in balances:
        if one.type is AccountType.ASSET:
            places = held.setdefault(one.currency, {})
            place = f"{one.family}:{one.owner}" if one.owner else one.family
            places[place] = places.get(place, 0) + one.minor
            continue
        shares = owned.setdefault(one.currency, {})
        sign = -1 if one.type is AccountType.EXPENSE else 1
        whose = _WHOSE.get(one.family, Owner.OTHER)
        debt = one.negative_minor if whose is Owner.SELLERS else 0
        shares[whose] = shares.get(whose, 0) + sign * (one.minor - debt)
        if debt:
            shares[Owner.DEBT] = shares.get(Owner.DEBT, 0) + debt
    return [
        Funds(
            currency,
            {part: minor for part in Movement if (minor := moved.get(currency, {}).get(part, 0))},
            {part: minor for part, minor in sorted(held.get(currency, {}).items()) if minor},
            {part: minor for part in Owner if (minor := owned.get(currency, {}).get(part, 0))},
        )
        for currency in sorted(moved.keys() | held.keys() | owned.keys())
    ]
