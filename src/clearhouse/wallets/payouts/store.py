"""The database side of payouts: rows as values, and what every creation writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.rails import FailureReason
from clearhouse.wallets.model import Movement
from clearhouse.wallets.payouts.facts import created_event
from clearhouse.wallets.payouts.model import (
    OVERDUE,
    PAYOUT,
    REVERSAL,
    Payout,
    PayoutFilter,
    PayoutPage,
    PayoutReason,
    PayoutStatus,
    SendingReason,
)
from clearhouse.wallets.service import SCHEMA, WalletService

QUERIES: Final[Mapping[str, str]] = load_queries("clearhouse.wallets.payouts")

Wallet = tuple[str, str]
"""A seller's account and a currency."""


def payout_of(row: "asyncpg.Record | Mapping[str, Any]") -> Payout:
    """A row of wallets.payouts."""
    fields: dict[str, Any] = dict(row)
    status = PayoutStatus(fields.pop("status"))
    amount = Money(fields.pop("amount_minor"), fields.pop("currency"))
    reason = _reason(status, fields.pop("reason"))
    return Payout(status=status, reason=reason, amount=amount, **fields)


def _reason(status: PayoutStatus, word: str | None) -> PayoutReason | None:
    if word is None:
        return None
    return SendingReason(word) if status is PayoutStatus.SUBMITTED else FailureReason(word)


async def available(connection: Connection, wallets: Sequence[Wallet]) -> dict[Wallet, int]:
    """What these wallets have available, which are locked until the transaction ends."""
    ordered = sorted(set(wallets))
    rows = await connection.fetch(
        QUERIES["lock_available"], [seller for seller, _ in ordered], [code for _, code in ordered]
    )
    return {(row["seller_account"], row["currency"]): row["available_minor"] for row in rows}


async def create(
    connection: Connection, wallets: WalletService, payouts: Sequence[Payout], moment: datetime
) -> None:
    """Store payouts, take their money out of available, and tell of them: five statements.

    All are new, of one creator and moment. Raises asyncpg.CheckViolationError when more would be
    taken than is available, and nothing of the batch is stored.
    """
    if not payouts:
        return
    await connection.execute(
        QUERIES["store_payouts"],
        [one.payout_id for one in payouts],
        [one.seller_account for one in payouts],
        [one.amount.currency for one in payouts],
        [one.amount.minor for one in payouts],
        [one.status.value for one in payouts],
        [one.needs_approval for one in payouts],
        [one.period for one in payouts],
        [one.note for one in payouts],
        payouts[0].created_by,
        moment,
    )
    await wallets.move(
        connection, [movement(one, PAYOUT, -one.amount.minor, moment) for one in payouts]
    )
    await tell(connection, [created_event(one, moment) for one in payouts])


async def give_back(
    connection: Connection, wallets: WalletService, payouts: Sequence[Payout], moment: datetime
) -> None:
    """Put the money of payouts back into available, once for each."""
    await wallets.move(
        connection, [movement(one, REVERSAL, one.amount.minor, moment) for one in payouts]
    )


def movement(payout: Payout, kind: str, available_minor: int, moment: datetime) -> Movement:
    """What a payout does to its seller's wallet."""
    return Movement(
        kind=kind,
        source_id=payout.payout_id,
        reference=payout.public_id,
        seller_account=payout.seller_account,
        currency=payout.amount.currency,
        event_at=moment,
        available_minor=available_minor,
    )


async def tell(connection: Connection, events: Sequence[Event]) -> None:
    """Write events into the wallets' outbox."""
    await publish(connection, SCHEMA, events)


async def locked(connection: Connection, payout_ids: Sequence[UUID]) -> dict[UUID, Payout]:
    """Payouts that are there, locked until the transaction ends."""
    rows = await connection.fetch(QUERIES["lock_payouts"], sorted(set(payout_ids)))
    return {row["payout_id"]: payout_of(row) for row in rows}


async def find(pool: Pool, payout_id: UUID) -> Payout | None:
    """One payout, if there is one."""
    row = await pool.fetchrow(QUERIES["payout"], payout_id)
    return None if row is None else payout_of(row)


async def page(pool: Pool, wanted: PayoutFilter, before: UUID | None, limit: int) -> PayoutPage:
    """Payouts, newest first."""
    rows = await pool.fetch(
        QUERIES["payouts"],
        wanted.seller_account,
        wanted.status,
        wanted.currency,
        before,
        limit + 1,
        OVERDUE if wanted.is_stuck else None,
    )
    found = tuple(payout_of(row) for row in rows[:limit])
    return PayoutPage(found, found[-1].payout_id if len(rows) > limit else None)


async def ask_again(connection: Connection, payout_id: UUID) -> bool:
    """Have a payout's rail asked at once what became of it; False for one not on its way."""
    return await connection.fetchval(QUERIES["ask_again"], payout_id) is not None


async def expire_idempotency_keys(pool: Pool, limit: int) -> int:
    """Forget at most so many answers whose time is over; says how many."""
    return int((await pool.execute(QUERIES["expire_keys"], limit)).rsplit(" ", 1)[-1])
