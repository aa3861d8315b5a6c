"""The frozen values of fees: terms with their tiers, versions of plans, and who has which plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import MAX_MINOR

WHOLE: Final = 10_000
"""All of an amount, in basis points."""
EVERYONE: Final = ""
"""The seller of an assignment that counts for all who have none of their own."""
OTHER_CURRENCIES: Final = ""
"""The currency of a version that counts where its plan says nothing of a currency by name."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A rate for sales made once the month's volume has reached ``from_minor``."""

    from_minor: int
    basis_points: int
    fixed_minor: int


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """``basis_points`` (1/100 of a per cent) of a sale plus a fixed part, within bounds.

    A tier takes the place of both from its volume on; the bounds are the same in all tiers.
    Amounts are minor units of one currency; ``cap_minor`` None: as much as it comes to. Raises
    ValueError for terms that cannot be.
    """

    basis_points: int
    fixed_minor: int = 0
    minimum_minor: int = 0
    cap_minor: int | None = None
    tiers: tuple[Tier, ...] = ()

    def __post_init__(self) -> None:
        rates = [Tier(0, self.basis_points, self.fixed_minor), *self.tiers]
        if any(not 0 <= rate.basis_points <= WHOLE for rate in rates):
            raise ValueError("a rate is 0 to 100 %")
        if any(not 0 <= rate.fixed_minor <= MAX_MINOR for rate in rates):
            raise ValueError("a fixed part is not negative, and no more than a sale can be")
        if not 0 <= self.minimum_minor <= MAX_MINOR:
            raise ValueError("a minimum is not negative, and no more than a sale can be")
        if self.cap_minor is not None and self.cap_minor < self.minimum_minor:
            raise ValueError("a cap is not below the minimum")
        bounds = [rate.from_minor for rate in rates]
        if any(later <= earlier for earlier, later in pairwise(bounds)):
            raise ValueError("tiers begin above zero, each above the one before it")


@dataclass(frozen=True, slots=True)
class DefaultFee:
    """The fee of sellers without a plan; ``fixed_minor`` is by currency, else 0."""

    basis_points: int
    fixed_minor: Mapping[str, int]

    def terms(self, currency: str) -> FeeTerms:
        """The terms of sales in a currency."""
        return FeeTerms(self.basis_points, self.fixed_minor.get(currency, 0))


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What a plan says of one currency from ``valid_from`` on; never changed, only followed.

    ``version`` counts from 1 for each plan and currency.
    """

    version_id: UUID
    plan: str
    currency: str
    version: int
    valid_from: datetime
    terms: FeeTerms
    set_at: datetime
    set_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which plan a seller has from ``valid_from`` on; ``plan`` None: none of their own any more."""

    assignment_id: UUID
    seller_account: str
    plan: str | None
    valid_from: datetime
    set_at: datetime
    set_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeeDecision:
    """A fee and what decided it; without a version, the platform's default fee did.

    ``volume_minor`` is what the seller had sold in the month before, where a version has tiers.
    """

    fee_minor: int | None
    version_id: UUID | None = None
    volume_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A seller's sales in a currency that were accepted in a calendar month of UTC."""

    seller_account: str
    currency: str
    begins: date
