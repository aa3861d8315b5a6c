"""The buyer's page over HTTP: what it shows in each state, what it lets run, what it takes."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from tests.api.memory import IDS, MemoryPages, MemoryPayments, Readiness, memory_dependencies
from tests.api.payloads import fresh

from clearhouse.api.app import create_app
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.payments.pages.model import PageState, PaymentPage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = PaymentPage(
    page_id=IDS.new(),
    checkout_id="cart",
    psp="braintree",
    token="T" * 43,
    state=PageState.OPEN,
    psp_page_reference="p",
    url=None,
    total=Money(8000, "EUR"),
    return_url="https://shop.test/thanks?a=1&b=2",
    cancel_url="https://shop.test/cart",
    attempt=0,
    attempt_open=False,
    declined_for=None,
    expires_at=NOW + timedelta(hours=1),
    created_at=NOW,
)
LINK = f"/pay/{PAGE.token}"
HOSTED = replace(PAGE, url="https://psp.test/pay/cs_1")


@pytest.fixture
def pages() -> MemoryPages:
    return MemoryPages()


class Impatient(SystemClock):
    """Never waits."""

    async def sleep(self, seconds: float) -> None:
        pass


@pytest.fixture
async def buyer(pages: MemoryPages) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without any key."""
    dependencies = memory_dependencies(MemoryPayments(), Readiness(), pages)
    app = create_app(replace(dependencies, clock=Impatient()))
    transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as opened:
        yield opened


CREATED = replace(PAGE, state=PageState.CREATED)
TRYING = replace(PAGE, attempt_open=True)
POOR = replace(PAGE, declined_for="insufficient_funds")
SUSPECT = replace(PAGE, declined_for="fraud_suspected")
COMPLETED = replace(PAGE, state=PageState.COMPLETED)
EXPIRED = replace(PAGE, state=PageState.EXPIRED)

# fmt: off
SHOWN = [
    # page     query           what it says                woken
    (CREATED,   "",             "is being opened",          1),
    (TRYING,    "",             "is being made",            0),
    (PAGE,      "",             "Pay 80.00 EUR",            0),
    (POOR,      "",             "not enough money",         0),
    (SUSPECT,   "",             "did not accept this card", 0),
    (HOSTED,    "?from=psp",    "is being confirmed",       1),
    (HOSTED,    "?from=cancel", "You have not paid yet",    0),
    (COMPLETED, "",             "it is paid",               0),
    (COMPLETED, "?from=psp",    "it is paid",               0),
    (EXPIRED,   "",             "has expired",              0),
]
# fmt: on


@pytest.mark.parametrize(("page", "query", "words", "woken"), SHOWN)
async def test_what_the_buyer_sees(
    buyer: httpx.AsyncClient,
    pages: MemoryPages,
    page: PaymentPage,
    query: str,
    words: str,
    woken: int,
) -> None:
    pages.pages[PAGE.token] = page
    answer = await buyer.get(LINK + query)
    assert answer.status_code == 200
    assert words in answer.text
    assert pages.woken == woken
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


# fmt: off
MOVING = [
    # page, and what it is when asked again      query        what it says at last     status
    ([CREATED, CREATED, PAGE],                   "",          "Pay 80.00 EUR",         200),
    ([CREATED, HOSTED],                          "",          "",                      303),
    ([TRYING, TRYING, POOR],                     "",          "not enough money",      200),
    ([TRYING, COMPLETED],                        "",          "it is paid",            200),
    ([HOSTED, HOSTED, HOSTED, COMPLETED],        "?from=psp", "it is paid",            200),
    ([HOSTED, EXPIRED],                          "?from=psp", "has expired",           200),
    ([CREATED] * 5 + [PAGE],                     "",          "is being opened",       200),
]
# fmt: on


@pytest.mark.parametrize(("moves", "query", "words", "status"), MOVING)
async def test_a_page_that_is_about_to_change_is_waited_for(
    buyer: httpx.AsyncClient,
    pages: MemoryPages,
    moves: list[PaymentPage],
    query: str,
    words: str,
    status: int,
) -> None:
    pages.pages[PAGE.token], *pages.later = moves
    answer = await buyer.get(LINK + query)
    assert answer.status_code == status
    assert words in answer.text
    assert pages.woken == (0 if moves[0].attempt_open else 1)


# fmt: off
LOOKS = [
    # page     query               →  pause  where it looks next
    (CREATED,  "",                    1,     "?look=1"),
    (CREATED,  "?look=1",             2,     "?look=2"),
    (CREATED,  "?look=7",             30,    "?look=8"),
    (CREATED,  "?look=999",           30,    "?look=1000"),
    (CREATED,  "?look=1000",          1,     "?look=1"),
    (CREATED,  "?look=-1",            1,     "?look=1"),
    (TRYING,   "?look=2",             3,     "?look=3"),
    (HOSTED,   "?from=psp&look=3",    5,     "?from=psp&amp;look=4"),
]
# fmt: on


@pytest.mark.parametrize(("page", "query", "pause", "again"), LOOKS)
async def test_a_page_that_waits_looks_again_after_longer_and_longer_pauses(
    buyer: httpx.AsyncClient,
    pages: MemoryPages,
    page: PaymentPage,
    query: str,
    pause: int,
    again: str,
) -> None:
    pages.pages[PAGE.token] = page
    answer = await buyer.get(LINK + query)
    assert f'data-again="{again}" data-seconds="{pause}"' in answer.text
    [script] = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert (
        f"script-src 'sha256-{digest}'; default-src 'none'"
        in (answer.headers["content-security-policy"])
    )


async def test_an_open_hosted_page_leads_on(buyer: httpx.AsyncClient, pages: MemoryPages) -> None:
    pages.pages[PAGE.token] = HOSTED
    answer = await buyer.get(LINK)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://psp.test/pay/cs_1")
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_only_what_the_page_names_by_hash_or_host_may_run(
    buyer: httpx.AsyncClient, pages: MemoryPages
) -> None:
    pages.pages[PAGE.token] = PAGE
    answer = await buyer.get(LINK)
    policy = answer.headers["content-security-policy"]
    [script] = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    for text in (script, style):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert '<script src="https://psp.test/dropin.js">' in answer.text
    assert "https://psp.test;" in policy
    assert "form-action 'self'" in policy


async def test_braintrees_own_fields_may_do_what_braintree_says_they_need(
    pages: MemoryPages,
) -> None:
    pages.pages[PAGE.token] = PAGE
    real = "https://js.braintreegateway.com/web/dropin/1.44.1/js/dropin.min.js"
    dependencies = memory_dependencies(MemoryPayments(), Readiness(), pages)
    app = create_app(replace(dependencies, drop_in_script=real))
    transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as buyer:
        policy = (await buyer.get(LINK)).headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["frame-src"] == "https:"
    assert rules["style-src"].startswith("'unsafe-inline' https://js.braintreegateway.com ")
    assert "unsafe" not in rules["script-src"]
    for name in ("script-src", "connect-src", "form-action"):
        assert "https://*.cardinalcommerce.com" in rules[name]
        assert "https://*.cardinaltrusted.com" in rules[name]


async def test_a_nonce_is_taken_and_the_page_shown_again(
    buyer: httpx.AsyncClient, pages: MemoryPages
) -> None:
    pages.pages[PAGE.token] = PAGE
    answer = await buyer.post(LINK, data={"nonce": "tokencc_bc_1"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://pay.shop.test{LINK}"
    assert pages.nonces == ["tokencc_bc_1"]


@pytest.mark.parametrize(
    "body", [b"", b"nonce=", b"nonce=" + b"x" * 600, b"nonce=%00", b"\xff\xfe", b"&" * 50, b"a=b"]
)
async def test_what_is_no_nonce_is_refused(
    buyer: httpx.AsyncClient, pages: MemoryPages, body: bytes
) -> None:
    pages.pages[PAGE.token] = PAGE
    answer = await buyer.post(LINK, content=body)
    assert answer.status_code == 400
    assert "Your card was not taken" in answer.text
    assert pages.nonces == []


@pytest.mark.parametrize(
    "page",
    [HOSTED, replace(PAGE, state=PageState.COMPLETED), replace(PAGE, state=PageState.EXPIRED)],
)
async def test_a_page_that_takes_no_cards_takes_none(
    buyer: httpx.AsyncClient, pages: MemoryPages, page: PaymentPage
) -> None:
    pages.pages[PAGE.token] = page
    assert (await buyer.post(LINK, data={"nonce": "n"})).status_code == 303
    assert pages.nonces == []


async def test_a_link_that_leads_nowhere(buyer: httpx.AsyncClient) -> None:
    for answer in (
        await buyer.get("/pay/unknown"),
        await buyer.post("/pay/unknown", data={"nonce": "n"}),
    ):
        assert answer.status_code == 404
        assert "There is no payment page here" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


# fmt: off
ERRORS = [
    (UnavailableError("The database does not answer."), 503, "looks again by itself"),
    (ConnectionResetError(),                            503, "looks again by itself"),
    (RuntimeError("a bug"),                             500, "is not charged twice"),
]
# fmt: on


@pytest.mark.parametrize(("error", "status", "words"), ERRORS)
async def test_what_fails_is_a_page_for_the_buyer_too(
    buyer: httpx.AsyncClient, pages: MemoryPages, error: Exception, status: int, words: str
) -> None:
    pages.pages[PAGE.token] = PAGE
    pages.broken = error
    answer = await buyer.get(LINK)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


async def test_what_a_page_does_not_know_is_a_page(buyer: httpx.AsyncClient) -> None:
    answer = await buyer.put(LINK)
    assert answer.status_code == 405
    assert "That did not work" in answer.text


async def test_a_psp_that_does_not_answer_is_told_kindly(
    buyer: httpx.AsyncClient, pages: MemoryPages
) -> None:
    pages.pages[PAGE.token] = PAGE
    pages.fails = UnavailableError("away")
    answer = await buyer.get(LINK)
    assert answer.status_code == 200
    assert "does not answer just now" in answer.text


async def test_addresses_are_escaped(buyer: httpx.AsyncClient, pages: MemoryPages) -> None:
    evil = 'https://shop.test/"><script>alert(1)</script>'
    pages.pages[PAGE.token] = replace(
        PAGE, state=PageState.COMPLETED, return_url=evil, cancel_url=evil
    )
    assert "<script>" not in (await buyer.get(LINK)).text


def on_page() -> dict[str, object]:
    body = fresh()
    del body["credit_card_info"]
    currency = body["payment_orders"][0]["currency"]
    for order in body["payment_orders"]:
        order["currency"] = currency
        order["amount"] = "1"
    return body


async def test_a_payment_without_a_card_gets_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/payments", json=on_page())
    assert answer.status_code == 202
    assert re.fullmatch(
        r"https://pay\.shop\.test/pay/[A-Za-z0-9_-]{43}", answer.json()["payment_page_url"]
    )
    assert answer.json()["psp"] == "braintree"
    plain = await client.post("/v1/payments", json=fresh())
    assert plain.json()["payment_page_url"] is None


CARD = {"psp": "stripe", "token": "t"}
URL = "https://shop.test"

# fmt: off
FAULTS = [
    # changes                                    →  pointer        code
    ({"psp": "stripe"},                             "/psp",        "unknown-psp"),
    ({"capture": "manual"},                         "/capture",    "not-on-page"),
    ({"cancel_url": "ftp://x"},                     "/cancel_url", "invalid-url"),
    ({"credit_card_info": CARD, "psp": "stripe"},   "/psp",        "not-with-card"),
    ({"credit_card_info": CARD, "cancel_url": URL}, "/cancel_url", "not-with-card"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "pointer", "code"), FAULTS)
async def test_what_does_not_go_with_a_page(
    client: httpx.AsyncClient, changes: dict[str, object], pointer: str, code: str
) -> None:
    answer = await client.post("/v1/payments", json=on_page() | changes)
    assert answer.status_code == 422
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]


async def test_a_page_takes_one_currency(client: httpx.AsyncClient) -> None:
    body = on_page()
    orders = body["payment_orders"]
    assert isinstance(orders, list)
    second = {**orders[0], "payment_order_id": f"{orders[0]['payment_order_id']}-2"}
    body["payment_orders"] = [orders[0], second | {"currency": "JPY", "amount": "5"}]
    answer = await client.post("/v1/payments", json=body)
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (
        "/payment_orders/1/currency",
        "several-currencies",
    )
