"""Which events the ledger books, and how."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.ledger import after_sale
from clearhouse.ledger.chart import sale
from clearhouse.ledger.model import JournalEntry
from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
    Event,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    StrayChargeFound,
)

RULES: Final[Mapping[type[Event], Callable[[Any], JournalEntry | None]]] = MappingProxyType(
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
"""A new one is a pure function and a line here."""


def entry_for(event: Event) -> JournalEntry | None:
    """The journal entry of an event, or None for an event that moves no money."""
    rule = RULES.get(type(event))
    return rule(event) if rule else None
