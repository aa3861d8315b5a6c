"""The platform's fee on a sale: basis points of the amount plus a fixed part.

Rounding: the share is rounded half up to the minor unit, then the fixed part is added, and
the fee is never more than the sale, so that no sale leaves a seller in debt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clearhouse.kernel.money import Money, basis_points_of


@dataclass(frozen=True, slots=True)
class FeePlan:
    """``basis_points`` (1/100 of a per cent) of the amount plus ``fixed_minor`` minor units."""

    basis_points: int
    fixed_minor: int

    def fee_on(self, amount: Money) -> int:
        """The fee in minor units of the amount's currency: at least 0, at most the amount."""
        share = basis_points_of(amount.minor, self.basis_points)
        return min(share + self.fixed_minor, amount.minor)


@dataclass(frozen=True, slots=True)
class DefaultFee:
    """The fee of sellers without a plan of their own; ``fixed_minor`` is by currency, else 0."""

    basis_points: int
    fixed_minor: Mapping[str, int]

    def plan(self, currency: str) -> FeePlan:
        """The default plan for sales in a currency."""
        return FeePlan(self.basis_points, self.fixed_minor.get(currency, 0))
