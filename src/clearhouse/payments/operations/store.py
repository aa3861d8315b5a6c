"""Rows of operations as frozen values, and the only statements that read or write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import columns_of, publish_clause
from clearhouse.payments.model import OrderStatus, StatusReason
from clearhouse.payments.operations.lifecycle import find_proves, next_ask
from clearhouse.payments.operations.model import (
    Ask,
    ClaimedOperation,
    Kind,
    Operation,
    OperationStatus,
    Origin,
    name_of,
)
from clearhouse.payments.operations.terms import ChargedOrder
from clearhouse.payments.store import SCHEMA
from clearhouse.postgres.connection import Connection, Pool, RaceLost, affected
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.contract import Capabilities, attempt_key

QUERIES: Final = load_queries("clearhouse.payments.operations")
_STORE: Final = QUERIES["store_operations"].replace("{publish}", publish_clause(SCHEMA, 22))


async def ask_again(connection: Connection, operation_id: UUID) -> bool:
    """Have an operation's PSP asked at once; False when it is final, so that nobody asks."""
    return affected(await connection.execute(QUERIES["ask_again"], operation_id)) == 1


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """An order under lock, with what its operations are decided and told by."""

    order_id: UUID
    payment_order_id: str
    seller_account: str
    psp: str
    psp_reference: str | None
    charged: ChargedOrder


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The answer of a request, to be stored with what it did."""

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    answer: bytes


def operation_of(row: asyncpg.Record) -> Operation:
    """A row of payments.operations, with its order's public id, as an Operation."""
    return Operation(
        operation_id=row["operation_id"],
        public_id=row["public_id"],
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        kind=Kind(row["kind"]),
        origin=Origin(row["origin"]),
        amount=Money(row["amount_minor"], row["currency"]),
        fee_returned_minor=row["fee_returned_minor"],
        psp=row["psp"],
        charge_reference=row["charge_reference"],
        status=OperationStatus(row["status"]),
        reason=row["reason"],
        note=row["note"],
        psp_reference=row["psp_reference"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finalized_at=row["finalized_at"],
    )


def claimed_operation(row: asyncpg.Record, limits: Capabilities) -> ClaimedOperation:
    """A row of the query ``claim``; a key that was never sent is made here."""
    kind, now = Kind(row["kind"]), row["claimed_at"]
    keyed_at = row["keyed_at"] or now
    expired = now - keyed_at > limits.idempotency_key_lifetime * 0.9
    name = name_of(kind, row["operation_id"])
    key = row["idempotency_key"] if row["keyed_at"] else None
    return ClaimedOperation(
        operation_id=row["operation_id"],
        kind=kind,
        payment_order_id=row["payment_order_id"],
        charge_reference=row["charge_reference"],
        charged=Money(row["charged_minor"], row["currency"]),
        amount=Money(row["amount_minor"], row["currency"]),
        note=row["note"],
        idempotency_key=key or attempt_key(name, row["attempt"], limits.idempotency_key_length),
        submitted_at=row["submitted_at"] or now,
        fence=row["fence"],
        ask=next_ask(row["reason"], row["tries"], expired=expired),
        find_proves=find_proves(row["called_at"], now, limits),
        key_expired=expired,
    )


async def order_ids(connection: Connection, names: Sequence[str]) -> dict[str, UUID]:
    """The ids of orders by the names that clients gave them."""
    rows = await connection.fetch(QUERIES["order_ids"], names)
    return {row["payment_order_id"]: row["order_id"] for row in rows}


async def lock_orders(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, LockedOrder]:
    """Orders by id, locked until the transaction ends, with what stands beside them."""
    if not ids:
        return {}
    rows = await connection.fetch(QUERIES["lock_orders"], ids)
    beside = {
        row["order_id"]: row for row in await connection.fetch(QUERIES["operations_beside"], ids)
    }
    return {row["order_id"]: _locked(row, beside.get(row["order_id"])) for row in rows}


def _locked(row: asyncpg.Record, beside: asyncpg.Record | None) -> LockedOrder:
    return LockedOrder(
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        seller_account=row["seller_account"],
        psp=row["psp"],
        psp_reference=row["psp_reference"],
        charged=ChargedOrder(
            status=OrderStatus(row["status"]),
            reason=StatusReason(row["status_reason"]) if row["status_reason"] else None,
            amount=Money(row["amount_minor"], row["currency"]),
            captured_minor=row["captured_minor"],
            refunded_minor=row["refunded_minor"],
            disputed_minor=row["disputed_minor"],
            fee_minor=row["fee_minor"],
            fee_returned_minor=beside["fee_returned_minor"] if beside else 0,
            reversed=row["reversed"],
            ending=bool(beside and beside["ending"]),
        ),
    )


async def store_operations(
    connection: Connection,
    operations: Sequence[Operation],
    charged: Sequence[int],
    events: Sequence[Event],
    records: Sequence[IdempotencyRecord] = (),
    lifetime: object = None,
) -> None:
    """Store new operations whole: keys, work, the orders' ceilings, events, answers.

    ``charged`` is each one's whole charge in minor units; ``lifetime`` (a timedelta) that of the
    answers. Raises RaceLost when a key was taken meanwhile; the transaction must then be left.
    """
    row = await connection.fetchrow(
        _STORE,
        [one.operation_id for one in operations],
        [one.public_id for one in operations],
        [one.order_id for one in operations],
        [one.kind.value for one in operations],
        [one.origin.value for one in operations],
        [one.amount.minor for one in operations],
        list(charged),
        [one.amount.currency for one in operations],
        [one.fee_returned_minor for one in operations],
        [one.psp for one in operations],
        [one.charge_reference for one in operations],
        [one.note for one in operations],
        [one.status.value for one in operations],
        [one.psp_reference for one in operations],
        [one.version for one in operations],
        [one.created_at for one in operations],
        [record.api_key_id for record in records],
        [record.idempotency_key for record in records],
        [record.body_hash for record in records],
        [record.answer for record in records],
        lifetime,
        *columns_of(events),
    )
    endings = sum(not one.kind.gives_back for one in operations)
    if row is None or tuple(row.values()) != (len(operations), len(records), endings):
        raise RaceLost


async def operation_by_key(pool: Pool, public_id: str) -> Operation | None:
    """The operation of that public id, if there is one."""
    row = await pool.fetchrow(QUERIES["operation"], public_id)
    return operation_of(row) if row else None


async def operations_of(pool: Pool, order_id: UUID) -> list[Operation]:
    """All operations of an order, oldest first."""
    return [operation_of(row) for row in await pool.fetch(QUERIES["operations_of"], order_id)]


def submits(claimed: ClaimedOperation) -> bool:
    """Whether the call of a claim could take effect at the PSP."""
    return claimed.ask is Ask.SUBMIT
