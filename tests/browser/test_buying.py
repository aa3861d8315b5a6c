"""A real browser buys on all three pages: whatever the buyer does, it is paid once or never."""

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import BrowserContext, Error, Page, expect
from tests.browser.house import SHOP, House
from tests.browser.tills import TILLS, Till

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("till", TILLS, ids=repr),
]


_OVER = re.compile("has expired|no longer available|Nothing is waiting")


async def is_paid(page: Page) -> None:
    """Wait until our page says so."""
    await expect(page.get_by_role("heading", name="Thank you, it is paid")).to_be_visible()


async def open_page(buyer: BrowserContext, bought: dict[str, str], till: Till) -> Page:
    """A tab in which the page can be paid."""
    page = await buyer.new_page()
    await page.goto(bought["payment_page_url"])
    await till.opened(page)
    return page


async def test_bought_with_a_reload_at_every_step(
    house: House, buyer: BrowserContext, till: Till
) -> None:
    bought = house.buy(till.psp, "12.50", "7.50")
    page = await open_page(buyer, bought, till)
    assert {order["status_reason"] for order in house.checkout(bought)["payment_orders"]} == {
        "awaiting_buyer"
    }
    await page.reload()
    await till.pay(page, till.challenged)
    await expect(till.challenge(page)).to_be_visible()
    await page.reload()
    if not till.challenge_stays:
        await till.pay(page, till.challenged)
    await till.confirm(page)
    await is_paid(page)
    await page.reload()
    await is_paid(page)
    await expect(page.get_by_text("20.00 USD")).to_be_visible()
    await house.paid_once(bought, 2000)


async def test_back_to_the_shop_when_it_is_paid(
    house: House, buyer: BrowserContext, till: Till
) -> None:
    bought = house.buy(till.psp, "20.00", return_url=f"{SHOP}/thanks")
    page = await open_page(buyer, bought, till)
    await till.pay(page, till.good)
    with contextlib.suppress(Error):
        # Who waits for five seconds is led there, too.
        await page.get_by_role("link", name="Continue").click(timeout=10_000)
    await expect(page).to_have_url(f"{SHOP}/thanks")
    await house.paid_once(bought, 2000)


async def test_another_card_after_a_decline_and_a_challenge_that_is_not_passed(
    house: House, buyer: BrowserContext, till: Till
) -> None:
    bought = house.buy(till.psp, "20.00")
    page = await open_page(buyer, bought, till)
    await till.pay(page, till.declined)
    await till.is_told(page, till.no)
    await till.pay(page, till.challenged)
    await till.refuse(page)
    await till.is_told(page, till.unconfirmed)
    assert {order["status"] for order in house.checkout(bought)["payment_orders"]} == {"EXECUTING"}
    await till.pay(page, till.good)
    await is_paid(page)
    await house.paid_once(bought, 2000)


async def test_pressed_twice_in_one_moment(house: House, buyer: BrowserContext, till: Till) -> None:
    bought = house.buy(till.psp, "20.00")
    page = await open_page(buyer, bought, till)
    await till.fill(page, till.good)
    await till.button(page).evaluate("button => { button.click(); button.click(); }")
    await is_paid(page)
    await house.paid_once(bought, 2000)


async def test_two_tabs_at_once(house: House, buyer: BrowserContext, till: Till) -> None:
    bought = house.buy(till.psp, "20.00")
    pages = [await open_page(buyer, bought, till) for _ in range(2)]
    for page in pages:
        await till.fill(page, till.good)
    await asyncio.gather(*(till.button(page).dblclick() for page in pages))
    await asyncio.gather(*(is_paid(page) for page in pages))
    await house.paid_once(bought, 2000)


async def test_back_and_forth(house: House, buyer: BrowserContext, till: Till) -> None:
    bought = house.buy(till.psp, "20.00")
    page = await buyer.new_page()
    await page.goto(f"{SHOP}/cart")
    await page.goto(bought["payment_page_url"])
    await till.opened(page)
    await page.go_back()
    await expect(page).to_have_url(f"{SHOP}/cart")
    await page.go_forward()
    await till.opened(page)
    await page.get_by_role("link", name="Back").click()
    again = page.get_by_role("link", name="Go back to pay")
    if till.psp == "braintree":
        await expect(page).to_have_url(f"{SHOP}/cart")
        await page.goto(bought["payment_page_url"])
    else:
        await again.click()
    await till.pay(page, till.good)
    await is_paid(page)
    # Whatever lies behind: it leads to what is paid, and nothing can be paid again.
    await page.go_back()
    await is_paid(page)
    await house.paid_once(bought, 2000)


async def test_left_alone_it_expires(house: House, buyer: BrowserContext, till: Till) -> None:
    bought = house.buy(till.psp, "20.00")
    page = await open_page(buyer, bought, till)
    await till.pay(page, till.declined)
    await till.is_told(page, till.no)
    await till.pay(page, till.challenged)
    await expect(till.challenge(page)).to_be_visible()
    await house.time_is_over(bought)
    await house.orders(bought, "FAILED")
    # In the tab that was left open, and by the link, nothing can be paid any more.
    await till.confirm(page)
    await expect(page.get_by_text(_OVER).first).to_be_visible()
    await page.goto(bought["payment_page_url"])
    await expect(page.get_by_role("heading", name="has expired")).to_be_visible()
    await page.get_by_role("link", name="Back to the shop").click()
    await expect(page).to_have_url(f"{SHOP}/cart")
    await house.never_paid(bought)


async def test_with_the_keyboard_alone(house: House, buyer: BrowserContext, till: Till) -> None:
    bought = house.buy(till.psp, "20.00")
    page = await open_page(buyer, bought, till)
    await till.fill(page, till.good)
    await till.number(page).focus()
    button = till.button(page)
    for _ in range(12):
        if await button.evaluate("button => button === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    outline = await button.evaluate("button => getComputedStyle(button).outlineStyle")
    assert outline != "none"
    await page.keyboard.press("Enter")
    await is_paid(page)
    await house.paid_once(bought, 2000)


async def test_a_tab_that_was_left_open_learns_that_it_is_paid(
    house: House, buyer: BrowserContext, till: Till
) -> None:
    bought = house.buy(till.psp, "20.00")
    kept = await open_page(buyer, bought, till)
    page = await open_page(buyer, bought, till)
    await till.pay(page, till.good)
    await is_paid(page)
    if till.psp == "braintree":
        shown = 'new PageTransitionEvent("pageshow", {persisted: true})'
        await kept.evaluate(f"dispatchEvent({shown})")
    else:
        await till.pay(kept, till.good)
    await is_paid(kept)
    await house.paid_once(bought, 2000)
