"""How a fee comes about: pure rules over integers.

Rounding: the share is rounded half up to the minor unit, as a seller checks it with a pocket
calculator. Then the fixed part is added, then the bounds hold, and the fee is never more than the
sale, so that no sale leaves a seller in debt.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from clearhouse.kernel.days import midnight, month_after
from clearhouse.kernel.ids import floor_of
from clearhouse.kernel.money import basis_points_of
from clearhouse.payments.fees.model import FeeTerms, Month, Tier


@dataclass(frozen=True, slots=True)
class Steps:
    """A fee, and each step that led to it; what the bounds added is positive, what they took not.

    ``tier`` is the rate that counted, with ``from_minor`` 0 where the month began with it.
    """

    tier: Tier
    share_minor: int
    fixed_minor: int
    by_minimum_minor: int
    by_cap_minor: int
    by_amount_minor: int

    @property
    def fee_minor(self) -> int:
        """All steps together: at least 0, at most the amount."""
        return (
            self.share_minor
            + self.fixed_minor
            + self.by_minimum_minor
            + self.by_cap_minor
            + self.by_amount_minor
        )


def tier_at(terms: FeeTerms, volume_minor: int) -> Tier:
    """The rate of a sale that is made when the month's volume is ``volume_minor``."""
    reached = Tier(0, terms.basis_points, terms.fixed_minor)
    for tier in terms.tiers:
        if tier.from_minor <= volume_minor:
            reached = tier
    return reached


def steps_of(terms: FeeTerms, amount_minor: int, volume_minor: int = 0) -> Steps:
    """How the fee on a sale comes about, given what its seller had sold in the month before it.

    The whole sale is under the rate that the volume had reached before it.
    """
    tier = tier_at(terms, volume_minor)
    share = basis_points_of(amount_minor, tier.basis_points)
    fee = share + tier.fixed_minor
    raised = max(terms.minimum_minor - fee, 0)
    fee += raised
    lowered = 0 if terms.cap_minor is None else min(terms.cap_minor - fee, 0)
    fee += lowered
    return Steps(tier, share, tier.fixed_minor, raised, lowered, min(amount_minor - fee, 0))


def fee_of(terms: FeeTerms, amount_minor: int, volume_minor: int = 0) -> int:
    """The fee on a sale in minor units: at least 0, at most the amount."""
    return steps_of(terms, amount_minor, volume_minor).fee_minor


def month_of(seller_account: str, currency: str, accepted_at: datetime) -> Month:
    """The month that a sale counts in: that of UTC in which its payment was accepted."""
    return Month(seller_account, currency, accepted_at.astimezone(UTC).date().replace(day=1))


def ids_of(month: Month) -> tuple[UUID, UUID]:
    """The first id of a month's orders, and the first beyond them."""
    following = month_after(month.begins)
    return floor_of(midnight(month.begins)), floor_of(midnight(following))


def volumes_before(before: Mapping[Month, int], sales: Iterable[tuple[Month, int]]) -> list[int]:
    """The volume that each sale of a batch meets, in their order: those before it are in it."""
    so_far = dict(before)
    met: list[int] = []
    for month, minor in sales:
        met.append(so_far[month])
        so_far[month] += minor
    return met
