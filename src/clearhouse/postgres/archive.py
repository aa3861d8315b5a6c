"""Detaching the partitions of one range of time from all tables at once, while others write.

Why a plain DETACH: the concurrent one cannot run in a transaction, nor beside a default
partition. So locks are given up after a moment, shorter than ``deadlock_timeout``: whoever else
waits in a circle with us, it is we who give way.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.ids import moment_of
from clearhouse.postgres.connection import APPLICATION_ROLE, Connection
from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.postgres", "archive.sql")
_BOUNDS: Final = re.compile(r"FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK_TIMEOUT: Final = "set local lock_timeout = '300ms'"
_LONGEST_WAIT: Final = 5.0
_BOOKS_LOCK: Final = 0x626F_6F6B_73


@dataclass(frozen=True, slots=True)
class Table:
    """A partitioned table; ``default`` is its default partition's name, if it has one.

    ``changes`` is true when the application may update or delete its rows.
    """

    schema: str
    name: str
    key: str
    default: str | None
    changes: bool

    @property
    def label(self) -> str:
        """Schema and name, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Schema and name, quoted."""
        return f'"{self.schema}"."{self.name}"'


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition, from ``lower`` up to but without ``upper``."""

    table: Table
    name: str
    lower: UUID
    upper: UUID

    @property
    def sql(self) -> str:
        """Schema and name, quoted."""
        return f'"{self.table.schema}"."{self.name}"'

    @property
    def archive(self) -> str:
        """The schema that takes it once it is detached."""
        return f"archive_{self.table.schema}"


@dataclass(frozen=True, slots=True)
class Range:
    """The partitions of all tables for one range of time, which go together."""

    lower: UUID
    upper: UUID
    tables: tuple[Table, ...]
    """All partitioned tables, those without a partition here among them."""
    partitions: tuple[Partition, ...]

    @property
    def starts_at(self) -> datetime:
        """The range's first moment, in UTC."""
        return moment_of(self.lower, _EPOCH)

    @property
    def ends_at(self) -> datetime:
        """The first moment after the range, in UTC."""
        return moment_of(self.upper, _EPOCH)

    @property
    def label(self) -> str:
        """The first day and the first day after it, such as 20260907-20260914."""
        return f"{self.starts_at:%Y%m%d}-{self.ends_at:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an archived partition is in its file, below the archive's directory."""

    partition: Partition
    file: str
    rows: int
    sha256: str


@asynccontextmanager
async def books_held(connection: Connection) -> AsyncGenerator[None]:
    """Keep all partitions where they are meanwhile.

    For whoever reads the books of several tables as one: detaching is seen at once, whatever
    snapshot is being read. Waits while a range is being detached, which takes a moment.
    """
    await connection.execute("select pg_advisory_lock_shared($1)", _BOOKS_LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock_shared($1)", _BOOKS_LOCK)


async def find_ranges(connection: Connection, before: UUID) -> list[Range]:
    """All ranges of time that end at or before ``before`` (a UUIDv7 bound), oldest first."""
    tables: dict[Table, None] = {}
    partitions: list[Partition] = []
    for row in await connection.fetch(_SQL["partitions"], APPLICATION_ROLE):
        table = Table(
            row["schema"], row["table"], row["key"], row["default_partition"], row["changes"]
        )
        tables[table] = None
        match = _BOUNDS.search(row["bounds"] or "")
        if match:
            partitions.append(Partition(table, row["partition"], UUID(match[1]), UUID(match[2])))
    found = [
        Range(min(p.lower for p in group), max(p.upper for p in group), tuple(tables), tuple(group))
        for group in overlapping(partitions)
    ]
    return [one for one in found if one.upper <= before]


def overlapping(partitions: Sequence[Partition]) -> list[list[Partition]]:
    """Groups of partitions that share a moment, oldest first: a table may cut time more coarsely
    than others, and what overlaps can only go together. Pure.
    """
    groups: list[list[Partition]] = []
    end: UUID | None = None
    for partition in sorted(partitions, key=lambda one: (one.lower, one.table.label)):
        if end is None or partition.lower >= end:
            groups.append([])
            end = partition.upper
        groups[-1].append(partition)
        end = max(end, partition.upper)
    return groups


async def seal(connection: Connection, clock: Clock, one: Range, *, tries: int) -> None:
    """Refuse every further write to the partitions; returns when none is under way any more.

    Raises UnavailableError when they stay locked by others.
    """

    async def work() -> None:
        await connection.execute(
            _lock([part.sql for part in one.partitions], "share row exclusive")
        )
        for partition in one.partitions:
            await connection.execute(
                f"create or replace trigger sealed before insert or update or delete"
                f" on {partition.sql} for each row execute function clearhouse.refuse_sealed();"
                f' create schema if not exists "{partition.archive}"'
            )

    await _patiently(connection, clock, one, work, tries=tries)


async def unseal(connection: Connection, clock: Clock, one: Range, *, tries: int) -> None:
    """Let the partitions be written again, as before ``seal``."""

    async def work() -> None:
        for partition in one.partitions:
            await connection.execute(f"drop trigger if exists sealed on {partition.sql}")

    await _patiently(connection, clock, one, work, tries=tries)


async def detach(
    connection: Connection,
    clock: Clock,
    one: Range,
    exported: Sequence[Exported],
    keep: Callable[[], Awaitable[None]],
    *,
    tries: int,
) -> float:
    """Detach a sealed range into the schemas ``archive_*``, in one database transaction.

    ``keep`` stores, in the same transaction and before any table is locked, what must outlive
    the rows. Returns for how many seconds others may have waited for the tables. Raises
    UnavailableError when they stay locked by others; nothing has changed then.
    """
    began = 0.0

    async def work() -> None:
        nonlocal began
        await connection.execute("select pg_advisory_xact_lock($1)", _BOOKS_LOCK)
        await keep()
        await connection.execute(
            _SQL["note_tables"],
            one.lower,
            one.upper,
            [file.partition.table.schema for file in exported],
            [file.partition.name for file in exported],
            [file.file for file in exported],
            [file.rows for file in exported],
            [file.sha256 for file in exported],
        )
        began = clock.monotonic()
        await connection.execute(_lock(_all_names(one), "access exclusive"))
        await connection.execute("; ".join(_steps(one)))

    await _patiently(connection, clock, one, work, tries=tries)
    return clock.monotonic() - began


def _steps(one: Range) -> list[str]:
    steps: list[str] = []
    for partition in one.partitions:
        steps += [
            f"alter table {partition.table.sql} detach partition {partition.sql}",
            f'alter table {partition.sql} set schema "{partition.archive}"',
        ]
    # What was archived cannot come a second time by way of a default partition: the unique keys
    # that would have refused it are gone with the rows.
    steps += [
        f'alter table "{table.schema}"."{table.default}" drop constraint if exists not_archived,'
        f" add constraint not_archived check (\"{table.key}\" >= '{one.upper}') not valid"
        for table in one.tables
        if table.default is not None
    ]
    return steps


def _all_names(one: Range) -> list[str]:
    parents = [table.sql for table in one.tables]
    defaults = [f'"{table.schema}"."{table.default}"' for table in one.tables if table.default]
    return parents + defaults + [partition.sql for partition in one.partitions]


def _lock(names: Sequence[str], mode: str) -> str:
    return f"lock table {', '.join(f'only {name}' for name in names)} in {mode} mode"


async def _patiently(
    connection: Connection,
    clock: Clock,
    one: Range,
    work: Callable[[], Awaitable[None]],
    *,
    tries: int,
) -> None:
    """Run work in a transaction that gives way at once, again until nobody is in the way."""
    for attempt in range(1, tries + 1):
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await work()
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == tries:
                raise UnavailableError(
                    f"The tables of {one.label} stay in use{await _by_whom(connection, one)}.",
                    hint="Nothing was changed; try again later.",
                ) from error
        await clock.sleep(min(0.1 * 2**attempt, _LONGEST_WAIT))


async def _by_whom(connection: Connection, one: Range) -> str:
    rows = await connection.fetch(_SQL["holders"], _all_names(one), _BOOKS_LOCK)
    return " by " + ", ".join(f"{row['name']} ({row['pid']})" for row in rows) if rows else ""
