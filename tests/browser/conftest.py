"""A whole clearhouse with a sandbox behind it and a real browser in front, one of each a run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Route,
    ViewportSize,
    async_playwright,
    expect,
)
from tests.browser.chromium import FLAGS
from tests.browser.house import SHOP, House
from tests.browser.left_out import needed_chromium

from clearhouse.postgres.embedded import EmbeddedPostgres

PHONE: Final[ViewportSize] = {"width": 375, "height": 812}
PATIENCE: Final = 30_000
"""Milliseconds: a busy machine is no failed test."""
expect.set_options(timeout=PATIENCE)
_SHOP_PAGE = '<!doctype html><title>Shop</title><h1>{name}</h1><a href="/cart">Your cart</a>'


@pytest.fixture(scope="session")
def house(
    browser: Browser, postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[House]:
    """API, workers and sandbox, each on a port of its own; none where nobody can visit it.

    In the end its books are compared with those of the PSPs.
    """

    async def create() -> None:
        admin = await asyncpg.connect(postgres_server.dsn())
        await admin.execute(
            f"create database browser template {template_database} strategy file_copy"
        )
        await admin.close()

    asyncio.run(create())
    with House(postgres_server.dsn("browser")) as opened:
        yield opened
        asyncio.run(opened.books_hold(with_psps=True))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium. Without one, this only runs in CI, and fails there."""
    path = needed_chromium()
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def phone(browser: Browser) -> BrowserContext:
    """A profile on a phone's screen, for which the shop has a page at every address."""
    context = await browser.new_context(viewport=PHONE)
    context.set_default_timeout(PATIENCE)
    await context.route(f"{SHOP}/**", _shop)
    return context


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(phone: BrowserContext) -> AsyncIterator[BrowserContext]:
    """The profile without a tab; all share it, since none of the pages leaves anything behind."""
    yield phone
    assert await phone.cookies() == []
    for page in phone.pages:
        await page.close()


async def _shop(route: Route) -> None:
    name = route.request.url.removeprefix(SHOP).partition("?")[0]
    await route.fulfill(content_type="text/html", body=_SHOP_PAGE.format(name=name))
