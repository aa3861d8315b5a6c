"""Disputes: a buyer asks the bank for the money back, and the PSP tells us and may be answered."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from clearhouse.kernel.money import Money
from clearhouse.psp.operations import OperationOutcome


class DisputeStage(StrEnum):
    """Where a dispute is at the PSP, in words that mean the same for all PSPs."""

    INQUIRY = "inquiry"
    """The bank asks; no money has moved. It ends closed, or becomes a dispute."""
    NEEDS_RESPONSE = "needs_response"
    """The money is withdrawn; evidence is wanted by ``evidence_due_at``."""
    UNDER_REVIEW = "under_review"
    """Evidence was sent; the bank decides."""
    WON = "won"
    """The money came back. Final, unless the bank opens it again."""
    LOST = "lost"
    """The money is gone. Final, unless an appeal is won."""
    ACCEPTED = "accepted"
    """We gave in: lost without a fight. Final."""
    PREVENTED = "prevented"
    """Settled before it was one (a refund through the network's alert). Final; the buyer has it."""
    INQUIRY_CLOSED = "inquiry_closed"
    """The bank asked and went away. Final; no money has moved."""


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A dispute as the PSP tells it. ``amount`` is what is disputed, at most the charge.

    ``reason`` is the PSP's word. ``opened_at`` and ``evidence_due_at`` are UTC. ``version`` grows
    with each change where the PSP counts them.
    """

    psp_reference: str
    charge_reference: str
    amount: Money
    stage: DisputeStage
    reason: str
    opened_at: datetime | None = None
    evidence_due_at: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What we answer a dispute with: a text, and what else the PSP names (tracking number, ...)."""

    text: str
    fields: Mapping[str, str]


@runtime_checkable
class Disputes(Protocol):
    """A PSP whose disputes can be read and answered."""

    async def dispute(self, psp_reference: str) -> DisputeFacts | None:
        """A dispute as it is now; None when there is none. Raises UnavailableError."""
        ...

    async def disputes_of(self, charge_reference: str) -> tuple[DisputeFacts, ...]:
        """All disputes of a charge. Raises UnavailableError."""
        ...

    def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        """All disputes opened at ``since`` or later, in no order, perhaps some that are older.

        What webhooks lost is found so. Raises UnavailableError, also midway.
        """
        ...

    async def send_evidence(self, psp_reference: str, evidence: Evidence) -> OperationOutcome:
        """Submit evidence; harmless when repeated. Never raises for a fault."""
        ...

    async def accept_dispute(self, psp_reference: str) -> OperationOutcome:
        """Give in; harmless when repeated. Never raises for a fault."""
        ...
