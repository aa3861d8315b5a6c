"""`clearhouse archive` as people run it: what would go, what went, and how it ends."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.cli.command import run
from tests.upkeep.years import accept, holds, make_partitions, sell

from clearhouse.postgres.connection import PlainConnection, Pool


async def archive(database: str, *options: str) -> Any:
    settings = {"CLEARHOUSE_DATABASE_URL": database}
    return await asyncio.to_thread(run, "archive", *options, settings=settings)


async def test_it_tells_what_would_go_then_archives_and_drops(
    database: str, owner: PlainConnection, pool: Pool, tmp_path: Path
) -> None:
    none = await archive(database)
    assert none.returncode == 0
    assert none.stdout == "Nothing is older than 550 days.\n"

    await make_partitions(owner, 60)
    await sell(pool, ["old"], days=60)
    told = await archive(database, "--older-than", "30")
    assert told.returncode == 0, told.stderr
    first, last = told.stdout.splitlines()
    assert first.startswith("✓ ")
    assert first.endswith(" MB: can go")
    assert last == "Nothing was changed; --to DIRECTORY archives what can go."

    done = await archive(database, "--older-than", "30", "--to", str(tmp_path), "--drop", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    (week,) = data["ranges"]
    assert week["stays"] == []
    assert week["rows"] == sum(file["rows"] for file in week["files"])
    assert all((tmp_path / file["file"]).exists() for file in week["files"])
    assert len(data["dropped"]) == len(week["files"])
    left = "select count(*) from pg_tables where starts_with(schemaname, 'archive_')"
    assert await owner.fetchval(left) == 0
    await holds(database)


async def test_a_week_that_must_stay_ends_it_with_1_and_says_why(
    database: str, owner: PlainConnection, pool: Pool, tmp_path: Path
) -> None:
    await make_partitions(owner, 60)
    await accept(pool, ["waiting"], days=60)
    told = await archive(database, "--older-than", "30", "--to", str(tmp_path))
    assert told.returncode == 1
    assert "stays" in told.stdout
    assert "    orders that are not final and booked: 2" in told.stdout.splitlines()
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_done_is_one_sentence(database: str, owner: PlainConnection) -> None:
    told = await archive(database, "--drop")
    assert told.returncode == 2
    assert told.stderr.startswith("Error: --drop needs --to.")
    assert (await archive(database, "--older-than", "0")).returncode == 2
    # Somebody who may do what services do, and no more.
    await owner.execute(
        "do $$ begin create role clearhouse_guest login in role clearhouse_app;"
        " exception when duplicate_object then null; end $$"
    )
    await make_partitions(owner, 600)
    guest = await archive(
        database.replace("postgres@", "clearhouse_guest@"), "--to", "/nonexistent"
    )
    assert guest.returncode == 2, guest.stdout
    assert guest.stderr.startswith("Error: PostgreSQL refused to archive: ")
    assert "`clearhouse migrate`" in guest.stderr
