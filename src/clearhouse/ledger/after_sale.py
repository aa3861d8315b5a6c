"""What happens to money after a sale, as journal entries: pure rules, one for each event.

The buyer's money goes back by way of ``refunds_in_transit``: what a refund owes the buyer from
its creation until the PSP has made it. A dispute's money waits in ``disputes_receivable``, and the
seller's share of it in ``seller_reserve``, until it is decided.
"""

from clearhouse.ledger.chart import Family, account
from clearhouse.ledger.model import Account, JournalEntry, Line
from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
    Event,
    PaymentOrderReversed,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    StrayChargeFound,
)


def sale_reversal(event: PaymentOrderReversed) -> JournalEntry:
    """A success that was taken back: the sale's lines, the other way round."""
    _check_share(event.fee_minor, event.amount_minor)
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    revenue = account(Family.PLATFORM_FEE_REVENUE, event.currency)
    lines = [(payable, receivable, event.amount_minor), (revenue, payable, event.fee_minor)]
    text = f"sale by {event.seller_account} taken back by {event.psp}"
    return _entry("sale_reversal", event, event.payment_order_id, text, lines)


def refund(event: RefundCreated) -> JournalEntry:
    """A refund that was created: the seller owes it to the buyer, less the fee that comes back."""
    _check_share(event.fee_returned_minor, event.amount_minor)
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    transit = account(Family.REFUNDS_IN_TRANSIT, event.currency, event.psp)
    revenue = account(Family.PLATFORM_FEE_REVENUE, event.currency)
    lines = [
        (payable, transit, event.amount_minor),
        (revenue, payable, event.fee_returned_minor),
    ]
    return _entry("refund", event, event.refund_id, f"refund of {event.payment_order_id}", lines)


def refund_settled(event: RefundSucceeded) -> JournalEntry:
    """A refund that the PSP made, out of what it holds for us; of a stray charge as of a sale."""
    transit = account(Family.REFUNDS_IN_TRANSIT, event.currency, event.psp)
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    lines = [(transit, receivable, event.amount_minor)]
    return _entry("refund_settled", event, event.refund_id, f"refunded by {event.psp}", lines)


def refund_reversal(event: RefundFailed) -> JournalEntry | None:
    """A refund that failed: what was settled is with the PSP again, what was taken the seller's.

    A stray charge has no seller: it stays owed to the buyer, and nothing is booked for one that
    was never settled.
    """
    transit = account(Family.REFUNDS_IN_TRANSIT, event.currency, event.psp)
    lines: list[tuple[Account, Account, int]] = []
    if event.had_succeeded:
        receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
        lines.append((receivable, transit, event.amount_minor))
    if event.seller_account:
        _check_share(event.fee_returned_minor, event.amount_minor)
        payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
        revenue = account(Family.PLATFORM_FEE_REVENUE, event.currency)
        lines.append((transit, payable, event.amount_minor))
        lines.append((payable, revenue, event.fee_returned_minor))
    if not lines:
        return None
    text = f"refund of {event.payment_order_id} failed"
    return _entry("refund_reversal", event, event.refund_id, text, lines)


def stray_charge(event: StrayChargeFound) -> JournalEntry:
    """A charge that no order stands for: the PSP holds it, and it is owed to the buyer."""
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    transit = account(Family.REFUNDS_IN_TRANSIT, event.currency, event.psp)
    lines = [(receivable, transit, event.amount_minor)]
    text = f"stray charge {event.psp_reference} at {event.psp}"
    return _entry("stray_charge", event, event.refund_id, text, lines)


def dispute_opened(event: DisputeOpened) -> JournalEntry:
    """A dispute's money was withdrawn: it waits at the PSP, the seller's share in its reserve."""
    _check_share(event.seller_minor, event.amount_minor)
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    disputed = account(Family.DISPUTES_RECEIVABLE, event.currency, event.psp)
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    reserve = account(Family.SELLER_RESERVE, event.currency, event.seller_account)
    lines = [(disputed, receivable, event.amount_minor), (payable, reserve, event.seller_minor)]
    text = f"{event.psp} withdrew {event.payment_order_id} for dispute {event.psp_reference}"
    return _entry(f"dispute_opened.{event.version}", event, event.dispute_id, text, lines)


def dispute_closed(event: DisputeClosed) -> JournalEntry:
    """A dispute that was decided: what was held goes back to the seller, or is gone.

    What nobody else bears is the platform's loss. An appeal that is won undoes a loss whole.
    """
    _check_share(event.seller_minor, event.amount_minor)
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    disputed = account(Family.DISPUTES_RECEIVABLE, event.currency, event.psp)
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    reserve = account(Family.SELLER_RESERVE, event.currency, event.seller_account)
    losses = account(Family.LOSSES, event.currency)
    platform = event.amount_minor - event.seller_minor
    if not event.won:
        lines = [(reserve, disputed, event.seller_minor), (losses, disputed, platform)]
    elif event.was_taken:
        lines = [(receivable, payable, event.seller_minor), (receivable, losses, platform)]
    else:
        lines = [(receivable, disputed, event.amount_minor), (reserve, payable, event.seller_minor)]
    kind = f"dispute_{'won' if event.won else 'lost'}.{event.version}"
    text = f"dispute of {event.payment_order_id} at {event.psp}: {event.stage}"
    return _entry(kind, event, event.dispute_id, text, lines)


def _entry(
    kind: str,
    event: Event,
    reference: str,
    description: str,
    lines: list[tuple[Account, Account, int]],
) -> JournalEntry:
    """An entry of lines (debit, credit, amount); those of nothing are left out."""
    return JournalEntry(
        kind=kind,
        source_id=event.aggregate_id,
        reference=reference,
        event_at=event.occurred_at,
        description=description,
        lines=tuple(Line(debit, credit, amount) for debit, credit, amount in lines if amount),
    )


def _check_share(share: int, amount: int) -> None:
    if not 0 <= share <= amount:
        raise ValueError(f"a fee of {share} cannot be a part of {amount}")
