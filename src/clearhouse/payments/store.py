"""The only SQL of payments: rows in, frozen values out, one statement for each batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.errors import Archived
from clearhouse.kernel.ids import floor_of
from clearhouse.kernel.money import Money
from clearhouse.payments.model import (
    Attempt,
    CaptureMode,
    OrderFilter,
    OrderStatus,
    PaymentEvent,
    PaymentOrder,
    StatusReason,
)
from clearhouse.payments.patience import CARD_WINDOW
from clearhouse.postgres.connection import Connection, Pool, affected
from clearhouse.postgres.queries import load_queries

QUERIES: Final = load_queries("clearhouse.payments")
SCHEMA: Final = "payments"


def order_of(row: asyncpg.Record) -> PaymentOrder:
    """A row of payments.payment_orders as a PaymentOrder."""
    return PaymentOrder(
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        checkout_id=row["checkout_id"],
        seller_account=row["seller_account"],
        amount=Money(row["amount_minor"], row["currency"]),
        psp=row["psp"],
        status=OrderStatus(row["status"]),
        status_reason=StatusReason(row["status_reason"]) if row["status_reason"] else None,
        failure_code=row["failure_code"],
        attempt=row["attempt"],
        psp_reference=row["psp_reference"],
        fee_minor=row["fee_minor"],
        capture_mode=CaptureMode(row["capture_mode"]),
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        disputed_minor=row["disputed_minor"],
        action_url=row["action_url"],
        expires_at=row["expires_at"],
        reversed_at=row["reversed_at"],
        route=None if row["route"] is None else tuple(row["route"]),
        routed_by=row["routed_by"],
        ledger_updated=row["ledger_updated"],
        wallet_updated=row["wallet_updated"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finalized_at=row["finalized_at"],
    )


async def order_by_key(pool: Pool, payment_order_id: str) -> PaymentOrder | None:
    """The order that a client named, if there is one. Raises Archived when it was put away."""
    row = await pool.fetchrow(QUERIES["order_by_key"], payment_order_id)
    if row is None and await pool.fetchval(QUERIES["order_archived"], payment_order_id):
        raise Archived("This payment order is final and lies in the archive.")
    return order_of(row) if row else None


async def attempts_of(pool: Pool, order_id: UUID) -> list[Attempt]:
    """All attempts of an order, first to last."""
    rows = await pool.fetch(QUERIES["attempts_of"], order_id)
    return [
        Attempt(
            number=row["attempt"],
            psp=row["psp"],
            idempotency_key=row["idempotency_key"],
            calls=row["calls"],
            outcome=row["outcome"],
            detail=row["detail"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
        )
        for row in rows
    ]


async def checkout(pool: Pool, checkout_id: str) -> PaymentEvent | None:
    """A payment event with its orders in the order they were asked for, if there is one.

    Raises Archived when it was put away.
    """
    row = await pool.fetchrow(QUERIES["checkout"], checkout_id)
    if row is None and await pool.fetchval(QUERIES["checkout_archived"], checkout_id):
        raise Archived("This checkout is done and lies in the archive.")
    if row is None:
        return None
    orders = await pool.fetch(QUERIES["orders_of_event"], row["event_id"])
    return PaymentEvent(
        event_id=row["event_id"],
        checkout_id=row["checkout_id"],
        psp=row["psp"],
        is_payment_done=row["is_payment_done"],
        created_at=row["created_at"],
        orders=tuple(order_of(order) for order in orders),
        page_token=row["page_token"],
    )


async def list_orders(
    pool: Pool, wanted: OrderFilter, before: UUID | None, limit: int
) -> list[PaymentOrder]:
    """At most ``limit`` orders that fit, newest first, older than the order ``before``."""
    conditions: list[str] = ["true"]
    values: list[object] = [limit]

    def add(condition: str, value: object) -> None:
        if value is not None:
            values.append(value)
            conditions.append(condition.replace("?", f"${len(values)}"))

    add("order_id < ?::uuid", before)
    add("status = ?", wanted.status and wanted.status.value)
    add("seller_account = ?", wanted.seller_account)
    add("psp = ?", wanted.psp)
    add("currency = ?", wanted.currency)
    add(
        "event_id = (select event_id from payments.checkout_keys where checkout_id = ?)",
        wanted.checkout_id,
    )
    add("order_id >= ?::uuid", _floor(wanted.created_from))
    add("order_id < ?::uuid", _floor(wanted.created_before))
    sql = QUERIES["list_orders"].replace("{conditions}", " and ".join(conditions))
    return [order_of(row) for row in await pool.fetch(sql, *values)]


def _floor(moment: datetime | None) -> UUID | None:
    return floor_of(moment) if moment else None


async def close_orders(
    connection: Connection, event_ids: Sequence[UUID], moment: datetime
) -> list[asyncpg.Record]:
    """Count one order fewer for each mention of an event; the rows of events done by it."""
    if not event_ids:
        return []
    return await connection.fetch(QUERIES["close_orders"], list(event_ids), moment)


async def expire_idempotency_keys(pool: Pool, limit: int) -> int:
    """Forget at most ``limit`` idempotency keys whose time is over; returns how many."""
    return affected(await pool.execute(QUERIES["expire_idempotency_keys"], limit))


async def forget_declines(pool: Pool) -> None:
    """Forget the declines that the card networks do not count any more."""
    await pool.execute(QUERIES["forget_declines"], CARD_WINDOW)


async def ask_again(connection: Connection, order_id: UUID) -> bool:
    """Have an order's PSP asked at once; False when the order is final, so that nobody asks."""
    return affected(await connection.execute(QUERIES["ask_again"], order_id)) == 1
