"""How much of what a seller has is paid out, and who may let it go: pure."""

from dataclasses import dataclass
from enum import StrEnum

from clearhouse.kernel.money import MAX_MINOR

SCHEDULE_ACTOR = "schedule"
"""Who created a payout that no person asked for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the payouts of one seller in one currency, in minor units.

    ``minimum`` is the least that is worth a transfer, ``maximum`` the most in one payout, ``keep``
    what always stays in the wallet. ``approval_above`` is the amount above which a second person
    must approve; None where none ever has to. Raises ValueError for limits that no amount meets.
    """

    minimum: int = 1
    maximum: int = MAX_MINOR
    keep: int = 0
    approval_above: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum <= MAX_MINOR:
            raise ValueError(f"a payout needs 1 <= minimum <= maximum <= {MAX_MINOR}")
        if self.keep < 0 or (self.approval_above is not None and self.approval_above < 0):
            raise ValueError("a balance to keep and a limit of approval are not negative")


class Withheld(StrEnum):
    """Why nothing is paid now; all of it carries over to the next run."""

    HELD = "held"
    """A person, a dispute or new bank details hold this seller's payouts."""
    DEBT = "debt"
    """The seller owes the platform money in this currency: sales pay that first."""
    NOTHING = "nothing"
    """Nothing is available, or no more than what always stays."""
    BELOW_MINIMUM = "below_minimum"
    """Less than is worth a transfer, or than the schedule's threshold."""


def payable(
    available: int, limits: Limits, *, held: bool = False, threshold: int = 0
) -> int | Withheld:
    """What a run pays of a wallet: one payout, or the reason why none.

    ``available`` is negative for a seller in debt. Money that is pending, reserved or in transit is
    not part of it. What is above ``maximum`` waits for the next run, so that a run never makes more
    than one payout of a wallet.
    """
    if held:
        return Withheld.HELD
    if available < 0:
        return Withheld.DEBT
    free = available - limits.keep
    if free <= 0:
        return Withheld.NOTHING
    if available < threshold or free < limits.minimum:
        return Withheld.BELOW_MINIMUM
    return min(free, limits.maximum)


def asked_for(amount: int, available: int, limits: Limits, *, held: bool = False) -> str | None:
    """Why a payout of such an amount that somebody asks for is refused; None where it may be."""
    if held:
        return "the payouts of this seller are held"
    if amount < limits.minimum:
        return "it is less than the minimum of a payout"
    if amount > limits.maximum:
        return "it is more than the maximum of one payout"
    if amount > available - limits.keep:
        return "it is more than the seller has available"
    return None


def needs_approval(amount: int, limits: Limits) -> bool:
    """Whether a second person must approve a payout before it is sent."""
    return limits.approval_above is not None and amount > limits.approval_above


def may_approve(created_by: str, approver: str) -> bool:
    """Whether somebody may approve a payout: never who created it, and never the schedule.

    Both are names as the audit log has them, of an API key or an operator.
    """
    return approver not in {created_by, SCHEDULE_ACTOR, ""}
