"""The frozen words of payouts."""

from enum import StrEnum
from typing import Final

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
