"""What an event means for a seller's wallet: pure rules, one for each event."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.messaging.events import Event, PaymentOrderSucceeded
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


RULES: Final[Mapping[type[Event], Callable[[Any], Movement]]] = MappingProxyType(
    {PaymentOrderSucceeded: sale}
)
"""Which events move a wallet, and how: a new one is a pure function and a line here."""


def movement_for(event: Event) -> Movement | None:
    """The movement of an event, or None for an event that concerns no wallet."""
    rule = RULES.get(type(event))
    return rule(event) if rule else None
