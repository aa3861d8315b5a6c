"""Payouts over real HTTP: asked for, approved by another key, cancelled, listed; bank details."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.api.conftest import Server
from tests.api.test_openapi import DOCUMENT, schema
from tests.payouts.house import IBAN, earn

from clearhouse.postgres.connection import Pool

PATH = "/v1/payouts"
DETAILS = "/v1/sellers/ann/bank-details"
ACCOUNT = {"currency": "EUR", "iban": "DE89 3704 0044 0532 0130 00", "holder": "Ann"}


@pytest.fixture
async def office(server: Server, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client() as opened:
        assert (await opened.put(DETAILS, json=ACCOUNT)).status_code == 200
        await earn(pool, "ann", 50_000)
        yield opened


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def obeys(answer: httpx.Response, name: str) -> bool:
    return schema(DOCUMENT["components"]["schemas"][name]).is_valid(answer.json())


async def test_a_payout_is_accepted_shown_and_replayed(office: httpx.AsyncClient) -> None:
    body = {"seller_account": "ann", "amount": "12.50", "currency": "EUR", "note": "by phone"}
    first = await office.post(PATH, json=body, headers=key("one"))
    assert first.status_code == 202
    assert obeys(first, "PayoutView")
    shown = first.json()
    assert (shown["amount"], shown["status"], shown["created_by"]) == (
        "12.50", "approved", "key:all",
    )  # fmt: skip
    again = await office.post(PATH, json=body, headers=key("one"))
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert (await office.get(first.headers["location"])).json() == shown
    other = await office.post(PATH, json={**body, "amount": "13.00"}, headers=key("one"))
    assert problem(other) == (422, "idempotency-key-reused")
    rest = await office.post(
        PATH, json={"seller_account": "ann", "currency": "EUR"}, headers=key("two")
    )
    assert (rest.json()["amount"], rest.json()["status"]) == ("487.50", "created")
    page = await office.get(PATH, params={"seller_account": "ann", "limit": 1})
    assert obeys(page, "PayoutPageView")
    assert page.json()["items"] == [rest.json()]
    following = await office.get(page.links["next"]["url"])
    assert following.json() == {"items": [shown], "next_cursor": None}


async def test_somebody_else_approves(office: httpx.AsyncClient, server: Server) -> None:
    body = {"seller_account": "ann", "amount": "200.00", "currency": "EUR"}
    made = (await office.post(PATH, json=body, headers=key("one"))).json()
    at = f"{PATH}/{made['payout_id']}"
    assert problem(await office.post(f"{at}/approve")) == (409, "payout-refused")
    async with server.client("payouts:approve") as treasurer:
        done = await treasurer.post(f"{at}/approve")
        assert (done.status_code, done.json()["approved_by"]) == (200, "key:payouts:approve")
        assert problem(await treasurer.post(f"{at}/cancel")) == (403, "missing-scope")
    gone = await office.post(f"{at}/cancel", json={"reason": "wrong seller"})
    assert (gone.json()["status"], gone.json()["detail"]) == (
        "cancelled", "cancelled by key:all: wrong seller",
    )  # fmt: skip
    assert (await office.get(at)).json() == gone.json()


async def test_bank_details_are_never_shown_whole(office: httpx.AsyncClient) -> None:
    changed = await office.put(DETAILS, json={**ACCOUNT, "iban": "FR1420041010050500013M02606"})
    shown = await office.get(DETAILS)
    for answer, name in ((changed, "BankDetailsView"), (shown, "BankDetailsListView")):
        assert obeys(answer, name)
        assert IBAN not in answer.text
        assert "20041010050500013" not in answer.text
    [item] = shown.json()["items"]
    assert item["last_four"] == "2606"
    held = await office.post(
        PATH, json={"seller_account": "ann", "currency": "EUR"}, headers=key("one")
    )
    assert problem(held) == (409, "payout-refused")
    assert "are held" in held.json()["detail"]


# fmt: off
BAD: list[tuple[str, Any, Any]] = [
    # body                                  pointer and code of each fault, or the problem
    ("/v1/payouts", {},
        {("/seller_account", "missing"), ("/currency", "missing")}),
    ("/v1/payouts", [],                     {("", "wrong-type")}),
    ("/v1/payouts", {"seller_account": "/", "currency": "eur", "amount": 1, "note": "x" * 141,
                     "why": ""},
        {("/seller_account", "invalid-value"), ("/currency", "invalid-value"),
         ("/amount", "invalid-value"), ("/note", "invalid-value"), ("", "unknown-field")}),
    ("/v1/payouts", {"seller_account": "a", "currency": "XYZ"},
        {("/currency", "unknown-currency")}),
    ("/v1/payouts", {"seller_account": "a", "currency": "EUR", "amount": "1.001"},
        {("/amount", "too-many-decimals")}),
    ("/v1/payouts", {"seller_account": "a", "currency": "EUR", "note": "4111111111111111"},
        "card-number-refused"),
    (DETAILS, {"currency": "EUR"},          {("", "one-account")}),
    (DETAILS, {"currency": "EUR", "iban": "DE88370400440532013000", "holder": ""},
        {("/iban", "invalid-iban"), ("/holder", "invalid-holder")}),
    (DETAILS, {"currency": "EUR", "iban": IBAN, "account_number": "1", "holder": "A"},
        {("", "one-account")}),
    (DETAILS, {"currency": "EUR", "iban": IBAN, "account_type": "gold", "holder": "A"},
        {("/account_type", "invalid-value")}),
    (DETAILS, {"currency": "EUR", "iban": IBAN, "routing_number": "1", "holder": "A"},
        {("/routing_number", "unknown-field")}),
    (DETAILS, {"currency": "USD", "stripe_account": "x"}, {("/stripe_account", "invalid-value")}),
    (DETAILS, {"currency": "EUR", "iban": IBAN, "holder": "4111 1111 1111 1111"},
        "card-number-refused"),
]
# fmt: on


@pytest.mark.parametrize(("path", "body", "expected"), BAD)
async def test_every_fault_is_told_at_once(
    client: httpx.AsyncClient, path: str, body: Any, expected: Any
) -> None:
    method = "PUT" if path == DETAILS else "POST"
    answer = await client.request(method, path, json=body, headers=key("one"))
    if isinstance(expected, str):
        assert problem(answer) == (422, expected)
        return
    assert problem(answer) == (422, "validation-failed")
    assert {(one["pointer"], one["code"]) for one in answer.json()["errors"]} == expected


async def test_an_account_number_that_looks_like_a_cards_is_taken(server: Server) -> None:
    body = {
        "currency": "USD", "routing_number": "021000021", "account_number": "4111111111111111",
        "holder": "Ann",
    }  # fmt: skip
    async with server.client() as office:
        answer = await office.put(DETAILS, json=body)
    assert (answer.status_code, answer.json()["last_four"]) == (200, "1111")


async def test_what_cannot_be_is_said_so(office: httpx.AsyncClient) -> None:
    body = {"seller_account": "ann", "currency": "EUR"}
    assert problem(await office.post(PATH, json=body)) == (400, "invalid-idempotency-key")
    more = await office.post(PATH, json={**body, "amount": "500.01"}, headers=key("one"))
    assert problem(more) == (409, "payout-refused")
    assert "Available: 500.00 EUR" in more.json()["detail"]
    assert problem(await office.get(f"{PATH}/po_1")) == (404, "not-found")
    assert problem(await office.get("/v1/sellers/bob/bank-details")) == (404, "not-found")
    assert problem(await office.get(PATH, params={"status": "gone"})) == (400, "invalid-parameter")


ROUTES = [
    ("POST", PATH, "payouts:write"),
    ("GET", PATH, "payouts:read"),
    ("GET", f"{PATH}/po_1", "payouts:read"),
    ("POST", f"{PATH}/po_1/approve", "payouts:approve"),
    ("POST", f"{PATH}/po_1/cancel", "payouts:write"),
    ("PUT", DETAILS, "sellers:write"),
    ("GET", DETAILS, "payouts:read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_each_route_asks_for_its_scope(
    client: httpx.AsyncClient, method: str, path: str, scope: str
) -> None:
    for token in ("payments:read", "wallets:read"):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.request(method, path, headers=headers)).status_code == 403
    allowed = await client.request(method, path, headers={"Authorization": f"Bearer {scope}"})
    assert allowed.status_code not in {401, 403}
