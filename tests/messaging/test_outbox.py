"""Events: none lost, none twice, in order, whatever dies in between."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness
from clearhouse.messaging.consumer import Consumer, Handler, Subscription
from clearhouse.messaging.events import (
    CATALOGUE,
    AnyEvent,
    PaymentEventDone,
    WalletUpdated,
    decode,
    encode,
    type_of,
)
from clearhouse.messaging.outbox import OutboxStream, Position, publish
from clearhouse.postgres.connection import Connection, PlainConnection, Pool, in_transaction

MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
IDS = Ids(SystemClock(), SystemRandomness())


def done(aggregate: UUID, version: int = 1) -> PaymentEventDone:
    return PaymentEventDone(
        aggregate_id=aggregate, version=version, occurred_at=MOMENT, checkout_id=f"c{version}"
    )


async def send(pool: Pool, *events: PaymentEventDone) -> None:
    async def work(connection: Connection) -> None:
        await publish(connection, "payments", events)

    await in_transaction(pool, SystemClock(), work)


def consumer(pool: Pool, handler: Handler, *, batch: int = 1000) -> Consumer:
    stream = OutboxStream(pool, "payments")
    subscription = Subscription(
        "ledger.test", "ledger", stream, (PaymentEventDone,), handler, batch
    )
    return Consumer(pool, SystemClock(), subscription)


def test_every_event_has_a_name_of_its_own_and_survives_json() -> None:
    names = [type_of(kind) for kind in CATALOGUE]
    assert len(set(names)) == len(names)
    event = WalletUpdated(
        aggregate_id=IDS.new(),
        version=1,
        occurred_at=MOMENT,
        kind="sale",
        source_id=IDS.new(),
        seller_account="s",
        currency="KWD",
        pending_minor=1234,
    )
    assert decode(encode(event)) == event


async def test_no_event_is_lost_among_twelve_writers(pool: Pool) -> None:
    """The trap of reliability: reading by position alone loses what commits late."""
    seen: list[UUID] = []

    async def handler(connection: Connection, events: Sequence[AnyEvent]) -> None:
        seen.extend(event.aggregate_id for event in events)

    chance = SeededRandomness(1)
    sent: list[UUID] = []

    async def writer() -> None:
        for _ in range(40):
            aggregate = IDS.new()
            async with pool.acquire() as connection, connection.transaction():
                await publish(connection, "payments", [done(aggregate)])
                await asyncio.sleep(chance.uniform(0, 0.004))
            sent.append(aggregate)

    reading = asyncio.create_task(consumer(pool, handler, batch=7).run())
    await asyncio.gather(*(writer() for _ in range(12)))
    for _ in range(500):
        if len(seen) >= len(sent):
            break
        await asyncio.sleep(0.01)
    reading.cancel()
    assert len(seen) == len(sent) == 480
    assert set(seen) == set(sent)


async def test_an_effect_and_its_position_are_one(pool: Pool, owner: PlainConnection) -> None:
    await owner.execute("create table ledger.effects (id uuid)")
    await owner.execute("grant select, insert on ledger.effects to clearhouse_app")
    aggregates = [IDS.new() for _ in range(5)]
    for aggregate in aggregates:
        await send(pool, done(aggregate))
    crashes = iter([True, False])

    async def handler(connection: Connection, events: Sequence[AnyEvent]) -> None:
        await connection.executemany(
            "insert into ledger.effects values ($1)", [(e.aggregate_id,) for e in events]
        )
        if next(crashes):
            raise asyncpg.InterfaceError("the process dies here, before the commit")

    with pytest.raises(Exception, match="lost"):
        await consumer(pool, handler).step()
    assert await owner.fetchval("select count(*) from ledger.effects") == 0
    assert await consumer(pool, handler).step() == 5
    assert await owner.fetchval("select count(*) from ledger.effects") == 5
    assert await consumer(pool, handler).step() == 0


async def test_two_consumers_of_one_name_handle_each_event_once(pool: Pool) -> None:
    handled: list[UUID] = []

    async def handler(connection: Connection, events: Sequence[AnyEvent]) -> None:
        await asyncio.sleep(0.001)
        handled.extend(event.aggregate_id for event in events)

    await send(pool, *(done(IDS.new()) for _ in range(60)))
    pair = [consumer(pool, handler, batch=5) for _ in range(2)]
    for _ in range(40):
        await asyncio.gather(*(one.step() for one in pair))
    assert len(handled) == len(set(handled)) == 60


async def test_a_bad_event_is_laid_aside_and_stops_nobody(
    pool: Pool, owner: PlainConnection
) -> None:
    handled: list[UUID] = []
    good, bad, other = IDS.new(), IDS.new(), IDS.new()

    async def handler(connection: Connection, events: Sequence[AnyEvent]) -> None:
        if any(event.aggregate_id == bad for event in events):
            raise ValueError("cannot be handled")
        handled.extend(event.aggregate_id for event in events)

    for aggregate in (good, bad, other):
        await send(pool, done(aggregate))
    assert await consumer(pool, handler).step() == 3
    assert handled == [good, other]
    [letter] = await owner.fetch("select * from ledger.dead_letters")
    assert (letter["aggregate_id"], letter["consumer"]) == (bad, "ledger.test")
    assert letter["error"] == "ValueError: cannot be handled"
    assert decode(letter["payload"]).aggregate_id == bad


async def test_unreadable_events_are_laid_aside_too(pool: Pool, owner: PlainConnection) -> None:
    await owner.execute(
        "insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)"
        " values ($1, 1, 'payment_event.done', now(), 'no json')",
        IDS.new(),
    )

    async def handler(connection: Connection, events: Sequence[AnyEvent]) -> None:
        raise AssertionError("nothing to handle")

    assert await consumer(pool, handler).step() == 1
    assert await owner.fetchval("select count(*) from ledger.dead_letters") == 1


async def test_a_version_is_published_once(pool: Pool) -> None:
    aggregate = IDS.new()
    await send(pool, done(aggregate, 1), done(aggregate, 2))
    with pytest.raises(asyncpg.UniqueViolationError):
        await send(pool, done(aggregate, 2))


async def test_the_outbox_cannot_be_changed_by_services(pool: Pool) -> None:
    await send(pool, done(IDS.new()))
    for statement in ("delete from payments.outbox", "update payments.outbox set type = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_the_stream_goes_on_after_a_position(pool: Pool) -> None:
    for version in range(1, 6):
        await send(pool, done(IDS.new(), version))
    stream = OutboxStream(pool, "payments")
    first = await stream.read(Position(0, 0), 3)
    rest = await stream.read(first[-1].position, 10)
    assert [e.version for e in first + rest] == [1, 2, 3, 4, 5]
    assert await stream.read(rest[-1].position, 10) == []
