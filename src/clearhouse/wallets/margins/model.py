"""The frozen values of margins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

WHOLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Margin:
    """What sales of a time in one currency brought the platform; ``seller_account`` None: of all.

    Amounts are in minor units. Sales that their PSP took back are in none of the volumes and fees;
    what it cost to have them is a cost all the same. ``fees`` are less what went back with refunds.
    What is ``settled`` is of those sales alone whose cost is known, by their line in the PSP's
    report; the others wait for it.
    """

    seller_account: str | None
    currency: str
    sales: int
    volume_minor: int
    refunded_minor: int
    fees_minor: int
    settled_sales: int
    settled_volume_minor: int
    settled_fees_minor: int
    costs_minor: int

    @property
    def waiting_sales(self) -> int:
        """Sales whose cost nobody knows yet."""
        return self.sales - self.settled_sales

    @property
    def waiting_volume_minor(self) -> int:
        """Their amounts."""
        return self.volume_minor - self.settled_volume_minor

    @property
    def margin_minor(self) -> int:
        """What is left of the fees of settled sales after their costs; may be below zero."""
        return self.settled_fees_minor - self.costs_minor

    @property
    def margin_basis_points(self) -> int | None:
        """The margin as a share of the settled volume; None where there is no volume."""
        return basis_points(self.margin_minor, self.settled_volume_minor)

    @property
    def fees_basis_points(self) -> int | None:
        """The fees as a share of the volume; None where there is no volume."""
        return basis_points(self.fees_minor, self.volume_minor)


@dataclass(frozen=True, slots=True)
class Span:
    """A time from ``begins`` to before ``ends``, in UTC."""

    begins: datetime
    ends: datetime


def basis_points(part: int, whole: int) -> int | None:
    """A share in basis points, rounded half away from zero, by integers alone."""
    if whole <= 0:
        return None
    share = (2 * abs(part) * WHOLE + whole) // (2 * whole)
    return -share if part < 0 else share
