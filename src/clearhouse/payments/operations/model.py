"""The frozen values of operations: what was asked to be done to a charge, and where it is.

An operation moves one way::

    CREATED ──claim──▶ SUBMITTED ──outcome──▶ SUCCEEDED ──a refund fails late──▶ FAILED
                                     └──────────────────────────────────────────▶ FAILED
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.psp.notices import RefundNotice
from clearhouse.psp.operations import OperationKind, OperationOutcome


class Kind(StrEnum):
    """What is done; the word that is stored."""

    CAPTURE = "capture"
    """Take (a part of) what is held. Ends its order SUCCESS."""
    VOID = "void"
    """Let go what is held. Ends its order FAILED."""
    REFUND = "refund"
    """Give the buyer back (a part of) what was captured."""
    STRAY_REFUND = "stray_refund"
    """Give back a charge that no order stands for."""

    @property
    def asked(self) -> OperationKind:
        """What the PSP is asked for: to it, a stray charge is refunded like any other."""
        return OperationKind.REFUND if self is Kind.STRAY_REFUND else OperationKind(self.value)

    @property
    def gives_back(self) -> bool:
        """Whether money goes back to the buyer, by a refund of its own at the PSP."""
        return self in {Kind.REFUND, Kind.STRAY_REFUND}


GIVE_BACK: Final = (Kind.REFUND, Kind.STRAY_REFUND)
"""The kinds by which a buyer gets money back."""


class Origin(StrEnum):
    """Who wanted it."""

    CLIENT = "client"
    """Asked for through the API."""
    ENGINE = "engine"
    """Decided here: a stray charge is given back."""
    PSP = "psp"
    """Made at the PSP itself, such as in its dashboard, and learnt from it."""


class OperationStatus(StrEnum):
    """Where an operation is; each says who moves it next."""

    CREATED = "CREATED"
    """Stored; an operator will claim it. → SUBMITTED"""
    SUBMITTED = "SUBMITTED"
    """The PSP may have been asked; operators keep asking until it is settled."""
    SUCCEEDED = "SUCCEEDED"
    """The PSP has done it. Final, but for a refund that the buyer's bank sends back. → FAILED"""
    FAILED = "FAILED"
    """It was not done and will not be. Final."""


class OperationReason(StrEnum):
    """Why an operation that is not final is where it is; a final one has the PSP's refusal."""

    UNKNOWN_OUTCOME = "unknown_outcome"
    """The answer was lost: the same key is sent again, or the PSP is searched."""
    PSP_UNAVAILABLE = "psp_unavailable"
    """The PSP took nothing (busy, down, not settled yet): asked again with backoff."""
    PROCESSING = "processing"
    """The PSP has taken it and will do it; it tells, and it is polled."""
    CONTRADICTION = "contradiction"
    """The PSP reported what cannot be, such as another amount: a person decides."""


FINAL: Final = frozenset({OperationStatus.SUCCEEDED, OperationStatus.FAILED})

_MARKS: Final = {
    Kind.CAPTURE: "cap",
    Kind.VOID: "void",
    Kind.REFUND: "re",
    Kind.STRAY_REFUND: "stray",
}


def name_of(kind: Kind, operation_id: UUID) -> str:
    """An operation's own name, such as ``re_019ca8d5…``, which is left with the PSP.

    At most 38 characters, so that every PSP keeps it whole, and it leads back here.
    """
    return f"{_MARKS[kind]}_{operation_id.hex}"


def id_of(name: str) -> UUID | None:
    """The operation that a name of ours leads to, or None for what is no name of ours."""
    mark, _, digits = name.partition("_")
    if mark not in _MARKS.values() or len(digits) != 32:
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as it is stored. Times are UTC.

    ``public_id`` is the client's own, or ``name_of``. ``note`` is the client's reason in its own
    words. ``fee_returned_minor`` is what the platform gives the seller back of its fee.
    """

    operation_id: UUID
    public_id: str
    order_id: UUID
    payment_order_id: str
    kind: Kind
    origin: Origin
    amount: Money
    fee_returned_minor: int
    psp: str
    charge_reference: str
    status: OperationStatus
    reason: str | None
    note: str
    psp_reference: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A checked request for an operation: what the API hands to the service.

    ``amount_minor`` None means all that is left (a void takes none). ``public_id`` None gives it
    ``name_of``. ``body_hash`` is 32 bytes over the request; ``render`` makes the answer, which is
    stored with it and replayed byte for byte (invariant I4).
    """

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    kind: Kind
    payment_order_id: str
    amount_minor: int | None
    note: str
    public_id: str | None
    render: Callable[[Operation], bytes]


class Ask(StrEnum):
    """What to ask the PSP about an operation under lease."""

    SUBMIT = "submit"
    FIND = "find"


@dataclass(frozen=True, slots=True)
class ClaimedOperation:
    """An operation under lease: what an operator needs to call the PSP.

    ``fence`` grows with every claim; a settlement with an older one is refused. ``find_proves``
    tells whether a search that finds nothing is proof by now, ``key_expired`` whether the PSP may
    have forgotten the key. Times are the database's, in UTC.
    """

    operation_id: UUID
    kind: Kind
    payment_order_id: str
    charge_reference: str
    charged: Money
    amount: Money
    note: str
    idempotency_key: str
    submitted_at: datetime
    fence: int
    ask: Ask
    find_proves: bool
    key_expired: bool

    @property
    def name(self) -> str:
        """What the PSP keeps as its reference to us."""
        return name_of(self.kind, self.operation_id)


@dataclass(frozen=True, slots=True)
class OperationSettlement:
    """What an operator learnt about an operation it holds.

    ``proven`` is true when ``outcome`` is NotDone and a search of the PSP proves it;
    ``key_expired`` as in the claim.
    """

    operation_id: UUID
    fence: int
    outcome: OperationOutcome
    ask: Ask
    proven: bool = False
    key_expired: bool = False


@dataclass(frozen=True, slots=True)
class LearntRefund:
    """A refund as its PSP told of it by itself."""

    psp: str
    notice: RefundNotice
