"""Storing pages, in the transaction that stores their payments."""

from collections.abc import Sequence

from clearhouse.payments.model import Intake
from clearhouse.payments.pages.store import QUERIES
from clearhouse.postgres.connection import Connection


async def store_pages(connection: Connection, intakes: Sequence[Intake]) -> None:
    """Store the pages of payments that have one, and the work of opening them."""
    pairs = [(intake.event, intake.page) for intake in intakes if intake.page is not None]
    await connection.execute(
        QUERIES["store_pages"],
        [page.page_id for _, page in pairs],
        [event.event_id for event, _ in pairs],
        [event.psp for event, _ in pairs],
        [page.token for _, page in pairs],
        [sum(order.amount.minor for order in event.orders) for event, _ in pairs],
        [event.orders[0].amount.currency for event, _ in pairs],
        [page.return_url for _, page in pairs],
        [page.cancel_url for _, page in pairs],
        [page.expires_at for _, page in pairs],
        [event.created_at for event, _ in pairs],
    )
