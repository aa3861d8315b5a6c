"""Migrations: numbered SQL files per service, applied once, in order, under a lock.

Every service owns one schema and brings its own files (``<room>/migrations/0001_name.sql``),
so that a service can move to a database of its own with its files alone. A file that was
applied never changes: its checksum is kept and compared.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

import asyncpg

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.postgres.connection import APPLICATION_ROLE, PlainConnection

_FILE: Final = re.compile(r"(\d{4})_\w+\.sql")
_LOCK: Final = 0x636C_6561_7268
_BOOK: Final = """
create schema if not exists clearhouse;
create table if not exists clearhouse.migrations (
    service text not null,
    number int not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (service, number)
)"""
_ROLE: Final = f"""
do $$
begin
    if not exists (select from pg_roles where rolname = '{APPLICATION_ROLE}') then
        create role {APPLICATION_ROLE} nologin;
    end if;
    if not pg_has_role(current_user, '{APPLICATION_ROLE}', 'member') then
        execute format('grant {APPLICATION_ROLE} to %I', current_user);
    end if;
exception
    -- Another database of the same server may create the role in the same moment.
    when unique_violation or duplicate_object then null;
end
$$"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file of one service."""

    service: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


def find_migrations(service: str, package: str) -> list[Migration]:
    """The migrations of a service, in order, from the package's ``migrations`` folder."""
    folder = resources.files(package).joinpath("migrations")
    if not folder.is_dir():
        return []
    found: list[Migration] = []
    for file in folder.iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(service, int(match[1]), file.name, sql))
    return sorted(found, key=lambda migration: migration.number)


async def migrate(dsn: str, migrations: list[Migration]) -> list[Migration]:
    """Apply what is missing, each file in a transaction of its own; returns what was applied.

    Safe to run from many places at once: an advisory lock lets one run and the others wait.
    Raises ConfigurationError when a file that was applied has been changed since.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await connection.execute(_ROLE)
        await connection.execute(_BOOK)
        rows = await connection.fetch("select service, number, checksum from clearhouse.migrations")
        known = {(row["service"], row["number"]): row["checksum"] for row in rows}
        applied: list[Migration] = []
        for migration in migrations:
            checksum = known.get((migration.service, migration.number))
            if checksum is None:
                await _apply(connection, migration)
                applied.append(migration)
            elif checksum != migration.checksum:
                raise ConfigurationError(
                    f"Migration {migration.service}/{migration.name} was changed after it ran.",
                    hint="Restore the file and put the change into a new migration.",
                )
        return applied
    finally:
        await connection.close()


async def _apply(connection: PlainConnection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into clearhouse.migrations (service, number, name, checksum)"
            " values ($1, $2, $3, $4)",
            migration.service,
            migration.number,
            migration.name,
            migration.checksum,
        )
