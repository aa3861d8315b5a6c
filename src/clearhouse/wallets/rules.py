"""What an event means for a seller's wallet: pure rules, one for each event."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
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


def dispute_opened(event: DisputeOpened) -> Movement:
    """A dispute moves the seller's share into reserve, from the sale's own pending first."""
    return Movement(
        kind=f"dispute_opened.{event.version}",
        source_id=event.aggregate_id,
        reference=event.dispute_id,
        seller_account=event.seller_account,
        currency=event.currency,
        event_at=event.occurred_at,
        reserved_minor=event.seller_minor,
        sale_id=event.order_id,
        take_minor=event.seller_minor,
    )


def dispute_closed(event: DisputeClosed) -> Movement:
    """A dispute that was decided gives the reserve up; one that was won gives back what it took."""
    return Movement(
        kind=f"dispute_{'won' if event.won else 'lost'}.{event.version}",
        source_id=event.aggregate_id,
        reference=event.dispute_id,
        seller_account=event.seller_account,
        currency=event.currency,
        event_at=event.occurred_at,
        reserved_minor=0 if event.was_taken else -event.seller_minor,
        sale_id=event.order_id,
        take_minor=None if event.won else 0,
        undoes=f"dispute_opened.{event.opened_version}" if event.won else None,
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
        DisputeOpened: dispute_opened,
        DisputeClosed: dispute_closed,
    }
)
"""Which events move a wallet, and how: a new one is a pure function and a line here."""


def movement_for(event: Event) -> Movement | None:
    """The movement of an event, or None for an event that concerns no wallet."""
    rule = RULES.get(type(event))
    return rule(event) if rule else None
