"""Statements of wallets, read page by page: a movement is never changed, and they are numbered.

So no transaction stays open while somebody reads: the numbers of the first and last line are fixed
when the statement is asked for, and what moves the wallet meanwhile is not on it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from clearhouse.kernel.errors import Archived, NotFound
from clearhouse.postgres.connection import Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.statements.model import Parts, Statement, StatementLine

_QUERIES: Final = load_queries("clearhouse.wallets.statements")
_PAGE: Final = 1000


async def statement(
    pool: Pool, seller_account: str, currency: str, begins: datetime, ends: datetime
) -> Statement:
    """A wallet's statement for a time; its lines are read when they are asked for.

    Raises NotFound when there is no such wallet, and Archived when lines of that time were
    archived.
    """
    wallet_id = await _wallet(pool, seller_account, currency, begins, ends)
    first, opening = await _standing(pool, wallet_id, begins)
    last, closing = await _standing(pool, wallet_id, ends)

    async def pages() -> AsyncIterator[Sequence[StatementLine]]:
        moment, sequence = begins, first
        while sequence < last:
            rows = await pool.fetch(_QUERIES["lines"], wallet_id, moment, sequence, last, _PAGE)
            if not rows:
                raise Archived(
                    "The rest of this statement was archived while it was read.",
                    hint="Ask for a later time, or read the archived movements.",
                )
            lines = [_line(row) for row in rows]
            moment, sequence = lines[-1].recorded_at, lines[-1].sequence
            yield lines

    return Statement(
        seller_account, currency, begins, ends, opening, closing, max(last - first, 0), pages
    )


async def latest_lines(
    pool: Pool, seller_account: str, currency: str, limit: int
) -> list[StatementLine]:
    """A wallet's last movements, the newest first. Raises NotFound."""
    row = await pool.fetchrow(_QUERIES["wallet"], seller_account, currency, None, None)
    if row is None:
        raise _no_wallet(seller_account, currency)
    rows = await pool.fetch(_QUERIES["latest"], row["wallet_id"], limit)
    return [_line(row) for row in rows]


async def _wallet(
    pool: Pool, seller_account: str, currency: str, begins: datetime, ends: datetime
) -> int:
    row = await pool.fetchrow(_QUERIES["wallet"], seller_account, currency, begins, ends)
    if row is None:
        raise _no_wallet(seller_account, currency)
    if row["is_archived"]:
        raise Archived(
            f"Movements of this wallet from {begins:%Y-%m-%d} to {ends:%Y-%m-%d} are archived.",
            hint="Ask for a later time, or read the archived movements.",
        )
    found: int = row["wallet_id"]
    return found


def _no_wallet(seller_account: str, currency: str) -> NotFound:
    return NotFound(f"There is no wallet of the seller {seller_account!r} in {currency}.")


async def _standing(pool: Pool, wallet_id: int, moment: datetime) -> tuple[int, Parts]:
    row = await pool.fetchrow(_QUERIES["standing"], wallet_id, moment)
    return (0, Parts()) if row is None else (row["sequence"], _parts(row, "after"))


def _line(row: asyncpg.Record) -> StatementLine:
    return StatementLine(
        row["sequence"],
        row["kind"],
        row["reference"],
        row["event_at"],
        row["recorded_at"],
        _parts(row, "minor"),
        _parts(row, "after"),
    )


def _parts(row: asyncpg.Record, suffix: str) -> Parts:
    return Parts(row[f"pending_{suffix}"], row[f"available_{suffix}"], row[f"reserved_{suffix}"])
