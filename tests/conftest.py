"""A real PostgreSQL for all tests: one server per run, one fresh database per test that asks."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from pathlib import Path

import asyncpg
import httpx
import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests import in_memory
from tests.databases import copy_of

from clearhouse.bootstrap import migrate_all
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.postgres.embedded import EmbeddedPostgres

# Where there is no browser, the tests that need one are left out, and the summary says so.
pytest_plugins = ["tests.browser.left_out", "tests.order"]

# A busy machine is no failed test; `make soak` asks for very many examples.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("tests"), max_examples=5_000)
settings.load_profile("tests")

_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "wal_compression": "off",
}


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    """No test logs into the output that an earlier one was given, nor a server of many tests into
    what a command prints beside it."""
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """Or each client of HTTP reads those of the machine anew, for longer than most tests take."""
    with pytest.MonkeyPatch.context() as patch:
        once = lru_cache(httpx.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", once)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The run's server, in memory if there is room. No fsync: tests kill processes, not power."""
    with in_memory.new_folder("clearhouse-test-") as directory:
        server = EmbeddedPostgres(directory, settings=_FAST)
        server.start()
        yield server
        server.stop(immediately=True)


@pytest.fixture(scope="session")
def migrated_data() -> Iterator[Path]:
    """The data of a server that was set up, migrated and stopped: a group begins with a copy."""
    with in_memory.new_folder("clearhouse-migrated-") as directory:
        server = EmbeddedPostgres(directory, settings=_FAST)
        asyncio.run(migrate_all(server.start()))
        server.stop()
        yield server.data


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """A migrated database that the others are copied from."""

    async def prepare() -> None:
        admin = await asyncpg.connect(postgres_server.dsn())
        await admin.execute("create database clearhouse_template")
        await admin.close()
        await migrate_all(postgres_server.dsn("clearhouse_template"))

    asyncio.run(prepare())
    return "clearhouse_template"


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped after the test."""
    with copy_of(template_database, postgres_server) as url:
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool on the test's fresh database, acting as the application's role."""
    opened = await open_pool(database, size=8, name="test")
    yield opened
    opened.terminate()


@pytest.fixture
async def owner(database: str) -> AsyncIterator[PlainConnection]:
    """A connection as the database's owner, to look at what services may not see or to tamper."""
    connection = await asyncpg.connect(database)
    yield connection
    connection.terminate()
