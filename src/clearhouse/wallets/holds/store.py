"""The database side of holds; placing and releasing happen in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.holds.model import Hold, HoldKind, Release
from clearhouse.wallets.store import Reader

_QUERIES: Final = load_queries("clearhouse.wallets.holds")


async def place(connection: Connection, holds: Sequence[Hold]) -> set[UUID]:
    """Place holds; says which. A subject that is held already keeps the hold that it has."""
    rows = await connection.fetch(
        _QUERIES["place"],
        [hold.hold_id for hold in holds],
        [hold.seller_account for hold in holds],
        [hold.currency for hold in holds],
        [hold.kind.value for hold in holds],
        [hold.subject for hold in holds],
        [hold.reason for hold in holds],
        [hold.placed_by for hold in holds],
        [hold.since for hold in holds],
        [hold.until for hold in holds],
    )
    return {row["hold_id"] for row in rows}


async def release(connection: Connection, hold_id: UUID, how: Release) -> Hold | None:
    """End a hold; None when there is none with this id that is not released yet."""
    row = await connection.fetchrow(_QUERIES["release"], hold_id, how.at, how.by, how.reason)
    return None if row is None else _hold(row)


async def release_subjects(
    connection: Connection, kind: HoldKind, subjects: Mapping[str, Release]
) -> None:
    """End the holds of one kind about some subjects; one that is not held is passed over."""
    if subjects:
        await connection.execute(
            _QUERIES["release_subjects"],
            kind.value,
            list(subjects),
            [how.at for how in subjects.values()],
            [how.by for how in subjects.values()],
            [how.reason for how in subjects.values()],
        )


async def hold(reader: Reader, hold_id: UUID) -> Hold | None:
    """One hold, whether it is over or not."""
    row = await reader.fetchrow(_QUERIES["hold"], hold_id)
    return None if row is None else _hold(row)


async def holds_of(
    reader: Reader,
    seller_account: str,
    *,
    stopping_at: datetime | None,
    before: UUID | None,
    limit: int,
) -> list[Hold]:
    """A seller's holds, the newest first, page by page (``before``: an id).

    Those that stop payouts at a moment, or with None all there ever were.
    """
    rows = await reader.fetch(_QUERIES["holds_of"], seller_account, stopping_at, before, limit)
    return [_hold(row) for row in rows]


async def stopping(reader: Reader, sellers: Collection[str], moment: datetime) -> list[Hold]:
    """The holds that stop payouts of some sellers at a moment; one statement for all of them."""
    rows = await reader.fetch(_QUERIES["stopping"], sorted(sellers), moment)
    return [_hold(row) for row in rows]


def _hold(row: asyncpg.Record) -> Hold:
    return Hold(
        hold_id=row["hold_id"],
        seller_account=row["seller_account"],
        currency=row["currency"],
        kind=HoldKind(row["kind"]),
        subject=row["subject"],
        reason=row["reason"],
        placed_by=row["placed_by"],
        since=row["since"],
        until=row["until"],
        released_at=row["released_at"],
        released_by=row["released_by"],
        release_reason=row["release_reason"],
    )
