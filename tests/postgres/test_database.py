"""Queries by name, migrations once, transactions that run again, partitions, the barrier."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from clearhouse.bootstrap import SERVICES, migrate_all
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import ConfigurationError, UnavailableError
from clearhouse.kernel.ids import floor_of
from clearhouse.postgres.barrier import pass_barrier
from clearhouse.postgres.connection import (
    Connection,
    PlainConnection,
    Pool,
    in_transaction,
    open_pool,
)
from clearhouse.postgres.embedded import EmbeddedPostgres
from clearhouse.postgres.migrations import Migration, find_migrations, migrate
from clearhouse.postgres.partitions import ensure_partitions
from clearhouse.postgres.queries import parse_queries


def test_queries_have_names_and_no_name_twice() -> None:
    text = "-- a comment\n-- name: one\nselect 1;\n\n-- name: two\n-- why\nselect 2\n"
    assert parse_queries(text) == {
        "one": "/* one */ select 1",
        "two": "/* two */ -- why\nselect 2",
    }
    with pytest.raises(ValueError, match="twice"):
        parse_queries("-- name: one\nselect 1\n-- name: one\nselect 2\n")


async def test_migrations_run_once_however_many_run_them(
    database: str, owner: PlainConnection
) -> None:
    assert await asyncio.gather(*(migrate_all(database) for _ in range(4))) == [[]] * 4
    known = sum(len(find_migrations(service, package)) for service, package in SERVICES)
    assert await owner.fetchval("select count(*) from clearhouse.migrations") == known


async def test_a_changed_migration_is_refused_and_a_broken_one_leaves_nothing(
    database: str, owner: PlainConnection
) -> None:
    first = Migration("trial", 1, "0001_trial.sql", "create table trial_one (a int)")
    assert await migrate(database, [first]) == [first]
    with pytest.raises(ConfigurationError, match="changed after it ran"):
        await migrate(database, [Migration("trial", 1, "0001_trial.sql", "select 1")])
    broken = Migration("trial", 2, "0002.sql", "create table trial_two (a int); select broken")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(database, [broken])
    assert await owner.fetchval("select to_regclass('trial_two')") is None


async def test_a_deadlock_is_run_again(pool: Pool, owner: PlainConnection) -> None:
    await owner.execute("create table pair (id int primary key, n int not null)")
    await owner.execute("grant select, update on pair to clearhouse_app")
    await owner.execute("insert into pair values (1, 0), (2, 0)")
    met = asyncio.Barrier(2)
    first_time = {1: True, 2: True}

    async def add(first: int, second: int) -> None:
        async def work(connection: Connection) -> None:
            await connection.execute("update pair set n = n + 1 where id = $1", first)
            if first_time[first]:
                first_time[first] = False
                await met.wait()
            await connection.execute("update pair set n = n + 1 where id = $1", second)

        await in_transaction(pool, SystemClock(), work)

    await asyncio.gather(add(1, 2), add(2, 1))
    assert [row["n"] for row in await owner.fetch("select n from pair")] == [2, 2]


async def test_the_application_acts_as_its_own_role_and_cannot_make_tables(pool: Pool) -> None:
    assert await pool.fetchval("select current_user") == "clearhouse_app"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("create table payments.mine (a int)")


async def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        await open_pool("postgresql://nobody@127.0.0.1:1/none", size=1, name="test")


async def test_a_database_that_is_not_there_is_a_configuration_error(
    postgres_server: EmbeddedPostgres, template_database: str
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await open_pool(postgres_server.dsn("no_such_database"), size=1, name="test")


async def test_partitions_are_made_ahead_by_the_application(
    pool: Pool, owner: PlainConnection
) -> None:
    assert await ensure_partitions(pool, 14) == 0
    made = await ensure_partitions(pool, 60)
    assert made > 0
    assert await ensure_partitions(pool, 60) == 0
    soon = datetime.now(UTC) + timedelta(days=30)
    part = await owner.fetchval(
        "insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)"
        " values ($1, 1, 't', now(), '{}') returning tableoid::regclass::text",
        floor_of(soon),
    )
    assert part != "payments.outbox_default"


async def test_the_floor_of_a_moment_is_the_same_in_sql_and_in_python(
    owner: PlainConnection,
) -> None:
    for moment in (
        datetime(2026, 11, 23, 8, 15, tzinfo=UTC),
        datetime(2026, 11, 23, 8, 15, 0, 999_499, tzinfo=UTC),
        datetime(2026, 11, 23, 8, 15, 0, 999_500, tzinfo=UTC),
        datetime(2026, 11, 23, 8, 15, 0, 999_999, tzinfo=UTC),
        datetime(2031, 1, 1, tzinfo=UTC),
    ):
        assert await owner.fetchval("select clearhouse.uuid7_floor($1)", moment) == floor_of(moment)


async def test_the_barrier_passes(pool: Pool) -> None:
    before = await pool.fetchval("select pg_current_wal_insert_lsn()::text")
    await pass_barrier(pool)
    assert await pool.fetchval("select pg_current_wal_insert_lsn()::text") != before
