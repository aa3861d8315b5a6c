"""What wallets keep of sales beside their movements: whatever decides when they mature."""

from collections.abc import Sequence

from clearhouse.messaging.events import (
    AnyEvent,
    PaymentOrderReversed,
    PaymentOrderSettled,
    PaymentOrderSucceeded,
    RefundCreated,
    RefundFailed,
)
from clearhouse.postgres.connection import Connection
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.maturing.terms import terms_at


class Sales:
    """Notes what is told of sales; ``platform`` are the terms of sellers without their own."""

    def __init__(self, platform: Terms) -> None:
        self._platform = platform

    async def told(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Note sales, and those that were taken back, in the caller's transaction.

        A constant number of statements; each sale is under the terms that its seller had when it
        was made.
        """
        sales = [event for event in events if isinstance(event, PaymentOrderSucceeded)]
        if sales:
            own = await store.terms_of(connection, {sale.seller_account for sale in sales})
            terms = [
                terms_at(self._platform, own[sale.seller_account], sale.currency, sale.occurred_at)
                for sale in sales
            ]
            await store.sold(connection, sales, terms)
        await store.reversed_sales(
            connection, [event for event in events if isinstance(event, PaymentOrderReversed)]
        )

    async def given_back(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Note what went back of sales; ``events`` are new ones, each told once."""
        await store.given_back(
            connection,
            [
                event
                for event in events
                if isinstance(event, PaymentOrderReversed | RefundCreated | RefundFailed)
            ],
        )

    async def settled(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Note settlements, in the caller's transaction; a message handler."""
        await store.settled(
            connection, [event for event in events if isinstance(event, PaymentOrderSettled)]
        )
