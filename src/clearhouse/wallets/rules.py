"""What an event means for a seller's wallet: pure rules, one for each event."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from clearhouse.messaging.events import (
    Event,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
    RefundCreated,
    RefundFailed,
)
from clearhouse.wallets.model import Movement


def sale(event: PaymentOrderSucceeded) -> Movement:
    """A sale credits the seller's pending balance with the amount less the platform's fee.

    A fee of the whole amount moves nothing, and is a movement all the same, since payments waits
    for the wallet's answer. Raises ValueError when the fee is negative or exceeds the amount.
    """
    if not 0 <= event.fee_minor <= event.amount_minor:
        raise ValueError(
            f"a fee of {event.fee_minor} cannot be taken from a sale of {event.amount_minor}"
        )
    return Movement(
        kind="sale",
        source_id=event.aggregate_id,
        reference=event.payment_order_id,
        seller_account=event.seller_account,
        currency=event.currency,
        event_at=event.occurred_at,
        pending_minor=event.amount_minor - event.fee_minor,
    )


def sale_reversal(event: PaymentOrderReversed) -> Movement:
    """A sale that was taken back takes all of what it credited."""
    return _take("sale_reversal", event, event.aggregate_id, event.amount_minor - event.fee_minor)


def refund(event: RefundCreated) -> Movement:
    """A refund takes the amount less the fee that comes back, from the sale's own pending first."""
    return _take("refund", event, event.order_id, event.amount_minor - event.fee_returned_minor)


def refund_reversal(event: RefundFailed) -> Movement | None:
    """A refund that failed gives back what it took; one of a stray charge took nothing."""
    if not event.seller_account:
        return None
    return Movement(
        kind="refund_reversal",
        source_id=event.aggregate_id,
        reference=event.refund_id,
        seller_account=event.seller_account,
        currency=event.currency,
        event_at=event.occurred_at,
        sale_id=event.order_id,
        undoes="refund",
    )


def _take(
    kind: str, event: PaymentOrderReversed | RefundCreated, sale_id: UUID, minor: int
) -> Movement:
    if minor < 0:
        raise ValueError(f"{kind} cannot take {minor}")
    is_refund = isinstance(event, RefundCreated)
    return Movement(
        kind=kind,
        source_id=event.aggregate_id,
        reference=event.refund_id if is_refund else event.payment_order_id,
        seller_account=event.seller_account,
        currency=event.currency,
        event_at=event.occurred_at,
        sale_id=sale_id,
        take_minor=minor,
    )


RULES: Final[Mapping[type[Event], Callable[[Any], Movement | None]]] = MappingProxyType(
    {
        PaymentOrderSucceeded: sale,
        PaymentOrderReversed: sale_reversal,
        RefundCreated: refund,
        RefundFailed: refund_reversal,
    }
)
"""Which events move a wallet, and how: a new one is a pure function and a line here."""


def movement_for(event: Event) -> Movement | None:
    """The movement of an event, or None for an event that concerns no wallet."""
    rule = RULES.get(type(event))
    return rule(event) if rule else None
