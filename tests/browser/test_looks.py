"""Every page as it is seen: on a phone and a desk, in the light and in the dark.

With PICTURES in the environment, each is also kept as a picture in the folder that it names.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.async_api import BrowserContext, Page, ViewportSize, expect
from tests.browser.house import SHOP, House
from tests.browser.tills import Braintree, Square, Stripe, Till

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRONG: Final = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")
SIZES: Final[dict[str, ViewportSize]] = {
    "small": {"width": 320, "height": 568},
    "phone": {"width": 375, "height": 812},
    "desk": {"width": 1280, "height": 800},
}
VIEWS: Final[tuple[tuple[Literal["light", "dark"], str], ...]] = (
    ("light", "small"),
    ("light", "desk"),
    ("light", "phone"),
    ("dark", "phone"),
    ("dark", "desk"),
)
LONG: Final = "a-bakery-with-a-name-that-no-page-may-burst-from-" + "x" * 12
Visit = Callable[[House, Page], Awaitable[Any]]


def bought(house: House, till: Till) -> dict[str, Any]:
    return house.buy(till.psp, "12345.50", "7.50", seller=LONG)


def opened(till: Till, number: str = "", words: str = "") -> Visit:
    """The page itself, or what it says to a card."""

    async def visit(house: House, page: Page) -> None:
        await page.goto(bought(house, till)["payment_page_url"])
        await till.opened(page)
        if number:
            await till.pay(page, number)
            if words:
                await till.is_told(page, words)
            else:
                await expect(till.challenge(page)).to_be_visible()

    return visit


def ours(query: str, heading: str) -> Visit:
    """Our page between the shop and a PSP's."""

    async def visit(house: House, page: Page) -> None:
        link = bought(house, Stripe())["payment_page_url"]
        await page.goto(link)
        await Stripe().opened(page)
        await page.goto(link + query)
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()

    return visit


async def paid(house: House, page: Page) -> None:
    """The way back to the shop, which leads nowhere so that the page stays."""
    await page.route(f"{SHOP}/**", lambda route: route.abort("aborted"))
    await page.goto(house.buy("braintree", "20.00", return_url=SHOP)["payment_page_url"])
    await Braintree().pay(page, Braintree.good)
    await expect(page.get_by_role("heading", name="it is paid")).to_be_visible()


async def sandbox(house: House, page: Page) -> None:
    """The control page, once something was bought."""
    await paid(house, page)
    await page.goto(f"{house.sandbox_url}/_sandbox/")
    await expect(page.locator(".entry").first).to_be_visible()


def expired(till: Till, words: str) -> Visit:
    """What is left of a page whose time is over; of ours where the PSP has none."""

    async def visit(house: House, page: Page) -> None:
        late = bought(house, till)
        await page.goto(late["payment_page_url"])
        await till.opened(page)
        await house.time_is_over(late)
        await house.orders(late, "FAILED")
        await page.reload()
        await expect(page.get_by_text(words)).to_be_visible()

    return visit


def address(path: str) -> Visit:
    """A page that is always there."""

    async def visit(house: House, page: Page) -> None:
        await page.goto(house.url + path)

    return visit


# fmt: off
PAGES: Final[dict[str, Visit]] = {
    "fields":           opened(Braintree()),
    "fields-declined":  opened(Braintree(), Braintree.declined, Braintree.no),
    "fields-challenge": opened(Braintree(), Braintree.challenged),
    "waiting":          ours("?from=psp", "One moment"),
    "cancelled":        ours("?from=cancel", "not paid yet"),
    "paid":             paid,
    "expired":          expired(Braintree(), "has expired"),
    "stripe":           opened(Stripe()),
    "stripe-declined":  opened(Stripe(), Stripe.declined, Stripe.no),
    "stripe-challenge": opened(Stripe(), Stripe.challenged),
    "stripe-expired":   expired(Stripe(), "has expired"),
    "square":           opened(Square()),
    "square-declined":  opened(Square(), Square.declined, Square.no),
    "square-challenge": opened(Square(), Square.challenged),
    "square-gone":      expired(Square(), "no longer available"),
    "nowhere":          address("/pay/nowhere"),
    "docs":             address("/docs"),
    "problem":          address("/problems/validation-failed"),
    "sandbox":          sandbox,
}
# fmt: on


@pytest.mark.parametrize("name", PAGES)
async def test_nothing_is_too_pale_or_too_wide(
    name: str, house: House, buyer: BrowserContext
) -> None:
    page = await buyer.new_page()
    await PAGES[name](house, page)
    wrong: list[str] = []
    for scheme, size in VIEWS:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size(SIZES[size])
        for frame in page.frames:
            wrong += [f"{scheme}, {size}: {each}" for each in await frame.evaluate(WRONG)]
        await keep(page, f"{name}-{scheme}-{size}")
    assert wrong == []


async def keep(page: Page, name: str) -> None:
    """A picture for people, where they asked for some."""
    folder = os.environ.get("PICTURES")
    if folder:
        await page.screenshot(path=Path(folder, f"{name}.png"))
