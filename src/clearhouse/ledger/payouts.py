"""How payouts are booked: pure rules, one for each event.

The money waits in ``payouts_in_transit`` from the payout's creation until it is out: paid from
the platform's account at the bank of its rail, or from its balance at the PSP of its rail.
"""

from clearhouse.ledger.chart import Family, account
from clearhouse.ledger.model import Account, JournalEntry, Line
from clearhouse.messaging.events import (
    Event,
    PayoutCancelled,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
)

FROM_PSP = "psp"
"""What ``paid_from`` says of a payout that left a balance at a PSP."""

REVERSAL = "payout_reversal"
"""One kind for all ways in which money comes back, so that it comes back once."""


def payout(event: PayoutCreated) -> JournalEntry:
    """A payout that was created: the seller is owed less, and it is on its way."""
    lines = [(_payable(event), _transit(event), event.amount_minor)]
    return _entry("payout", event, event.payout_id, f"payout to {event.seller_account}", lines)


def payout_paid(event: PayoutPaid) -> JournalEntry:
    """A payout that left: nothing is on its way any more, and the platform has less."""
    lines = [(_transit(event), _out_of(event), event.amount_minor)]
    return _entry("payout_paid", event, event.payout_id, f"paid by {event.rail}", lines)


def payout_failed(event: PayoutFailed) -> JournalEntry:
    """A payout that failed: the seller is owed it again; if it had left, it is back."""
    back = _back(event) if event.was_paid else []
    lines = [*back, (_transit(event), _payable(event), event.amount_minor)]
    text = f"payout by {event.rail} failed: {event.reason}"
    return _entry(REVERSAL, event, event.payout_id, text, lines)


def payout_returned(event: PayoutReturned) -> JournalEntry | None:
    """A payout that came back; None where it was booked as failed already."""
    if event.was_back:
        return None
    lines = [*_back(event), (_transit(event), _payable(event), event.amount_minor)]
    text = f"payout by {event.rail} returned: {event.reason}"
    return _entry(REVERSAL, event, event.payout_id, text, lines)


def payout_cancelled(event: PayoutCancelled) -> JournalEntry:
    """A payout that was never sent: the seller is owed it again."""
    lines = [(_transit(event), _payable(event), event.amount_minor)]
    return _entry(REVERSAL, event, event.payout_id, "payout cancelled", lines)


_Any = PayoutCreated | PayoutPaid | PayoutFailed | PayoutReturned | PayoutCancelled


def _payable(event: _Any) -> Account:
    return account(Family.SELLER_PAYABLE, event.currency, event.seller_account)


def _transit(event: _Any) -> Account:
    return account(Family.PAYOUTS_IN_TRANSIT, event.currency, event.seller_account)


def _out_of(event: PayoutPaid | PayoutFailed | PayoutReturned) -> Account:
    """What the money left: the PSP's balance of ours, or our account at the rail's bank."""
    family = Family.PSP_RECEIVABLE if event.paid_from == FROM_PSP else Family.BANK
    return account(family, event.currency, event.rail)


def _back(event: PayoutFailed | PayoutReturned) -> list[tuple[Account, Account, int]]:
    return [(_out_of(event), _transit(event), event.amount_minor)]


def _entry(
    kind: str,
    event: Event,
    reference: str,
    description: str,
    lines: list[tuple[Account, Account, int]],
) -> JournalEntry:
    return JournalEntry(
        kind=kind,
        source_id=event.aggregate_id,
        reference=reference,
        event_at=event.occurred_at,
        description=description,
        lines=tuple(Line(debit, credit, amount) for debit, credit, amount in lines),
    )
