"""The frozen words and values of payouts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.psp.rails import FailureReason


class PayoutStatus(StrEnum):
    """Where a payout is. Finer facts stand beside it, as a reason."""

    CREATED = "created"
    """The money has left what the seller has available; somebody may still have to approve."""
    APPROVED = "approved"
    """It may be sent, and is not yet in a batch."""
    SUBMITTED = "submitted"
    """It is in a batch for ever: from here on it may have been sent."""
    PAID = "paid"
    """The seller's account was credited; a bank or PSP may still take that back."""
    FAILED = "failed"
    """A definite no, perhaps some days after ``paid``; the seller has the money available again."""
    RETURNED = "returned"
    """It had left and came back; the seller has the money available again."""
    CANCELLED = "cancelled"
    """Taken back by a person before it was in a batch."""


class SendingReason(StrEnum):
    """What is known of a payout that is submitted."""

    SENDING = "sending"
    """Its batch is fixed; whether the rail was called yet is not known."""
    NOT_SENT = "not_sent"
    """Proven that nothing left; the same batch is sent again."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """The answer was lost: it is asked about, and never sent under another identity."""
    UNDER_WAY = "under_way"
    """The bank or PSP has it."""
    CONTRADICTION = "contradiction"
    """What was told cannot be believed as it is; a person looks, and it is asked about."""


PayoutReason = SendingReason | FailureReason
"""A submitted payout has a SendingReason, a failed or returned one a FailureReason."""

BACK: Final = frozenset({PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED})
"""The statuses in which the seller has the money available again; none of them is ever left
for one in which it has not."""

SENT: Final = frozenset(
    {PayoutStatus.SUBMITTED, PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.RETURNED}
)
"""The statuses of payouts that a rail may know of."""

PAYOUT: Final = "payout"
"""The kind of the movement that takes a payout's money out of available."""

REVERSAL: Final = "payout_reversal"
"""The kind of the one movement that can give it back, whatever happened."""

OVERDUE: Final = "time_limit.payout"
"""Who the dead letter of a payout that waits too long is from."""


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as it is stored; times are UTC.

    ``period`` is the schedule's, None where somebody asked. ``approved_by`` is None where nobody
    had to approve. ``detail`` is the last word of the bank or PSP, or why it was cancelled.
    """

    payout_id: UUID
    seller_account: str
    amount: Money
    status: PayoutStatus
    reason: PayoutReason | None
    needs_approval: bool
    created_by: str
    version: int
    created_at: datetime
    updated_at: datetime
    detail: str = ""
    period: str | None = None
    note: str = ""
    approved_by: str | None = None
    batch_id: UUID | None = None
    rail: str | None = None
    details_id: UUID | None = None
    reference: str | None = None
    approved_at: datetime | None = None
    submitted_at: datetime | None = None
    paid_at: datetime | None = None
    finalized_at: datetime | None = None

    @property
    def public_id(self) -> str:
        """The name that people and programs know it by."""
        return public_id(self.payout_id)


@dataclass(frozen=True, slots=True)
class NewPayout:
    """A payout that is asked for; ``amount_minor`` None means all that may be paid.

    ``body_hash`` is the hash of what was asked, ``created_by`` who asks, as the audit log has it.
    ``render`` makes the answer that is stored and replayed.
    """

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    seller_account: str
    currency: str
    amount_minor: int | None
    note: str
    created_by: str
    render: Callable[[Payout], bytes]


@dataclass(frozen=True, slots=True)
class PayoutFilter:
    """Which payouts a list shows; None: all. ``is_stuck``: only those that wait too long."""

    seller_account: str | None = None
    status: PayoutStatus | None = None
    currency: str | None = None
    is_stuck: bool = False


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """Payouts, newest first; ``next_before`` is where the next page begins, None on the last."""

    payouts: tuple[Payout, ...]
    next_before: UUID | None


def public_id(payout_id: UUID) -> str:
    """A payout's name, made of its id."""
    return f"po_{payout_id.hex}"


def payout_id_of(name: str) -> UUID | None:
    """The id behind a payout's name; None for what is no such name."""
    return key_id(name[3:]) if name.startswith("po_") else None


def key_id(key: str) -> UUID | None:
    """The id behind the key that a payout bears at its rail; None for a key that is not ours."""
    if len(key) != _HEX or not set(key) <= _DIGITS:
        return None
    return UUID(hex=key)


_HEX: Final = 32
_DIGITS: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class BankDetails:
    """Where a seller is paid in a currency, without the account itself.

    ``kind`` is ``iban``, ``us_account`` or ``stripe``. Nothing is paid there before
    ``usable_from`` (UTC). ``correction`` is the code of what a bank said should be others, None
    where none did.
    """

    details_id: UUID
    seller_account: str
    currency: str
    kind: str
    rail: str
    last_four: str
    created_by: str
    created_at: datetime
    usable_from: datetime
    correction: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a bank says should stand in a seller's details next time; never shown by accident."""

    payout_id: UUID
    seller_account: str
    currency: str
    code: str
    told_at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """One event that was told of a payout: when (UTC), which, and its place."""

    at: datetime
    type: str
    version: int
