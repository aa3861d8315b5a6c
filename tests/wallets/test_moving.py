"""Moving wallets: running balances, duplicates, what is refused, and many writers at once."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.ledger.books import CLOCK, IDS, MOMENT

from clearhouse.postgres.audit import CheckResult, run_check
from clearhouse.postgres.connection import Connection, PlainConnection, Pool, in_transaction
from clearhouse.wallets import store
from clearhouse.wallets.audit import CHECKS
from clearhouse.wallets.model import Moved, Movement


def movement(
    seller: str = "ann",
    pending: int = 100,
    available: int = 0,
    reserved: int = 0,
    *,
    currency: str = "USD",
    kind: str = "sale",
    source: UUID | None = None,
) -> Movement:
    return Movement(
        kind=kind,
        source_id=source or IDS.new(),
        reference="order-1",
        seller_account=seller,
        currency=currency,
        event_at=MOMENT,
        pending_minor=pending,
        available_minor=available,
        reserved_minor=reserved,
    )


async def move(pool: Pool, movements: Sequence[Movement]) -> list[Moved]:
    async def work(connection: Connection) -> list[Moved]:
        return await store.move(connection, movements, [IDS.new() for _ in movements], CLOCK.now())

    return await in_transaction(pool, CLOCK, work)


async def audit(connection: Connection) -> dict[str, CheckResult]:
    # Here wallets are moved by hand, and no sale is noted; test_maturing checks those.
    checks = [check for check in CHECKS if check.name != "wallets.noted"]
    return {check.name: await run_check(connection, check) for check in checks}


async def assert_sound(pool: Pool) -> None:
    async with pool.acquire() as connection:
        found = await audit(connection)
    assert [one.offenders for one in found.values() if one.violations] == []


async def parts(pool: Pool, seller: str = "ann") -> dict[str, tuple[int, int, int]]:
    return {
        found.currency: (found.pending_minor, found.available_minor, found.reserved_minor)
        for found in await store.balances(pool, seller)
    }


async def test_each_movement_carries_the_balances_after_it(pool: Pool) -> None:
    steps = [
        movement(pending=100),
        movement("bob", pending=5),
        movement(pending=-60, available=50, reserved=10, kind="settled"),
        movement(pending=7, currency="JPY"),
        movement(pending=0, available=-20, kind="paid_back"),
    ]
    answers = await move(pool, steps)
    assert all(answer.is_new for answer in answers)
    after: list[tuple[int, int, int]] = []
    for step in steps:
        (stored,) = await store.movements_of(pool, step.source_id)
        assert stored.movement == step
        found = stored.after
        after.append((found.pending_minor, found.available_minor, found.reserved_minor))
    assert after == [(100, 0, 0), (5, 0, 0), (40, 50, 10), (7, 0, 0), (40, 30, 10)]
    assert await parts(pool) == {"USD": (40, 30, 10), "JPY": (7, 0, 0)}
    totals = await store.totals(pool)
    assert (totals["USD"].total.minor, totals["JPY"].total.minor) == (85, 7)
    await move(pool, [movement(pending=1)])
    assert (await parts(pool))["USD"] == (41, 30, 10)
    await assert_sound(pool)


async def test_a_batch_of_nothing_is_nothing(pool: Pool) -> None:
    assert await move(pool, []) == []
    assert await store.totals(pool) == {}


async def test_the_same_source_and_kind_moves_once(pool: Pool) -> None:
    first, second = movement(pending=100), movement(pending=10)
    (original,) = await move(pool, [first])
    answers = await move(pool, [second, first, second])
    assert [answer.is_new for answer in answers] == [True, False, False]
    assert answers[1].movement_id == original.movement_id
    assert answers[2].movement_id == answers[0].movement_id
    other_kind = movement(pending=-1, kind="refund", source=first.source_id)
    assert [answer.is_new for answer in await move(pool, [other_kind, first])] == [True, False]
    assert await parts(pool) == {"USD": (109, 0, 0)}
    await assert_sound(pool)


async def test_the_same_source_never_moves_two_wallets(pool: Pool) -> None:
    first = movement("ann", pending=100)
    await move(pool, [first])
    (answer,) = await move(pool, [movement("bob", pending=100, source=first.source_id)])
    assert not answer.is_new
    assert await parts(pool, "bob") == {"USD": (0, 0, 0)}
    await assert_sound(pool)


async def test_pending_and_reserved_never_fall_below_zero(pool: Pool) -> None:
    await move(pool, [movement(pending=10, available=10, reserved=10)])
    for pending, available, reserved in [(-11, 0, 0), (0, 0, -11)]:
        too_much = movement("ann", pending, available, reserved)
        with pytest.raises(asyncpg.CheckViolationError, match="nothing_below_zero"):
            await move(pool, [movement("bob"), too_much])
    assert await parts(pool, "bob") == {}
    assert await parts(pool) == {"USD": (10, 10, 10)}
    await assert_sound(pool)


async def test_what_is_learnt_is_never_earlier_than_before(pool: Pool) -> None:
    late = CLOCK.now() + timedelta(hours=1)
    async with pool.acquire() as connection, connection.transaction():
        await store.move(connection, [movement()], [IDS.new()], late)
    again = movement()
    await move(pool, [again])
    (stored,) = await store.movements_of(pool, again.source_id)
    assert stored.recorded_at == late
    await assert_sound(pool)


async def test_many_writers_move_the_same_wallets_without_deadlock(pool: Pool) -> None:
    chance = random.Random(3)
    expected: Counter[str] = Counter()
    batches: list[list[Movement]] = []
    for _ in range(30):
        batch = [
            movement(f"seller-{chance.randrange(8)}", chance.randint(1, 99)) for _ in range(25)
        ]
        for one in batch:
            expected[one.seller_account] += one.pending_minor
        batches.append(batch)
    again = [chance.sample(batch, len(batch)) for batch in batches[:5]]

    async def once(batch: list[Movement]) -> list[Moved]:
        async with pool.acquire() as connection, connection.transaction():
            return await store.move(connection, batch, [IDS.new() for _ in batch], CLOCK.now())

    answers = await asyncio.gather(*(once(batch) for batch in [*batches, *again]))
    assert sum(answer.is_new for answered in answers for answer in answered) == 30 * 25
    found = {f"seller-{n}": (await parts(pool, f"seller-{n}"))["USD"][0] for n in range(8)}
    assert found == expected
    await assert_sound(pool)


CHANGES = [
    "update wallets.movements set pending_minor = 1",
    "delete from wallets.movements",
    "truncate wallets.movements",
    "delete from wallets.wallets",
    "truncate wallets.wallets",
]
WRITES = [
    "insert into wallets.movements select * from wallets.movements",
    "insert into wallets.wallets (seller_account, currency) values ('eve', 'USD')",
    "update wallets.wallets set available_minor = 1000000",
]


async def test_movements_are_append_only(pool: Pool, owner: PlainConnection) -> None:
    await move(pool, [movement()])
    for sql in [*CHANGES, *WRITES]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(sql)
    for sql in CHANGES:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(sql)
    assert await parts(pool) == {"USD": (100, 0, 0)}


# fmt: off
TAMPERINGS = [
    ("update wallets.wallets set available_minor = 5 where seller_account = 'ann'",
        {"wallets.balances"}),
    ("update wallets.wallets set movement_count = 5 where seller_account = 'ann'",
        {"wallets.balances"}),
    ("update wallets.movements set pending_minor = pending_minor + 1 where sequence = 1",
        {"wallets.balances", "wallets.running"}),
    ("update wallets.movements set pending_after = pending_after + 1 where sequence = 1",
        {"wallets.running"}),
    ("delete from wallets.movements where sequence = 1",
        {"wallets.balances", "wallets.running"}),
    ("delete from wallets.wallets where seller_account = 'ann'",
        {"wallets.balances"}),
]
# fmt: on


async def test_tampering_is_found_and_named(pool: Pool, owner: PlainConnection) -> None:
    await move(pool, [movement(), movement(), movement("bob")])
    for table in ("movements", "wallets"):
        await owner.execute(f"alter table wallets.{table} disable trigger user")
    for tampering, caught in TAMPERINGS:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(tampering)
        found = await audit(owner)
        await transaction.rollback()
        named = {name for name, one in found.items() if one.offenders and all(one.offenders)}
        assert (tampering, named) == (tampering, caught)
    sound = await audit(owner)
    assert {n: (one.examined, one.violations) for n, one in sound.items() if one.examined} == {
        "wallets.balances": (2, 0),
        "wallets.running": (3, 0),
    }
