"""What a PSP adapter promises: small protocols, and one kind of answer, PspOutcome.

A reply, a webhook, a status poll and a settlement line are four ways to learn one
fact, so all of them become a PspOutcome and enter ``payments.lifecycle.apply``.

The outcomes, drawn as text::

    PspOutcome
    ├── Succeeded   the PSP holds the buyer's money (captured, or certain to be)
    ├── Reversed    what had succeeded was taken back (a settlement that was declined)
    ├── Declined    the PSP says no for good; this attempt has not charged and never will
    ├── Pending     the PSP has it and has not decided; it will tell, or can be asked
    ├── NotCharged  proven: this call charged nothing, and may be repeated with the same key
    └── Unknown     the answer was lost; nobody knows whether the buyer was charged

Adapters never raise for what a PSP does: every reply, and the lack of one, is an
outcome. Only a programming error raises. What cannot be told apart from success is
Unknown, never Declined (invariant I7).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol, runtime_checkable

from clearhouse.kernel.money import Money


class DeclineReason(StrEnum):
    """Why a PSP said no, in words that mean the same for all PSPs."""

    CARD_DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    INCORRECT_NUMBER = "incorrect_number"
    INCORRECT_POSTAL_CODE = "incorrect_postal_code"
    LOST_OR_STOLEN = "lost_or_stolen"
    FRAUD_SUSPECTED = "fraud_suspected"
    LIMIT_EXCEEDED = "limit_exceeded"
    CARD_NOT_SUPPORTED = "card_not_supported"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    AUTHENTICATION_REQUIRED = "authentication_required"
    PAYMENT_METHOD_INVALID = "payment_method_invalid"
    """The token or nonce is unknown, used up or expired."""
    PROCESSING_ERROR = "processing_error"
    VOIDED = "voided"
    """Authorized and then released: nothing was taken and nothing will be."""
    EXPIRED = "expired"
    """The time for it is over: an authorization that was never captured, a page never paid."""
    REJECTED_BY_PSP = "rejected_by_psp"
    """The PSP refused the request itself: a wrong parameter or set-up, seen by operators."""
    OTHER = "other"


class Retry(StrEnum):
    """What the card networks and the PSP allow after a decline."""

    SOFT = "soft"
    """The same card may be tried again later, with a new attempt."""
    CUSTOMER = "customer"
    """Only the buyer can mend it: another code, address or authentication."""
    HARD = "hard"
    """Never try this card again for this order."""


class PendingReason(StrEnum):
    """Why a PSP has not decided."""

    PROCESSING = "processing"
    PENDING_REVIEW = "pending_review"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The PSP holds the money. ``charged`` is what it says it charged, to be compared with ours.

    ``card_tail`` are the last four digits of the card, where the answer tells them: no part of what
    happened, but a trace for whoever looks for the charge later.
    """

    psp_reference: str
    charged: Money
    card_tail: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reversed:
    """What was a success is none any more: the PSP gave back ``charged``, or never got it.

    Not a refund, which we ask for, nor a dispute, which the buyer opens. It says as well that the
    charge had succeeded, so that it may arrive first. ``psp_code`` is the PSP's word, for people.
    """

    psp_reference: str
    charged: Money
    psp_code: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A definite no. ``psp_code`` is the PSP's own word, kept for people; never branch on it."""

    reason: DeclineReason
    retry: Retry
    psp_code: str
    psp_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The PSP has not decided yet; the buyer must go to ``redirect_url``, if there is one.

    ``expires_at`` (UTC) is until when an authorization stands, or the buyer may act, as far as
    the PSP says so.
    """

    reason: PendingReason
    psp_reference: str
    redirect_url: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotCharged:
    """Proven that this call charged nothing (429, refused connection, an empty look-up).

    From ``charge`` it speaks of the one call: an earlier call with the same key may have charged,
    so what was Unknown stays so. From ``look_up`` it speaks of the attempt, and is proof once
    ``Capabilities.look_up_proves_after`` has passed since the last call with the key. Wrong
    credentials end here too: certain, and mended by an operator while the engine repeats. The
    same key may be used again. ``retry_after`` is the PSP's own wish, if it told one.
    """

    detail: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost: timeout, cut connection, 5xx, or a reply that makes no sense.

    ``detail`` is one line for people, without secrets.
    """

    detail: str


PspOutcome = Succeeded | Reversed | Declined | Pending | NotCharged | Unknown


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """One charge to ask a PSP for; the same values with the same key whenever it is repeated.

    ``idempotency_key`` is the attempt's key as ``attempt_key`` makes it, already short enough
    for the PSP. ``payment_order_id`` is our reference, by which the PSP's records can be
    found. ``payment_method`` is the PSP's token or nonce. ``attempted_at`` (UTC) is when this
    attempt was first sent: the start of a look-up's time window. With ``capture`` false the money
    is only held, and the outcome is Pending AUTHORIZED until it is captured or voided.
    ``return_url`` is where the PSP sends the buyer back to after a challenge.
    """

    payment_order_id: str
    idempotency_key: str
    amount: Money
    payment_method: str
    seller_account: str
    attempted_at: datetime
    capture: bool = True
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What limits a PSP sets, as data, so that routing and the engine need no special case."""

    idempotency_key_length: int
    """The longest key in characters (Square: 45)."""
    idempotency_key_lifetime: timedelta
    """How long the PSP is sure to remember a key; past it we look up, never repeat (I12)."""
    repeat_is_lookup: bool
    """True where repeating the same key is the only way to find a charge (Square has no filter)."""
    look_up_proves_after: timedelta = timedelta(minutes=10)
    """How long after the LAST call with a key an empty look-up is proof that nothing was charged.

    Before that a call may still be on its way at the PSP, or its record not be listed yet, so
    the engine takes NotCharged from ``look_up`` for Unknown."""


@runtime_checkable
class Charges(Protocol):
    """A PSP that can charge a payment method on our order."""

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Charge once, however often it is called with the same key; never raises for a fault."""
        ...


@runtime_checkable
class Lookups(Protocol):
    """A PSP that can be asked what became of a charge."""

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """What the PSP knows of this attempt; only reads, so it is safe at any age of the key.

        NotCharged when its records, searched whole, show no charge; see NotCharged for when that
        is proof. Unknown when they could not be searched.
        """
        ...


@dataclass(frozen=True, slots=True)
class PspRecord:
    """A charge as the PSP's own books tell it now; ``status`` is the PSP's word for people.

    ``payment_order_id`` is our reference as the PSP kept it, if it did; ``is_charged`` says
    whether the buyer's money was taken. ``created_at`` is UTC.
    """

    psp_reference: str
    payment_order_id: str | None
    amount: Money
    is_charged: bool
    status: str
    created_at: datetime


@runtime_checkable
class Records(Protocol):
    """A PSP whose books can be read: for proof and comparison, and never to move money."""

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One charge by its PSP reference; None when there is none. Raises UnavailableError."""
        ...

    def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All charges created in a time window (UTC), in any order; raises UnavailableError."""
        ...


class Psp(Protocol):
    """The part that every adapter has, whatever else its PSP can do."""

    @property
    def name(self) -> str:
        """The stable lower-case word users write in ``credit_card_info.psp``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Limits of this PSP."""
        ...

    async def close(self) -> None:
        """Give back connections and threads; called once, at shutdown."""
        ...


@dataclass(frozen=True, slots=True)
class PspConfig:
    """What an adapter is made from; a base URL other than None is the sandbox's.

    ``credentials`` holds what that PSP calls its keys (each adapter documents its own);
    it is never logged. ``concurrency`` bounds the calls in flight.
    """

    credentials: Mapping[str, str] = field(repr=False)
    base_url: str | None
    timeout_seconds: float
    concurrency: int


def attempt_key(payment_order_id: str, attempt: int, longest: int) -> str:
    """The PSP idempotency key of one attempt: stable, distinct, and within the PSP's length.

    The first attempt's key is the ``payment_order_id`` itself, so that people find it in the
    PSP's dashboard; later ones, and those too long, end in a hash of the whole (128 bits of
    BLAKE2b), since cutting alone would give two orders one key. Invariant I1.
    """
    readable = payment_order_id.isascii() and payment_order_id.isprintable()
    # HTTP takes spaces off the ends of a header, which would make two keys one.
    readable = readable and payment_order_id == payment_order_id.strip()
    fits = len(payment_order_id) <= longest and not payment_order_id.startswith("~")
    if attempt == 1 and readable and fits:
        return payment_order_id
    whole = f"{attempt}:{payment_order_id}"
    return "~" + blake2b(whole.encode(), digest_size=16).hexdigest()
