"""The only SQL of payment pages: rows in, frozen values out."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.payments.pages.model import (
    CardAttempt,
    PageLineItem,
    PageState,
    PaymentPage,
)
from clearhouse.payments.patience import look_up_proves
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.contract import Capabilities

QUERIES: Final = load_queries("clearhouse.payments.pages")


async def rows_of(
    connection: "Connection | Pool", page_ids: Sequence[UUID]
) -> list[asyncpg.Record]:
    """The rows of pages, each with its card under way."""
    return await connection.fetch(QUERIES["pages"], list(page_ids))


async def items_of(
    connection: "Connection | Pool", page_ids: Sequence[UUID]
) -> dict[UUID, tuple[PageLineItem, ...]]:
    """The orders that each page pays for, in the order they were asked for."""
    found: dict[UUID, list[PageLineItem]] = {}
    for row in await connection.fetch(QUERIES["items_of_pages"], list(page_ids)):
        item = PageLineItem(
            row["order_id"],
            row["payment_order_id"],
            row["seller_account"],
            Money(row["amount_minor"], row["currency"]),
        )
        found.setdefault(row["page_id"], []).append(item)
    return {page_id: tuple(items) for page_id, items in found.items()}


def page_of(row: asyncpg.Record) -> PaymentPage:
    """A row of the query ``pages`` as a PaymentPage."""
    return PaymentPage(
        page_id=row["page_id"],
        checkout_id=row["checkout_id"],
        psp=row["psp"],
        token=row["token"],
        state=PageState(row["state"]),
        psp_page_reference=row["psp_page_reference"],
        url=row["url"],
        total=Money(row["total_minor"], row["currency"]),
        return_url=row["return_url"],
        cancel_url=row["cancel_url"],
        attempt=row["attempt"],
        attempt_open=row["attempt_open"],
        declined_for=row["declined_for"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
    )


def card_of(row: asyncpg.Record, limits: Capabilities) -> CardAttempt | None:
    """The card under way of a row of the query ``pages``."""
    if not row["attempt_open"]:
        return None
    charged = row["charged_at"]
    return CardAttempt(
        number=row["attempt"],
        payment_method=row["payment_method"],
        idempotency_key=row["idempotency_key"],
        started_at=row["started_at"],
        look_up_proves=charged is None or look_up_proves(charged, row["moment"], limits),
    )
