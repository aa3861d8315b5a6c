"""How a debt that is let go is booked: a pure rule."""

from clearhouse.ledger.chart import Family, account
from clearhouse.ledger.model import JournalEntry, Line
from clearhouse.messaging.events import DebtWrittenOff


def write_off(event: DebtWrittenOff) -> JournalEntry:
    """What the seller owed is owed no longer, and is the platform's loss."""
    losses = account(Family.LOSSES, event.currency)
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    return JournalEntry(
        kind="write_off",
        source_id=event.aggregate_id,
        reference=event.write_off_id,
        event_at=event.occurred_at,
        description=f"debt of {event.seller_account} written off by {event.decided_by}",
        lines=(Line(losses, payable, event.amount_minor),),
    )
