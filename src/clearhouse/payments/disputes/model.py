"""The frozen values of disputes, and what becomes of their money."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.psp.disputes import DisputeFacts, DisputeStage


class DisputeMoney(StrEnum):
    """Where the disputed money is."""

    NONE = "none"
    """Nothing has moved: an inquiry, or a dispute that was won before we heard of it."""
    HELD = "held"
    """The PSP withdrew it, and the seller's share is kept in reserve."""
    RETURNED = "returned"
    """It came back, and the seller has its share again."""
    TAKEN = "taken"
    """It is gone: lost, accepted or prevented."""


class BorneBy(StrEnum):
    """Who pays for a dispute that is lost."""

    SELLER = "seller"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class LearntDispute:
    """A dispute as its PSP told of it. ``as_of`` and ``version`` (UTC) are the PSP's own."""

    psp: str
    facts: DisputeFacts
    as_of: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it is stored. Times are UTC.

    ``amount`` is what the PSP withdrew; ``counted_minor`` the part that was not refunded already,
    ``seller_minor`` the part that the seller bears.
    """

    dispute_id: UUID
    public_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    psp: str
    psp_reference: str
    amount: Money
    counted_minor: int
    seller_minor: int
    stage: DisputeStage
    money: DisputeMoney
    reason: str
    evidence_due_at: datetime | None
    opened_at: datetime | None
    told_as_of: datetime
    told_version: int | None
    version: int
    opened_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DisputePage:
    """Disputes, newest first; ``next_before`` continues the list and is None at its end."""

    disputes: list[Dispute]
    next_before: UUID | None
