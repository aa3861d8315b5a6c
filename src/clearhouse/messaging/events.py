"""The catalogue of events: the only contract between the services.

An event is a fact in the past tense. Each is published in the same database transaction
as the fact itself, carries its own data (a consumer never asks back), and is numbered per
aggregate, so that a consumer can tell a gap from a delay (invariant I9).

Amounts are integer minor units of ``currency``; times are aware and in UTC. New fields are
added with a default, and never change their meaning; what must change gets a new event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from clearhouse.messaging.event import Event
from clearhouse.messaging.payout_events import (
    BankDetailsChanged,
    PayoutApproved,
    PayoutCancelled,
    PayoutCorrected,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutSubmitted,
)
from clearhouse.messaging.settlement_events import (
    ReconciliationAlert,
    SettlementBooked,
    SettlementProved,
)
from clearhouse.messaging.wallet_events import DebtWrittenOff, ReserveKept, ReserveReleased

__all__ = [
    "CATALOGUE",
    "AnyEvent",
    "BankDetailsChanged",
    "DebtWrittenOff",
    "DisputeClosed",
    "DisputeOpened",
    "DisputeUpdated",
    "Event",
    "JournalEntryPosted",
    "OrderAccepted",
    "PaymentEventAccepted",
    "PaymentEventDone",
    "PaymentOrderActionRequired",
    "PaymentOrderAuthorized",
    "PaymentOrderExecuting",
    "PaymentOrderFailed",
    "PaymentOrderReversed",
    "PaymentOrderSettled",
    "PaymentOrderSucceeded",
    "PayoutApproved",
    "PayoutCancelled",
    "PayoutCorrected",
    "PayoutCreated",
    "PayoutFailed",
    "PayoutPaid",
    "PayoutReturned",
    "PayoutSubmitted",
    "ReconciliationAlert",
    "RefundCreated",
    "RefundFailed",
    "RefundSucceeded",
    "ReserveKept",
    "ReserveReleased",
    "SettlementBooked",
    "SettlementProved",
    "StrayChargeFound",
    "WalletUpdated",
    "decode",
    "encode",
    "encode_lines",
    "type_of",
]


class OrderAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """One payment order inside PaymentEventAccepted."""

    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    currency: str


class PaymentEventAccepted(Event, frozen=True, kw_only=True, tag="payment_event.accepted"):
    """A checkout was accepted; its orders exist, each at version 1, with status NOT_STARTED.

    Aggregate: the payment event. Publisher: payments.
    """

    checkout_id: str
    psp: str
    orders: list[OrderAccepted]


class PaymentEventDone(Event, frozen=True, kw_only=True, tag="payment_event.done"):
    """All orders of a checkout are final, and those that succeeded are booked and in wallets.

    Aggregate: the payment event. Publisher: payments.
    """

    checkout_id: str


class PaymentOrderExecuting(Event, frozen=True, kw_only=True, tag="payment_order.executing"):
    """An executor took the order up; from here on a PSP may have been called.

    Aggregate: the payment order. Publisher: payments.
    """

    payment_order_id: str
    checkout_id: str


class PaymentOrderSucceeded(Event, frozen=True, kw_only=True, tag="payment_order.succeeded"):
    """The PSP holds the buyer's money for this order.

    ``amount_minor`` is what the buyer paid, ``fee_minor`` the platform's part of it; the seller
    is owed the rest. Aggregate: the payment order. Publisher: payments; consumers: ledger, wallets.
    """

    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount_minor: int
    fee_minor: int
    currency: str
    psp: str
    psp_reference: str


class PaymentOrderFailed(Event, frozen=True, kw_only=True, tag="payment_order.failed"):
    """The order is final and nothing was charged; ``reason`` is the normalised one.

    Aggregate: the payment order. Publisher: payments.
    """

    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    psp: str
    reason: str


class PaymentOrderReversed(Event, frozen=True, kw_only=True, tag="payment_order.reversed"):
    """A success was taken back by the PSP, such as by a settlement that was declined.

    The amounts are those of the order's PaymentOrderSucceeded, ``reason`` is the PSP's word.
    Aggregate: the payment order. Publisher: payments; consumers: ledger, wallets.
    """

    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount_minor: int
    fee_minor: int
    currency: str
    psp: str
    reason: str


class PaymentOrderSettled(Event, frozen=True, kw_only=True, tag="payment_order.settled"):
    """The PSP's report has a line for this order: it counts the money as the platform's.

    ``amount_minor`` is what the PSP took from the buyer by that line, ``psp_fee_minor`` what it
    kept of it (negative where it gave a fee back), ``settled_at`` when it counted it.
    Aggregate: the payment order; its versions count the order's lines, beginning at 1.
    Publisher: reconciliation; consumer: wallets.
    """

    payment_order_id: str
    seller_account: str
    amount_minor: int
    psp_fee_minor: int
    currency: str
    psp: str
    settled_at: datetime


class PaymentOrderAuthorized(Event, frozen=True, kw_only=True, tag="payment_order.authorized"):
    """The PSP holds the buyer's money for us; it is captured or voided until ``expires_at``.

    Aggregate: the payment order. Publisher: payments.
    """

    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount_minor: int
    currency: str
    psp: str
    expires_at: datetime | None


class PaymentOrderActionRequired(
    Event, frozen=True, kw_only=True, tag="payment_order.action_required"
):
    """The buyer must do something, at ``redirect_url`` where there is one (3-D Secure).

    Aggregate: the payment order. Publisher: payments.
    """

    payment_order_id: str
    checkout_id: str
    seller_account: str
    redirect_url: str | None


class RefundCreated(Event, frozen=True, kw_only=True, tag="refund.created"):
    """Money will go back to the buyer: ``amount_minor``, of which the seller bears its part.

    ``fee_returned_minor`` is what the platform gives the seller back of its fee; the seller is
    debited the amount less that. Aggregate: the refund. Publisher: payments; consumers: ledger,
    wallets.
    """

    refund_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    fee_returned_minor: int
    currency: str
    psp: str
    reason: str


class RefundSucceeded(Event, frozen=True, kw_only=True, tag="refund.succeeded"):
    """The PSP gave the money back. Aggregate: the refund. Publisher: payments; consumer: ledger."""

    refund_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    currency: str
    psp: str
    psp_reference: str


class RefundFailed(Event, frozen=True, kw_only=True, tag="refund.failed"):
    """The money did not go back, and what RefundCreated took is given back.

    ``had_succeeded`` is true when the PSP first said that it had: a bank refused it later.
    Aggregate: the refund. Publisher: payments; consumers: ledger, wallets.
    """

    refund_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    fee_returned_minor: int
    currency: str
    psp: str
    reason: str
    had_succeeded: bool


class StrayChargeFound(Event, frozen=True, kw_only=True, tag="stray_charge.found"):
    """A charge was found that no order stands for: it is owed to the buyer and given back.

    ``psp_reference`` is the charge's. Aggregate: the refund that gives it back, whose own
    ``refund.succeeded`` follows. Publisher: payments; consumer: ledger.
    """

    refund_id: str
    order_id: UUID
    payment_order_id: str
    amount_minor: int
    currency: str
    psp: str
    psp_reference: str


class DisputeOpened(Event, frozen=True, kw_only=True, tag="dispute.opened"):
    """The PSP withdrew the disputed money; the seller's share of it is held.

    ``seller_minor`` is that share; the rest of ``amount_minor`` is the platform's to bear. A
    dispute that the bank opens again has another of these.
    Aggregate: the dispute. Publisher: payments; consumers: ledger, wallets.
    """

    dispute_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    seller_minor: int = 0
    currency: str
    psp: str
    psp_reference: str
    reason: str


class DisputeUpdated(Event, frozen=True, kw_only=True, tag="dispute.updated"):
    """Something changed about a dispute that moves no money: evidence sent, under review.

    Aggregate: the dispute. Publisher: payments.
    """

    dispute_id: str
    payment_order_id: str
    seller_account: str
    stage: str


class DisputeClosed(Event, frozen=True, kw_only=True, tag="dispute.closed"):
    """A dispute ended: ``won`` gives the held money back to the seller, otherwise it is gone.

    ``seller_minor`` is the seller's share, as held by the DisputeOpened of ``opened_version``.
    ``was_taken``: it was lost before, and an appeal was won. ``stage`` is the final one. A dispute
    that is decided again (an appeal) has another of these.
    Aggregate: the dispute. Publisher: payments; consumers: ledger, wallets.
    """

    dispute_id: str
    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount_minor: int
    currency: str
    psp: str
    stage: str
    won: bool
    seller_minor: int = 0
    was_taken: bool = False
    opened_version: int = 1


class JournalEntryPosted(Event, frozen=True, kw_only=True, tag="journal_entry.posted"):
    """The ledger booked a journal entry for ``source_id``, a payment order for kind ``sale``.

    Aggregate: the journal entry. Publisher: ledger; consumer: payments.
    """

    kind: str
    source_id: UUID
    reference: str


class WalletUpdated(Event, frozen=True, kw_only=True, tag="wallet.updated"):
    """A movement reached a seller's wallet for ``source_id``, a payment order for kind ``sale``.

    ``pending_minor`` is the change of the pending balance. Aggregate: the wallet movement.
    Publisher: wallets; consumer: payments.
    """

    kind: str
    source_id: UUID
    seller_account: str
    currency: str
    pending_minor: int


AnyEvent = (
    PaymentEventAccepted
    | PaymentEventDone
    | PaymentOrderExecuting
    | PaymentOrderSucceeded
    | PaymentOrderFailed
    | PaymentOrderReversed
    | PaymentOrderSettled
    | PaymentOrderAuthorized
    | PaymentOrderActionRequired
    | RefundCreated
    | RefundSucceeded
    | RefundFailed
    | StrayChargeFound
    | DisputeOpened
    | DisputeUpdated
    | DisputeClosed
    | JournalEntryPosted
    | WalletUpdated
    | PayoutCreated
    | PayoutApproved
    | PayoutSubmitted
    | PayoutPaid
    | PayoutFailed
    | PayoutReturned
    | PayoutCancelled
    | PayoutCorrected
    | BankDetailsChanged
    | ReconciliationAlert
    | SettlementBooked
    | SettlementProved
    | ReserveKept
    | ReserveReleased
    | DebtWrittenOff
)

CATALOGUE: Final[tuple[type[Event], ...]] = (
    PaymentEventAccepted,
    PaymentEventDone,
    PaymentOrderExecuting,
    PaymentOrderSucceeded,
    PaymentOrderFailed,
    PaymentOrderReversed,
    PaymentOrderSettled,
    PaymentOrderAuthorized,
    PaymentOrderActionRequired,
    RefundCreated,
    RefundSucceeded,
    RefundFailed,
    StrayChargeFound,
    DisputeOpened,
    DisputeUpdated,
    DisputeClosed,
    JournalEntryPosted,
    WalletUpdated,
    PayoutCreated,
    PayoutApproved,
    PayoutSubmitted,
    PayoutPaid,
    PayoutFailed,
    PayoutReturned,
    PayoutCancelled,
    PayoutCorrected,
    BankDetailsChanged,
    ReconciliationAlert,
    SettlementBooked,
    SettlementProved,
    ReserveKept,
    ReserveReleased,
    DebtWrittenOff,
)

_decoder: Final = msgspec.json.Decoder(AnyEvent)
_encoder: Final = msgspec.json.Encoder()


def type_of(event: Event | type[Event]) -> str:
    """The stable name of an event, such as ``payment_order.succeeded``."""
    tag = event.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def encode(event: Event) -> bytes:
    """An event as JSON, with its type inside. Raises nothing: the catalogue is all encodable."""
    return _encoder.encode(event)


def encode_lines(events: Sequence[Event]) -> str:
    """Events as JSON, one a line; JSON has no line's end within."""
    return _encoder.encode_lines(events).decode().rstrip("\n")


def decode(data: bytes | str) -> AnyEvent:
    """JSON as an event; raises msgspec.ValidationError for what is not in the catalogue."""
    return _decoder.decode(data)
