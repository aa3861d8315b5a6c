"""Databases for tests, each a copy of one that was made before."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import asyncpg

from clearhouse.postgres.embedded import EmbeddedPostgres

_names = count(1)


@contextmanager
def copy_of(template: str, server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a copy of a database that nobody is connected to; dropped in the end."""
    name = f"test_{next(_names)}"

    async def run(sql: str) -> None:
        admin = await asyncpg.connect(server.dsn())
        await admin.execute(sql)
        await admin.close()

    asyncio.run(run(f"create database {name} template {template} strategy file_copy"))
    yield server.dsn(name)
    asyncio.run(run(f"drop database {name} with (force)"))
