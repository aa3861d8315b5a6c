"""What happens to a dispute, and what is told of it by webhook."""

from typing import Any

import msgspec

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.braintree.dispute_render import rendered_dispute
from clearhouse.sandbox.braintree.disputes import (
    ANSWERED,
    DECIDED,
    DECIDED_AFTER,
    EXPIRES,
    FINAL,
    REVIEW_BEGINS,
    REVIEWED,
    UNDECIDED_FOR,
    Dispute,
    Disputes,
)
from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.schedule import DISPUTED
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction
from clearhouse.sandbox.braintree.webhooks import tell
from clearhouse.sandbox.core import Core


def open_dispute(merchant: Merchant, transaction: Transaction) -> Dispute:
    """The buyer disputes a settled sale."""
    marked = msgspec.structs.replace(transaction, disputed=True)
    merchant.change(marked)
    return _told(merchant, Disputes(merchant).open(marked), "dispute_opened")


def accept(merchant: Merchant, dispute: Dispute) -> Dispute:
    """The merchant gives in. Raises Invalid unless it is open."""
    if dispute.status != "open":
        raise Invalid(error("95704"))
    return _move(merchant, dispute, "accepted")


def finalize(merchant: Merchant, dispute: Dispute) -> Dispute:
    """The merchant has said all. Raises Invalid unless it is open and there is evidence."""
    if dispute.status != "open":
        raise Invalid(error("95705"))
    if not dispute.evidence:
        raise Invalid(error("95726"))
    after = _move(merchant, dispute, "disputed")
    Disputes(merchant).later(REVIEWED, REVIEW_BEGINS, after)
    return after


def register(core: Core) -> None:
    """Put it on the agenda and on the control page."""
    doing = _Doing(core)
    core.agenda.on(EXPIRES, doing.expire)
    core.agenda.on(REVIEWED, doing.review)
    core.agenda.on(DECIDED, doing.decide)
    core.agenda.on(DISPUTED, doing.open)
    doing.offer("win", "Win", "won")
    doing.offer("lose", "Lose", "lost")


class _Doing:
    def __init__(self, core: Core) -> None:
        self._core = core

    def expire(self, payload: dict[str, Any]) -> None:
        merchant, dispute = self._of(payload)
        if dispute.status == "open":
            _move(merchant, dispute, "expired")

    def review(self, payload: dict[str, Any]) -> None:
        merchant, dispute = self._of(payload)
        if dispute.status == "disputed":
            after = _move(merchant, dispute, "under_review")
            wait = DECIDED_AFTER if after.verdict else UNDECIDED_FOR
            Disputes(merchant).later(DECIDED, wait, after)

    def decide(self, payload: dict[str, Any]) -> None:
        merchant, dispute = self._of(payload)
        if dispute.status in ANSWERED:
            _move(merchant, dispute, dispute.verdict or "lost")

    def open(self, payload: dict[str, Any]) -> None:
        """The dispute card's sale is settled at once, and disputed."""
        merchant = Merchant(self._core, payload["merchant"])
        transaction = merchant.get(payload["id"])
        if transaction is not None and transaction.status == "settled":
            open_dispute(merchant, transaction)

    def offer(self, name: str, label: str, status: str) -> None:
        def offered(account: str, identifier: str) -> bool:
            found = Disputes(Merchant(self._core, account)).get(identifier)
            return found is not None and found.status not in FINAL

        def run(account: str, identifier: str) -> None:
            merchant = Merchant(self._core, account)
            found = Disputes(merchant).get(identifier)
            if found is None or found.status in FINAL:
                raise ValueError(f"{identifier[:80]} is no dispute that is undecided")
            _move(merchant, found, status)

        self._core.actions.offer(Action(PSP, f"{name}_dispute", label, offered, run))

    def _of(self, payload: dict[str, Any]) -> tuple[Merchant, Dispute]:
        merchant = Merchant(self._core, payload["merchant"])
        dispute = Disputes(merchant).get(payload["id"])
        assert dispute is not None
        return merchant, dispute


def _move(merchant: Merchant, dispute: Dispute, status: str) -> Dispute:
    return _told(merchant, Disputes(merchant).moved(dispute, status), f"dispute_{status}")


def _told(merchant: Merchant, dispute: Dispute, kind: str) -> Dispute:
    tell(merchant, kind, dispute.id, {"dispute": rendered_dispute(dispute)})
    return dispute
