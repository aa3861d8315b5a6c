"""Several writers at once: no deadlock, no lost update, nothing half-written, once each."""

import asyncio
import random
from collections import Counter

import asyncpg
import pytest
from tests.ledger.books import (
    CLOCK,
    IDS,
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
from clearhouse.ledger.chart import sale
from clearhouse.ledger.model import JournalEntry, Line, Outcome, Posted
from clearhouse.postgres.connection import PlainConnection, Pool


async def deadlocks(pool: Pool) -> int:
    await pool.execute("select pg_stat_clear_snapshot()")
    return await pool.fetchval(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )


async def post_once(pool: Pool, batch: list[JournalEntry]) -> list[Posted]:
    """Without the retry that would hide a deadlock."""
    async with pool.acquire() as connection, connection.transaction():
        ids = [IDS.new() for _ in batch]
        return await store.post(connection, batch, ids, CLOCK.now())


async def test_writers_on_the_same_accounts_never_deadlock_and_lose_nothing(pool: Pool) -> None:
    # The accounts are new, so that all writers make them at the same time, too.
    chance = random.Random(7)
    accounts = [liability(f"seller-{n}") for n in range(12)]
    moved: Counter[str] = Counter()
    batches: list[list[JournalEntry]] = []
    for _ in range(40):
        batch: list[JournalEntry] = []
        for _ in range(25):
            debit, credit = chance.sample(accounts, 2)
            amount = chance.randint(1, 1_000)
            moved[debit.code] -= amount
            moved[credit.code] += amount
            batch.append(entry(Line(debit, credit, amount)))
        batches.append(batch)
    answers = await asyncio.gather(*(post_once(pool, batch) for batch in batches))
    assert all(outcomes(answer) == [Outcome.POSTED] * 25 for answer in answers)
    assert await kept(pool) == moved
    assert await deadlocks(pool) == 0
    await assert_sound(pool)


async def test_one_hot_account_in_every_entry(pool: Pool) -> None:
    batches = [
        [sale(succeeded(seller=f"seller-{n}", amount=100, fee=3)) for n in range(100)]
        for _ in range(10)
    ]
    await asyncio.gather(*(post_once(pool, batch) for batch in batches))
    balances = await kept(pool)
    assert balances["psp_receivable:stripe:USD"] == 100_000
    assert balances["platform_fee_revenue:USD"] == 3_000
    assert {balances[f"seller_payable:seller-{n}:USD"] for n in range(100)} == {970}
    await assert_sound(pool)


async def test_the_same_entries_from_many_writers_are_booked_once(pool: Pool) -> None:
    entries = [sale(succeeded(seller=f"seller-{n % 5}", amount=100, fee=0)) for n in range(50)]
    shuffled: list[list[JournalEntry]] = []
    for seed in range(8):
        batch = list(entries)
        random.Random(seed).shuffle(batch)
        shuffled.append(batch)
    answers = await asyncio.gather(*(post_once(pool, batch) for batch in shuffled))
    posted = Counter(outcome for answer in answers for outcome in outcomes(answer))
    assert posted == {Outcome.POSTED: 50, Outcome.DUPLICATE: 350}
    stored = {
        (answer.entry.source_id, answer.entry_id) for answered in answers for answer in answered
    }
    assert len(stored) == 50
    assert (await kept(pool))["psp_receivable:stripe:USD"] == 5_000
    assert await deadlocks(pool) == 0
    await assert_sound(pool)


async def test_a_floor_holds_when_many_spend_at_once(pool: Pool) -> None:
    ann, cash = liability("ann", floor=0), asset("cash")
    await post(pool, [entry(Line(cash, ann, 100))])
    answers = await asyncio.gather(
        *(post_once(pool, [entry(Line(ann, cash, 7)) for _ in range(3)]) for _ in range(10))
    )
    spent = Counter(outcome for answer in answers for outcome in outcomes(answer))
    assert spent == {Outcome.POSTED: 14, Outcome.OVERDRAWN: 16}
    assert (await kept(pool))["ann"] == 2
    await assert_sound(pool)


async def test_a_writer_killed_in_the_middle_leaves_nothing(
    pool: Pool, owner: PlainConnection, database: str
) -> None:
    event = sale(succeeded("killed", amount=100, fee=3))
    other = sale(succeeded("other", amount=50, fee=3))
    doomed = await asyncpg.connect(database)
    await doomed.transaction().start()
    (answer,) = await store.post(doomed, [event], [IDS.new()], CLOCK.now())
    assert answer.outcome is Outcome.POSTED
    waiting = asyncio.create_task(post(pool, [other]))
    await owner.execute("select pg_terminate_backend($1)", doomed.get_server_pid())
    while not doomed.is_closed():
        await asyncio.sleep(0.01)
    # Whoever waited for its locks goes on, from balances that it never touched.
    assert outcomes(await waiting) == [Outcome.POSTED]
    assert (await kept(pool))["psp_receivable:stripe:USD"] == 50
    assert outcomes(await post(pool, [event])) == [Outcome.POSTED]
    assert (await kept(pool))["psp_receivable:stripe:USD"] == 150
    await assert_sound(pool)


async def test_a_snapshot_that_is_too_old_cannot_write(pool: Pool) -> None:
    await post(pool, [sale(succeeded(amount=100, fee=0))])
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.SerializationError):
            async with connection.transaction(isolation="repeatable_read"):
                await connection.fetchval("select count(*) from ledger.accounts")
                await post(pool, [sale(succeeded(amount=10, fee=0))])
                late = [sale(succeeded(amount=1, fee=0))]
                await store.post(connection, late, [IDS.new()], CLOCK.now())
    assert (await kept(pool))["psp_receivable:stripe:USD"] == 110
    await assert_sound(pool)
