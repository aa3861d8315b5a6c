"""The frozen values of payments, and the states of a payment order.

A payment order moves one way::

    NOT_STARTED ──claim──▶ EXECUTING ──outcome──▶ SUCCESS
                                      └─────────▶ FAILED

Finer facts live beside the status, in ``status_reason``, never in more statuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.payments.pages.model import NewPage
from clearhouse.psp.contract import PspOutcome


class OrderStatus(StrEnum):
    """Where a payment order is; each says who moves it next."""

    NOT_STARTED = "NOT_STARTED"
    """Accepted and durable; an executor will claim it. → EXECUTING"""
    EXECUTING = "EXECUTING"
    """A PSP may have been asked; executors keep asking until it is settled. → SUCCESS, FAILED"""
    SUCCESS = "SUCCESS"
    """The PSP holds the buyer's money. Final; ledger and wallet follow."""
    FAILED = "FAILED"
    """Proven not charged. Final; nobody moves it."""


class StatusReason(StrEnum):
    """Why an order is where it is; empty when the status says it all. Each says who moves it."""

    UNKNOWN_OUTCOME = "unknown_outcome"
    """EXECUTING: the PSP's answer was lost; the same key is sent again until it is settled."""
    PSP_UNAVAILABLE = "psp_unavailable"
    """EXECUTING: the PSP took nothing (busy, down, credentials); tried again with backoff."""
    FAILED_OVER = "failed_over"
    """EXECUTING: one PSP is proven not to have charged; the next alternative's executor goes on."""
    RETRY_SCHEDULED = "retry_scheduled"
    """EXECUTING: declined softly; an executor tries again with a new attempt when it is time."""
    PROCESSING = "processing"
    """EXECUTING: the PSP has not decided; it tells, and is polled."""
    PENDING_REVIEW = "pending_review"
    """EXECUTING: a person at the PSP or the platform reviews it; the PSP tells, and is polled."""
    REQUIRES_ACTION = "requires_action"
    """EXECUTING: the buyer must act (3-D Secure); the PSP tells, and is polled."""
    AWAITING_BUYER = "awaiting_buyer"
    """EXECUTING: the buyer has not paid on the payment page; the page decides, or expires."""
    AUTHORIZED = "authorized"
    """EXECUTING: the money is held for us; the merchant captures or voids it, or it expires."""
    CONTRADICTION = "contradiction"
    """The PSP reported what cannot be, such as another amount: a person decides."""
    REVERSED = "reversed"
    """SUCCESS: the PSP took it back afterwards; the ledger holds a reversal. Nobody moves it."""
    DECLINED = "declined"
    """FAILED: a definite no; ``failure_code`` says why. Nobody moves it."""
    VOIDED = "voided"
    """FAILED: authorized and then released. Nobody moves it."""
    EXPIRED = "expired"
    """FAILED: never captured or never paid in time. Nobody moves it."""


class CaptureMode(StrEnum):
    """When the money is taken."""

    AUTOMATIC = "automatic"
    """At once."""
    MANUAL = "manual"
    """It is held first; the merchant captures it, whole or in part, or voids it."""


FINAL: Final = frozenset({OrderStatus.SUCCESS, OrderStatus.FAILED})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One payment order as it was asked for; ``amount`` is positive."""

    payment_order_id: str
    seller_account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Alternative:
    """A PSP that can take a payment, with its own token or nonce for the buyer's card."""

    psp: str
    payment_method: str


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A checked request to pay: what the API hands to the service.

    ``payment_method`` is the PSP's token or nonce; ``buyer_info`` is JSON text. ``return_url`` is
    where the buyer comes back to after a challenge, or after paying on a page (``on_page``, with
    an empty ``payment_method``); ``cancel_url`` is where they turn back to from it.
    ``alternatives`` are all PSPs that could take it, the first one among them; empty for one.
    ``routed_by`` says why rules chose ``psp``, where they have done so already.
    """

    checkout_id: str
    psp: str
    payment_method: str
    buyer_info: str
    orders: tuple[NewOrder, ...]
    capture_mode: CaptureMode = CaptureMode.AUTOMATIC
    return_url: str | None = None
    on_page: bool = False
    cancel_url: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    routed_by: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """A payment order as it is stored. Times are UTC.

    ``route`` is which PSPs are left after the present one, None where there was no choice;
    ``routed_by`` says why they were put in that order.
    """

    order_id: UUID
    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount: Money
    psp: str
    status: OrderStatus
    status_reason: StatusReason | None
    failure_code: str | None
    attempt: int
    psp_reference: str | None
    fee_minor: int | None
    ledger_updated: bool
    wallet_updated: bool
    version: int
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None
    capture_mode: CaptureMode = CaptureMode.AUTOMATIC
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    action_url: str | None = None
    expires_at: datetime | None = None
    reversed_at: datetime | None = None
    route: tuple[str, ...] | None = None
    routed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A series of calls with one idempotency key to one PSP for one order."""

    number: int
    psp: str
    idempotency_key: str
    calls: int
    outcome: str | None
    detail: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One checkout of one buyer with its orders; ``page_token`` ends its payment page's address."""

    event_id: UUID
    checkout_id: str
    psp: str
    is_payment_done: bool
    created_at: datetime
    orders: tuple[PaymentOrder, ...]
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """A payment made ready to be stored: ids given, answer rendered, key and body hash known.

    ``api_key_id`` scopes ``idempotency_key``; ``body_hash`` is 32 bytes over the request body
    and ``answer`` the exact bytes that a replay must repeat (invariant I4). ``page`` is where the
    buyer will pay, for a payment without a payment method.
    """

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    payment: NewPayment
    event: PaymentEvent
    answer: bytes
    page: NewPage | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders to list; None means any. Times are UTC, ``created_before`` is exclusive."""

    status: OrderStatus | None = None
    seller_account: str | None = None
    psp: str | None = None
    currency: str | None = None
    checkout_id: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders, newest first; ``next_before`` continues the list and is None at its end."""

    orders: Sequence[PaymentOrder]
    next_before: UUID | None


class Call(StrEnum):
    """What to ask the PSP about an order under lease."""

    CHARGE = "charge"
    LOOK_UP = "look_up"


@dataclass(frozen=True, slots=True)
class ClaimedOrder:
    """An order under lease: what an executor needs to call the PSP.

    ``fence`` grows with every claim; a settlement with an older one is refused. ``call`` is
    what to ask; ``look_up_proves`` tells whether a look-up that finds nothing is proof by now
    that the attempt has not charged. Times are UTC, by the database's clock.
    """

    order_id: UUID
    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount: Money
    psp: str
    payment_method: str
    attempt: int
    idempotency_key: str
    attempted_at: datetime
    claimed_at: datetime
    tries: int
    status_reason: StatusReason | None
    fence: int
    call: Call
    look_up_proves: bool
    capture: bool = True
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an executor learnt about an order it holds; ``key_expired`` as in ``lifecycle``."""

    order_id: UUID
    fence: int
    outcome: PspOutcome
    key_expired: bool = False
    attempt: int | None = None
    psp: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order that was settled; ``failed_over``: it goes on at another PSP."""

    status: OrderStatus
    failed_over: bool = False
