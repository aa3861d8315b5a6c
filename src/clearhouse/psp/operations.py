"""What may be asked of a PSP about a charge that exists: capture, void and refund.

An *operation* has an idempotency key of its own, made from its own id, and an outcome that is
as strict as a charge's: what was lost is Unknown, and never taken for a refusal.

The outcomes, drawn as text::

    OperationOutcome
    ├── Done      the PSP has done it
    ├── Waiting   the PSP has taken it and will do it; it tells, or can be asked
    ├── Refused   a definite no: nothing was done, and the same will not be done
    ├── NotDone   proven: this call did nothing, and may be repeated with the same key
    └── Unknown   the answer was lost; nobody knows whether it was done
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Unknown


class OperationKind(StrEnum):
    """What can be done to a charge; each says what it moves."""

    CAPTURE = "capture"
    """Take (a part of) what an authorization holds; the rest is released."""
    VOID = "void"
    """Release an authorization, or take back a charge before it is settled."""
    REFUND = "refund"
    """Give the buyer back (a part of) what was captured."""


class RefusalReason(StrEnum):
    """Why a PSP refuses an operation, in words that mean the same for all PSPs."""

    EXCEEDS_CHARGE = "exceeds_charge"
    """More than is left of the charge (or of the authorization)."""
    WRONG_STATE = "wrong_state"
    """The charge is not such that it could be done: voided, expired, disputed, refunded."""
    CHARGE_UNKNOWN = "charge_unknown"
    """The PSP knows no such charge."""
    TOO_OLD = "too_old"
    """The PSP's time for it is over."""
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """Our balance at the PSP does not cover it."""
    REJECTED_BY_BANK = "rejected_by_bank"
    """The buyer's bank did not take the money back: a refund that fails late."""
    REJECTED_BY_PSP = "rejected_by_psp"
    """The PSP refused the request itself; seen by operators."""


@dataclass(frozen=True, slots=True)
class Done:
    """Done. ``psp_reference`` is the refund's own id, or the charge's for captures and voids.

    ``amount`` is what the PSP says it moved, to be compared with ours; None where it tells none.
    """

    psp_reference: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Taken and not finished; a webhook tells, or ``find``."""

    psp_reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite no. ``psp_code`` is the PSP's own word, for people; never branch on it."""

    reason: RefusalReason
    psp_code: str
    psp_reference: str | None = None


@dataclass(frozen=True, slots=True)
class NotDone:
    """Proven that this call did nothing (429, refused connection, not settled yet, not found).

    As with a charge, from the call itself it speaks of that call alone; from ``find`` it is proof
    once ``Capabilities.look_up_proves_after`` has passed since the last call with the key.
    ``retry_after`` is the PSP's own wish or rule, if it has one.
    """

    detail: str
    retry_after: timedelta | None = None


OperationOutcome = Done | Waiting | Refused | NotDone | Unknown


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """One operation on one charge; the same values with the same key whenever it is repeated.

    ``operation_id`` is ours and is left with the PSP wherever it keeps a reference, so that its
    webhooks and records lead back. ``idempotency_key`` fits the PSP's length. ``charged`` is the
    whole charge (or authorization), ``amount`` the part that is meant. ``requested_at`` (UTC) is
    when it was first sent: the start of a look-up's time window.
    """

    kind: OperationKind
    operation_id: str
    idempotency_key: str
    payment_order_id: str
    charge_reference: str
    charged: Money
    amount: Money
    requested_at: datetime
    reason: str = ""


@runtime_checkable
class Captures(Protocol):
    """A PSP that can hold money first and take it later."""

    async def capture(self, request: OperationRequest) -> OperationOutcome:
        """Take ``amount`` of an authorization, once for each key; never raises for a fault."""
        ...

    async def void(self, request: OperationRequest) -> OperationOutcome:
        """Release an authorization, once for each key; never raises for a fault."""
        ...

    async def find_operation(self, request: OperationRequest) -> OperationOutcome:
        """What became of a capture or void, read from the charge; only reads."""
        ...


@runtime_checkable
class Refunds(Protocol):
    """A PSP that can give money back."""

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        """Give ``amount`` back, once for each key; never raises for a fault.

        Where a charge cannot be refunded yet because it is not settled, a whole one is voided
        (Done all the same), and a part is NotDone with a ``retry_after``.
        """
        ...

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        """What the PSP's records tell of this very refund; only reads.

        NotDone when its records, searched whole, show none; Unknown when they could not be.
        """
        ...
