"""Wallets as a consumer: each sale is credited once, answered once, and agrees with the ledger."""

import asyncio

import pytest
from tests.ledger.books import CLOCK, IDS, succeeded

from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.money import Money
from clearhouse.ledger import store as ledger_store
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.consumer import Consumer
from clearhouse.messaging.events import Event, PaymentOrderSucceeded, WalletUpdated, decode
from clearhouse.messaging.outbox import OutboxStream, Position, publish
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.rules import RULES
from clearhouse.wallets.service import WalletService


def service(pool: Pool) -> WalletService:
    return WalletService(pool, IDS, CLOCK)


async def send(pool: Pool, *events: Event) -> None:
    async def work(connection: Connection) -> None:
        await publish(connection, "payments", events)

    await in_transaction(pool, CLOCK, work)


async def published(pool: Pool) -> list[WalletUpdated]:
    found: list[WalletUpdated] = []
    for envelope in await OutboxStream(pool, "wallets").read(Position(0, 0), 1000):
        event = decode(envelope.payload)
        assert isinstance(event, WalletUpdated)
        found.append(event)
    return found


def consumer(pool: Pool) -> Consumer:
    return Consumer(pool, CLOCK, service(pool).subscription(OutboxStream(pool, "payments")))


async def test_a_sale_is_credited_and_answered(pool: Pool) -> None:
    subscription = service(pool).subscription(OutboxStream(pool, "payments"))
    assert (subscription.name, subscription.schema) == ("wallets.payments", "wallets")
    assert subscription.types == tuple(RULES)
    assert PaymentOrderSucceeded in RULES
    events = [
        succeeded("order-1", seller="ann", amount=1_000, fee=30),
        succeeded("order-2", seller="ann", amount=500, fee=500),
        succeeded("order-3", seller="ann", amount=700, fee=0, currency="JPY"),
    ]
    await send(pool, *events)
    assert await consumer(pool).step() == 3
    answers = await published(pool)
    assert [(a.kind, a.source_id, a.version) for a in answers] == [
        ("sale", event.aggregate_id, 1) for event in events
    ]
    assert [(a.seller_account, a.currency, a.pending_minor) for a in answers] == [
        ("ann", "USD", 970),
        ("ann", "USD", 0),
        ("ann", "JPY", 700),
    ]
    balances = await service(pool).balances("ann")
    assert [(found.currency, found.pending) for found in balances] == [
        ("JPY", Money(700, "JPY")),
        ("USD", Money(970, "USD")),
    ]
    assert all(found.available.minor == found.reserved.minor == 0 for found in balances)


async def test_a_seller_without_a_wallet_is_not_found(pool: Pool) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        await service(pool).balances("nobody")


async def test_a_redelivered_event_is_neither_credited_nor_answered_again(pool: Pool) -> None:
    first, second = (succeeded(f"order-{n}", seller="ann", amount=100, fee=3) for n in (1, 2))

    async def work(connection: Connection) -> None:
        await service(pool).handle(connection, [first, first])
        await service(pool).handle(connection, [second, first])

    await in_transaction(pool, CLOCK, work)
    await in_transaction(pool, CLOCK, work)
    assert [answer.source_id for answer in await published(pool)] == [
        first.aggregate_id,
        second.aggregate_id,
    ]
    (balance,) = await service(pool).balances("ann")
    assert balance.pending == Money(194, "USD")


async def test_the_movement_and_its_answer_stand_or_fall_together(pool: Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(RuntimeError, match="power cut"):
            async with connection.transaction():
                await service(pool).handle(connection, [succeeded(seller="ann")])
                raise RuntimeError("power cut")
    assert await published(pool) == []
    with pytest.raises(NotFound):
        await service(pool).balances("ann")


async def test_one_event_that_cannot_be_credited_never_stops_the_others(pool: Pool) -> None:
    await send(
        pool,
        succeeded("bad", seller="ann", amount=100, fee=101),
        succeeded("good", seller="ann", amount=100, fee=1),
    )
    assert await consumer(pool).step() == 2
    assert [answer.pending_minor for answer in await published(pool)] == [99]
    assert await pool.fetchval("select count(*) from wallets.dead_letters") == 1


async def test_wallets_equal_the_ledger(pool: Pool) -> None:
    events = [
        succeeded(
            f"order-{n}",
            seller=f"seller-{n % 7}",
            amount=1_000 + n,
            fee=n % 40,
            currency=("USD", "JPY", "KWD")[n % 3],
            psp=("stripe", "braintree", "square")[n % 3],
        )
        for n in range(200)
    ]
    await send(pool, *events)
    ledger, _ = LedgerService(IDS, CLOCK).subscriptions(
        OutboxStream(pool, "payments"), OutboxStream(pool, "wallets")
    )
    # Two consumers of a kind, as after a restart that overlaps: one of them works.
    both = [consumer(pool), consumer(pool), Consumer(pool, CLOCK, ledger)]
    await asyncio.gather(*(one.step() for one in both))
    owed = {
        (found.owner, found.balance.currency): found.balance
        for found in await ledger_store.balances(pool)
        if found.code.startswith("seller_payable:")
    }
    wallets = {
        (found.seller_account, found.currency): found.total
        for n in range(7)
        for found in await service(pool).balances(f"seller-{n}")
    }
    assert len(wallets) == 21
    assert wallets == owed
    assert len(await published(pool)) == 200
