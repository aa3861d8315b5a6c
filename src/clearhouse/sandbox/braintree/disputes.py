"""Disputes: opened by the dispute card or by hand, answered or not, decided by the bank.

Statuses, and who moves a dispute on::

    open ── accept ─→ accepted          the merchant gives in
      │└── time ─→ expired              21 days without an answer: lost
      └── finalize ─→ disputed ── time ─→ under_review ── time ─→ won or lost

The text ``compelling_evidence`` wins and ``losing_evidence`` loses, three days after it is under
review; any other answer loses after 60 days, unless a tester decides earlier.
"""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.truth import Dispute as Fact

REPLY_WITHIN: Final = timedelta(days=21)
REVIEW_BEGINS: Final = timedelta(days=1)
DECIDED_AFTER: Final = timedelta(days=3)
UNDECIDED_FOR: Final = timedelta(days=60)
WINNING, LOSING = "compelling_evidence", "losing_evidence"

EXPIRES: Final = f"{PSP}.dispute_expires"
REVIEWED: Final = f"{PSP}.dispute_under_review"
DECIDED: Final = f"{PSP}.dispute_decided"

FINAL: Final = frozenset({"won", "lost", "accepted", "expired"})
ANSWERED: Final = frozenset({"disputed", "under_review"})

_REASONS: Final = MappingProxyType(
    {
        "83.00": ("83", "fraud"),
        "10.40": ("10.4", "fraud"),
        "13.10": ("13.1", "product_not_received"),
        "70.30": ("70.3", "general"),
    }
)
_IN_TRUTH: Final = {"won": "won", "lost": "lost", "accepted": "lost", "expired": "lost"}
_MOST: Final = 1000


class Evidence(msgspec.Struct, frozen=True):
    """One piece of evidence; a text, for the sandbox takes no files."""

    id: str
    comments: str
    category: str
    created_at: datetime


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway remembers of a dispute; ``amount`` in minor units."""

    id: str
    transaction: Transaction
    amount: int
    status: str
    reason: str
    reason_code: str
    created_at: datetime
    updated_at: datetime
    evidence: tuple[Evidence, ...] = ()
    history: tuple[tuple[str, datetime], ...] = ()

    @property
    def reply_by(self) -> datetime:
        """Until when it may be answered."""
        return self.created_at + REPLY_WITHIN

    @property
    def verdict(self) -> str:
        """What the bank thinks of the evidence: won, lost, or empty while it cannot tell."""
        texts = {each.comments for each in self.evidence}
        return "won" if WINNING in texts else "lost" if LOSING in texts else ""


class Disputes:
    """One merchant's disputes; writes belong into ``core.truth.transaction()``."""

    def __init__(self, merchant: Merchant) -> None:
        self.merchant = merchant
        self._shelf = Shelf(PSP, merchant.id, "dispute")

    def get(self, identifier: str) -> Dispute | None:
        """A dispute by its id, or None."""
        body = self.merchant.core.objects.get(self._shelf, identifier)
        return None if body is None else msgspec.convert(body, Dispute)

    def find(self, transaction_id: str = "") -> list[Dispute]:
        """The disputes of a transaction, or of all, newest first."""
        marks = {"transaction": transaction_id} if transaction_id else None
        found = self.merchant.core.objects.find(self._shelf, marks=marks, limit=_MOST)
        return [msgspec.convert(each.body, Dispute) for each in found]

    def open(self, transaction: Transaction) -> Dispute:
        """The buyer's bank takes the money back."""
        now = self.merchant.now()
        code, reason = _REASONS.get(transaction.amount_text, ("83", "fraud"))
        dispute = Dispute(
            id=self.merchant.new_id(),
            transaction=transaction,
            amount=transaction.amount,
            status="open",
            reason=reason,
            reason_code=code,
            created_at=now,
            updated_at=now,
            history=(("open", now),),
        )
        self._keep(dispute)
        self.later(EXPIRES, REPLY_WITHIN, dispute)
        return dispute

    def add_evidence(self, dispute: Dispute, comments: str, category: str) -> Evidence:
        """Keep a text. Raises Invalid unless the dispute is open."""
        if dispute.status != "open":
            raise Invalid(error("95701"))
        evidence = Evidence(self.merchant.new_id(), comments, category, self.merchant.now())
        self._keep(msgspec.structs.replace(dispute, evidence=(*dispute.evidence, evidence)))
        return evidence

    def moved(self, dispute: Dispute, status: str) -> Dispute:
        """The dispute in a new status."""
        now = self.merchant.now()
        history = (*dispute.history, (status, now))
        after = msgspec.structs.replace(dispute, status=status, updated_at=now, history=history)
        self._keep(after)
        return after

    def later(self, kind: str, wait: timedelta, dispute: Dispute) -> None:
        """Note what happens to a dispute when its time has come."""
        payload = {"merchant": self.merchant.id, "id": dispute.id}
        self.merchant.core.agenda.later(kind, wait.total_seconds(), payload)

    def _keep(self, dispute: Dispute) -> None:
        core = self.merchant.core
        created, updated = _microseconds(dispute.created_at), _microseconds(dispute.updated_at)
        core.objects.put(
            self._shelf,
            dispute.id,
            msgspec.to_builtins(dispute),
            created_at=created,
            marks={"transaction": dispute.transaction.id},
        )
        core.truth.record_dispute(
            Fact(
                psp=PSP,
                account=self.merchant.id,
                psp_id=dispute.id,
                charge_id=dispute.transaction.id,
                amount_minor=dispute.amount,
                currency=dispute.transaction.currency,
                status=_IN_TRUTH.get(dispute.status, "open"),
                created_at=created,
                updated_at=updated,
            )
        )


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
