"""What the ledger's tests share: events, entries, and posting them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.ledger import store
from clearhouse.ledger.audit import CHECKS
from clearhouse.ledger.model import Account, AccountType, JournalEntry, Line, Outcome, Posted
from clearhouse.messaging.events import PaymentOrderSucceeded
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import Connection, Pool, in_transaction

CLOCK = SystemClock()
IDS = Ids(CLOCK, SystemRandomness())
MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def succeeded(
    name: str = "order-1",
    *,
    seller: str = "garden-shed",
    amount: int = 10_000,
    fee: int = 300,
    currency: str = "USD",
    psp: str = "stripe",
    order_id: UUID | None = None,
    at: datetime = MOMENT,
) -> PaymentOrderSucceeded:
    """What payments says of an order that was paid."""
    return PaymentOrderSucceeded(
        aggregate_id=order_id or IDS.new(),
        version=3,
        occurred_at=at,
        payment_order_id=name,
        checkout_id=f"checkout of {name}",
        seller_account=seller,
        amount_minor=amount,
        fee_minor=fee,
        currency=currency,
        psp=psp,
        psp_reference=f"pi_{name}",
    )


def asset(name: str, *, currency: str = "USD", floor: int | None = None) -> Account:
    return Account(name, AccountType.ASSET, "", currency, floor)


def liability(name: str, *, currency: str = "USD", floor: int | None = None) -> Account:
    return Account(name, AccountType.LIABILITY, "", currency, floor)


def entry(
    *lines: Line, kind: str = "test", source: UUID | None = None, at: datetime = MOMENT
) -> JournalEntry:
    return JournalEntry(kind, source or IDS.new(), "reference", at, "a test", lines)


async def post(
    pool: Pool, entries: Sequence[JournalEntry], *, at: datetime | None = None
) -> list[Posted]:
    """Post in a database transaction of its own."""

    async def work(connection: Connection) -> list[Posted]:
        ids = [IDS.new() for _ in entries]
        return await store.post(connection, entries, ids, at or CLOCK.now())

    return await in_transaction(pool, CLOCK, work)


def outcomes(answers: Sequence[Posted]) -> list[Outcome]:
    return [answer.outcome for answer in answers]


async def kept(pool: Pool) -> dict[str, int]:
    """All kept balances, by code."""
    return {found.code: found.balance.minor for found in await store.balances(pool)}


async def assert_sound(pool: Pool) -> None:
    """Every invariant of the ledger holds; a failure names the rows."""
    async with pool.acquire() as connection:
        results = [await run_check(connection, check) for check in CHECKS]
    assert [(result.name, result.offenders) for result in results if result.violations] == []
