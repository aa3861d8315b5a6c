"""What goes wrong between buyer, page and PSP: answers that are lost, and pages that are ended."""

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect
from tests.browser.house import House
from tests.browser.tills import Braintree, Square, Stripe, Till

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAID = "Thank you, it is paid"


async def open_page(house: House, buyer: BrowserContext, till: Till) -> tuple[Page, dict[str, str]]:
    bought = house.buy(till.psp, "20.00")
    page = await buyer.new_page()
    await page.goto(bought["payment_page_url"])
    await till.opened(page)
    return page, bought


@pytest.mark.parametrize("till", [Stripe(), Square()], ids=repr)
async def test_paid_at_the_psp_and_its_answer_does_not_reach_the_buyer(
    house: House, buyer: BrowserContext, till: Till
) -> None:
    page, bought = await open_page(house, buyer, till)

    async def cut(route: Route) -> None:
        headers = {**route.request.headers, "x-sandbox-fault": "lost-answer"}
        await route.continue_(headers=headers if route.request.method == "POST" else None)

    await page.route(f"{house.sandbox_url}/**", cut)
    await till.pay(page, till.good)
    await page.wait_for_url("chrome-error://**")
    await page.goto(bought["payment_page_url"])
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
    await house.paid_once(bought, 2000)


async def test_our_own_answer_does_not_reach_the_buyer(house: House, buyer: BrowserContext) -> None:
    till = Braintree()
    page, bought = await open_page(house, buyer, till)

    async def cut(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch(max_redirects=0)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route(f"{house.url}/pay/*", cut)
    await till.pay(page, till.good)
    await house.orders(bought, "SUCCESS")
    await page.goto(bought["payment_page_url"])
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
    await house.paid_once(bought, 2000)


@pytest.mark.parametrize("fault", ["lost-answer", "lost-request"])
async def test_our_charge_goes_wrong_and_the_buyer_only_waits(
    house: House, buyer: BrowserContext, fault: str
) -> None:
    till = Braintree()
    page, bought = await open_page(house, buyer, till)
    house.psp_fails(till.psp, fault)
    await till.pay(page, till.good)
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
    await house.paid_once(bought, 2000)


# fmt: off
ENDED = [
    # page       what its PSP is told by somebody                      what the buyer sees there
    (Stripe(),   "POST",   "/v1/checkout/sessions/{}/expire",          "has expired"),
    (Square(),   "DELETE", "/v2/online-checkout/payment-links/{}",     "no longer available"),
]
# fmt: on


@pytest.mark.parametrize(("till", "method", "path", "words"), ENDED)
async def test_a_page_that_is_ended_at_the_psp_before_its_time(
    house: House, buyer: BrowserContext, till: Till, method: str, path: str, words: str
) -> None:
    page, bought = await open_page(house, buyer, till)
    house.psp_is_told(till.psp, method, path.format(page.url.rpartition("/")[2]))
    await till.pay(page, till.good)
    await expect(page.get_by_text(words)).to_be_visible()
    await house.never_paid(bought)
    await page.goto(bought["payment_page_url"])
    await expect(page.get_by_role("heading", name="has expired")).to_be_visible()


async def test_a_merchant_without_3d_secure_sells_all_the_same(
    house: House, buyer: BrowserContext
) -> None:
    till = Braintree()
    page = await buyer.new_page()
    await page.route("**/dropin.js", without_3d_secure)
    bought = house.buy(till.psp, "20.00")
    await page.goto(bought["payment_page_url"])
    await till.pay(page, till.challenged)
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
    await house.paid_once(bought, 2000)


async def without_3d_secure(route: Route) -> None:
    """Braintree's Drop-in as it fails, with what it leaves in the page."""
    script = await (await route.fetch()).text()
    await route.fulfill(content_type="text/javascript", body=script + _REFUSES)


_REFUSES = """
(function (create) {
  window.braintree.dropin.create = function (options) {
    if (!options.threeDSecure) return create(options);
    document.querySelector(options.container).append(document.createElement("div"));
    const cause = { name: "BraintreeError", code: "THREEDS_NOT_ENABLED" };
    return Promise.reject({ name: "DropinError", _braintreeWebError: cause });
  };
})(window.braintree.dropin.create);
"""


async def test_waiting_in_a_tab_leaves_the_way_back_as_it_was(
    house: House, buyer: BrowserContext
) -> None:
    till = Square()
    page, bought = await open_page(house, buyer, till)
    await page.get_by_role("link", name="Back to the shop").click()
    await page.wait_for_url("**/pay/*?from=psp&look=1")
    await expect(page.get_by_role("heading", name="One moment")).to_be_visible()
    await page.go_back()
    await till.pay(page, till.good)
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
    await house.paid_once(bought, 2000)
