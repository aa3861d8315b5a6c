"""What the wallets tell of payouts and of where sellers are paid."""

from datetime import datetime

from clearhouse.messaging.event import Event


class PayoutCreated(Event, frozen=True, kw_only=True, tag="payout.created"):
    """Money left what a seller has available, to be paid to the seller.

    ``needs_approval``: somebody else than ``created_by`` must let it go; otherwise it is approved
    with its creation. ``period`` is the schedule's, None where somebody asked for the payout.
    Aggregate: the payout. Publisher: wallets; consumer: ledger.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    needs_approval: bool
    created_by: str
    period: str | None = None


class PayoutApproved(Event, frozen=True, kw_only=True, tag="payout.approved"):
    """A second person let a payout go. Aggregate: the payout. Publisher: wallets."""

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    approved_by: str


class PayoutSubmitted(Event, frozen=True, kw_only=True, tag="payout.submitted"):
    """It is in a batch of a rail for ever: from here on it may have been sent.

    Aggregate: the payout. Publisher: wallets.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    rail: str
    batch_id: str


class PayoutPaid(Event, frozen=True, kw_only=True, tag="payout.paid"):
    """The seller's account was credited, as far as anybody can know; it may still come back.

    ``paid_from`` is ``bank`` or ``psp``: whether it left the platform's bank account or its
    balance at the PSP of the rail's name. Aggregate: the payout. Publisher: wallets; consumer:
    ledger.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    rail: str
    paid_from: str
    reference: str


class PayoutFailed(Event, frozen=True, kw_only=True, tag="payout.failed"):
    """It did not reach the seller, who has the money available again.

    ``was_paid``: it had been told as paid before. Aggregate: the payout. Publisher: wallets;
    consumer: ledger.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    rail: str
    paid_from: str
    reason: str
    was_paid: bool


class PayoutReturned(Event, frozen=True, kw_only=True, tag="payout.returned"):
    """It had left and came back; the seller has the money available again.

    ``was_back``: it had been told as failed before, so no money moves now. Aggregate: the payout.
    Publisher: wallets; consumer: ledger.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    rail: str
    paid_from: str
    reason: str
    was_back: bool


class PayoutCancelled(Event, frozen=True, kw_only=True, tag="payout.cancelled"):
    """It was taken back before it was in a batch; the seller has the money available again.

    Aggregate: the payout. Publisher: wallets; consumer: ledger.
    """

    payout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    cancelled_by: str
    detail: str


class PayoutCorrected(Event, frozen=True, kw_only=True, tag="payout.corrected"):
    """The bank paid, and says that the seller's bank details should be others next time.

    What they should be is not in the event, since it can be an account number.
    Aggregate: the payout. Publisher: wallets.
    """

    payout_id: str
    seller_account: str
    currency: str
    rail: str
    code: str


class BankDetailsChanged(Event, frozen=True, kw_only=True, tag="bank_details.changed"):
    """A seller is paid to another account in a currency: let the seller know, who may not know.

    ``was_known`` is false for the first details of all. Nothing is paid to the account before
    ``usable_from``. Aggregate: the details. Publisher: wallets.
    """

    seller_account: str
    currency: str
    rail: str
    last_four: str
    was_known: bool
    changed_by: str
    usable_from: datetime
