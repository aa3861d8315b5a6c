"""How reserves are booked: pure rules, one for each event."""

from clearhouse.ledger.chart import Family, account
from clearhouse.ledger.model import Account, JournalEntry, Line
from clearhouse.messaging.events import ReserveKept, ReserveReleased


def reserve(event: ReserveKept) -> JournalEntry:
    """A part of what is owed to the seller is kept back for some days."""
    return _entry("reserve", event, "kept back", _payable(event), _reserve(event))


def reserve_release(event: ReserveReleased) -> JournalEntry:
    """What was kept back is owed without more ado."""
    return _entry("reserve_release", event, "no longer kept back", _reserve(event), _payable(event))


_Any = ReserveKept | ReserveReleased


def _payable(event: _Any) -> Account:
    return account(Family.SELLER_PAYABLE, event.currency, event.seller_account)


def _reserve(event: _Any) -> Account:
    return account(Family.SELLER_RESERVE, event.currency, event.seller_account)


def _entry(kind: str, event: _Any, what: str, debit: Account, credit: Account) -> JournalEntry:
    return JournalEntry(
        kind=kind,
        source_id=event.aggregate_id,
        reference=event.payment_order_id,
        event_at=event.occurred_at,
        description=f"{what} of a sale by {event.seller_account}",
        lines=(Line(debit, credit, event.amount_minor),),
    )
