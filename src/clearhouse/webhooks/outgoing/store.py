"""The only SQL of outgoing webhooks: rows in, frozen values out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState, EndpointState
from clearhouse.webhooks.outgoing.messages import Message, notice_of
from clearhouse.webhooks.outgoing.model import (
    Delivery,
    DeliveryKey,
    DeliveryPage,
    Endpoint,
    EndpointPage,
    Try,
)

Reader: TypeAlias = "Pool | Connection"
QUERIES: Final = load_queries("clearhouse.webhooks.outgoing")


def endpoint_of(row: asyncpg.Record) -> Endpoint:
    """A row of webhooks.endpoints."""
    return Endpoint(
        endpoint_id=row["endpoint_id"],
        url=row["url"],
        description=row["description"],
        filters=tuple(row["filters"]),
        seller_account=row["seller_account"],
        state=EndpointState(row["state"]),
        disabled_reason=row["disabled_reason"],
        failing_since=row["failing_since"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def key_of(row: asyncpg.Record) -> DeliveryKey:
    """The key columns that all tables of deliveries share."""
    return DeliveryKey(row["aggregate_id"], row["version"], row["endpoint_id"])


def columns(keys: Sequence[DeliveryKey]) -> tuple[list[UUID], list[int], list[UUID]]:
    """Keys as the columns that statements take."""
    return (
        [key.aggregate_id for key in keys],
        [key.version for key in keys],
        [key.endpoint_id for key in keys],
    )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        key=key_of(row),
        type=row["type"],
        object_id=row["object_id"],
        payload=row["payload"],
        state=DeliveryState(row["state"]),
        tries=row["tries"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        next_at=row["next_at"],
    )


async def anybody_listens(connection: Connection) -> bool:
    """Whether there is any enabled endpoint."""
    return await connection.fetchval(QUERIES["anybody_listens"])


async def lay_out(connection: Connection, messages: Sequence[Message], now: datetime) -> None:
    """A delivery for each message and each enabled endpoint that wants it; one statement."""
    await connection.execute(
        QUERIES["lay_out"],
        [message.aggregate_id for message in messages],
        [message.version for message in messages],
        [message.type for message in messages],
        [message.object_id for message in messages],
        [message.seller_account for message in messages],
        [message.payload for message in messages],
        now,
    )


async def endpoint(reader: Reader, endpoint_id: UUID) -> Endpoint | None:
    """One endpoint that is not deleted."""
    row = await reader.fetchrow(QUERIES["endpoint"], endpoint_id)
    return endpoint_of(row) if row else None


async def endpoints(
    pool: Pool, seller_account: str | None, before: UUID | None, limit: int
) -> EndpointPage:
    """Endpoints that are not deleted, newest first, older than ``before``; None: any seller's."""
    rows = await pool.fetch(QUERIES["endpoints"], seller_account, before, limit + 1)
    found = tuple(endpoint_of(row) for row in rows[:limit])
    return EndpointPage(found, found[-1].endpoint_id if len(rows) > limit else None)


async def notify(
    connection: Connection, kind: str, endpoint_ids: Sequence[UUID], now: datetime
) -> list[tuple[Endpoint, Message]]:
    """A message about each of some endpoints, numbered for it; not laid out yet."""
    rows = await connection.fetch(QUERIES["count_notice"], endpoint_ids)
    found = [(endpoint_of(row), row["notices"]) for row in rows]
    return [(one, notice_of(kind, one, number, now)) for one, number in found]


async def lay_out_for(connection: Connection, message: Message, now: datetime) -> DeliveryKey:
    """A message about an endpoint, for that endpoint alone."""
    await connection.execute(
        QUERIES["lay_out_for"],
        message.aggregate_id,
        message.version,
        message.aggregate_id,
        message.type,
        message.object_id,
        message.payload,
        now,
    )
    return DeliveryKey(message.aggregate_id, message.version, message.aggregate_id)


async def deliveries(
    pool: Pool,
    endpoint_id: UUID,
    state: DeliveryState | None,
    before: DeliveryKey | None,
    limit: int,
) -> DeliveryPage:
    """Deliveries to an endpoint, newest first, older than ``before``."""
    aggregate, version = (before.aggregate_id, before.version) if before else (None, None)
    rows = await pool.fetch(
        QUERIES["deliveries"], endpoint_id, state, aggregate, version, limit + 1
    )
    return DeliveryPage(tuple(_delivery(row) for row in rows[:limit]), len(rows) > limit)


async def delivery(pool: Pool, key: DeliveryKey) -> tuple[Delivery, list[Try]] | None:
    """One delivery with its tries, first to last."""
    row = await pool.fetchrow(QUERIES["delivery"], key.aggregate_id, key.version, key.endpoint_id)
    if row is None:
        return None
    rows = await pool.fetch(QUERIES["tries"], key.aggregate_id, key.version, key.endpoint_id)
    return _delivery(row), [
        Try(one["try"], one["tried_at"], one["status"], one["error"], one["milliseconds"])
        for one in rows
    ]
