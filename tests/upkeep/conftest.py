"""Shops that have sold for months: each is made once for its file, and copied for each test."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.databases import copy_of
from tests.upkeep.years import have_sold

from clearhouse.postgres.connection import Pool
from clearhouse.postgres.embedded import EmbeddedPostgres


@pytest.fixture(scope="module")
def sold(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[str]:
    """The name of the database of a shop that has sold as the file's ``SOLD`` says."""
    with copy_of(template_database, postgres_server) as url:
        asyncio.run(have_sold(url, request.module.SOLD))
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def database(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[str]:
    """The URL of a fresh database: the shop's where a test has one, else an empty one."""
    has_shop = "shop" in request.fixturenames
    template: str = request.getfixturevalue("sold") if has_shop else template_database
    with copy_of(template, postgres_server) as url:
        yield url


@pytest.fixture
def shop(pool: Pool) -> Pool:
    """A pool on the database of a shop that has sold."""
    return pool
