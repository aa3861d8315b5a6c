"""Which events the ledger books, and how."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.ledger import after_sale, clearing, payouts, reserves, write_offs
from clearhouse.ledger.chart import sale
from clearhouse.ledger.model import JournalEntry
from clearhouse.messaging.events import (
    DebtWrittenOff,
    DisputeClosed,
    DisputeOpened,
    Event,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
    PayoutCancelled,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    ReserveKept,
    ReserveReleased,
    SettlementBooked,
    StrayChargeFound,
)

_Rules = Mapping[type[Event], Callable[[Any], JournalEntry | None]]

PAYMENTS: Final[_Rules] = MappingProxyType(
    {
        PaymentOrderSucceeded: sale,
        PaymentOrderReversed: after_sale.sale_reversal,
        RefundCreated: after_sale.refund,
        RefundSucceeded: after_sale.refund_settled,
        RefundFailed: after_sale.refund_reversal,
        StrayChargeFound: after_sale.stray_charge,
        DisputeOpened: after_sale.dispute_opened,
        DisputeClosed: after_sale.dispute_closed,
    }
)
"""What payments tell. A new one is a pure function and a line here."""

WALLETS: Final[_Rules] = MappingProxyType(
    {
        PayoutCreated: payouts.payout,
        PayoutPaid: payouts.payout_paid,
        PayoutFailed: payouts.payout_failed,
        PayoutReturned: payouts.payout_returned,
        PayoutCancelled: payouts.payout_cancelled,
        ReserveKept: reserves.reserve,
        ReserveReleased: reserves.reserve_release,
        DebtWrittenOff: write_offs.write_off,
    }
)
"""What the wallets tell."""

SETTLEMENTS: Final[_Rules] = MappingProxyType({SettlementBooked: clearing.settlement_booked})
"""What reconciliation tells."""

RULES: Final[_Rules] = MappingProxyType({**PAYMENTS, **WALLETS, **SETTLEMENTS})
"""All events that the ledger books."""


def entry_for(event: Event) -> JournalEntry | None:
    """The journal entry of an event, or None for an event that moves no money."""
    rule = RULES.get(type(event))
    return rule(event) if rule else None
