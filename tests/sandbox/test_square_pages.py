"""Square's payment links and the page behind them: SDK, adapter, and a buyer without a browser."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.specs import schema_checks
from tests.sandbox.world import HandClock, square_client

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import (
    Declined,
    NotCharged,
    Pending,
    PendingReason,
    PspConfig,
    Succeeded,
    Unknown,
)
from clearhouse.psp.pages import HostedPage, OpenedPage, PageLine, PageRequest
from clearhouse.sandbox.server import Running, open_core, running
from clearhouse.sandbox.square.page_cards import CARDS, CODE
from clearhouse.sandbox.square.shelves import Shelves

TOKEN, SHOP = "token-pages", "http://shop.example/back?cart=1"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
GOOD = {"number": "4111 1111 1111 1111", "expiry": "12/34", "cvv": "111", "postal_code": "94103"}
CHALLENGED = GOOD | {"number": "4310000000201019"}
REQUEST = PageRequest(
    page_id="page-1",
    idempotency_key="page-key-1",
    total=Money(30_00, "USD"),
    lines=(PageLine("Tea & <cups>", Money(10_00, "USD")), PageLine("Pot", Money(20_00, "USD"))),
    return_url=SHOP,
    cancel_url="http://shop.example/cart",
    requested_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


@pytest.fixture
def box() -> Iterator[Running]:
    with running(open_core(clock=HandClock())) as sandbox:
        yield sandbox


@pytest.fixture
def sdk(box: Running) -> Square:
    return square_client(box.base_url, TOKEN)


@pytest.fixture
def buyer() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
async def adapter(box: Running) -> AsyncIterator[Any]:
    made: Any = registry.create("square", PspConfig({"access_token": TOKEN}, box.base_url, 10, 4))
    yield made
    await made.close()


async def opened(adapter: Any, request: PageRequest = REQUEST) -> OpenedPage:
    page = await adapter.open_page(request)
    assert isinstance(page, OpenedPage), page
    return page


def truth(box: Running) -> list[tuple[str, int, str | None]]:
    charges, _ = box.core.truth.charges("square")
    return [(each.status, each.amount_minor, each.reference) for each in charges]


def order_fault(box: Running, fault: str, operation: str) -> None:
    order = {"fault": fault, "psp": "square", "operation": operation}
    httpx.post(f"{box.base_url}/_sandbox/faults", json=order, trust_env=False).raise_for_status()


def error_of(reply: httpx.Response) -> str:
    assert reply.status_code == 200
    found = re.search(r'id="error">([^<]+)<', reply.text)
    return found[1] if found else ""


def is_open(outcome: Any) -> bool:
    return isinstance(outcome, Pending) and outcome.reason is PendingReason.REQUIRES_ACTION


async def test_a_page_is_opened_and_paid_once(box: Running, adapter: Any, buyer: httpx.Client):
    made: object = adapter
    assert isinstance(made, HostedPage)
    page = await opened(adapter)
    assert page.expires_at is None
    shown = buyer.get(page.url)
    assert "Tea &amp; &lt;cups&gt;" in shown.text
    assert "30.00 USD" in shown.text
    assert is_open(await adapter.page_outcome(page.psp_reference, REQUEST))
    paid = buyer.post(page.url, data=GOOD)
    assert paid.status_code == 303
    assert paid.headers["location"].startswith(f"{SHOP}&orderId=")
    outcome = await adapter.page_outcome(page.psp_reference, REQUEST)
    assert isinstance(outcome, Succeeded)
    assert outcome.charged == REQUEST.total
    record = await adapter.record(outcome.psp_reference)
    assert (record.payment_order_id, record.is_charged) == ("page-1", True)
    # Pressed twice, refreshed, gone back: it is paid once, and the buyer is sent back.
    for again in (buyer.post(page.url, data=GOOD), buyer.get(page.url)):
        assert again.headers["location"] == paid.headers["location"]
    assert truth(box) == [("succeeded", 30_00, "page-1")]
    [payment] = box.core.objects.find(_shelf(box, page), limit=9)
    assert "reference_id" not in payment.body
    assert payment.body["order_id"] == page.psp_reference


def _shelf(box: Running, page: OpenedPage) -> Any:
    account = urlsplit(page.url).path.split("/")[-2]
    return Shelves(box.core, account).shelf("payment")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"number": "4000000000000002"}, "declined"),
        ({"cvv": "911"}, "CVV does not match"),
        ({"postal_code": "99999"}, "postal code does not match"),
        ({"expiry": "01/40"}, "expiry date does not match"),
        ({"number": "4242424242424242"}, "not valid"),
        ({"number": "1' OR 1=1"}, "not valid"),
        ({"expiry": "04/26"}, "has passed"),
        ({"expiry": "soon"}, "has passed"),
        ({"cvv": "11"}, "3 digits"),
        ({"number": "340000000000009"}, "4 digits"),
        ({"postal_code": ""}, "postal code"),
    ],
)
async def test_what_is_wrong_is_shown_and_can_be_tried_again(
    box: Running, adapter: Any, buyer: httpx.Client, typed: dict[str, str], words: str
):
    page = await opened(adapter)
    assert words in error_of(buyer.post(page.url, data=GOOD | typed))
    assert is_open(await adapter.page_outcome(page.psp_reference, REQUEST))
    assert buyer.post(page.url, data=GOOD).status_code == 303
    assert isinstance(await adapter.page_outcome(page.psp_reference, REQUEST), Succeeded)
    assert [status for status, _, _ in truth(box)].count("succeeded") == 1


async def test_the_bank_asks_and_the_buyer_answers(box: Running, adapter: Any, buyer: httpx.Client):
    page = await opened(adapter)
    asked = buyer.post(page.url, data=CHALLENGED)
    assert asked.status_code == 303
    bank = str(httpx.URL(page.url).join(asked.headers["location"]))
    assert "ends in 1019" in buyer.get(bank).text
    assert "not right" in error_of(buyer.post(bank, data={"code": "000000"}))
    assert "could not confirm" in error_of(buyer.post(bank, data={"result": "cancel"}))
    assert truth(box) == []
    asked = buyer.post(page.url, data=CHALLENGED)
    paid = buyer.post(bank, data={"code": CODE, "result": "confirm"})
    assert paid.headers["location"].startswith(SHOP)
    assert buyer.post(bank, data={"code": CODE}).headers["location"] == paid.headers["location"]
    assert truth(box) == [("succeeded", 30_00, "page-1")]


async def test_a_closed_page_is_never_paid(box: Running, adapter: Any, buyer: httpx.Client):
    page = await opened(adapter)
    for _ in range(2):
        outcome = await adapter.close_page(page.psp_reference, REQUEST)
        assert isinstance(outcome, Declined)
        assert outcome.psp_code == "page_expired"
    for reply in (buyer.get(page.url), buyer.post(page.url, data=GOOD)):
        assert (reply.status_code, "no longer available" in reply.text) == (410, True)
    assert truth(box) == []


async def test_a_page_whose_key_square_has_forgotten_is_closed_by_its_order(
    box: Running, adapter: Any, buyer: httpx.Client, sdk: Square
):
    page = await opened(adapter)
    box.core.truth.execute("DELETE FROM answers")
    assert isinstance(await adapter.close_page(page.psp_reference, REQUEST), Declined)
    assert buyer.post(page.url, data=GOOD).status_code == 410
    # The link that was made on the way is gone; the first one leads nowhere.
    assert [each.order_id for each in sdk.checkout.payment_links.list()] == [page.psp_reference]


async def test_a_page_asked_for_with_other_lines_is_closed_by_its_order(
    adapter: Any, buyer: httpx.Client
):
    page = await opened(adapter)
    other = replace(REQUEST, lines=(PageLine("All", REQUEST.total),))
    assert isinstance(await adapter.close_page(page.psp_reference, other), Declined)
    assert buyer.post(page.url, data=GOOD).status_code == 410


async def test_a_payment_in_the_last_moment_counts(adapter: Any, buyer: httpx.Client):
    page = await opened(adapter)
    buyer.post(page.url, data=GOOD)
    outcome = await adapter.close_page(page.psp_reference, REQUEST)
    assert isinstance(outcome, Succeeded)
    assert await adapter.page_outcome(page.psp_reference, REQUEST) == outcome


async def test_a_challenge_that_outlives_its_page_pays_nothing(
    box: Running, adapter: Any, buyer: httpx.Client
):
    page = await opened(adapter)
    buyer.post(page.url, data=CHALLENGED)
    await adapter.close_page(page.psp_reference, REQUEST)
    assert buyer.post(f"{page.url}/challenge", data={"code": CODE}).status_code == 410
    assert truth(box) == []


@pytest.mark.parametrize("fault", ["lost-answer", "error-after", "reset"])
async def test_a_lost_answer_opens_no_second_page(box: Running, adapter: Any, fault: str):
    order_fault(box, fault, "page")
    assert isinstance(await adapter.open_page(REQUEST), Unknown)
    assert await opened(adapter) == await opened(adapter)
    other = replace(REQUEST, page_id="page-2", idempotency_key="page-key-2")
    assert await opened(adapter) != await opened(adapter, other)


@pytest.mark.parametrize(
    ("fault", "told"),
    [("lost-request", Unknown), ("error-before", Unknown), ("rate-limited", NotCharged)],
)
async def test_a_page_that_was_not_opened(box: Running, adapter: Any, fault: str, told: type):
    order_fault(box, fault, "page")
    assert isinstance(await adapter.open_page(REQUEST), told)
    await opened(adapter)


@pytest.mark.parametrize("fault", ["lost-request", "lost-answer", "error-after", "conflict"])
async def test_closing_that_fails_is_unknown_and_repeated(box: Running, adapter: Any, fault: str):
    page = await opened(adapter)
    order_fault(box, fault, "page")
    assert isinstance(await adapter.close_page(page.psp_reference, REQUEST), Unknown)
    assert isinstance(await adapter.close_page(page.psp_reference, REQUEST), Declined)


async def test_an_order_that_can_t_be_read_tells_nothing(box: Running, adapter: Any):
    page = await opened(adapter)
    order_fault(box, "error-before", "look-up")
    assert isinstance(await adapter.page_outcome(page.psp_reference, REQUEST), Unknown)
    assert isinstance(await adapter.page_outcome("nobody", REQUEST), Unknown)


async def test_what_square_refuses_is_told(adapter: Any):
    for wrong in (
        replace(REQUEST, return_url="no url"),
        replace(REQUEST, lines=()),
        replace(REQUEST, lines=(PageLine("Tea", Money(10_00, "EUR")),)),
    ):
        outcome = await adapter.open_page(wrong)
        assert isinstance(outcome, NotCharged)
        assert "refuses" in outcome.detail


async def test_a_review_of_a_page_s_payment(box: Running, adapter: Any, buyer: httpx.Client):
    for action, told in (("approve_review", Succeeded), ("refuse_review", Declined)):
        lines = (PageLine("Odd", Money(44_44, "USD")),)
        request = replace(REQUEST, lines=lines, idempotency_key=action, page_id=action)
        page = await opened(adapter, request)
        buyer.post(page.url, data=GOOD)
        outcome = await adapter.page_outcome(page.psp_reference, request)
        assert isinstance(outcome, Pending)
        assert outcome.reason is PendingReason.PENDING_REVIEW
        call = {"psp": "square", "action": action, "id": outcome.psp_reference}
        httpx.post(f"{box.base_url}/_sandbox/actions", json=call, trust_env=False)
        assert isinstance(await adapter.page_outcome(page.psp_reference, request), told)


def test_quick_pay_and_the_shapes(sdk: Square, buyer: httpx.Client):
    price: Any = {"name": "Tea", "price_money": {"amount": 500, "currency": "USD"},
                  "location_id": "LUSD"}  # fmt: skip
    made = sdk.checkout.payment_links.create(idempotency_key="quick", quick_pay=price)
    again = sdk.checkout.payment_links.create(idempotency_key="quick", quick_pay=price)
    assert made == again
    link = made.payment_link
    assert link is not None
    assert link.id is not None
    assert link.order_id is not None
    assert [each.id for each in sdk.checkout.payment_links.list()] == [link.id]
    assert sdk.checkout.payment_links.get(link.id).payment_link == link
    assert "You paid 5.00 USD" in buyer.post(str(link.url), data=GOOD).text
    order = sdk.orders.get(link.order_id).order
    assert order is not None
    assert order.tenders is not None
    assert (order.state, order.tenders[0].type, order.version) == ("COMPLETED", "CARD", 2)
    found = sdk.orders.search(location_ids=["LUSD"]).orders
    assert found == [order]
    for name, shown in (("PaymentLink", link), ("Order", order)):
        for check in schema_checks("square-openapi.json", name):
            check(shown.model_dump(mode="json", by_alias=True, exclude_none=True))
    deleted = sdk.checkout.payment_links.delete(link.id)
    assert (deleted.id, deleted.cancelled_order_id) == (link.id, None)
    with pytest.raises(ApiError):
        sdk.checkout.payment_links.get(link.id)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order": 1},
        {"order": {"location_id": "LUSD"}},
        {"order": {"location_id": "nowhere", "line_items": []}},
        {"order": {}, "quick_pay": {}},
        {"quick_pay": "all"},
        {"quick_pay": {"name": "Tea", "price_money": {"amount": 0, "currency": "USD"}}},
        {"quick_pay": {"name": "Tea"}, "checkout_options": []},
        {"quick_pay": {"name": "Tea"}, "checkout_options": {"redirect_url": "ftp://x"}},
        {"quick_pay": {"name": "Tea"}, "payment_note": "n" * 501},
        {"quick_pay": {"name": "Tea"}, "coupon": "free"},
    ],
)
def test_a_link_that_makes_no_sense_is_refused(box: Running, body: dict[str, Any]):
    reply = httpx.post(
        f"{box.base_url}/v2/online-checkout/payment-links",
        json=body,
        headers={"authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    assert reply.status_code in {400, 404}
    assert reply.json()["errors"][0]["detail"]


def test_an_order_is_canceled_under_its_version(sdk: Square):
    order: Any = {"location_id": "LUSD", "line_items": [
        {"name": "Tea", "quantity": "2",
         "base_price_money": {"amount": 500, "currency": "USD"}}]}  # fmt: skip
    link = sdk.checkout.payment_links.create(order=order).payment_link
    assert link is not None
    assert link.order_id is not None
    for version, state in ((9, "CANCELED"), (1, "COMPLETED")):
        with pytest.raises(ApiError):
            wanted: Any = {"location_id": "LUSD", "version": version, "state": state}
            sdk.orders.update(link.order_id, order=wanted)
    wanted = {"location_id": "LUSD", "version": 1, "state": "CANCELED"}
    canceled = sdk.orders.update(link.order_id, order=wanted).order
    assert canceled is not None
    assert canceled.total_money is not None
    assert (canceled.state, canceled.total_money.amount) == ("CANCELED", 1000)


def test_every_card_of_the_page_passes_its_own_check():
    for number in sorted(CARDS):
        if CARDS[number].brand == "CHINA_UNIONPAY":
            continue  # Square's own test number, which has no check digit
        digits = [int(digit) for digit in number[::-1]]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0, number
