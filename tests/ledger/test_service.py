"""The ledger as a consumer: an event is booked once, and its answer is published once."""

import pytest
from tests.ledger.books import (
    CLOCK,
    IDS,
    MOMENT,
    assert_sound,
    asset,
    entry,
    kept,
    liability,
    outcomes,
    post,
    succeeded,
)

from clearhouse.ledger import store
from clearhouse.ledger.model import AccountType, Line, Outcome, PostingRefused
from clearhouse.ledger.rules import RULES
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.consumer import Consumer
from clearhouse.messaging.events import (
    Event,
    JournalEntryPosted,
    PaymentOrderExecuting,
    PaymentOrderSucceeded,
    PayoutCreated,
    decode,
)
from clearhouse.messaging.outbox import OutboxStream, Position, publish
from clearhouse.postgres.connection import Connection, Pool, in_transaction


def a_service() -> LedgerService:
    """One that knows no account yet: each test has a database of its own."""
    return LedgerService(IDS, CLOCK)


async def send(pool: Pool, *events: Event) -> None:
    async def work(connection: Connection) -> None:
        await publish(connection, "payments", events)

    await in_transaction(pool, CLOCK, work)


async def published(pool: Pool) -> list[JournalEntryPosted]:
    found: list[JournalEntryPosted] = []
    for envelope in await OutboxStream(pool, "ledger").read(Position(0, 0), 1000):
        event = decode(envelope.payload)
        assert isinstance(event, JournalEntryPosted)
        found.append(event)
    return found


def consumer(pool: Pool) -> Consumer:
    streams = (OutboxStream(pool, name) for name in ("payments", "wallets"))
    return Consumer(pool, CLOCK, a_service().subscriptions(*streams)[0])


def test_the_ledger_subscribes_to_what_it_can_book(pool: Pool) -> None:
    streams = [OutboxStream(pool, name) for name in ("payments", "wallets")]
    reconciliation = OutboxStream(pool, "reconciliation")
    found = [*a_service().subscriptions(*streams), a_service().settlements(reconciliation)]
    names = ["ledger.payments", "ledger.wallets", "ledger.reconciliation"]
    assert [one.name for one in found] == names
    assert {one.schema for one in found} == {"ledger"}
    assert [one.stream for one in found] == [*streams, reconciliation]
    assert [kind for one in found for kind in one.types] == list(RULES)
    assert PaymentOrderSucceeded in found[0].types
    assert PayoutCreated in found[1].types


async def test_an_event_is_booked_and_answered(pool: Pool) -> None:
    events = [succeeded(f"order-{n}", amount=1_000, fee=30) for n in range(3)]
    other = PaymentOrderExecuting(
        aggregate_id=IDS.new(),
        version=2,
        occurred_at=MOMENT,
        payment_order_id="order-9",
        checkout_id="c",
    )
    await send(pool, *events, other)
    assert await consumer(pool).step() == 4
    answers = await published(pool)
    assert [(a.kind, a.source_id, a.reference, a.version) for a in answers] == [
        ("sale", event.aggregate_id, event.payment_order_id, 1) for event in events
    ]
    for answer in answers:
        postings = await store.entries_of(pool, answer.source_id)
        assert {posting.entry_id for posting in postings} == {answer.aggregate_id}
    assert (await kept(pool))["seller_payable:garden-shed:USD"] == 2_910
    await assert_sound(pool)


async def test_a_redelivered_event_is_neither_booked_nor_answered_again(pool: Pool) -> None:
    first, second = (succeeded(f"order-{n}", amount=100, fee=3) for n in (1, 2))

    async def work(connection: Connection) -> None:
        await a_service().handle(connection, [first, first])
        await a_service().handle(connection, [second, first])

    await in_transaction(pool, CLOCK, work)
    await in_transaction(pool, CLOCK, work)
    assert [answer.reference for answer in await published(pool)] == ["order-1", "order-2"]
    assert (await kept(pool))["psp_receivable:stripe:USD"] == 200


async def test_the_entry_and_its_answer_stand_or_fall_together(pool: Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(RuntimeError, match="power cut"):
            async with connection.transaction():
                await a_service().handle(connection, [succeeded()])
                raise RuntimeError("power cut")
    assert await published(pool) == []
    assert await kept(pool) == {}


async def test_one_event_that_cannot_be_booked_never_stops_the_others(pool: Pool) -> None:
    await send(
        pool,
        succeeded("good-1", amount=100, fee=3),
        succeeded("bad", amount=100, fee=101),
        succeeded("good-2", amount=100, fee=3),
    )
    assert await consumer(pool).step() == 3
    assert [answer.reference for answer in await published(pool)] == ["good-1", "good-2"]
    letters = await pool.fetch("select type, error from ledger.dead_letters")
    assert [row["type"] for row in letters] == ["payment_order.succeeded"]
    assert "a fee of 101 cannot be taken from a sale of 100" in letters[0]["error"]
    await assert_sound(pool)


async def test_an_entry_that_is_refused_becomes_a_dead_letter(pool: Pool) -> None:
    # Somebody made the fee account an asset: nothing may be booked on it as income.
    wrong = asset("platform_fee_revenue:USD")
    assert wrong.type is AccountType.ASSET
    await post(pool, [entry(Line(wrong, liability("other"), 1))])
    async with pool.acquire() as connection:
        with pytest.raises(PostingRefused, match="The sale order-1 is mismatched"):
            async with connection.transaction():
                await a_service().handle(connection, [succeeded("order-1")])
    await send(pool, succeeded("order-1"), succeeded("order-2", fee=0))
    await consumer(pool).step()
    assert [answer.reference for answer in await published(pool)] == ["order-2"]
    assert await pool.fetchval("select count(*) from ledger.dead_letters") == 1


async def test_entries_of_a_person_or_a_program_are_answered_too(pool: Pool) -> None:
    ann, cash = liability("ann", floor=0), asset("cash")
    entries = [entry(Line(cash, ann, 10)), entry(Line(ann, cash, 11), kind="payout")]

    async def work(connection: Connection) -> list[Outcome]:
        return outcomes(await a_service().post(connection, entries))

    assert await in_transaction(pool, CLOCK, work) == [Outcome.POSTED, Outcome.OVERDRAWN]
    assert [(a.kind, a.source_id) for a in await published(pool)] == [
        ("test", entries[0].source_id)
    ]


async def test_a_batch_costs_one_statement_however_large(pool: Pool) -> None:
    """And one more while some of its accounts are new."""
    service = a_service()

    async def statements(count: int) -> int:
        seen: list[str] = []
        async with pool.acquire() as connection, connection.transaction():
            events = [succeeded(f"order-{n}", seller=f"seller-{n}") for n in range(count)]
            with connection.query_logger(lambda record: seen.append(record.query)):
                await service.handle(connection, events)
        return len([query for query in seen if "/* " in query])

    assert [await statements(count) for count in (1, 300, 300, 300)] == [2, 2, 2, 1]
