"""The wallets' database side: moving a batch, and reading balances and movements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.model import Moved, Movement, StoredMovement, WalletBalance, WalletStanding

Reader: TypeAlias = "Pool | Connection"
"""What can be read from: any connection, or a pool that lends one."""

_QUERIES: Final = load_queries("clearhouse.wallets")


async def move(
    connection: Connection,
    movements: Sequence[Movement],
    movement_ids: Sequence[UUID],
    recorded_at: datetime,
) -> list[Moved]:
    """Make a batch of movements in the caller's transaction, as one statement; in their order.

    One that was made before is skipped and answered with the stored id. ``movement_ids`` are new
    ids, one for each. Raises asyncpg.CheckViolationError when pending or reserved would fall below
    zero, or when a movement undoes one that was never made.
    """
    if not movements:
        return []
    wallets = sorted({(movement.seller_account, movement.currency) for movement in movements})
    place = {wallet: n for n, wallet in enumerate(wallets, 1)}
    rows = await connection.fetch(
        _QUERIES["move"],
        max(recorded_at, *(movement.event_at for movement in movements)),
        [seller for seller, _ in wallets],
        [currency for _, currency in wallets],
        movement_ids,
        [movement.kind for movement in movements],
        [movement.source_id for movement in movements],
        [movement.reference for movement in movements],
        [movement.event_at for movement in movements],
        [place[movement.seller_account, movement.currency] for movement in movements],
        [movement.pending_minor for movement in movements],
        [movement.available_minor for movement in movements],
        [movement.reserved_minor for movement in movements],
        [movement.sale_id for movement in movements],
        [movement.take_minor for movement in movements],
        [movement.undoes for movement in movements],
    )
    answers = [
        Moved(movement, movement_id, is_new=True)
        for movement, movement_id in zip(movements, movement_ids, strict=True)
    ]
    for row in rows:
        n: int = row["movement"] - 1
        made = movements[n]
        if made.sale_id is not None:
            made = replace(
                made, pending_minor=row["pending_minor"], available_minor=row["available_minor"]
            )
        is_new = row["stored_id"] is None
        answers[n] = Moved(made, movement_ids[n] if is_new else row["stored_id"], is_new=is_new)
    return answers


async def balances(reader: Reader, seller_account: str) -> list[WalletBalance]:
    """A seller's wallets by currency; empty when there are none."""
    rows = await reader.fetch(_QUERIES["balances"], seller_account)
    return [_balance(row, "minor") for row in rows]


async def standing(reader: Reader, seller_account: str, moment: datetime) -> list[WalletStanding]:
    """A seller's wallets by currency, with all that decides what is paid and when."""
    return [
        WalletStanding(
            seller_account=row["seller_account"],
            currency=row["currency"],
            pending_minor=row["pending_minor"],
            available_minor=max(row["available_minor"], 0),
            reserved_minor=row["reserved_minor"],
            in_transit_minor=row["in_transit_minor"],
            debt_minor=max(-row["available_minor"], 0),
            is_held=row["is_held"],
            is_waiting=row["is_waiting"],
            next_matures_at=row["due_at"],
        )
        for row in await reader.fetch(_QUERIES["standing"], seller_account, moment)
    ]


async def totals(reader: Reader) -> dict[str, WalletBalance]:
    """What all sellers together are owed, by currency (``seller_account`` is ``*``)."""
    return {
        row["currency"]: WalletBalance(
            "*",
            row["currency"],
            row["pending_minor"],
            row["available_minor"],
            row["reserved_minor"],
        )
        for row in await reader.fetch(_QUERIES["totals"])
    }


async def movements_of(reader: Reader, source_id: UUID) -> list[StoredMovement]:
    """All movements made for one source, oldest first; empty when none."""
    return [
        StoredMovement(
            row["movement_id"],
            Movement(
                kind=row["kind"],
                source_id=row["source_id"],
                reference=row["reference"],
                seller_account=row["seller_account"],
                currency=row["currency"],
                event_at=row["event_at"],
                pending_minor=row["pending_minor"],
                available_minor=row["available_minor"],
                reserved_minor=row["reserved_minor"],
                sale_id=row["sale_id"],
            ),
            _balance(row, "after"),
            row["recorded_at"],
        )
        for row in await reader.fetch(_QUERIES["movements_of"], source_id)
    ]


def _balance(row: asyncpg.Record, suffix: str) -> WalletBalance:
    return WalletBalance(
        row["seller_account"],
        row["currency"],
        row[f"pending_{suffix}"],
        row[f"available_{suffix}"],
        row[f"reserved_{suffix}"],
    )
