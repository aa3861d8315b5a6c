"""Archiving while payments go on, while somebody reads the books, and killed at each step."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.upkeep.years import (
    accept,
    archive,
    book,
    busy_shop,
    execute,
    holds,
    sell,
    verdict_on,
)

from clearhouse.postgres.archive import books_held
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.proof.verify import Verdict
from clearhouse.upkeep import archive as module

WEEKS = (60, 70, 80)
SOLD = {days: [f"a-{days}", f"b-{days}"] for days in WEEKS}


async def archived(owner: PlainConnection) -> int:
    return int(
        await owner.fetchval("select count(distinct range_from) from clearhouse.archived_tables")
    )


async def test_payments_go_on_while_weeks_are_archived(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    async def look() -> int:
        looks = 0
        while await archived(watcher) < len(WEEKS):
            await holds(database)
            looks += 1
            await asyncio.sleep(0.1)
        return looks

    watcher = await asyncpg.connect(database)
    async with busy_shop(shop) as accepted:
        while len(accepted) < 20:
            await asyncio.sleep(0.01)
        looking = asyncio.create_task(look())
        outcomes = await archive(owner, shop, tmp_path, tries=100)
        assert not any(one.stays for one in outcomes), outcomes
        assert await looking > 0
        after = len(accepted)
        while len(accepted) < after + 20:
            await asyncio.sleep(0.01)
    await watcher.close()
    await execute(shop)
    await book(shop)
    await holds(database)
    assert await owner.fetchval("select count(*) from payments.payment_events") >= len(accepted)
    for service in ("payments", "ledger", "wallets"):
        assert await owner.fetchval(f"select count(*) from {service}.dead_letters") == 0


STEPS = [
    # the step of the second week at which it is killed
    ("seal", "before"),
    ("open_reasons", "before"),
    ("export_range", "before"),
    ("_sum_up", "before"),
    ("detach", "before"),
    ("detach", "after"),
]


@pytest.mark.parametrize(("killed_at", "when"), STEPS)
async def test_killed_at_any_step_it_is_simply_run_again(
    database: str,
    owner: PlainConnection,
    shop: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: str,
    when: str,
) -> None:
    whole = getattr(module, killed_at)
    calls = 0

    async def killed(connection: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2 and when == "before":
            connection.terminate()
        result = await whole(connection, *arguments, **options)
        if calls == 2:
            connection.terminate()
            raise ConnectionError("killed")
        return result

    monkeypatch.setattr(module, killed_at, killed)
    doomed = await asyncpg.connect(database)
    # The driver stumbles over a connection that is gone in more than one way.
    with pytest.raises((ConnectionError, asyncpg.InterfaceError, AttributeError)):
        await archive(doomed, shop, tmp_path)
    monkeypatch.setattr(module, killed_at, whole)
    assert 0 <= await archived(owner) < len(WEEKS)
    await holds(database)
    await sell(shop, ["meanwhile"])
    outcomes = await archive(owner, shop, tmp_path)
    assert not any(one.stays for one in outcomes)
    assert await archived(owner) == len(WEEKS)
    await holds(database)


async def test_killed_within_the_transaction_that_detaches_nothing_has_happened(
    database: str,
    owner: PlainConnection,
    shop: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = module.detach

    async def detach(
        connection: Any, clock: Any, one: Any, exported: Any, keep: Any, **options: Any
    ) -> float:
        async def keep_and_die() -> None:
            await keep()
            connection.terminate()

        return await whole(connection, clock, one, exported, keep_and_die, **options)

    monkeypatch.setattr(module, "detach", detach)
    doomed = await asyncpg.connect(database)
    with pytest.raises(asyncpg.InterfaceError):
        await archive(doomed, shop, tmp_path)
    assert await archived(owner) == 0
    assert await owner.fetchval("select count(*) from ledger.archived_postings") == 0
    await holds(database)


async def test_it_waits_for_whoever_reads_the_books_and_names_who_is_in_the_way(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    pool = await open_pool(database, size=1, name="verify")
    async with pool.acquire() as reader, books_held(reader):
        outcomes = await archive(owner, shop, tmp_path, tries=1)
    await pool.close()
    assert "stay in use" in outcomes[0].reasons[0]
    assert await archived(owner) == 0
    blocker = await asyncpg.connect(database, server_settings={"application_name": "a report"})
    async with blocker.transaction():
        await blocker.fetch("select * from payments.payment_orders")
        await asyncio.sleep(1.1)
        outcomes = await archive(owner, shop, tmp_path, tries=1)
        # Whoever stands in the way stops us, and we stop nobody.
        await accept(shop, ["meanwhile"])
    await blocker.close()
    assert "stay in use by a report (" in outcomes[0].reasons[0]
    assert "until the next run" in outcomes[0].reasons[1]
    assert not any(one.stays for one in await archive(owner, shop, tmp_path))


async def test_a_verdict_is_of_one_moment_although_tables_leave(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    """The two race again and again; whatever verify sees, it sees rows or their sums."""
    archiving = asyncio.create_task(archive(owner, shop, tmp_path, tries=100))
    verdicts = list[Verdict]()
    while not archiving.done():
        verdicts.append(await verdict_on(database))
    assert not any(one.stays for one in await archiving)
    assert verdicts
    assert all(verdict.holds for verdict in verdicts)
