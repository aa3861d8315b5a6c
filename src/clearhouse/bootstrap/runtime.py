"""What every service stands on, and the migrations of all of them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness, SystemRandomness
from clearhouse.postgres.connection import Pool, open_pool
from clearhouse.postgres.migrations import Migration, find_migrations, migrate

SERVICES: Final = (
    ("messaging", "clearhouse.messaging"),
    ("access", "clearhouse.access"),
    ("payments", "clearhouse.payments"),
    ("ledger", "clearhouse.ledger"),
    ("wallets", "clearhouse.wallets"),
    ("webhooks", "clearhouse.webhooks"),
    ("reconciliation", "clearhouse.reconciliation"),
)
"""Every service with the package that holds its migrations, in the order they must run."""


async def migrate_all(dsn: str) -> list[Migration]:
    """Bring the schemas of all services up to date; returns what was applied."""
    wanted: list[Migration] = []
    for service, package in SERVICES:
        wanted += find_migrations(service, package)
    return await migrate(dsn, wanted)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every service stands on: the database, time, ids and randomness."""

    pool: Pool
    clock: Clock
    ids: Ids
    randomness: Randomness


@asynccontextmanager
async def open_runtime(dsn: str, *, size: int, name: str) -> AsyncGenerator[Runtime]:
    """A runtime on the operating system's clock and randomness; closes its pool at the end.

    Raises UnavailableError when the database does not answer.
    """
    clock, randomness = SystemClock(), SystemRandomness()
    pool = await open_pool(dsn, size=size, name=name)
    try:
        yield Runtime(pool, clock, Ids(clock, randomness), randomness)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await pool.close()
        pool.terminate()
