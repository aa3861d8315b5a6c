"""Refunds over real HTTP: what is accepted, replayed, refused, and shown."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.api.conftest import Server
from tests.api.test_openapi import DOCUMENT, schema
from tests.proof.flow import pay

from clearhouse.postgres.connection import Pool

PATH = "/v1/payments/cart-0/refunds"


@pytest.fixture
async def shop(server: Server, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    await pay(pool, ["cart"])
    async with server.client() as opened:
        yield opened


def problem(answer: httpx.Response) -> str:
    return answer.json()["type"].removeprefix("/problems/")


async def test_a_refund_is_accepted_shown_and_replayed(shop: httpx.AsyncClient) -> None:
    body = {"amount": "4.00", "reason": "broken", "refund_id": "return-1"}
    first = await shop.post(PATH, json=body)
    assert first.status_code == 202
    assert first.headers["location"] == "/v1/refunds/return-1"
    shown = first.json()
    assert (shown["amount"], shown["status"], shown["origin"]) == ("4.00", "CREATED", "client")
    again = await shop.post(PATH, content=json.dumps(body, indent=3), headers=_JSON)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert (await shop.get("/v1/refunds/return-1")).json() == shown
    assert (await shop.get(PATH)).json() == {"items": [shown]}
    other = await shop.post(PATH, json={**body, "amount": "5.00"})
    assert (other.status_code, problem(other)) == (422, "idempotency-key-reused")


async def test_without_a_body_all_that_is_left_goes_back(shop: httpx.AsyncClient) -> None:
    await shop.post(PATH, json={"amount": "4.00"}, headers={"Idempotency-Key": "one"})
    rest = await shop.post(PATH, headers={"Idempotency-Key": "two"})
    assert (rest.status_code, rest.json()["amount"]) == (202, "6.00")
    more = await shop.post(PATH, headers={"Idempotency-Key": "three"})
    assert (more.status_code, problem(more)) == (409, "refund-exceeds-capture")
    assert "0.00 USD is left to refund" in more.json()["detail"]


_JSON = {"Content-Type": "application/json"}
# fmt: off
BAD: list[tuple[str, Any, int, str]] = [
    # body                                   pointer and code of each fault
    ("{", None, 400, "malformed-json"),
    ("[]", [("", "wrong-type")], 422, "validation-failed"),
    ('{"amount": 4}', [("/amount", "amount-not-a-string")], 422, "validation-failed"),
    ('{"amount": "4.001"}', [("/amount", "too-many-decimals")], 422, "validation-failed"),
    ('{"amount": "0"}', [("/amount", "amount-not-positive")], 422, "validation-failed"),
    ('{"amount": "-1"}', [("/amount", "amount-not-positive")], 422, "validation-failed"),
    ('{"amount": "x", "refund_id": "/", "why": 1}',
        [("/amount", "amount-not-decimal"), ("/refund_id", "invalid-characters"),
         ("", "unknown-field")], 422, "validation-failed"),
    ('{"amount": "1", "amount": "2"}', [("/amount", "duplicate-key")], 422, "validation-failed"),
    ('{"reason": "%s"}' % ("x" * 201), [("/reason", "too-long")], 422, "validation-failed"),
    ('{"reason": "a\\u0000b"}', [("/reason", "nul-character")], 422, "validation-failed"),
    ('{"reason": "card 4111111111111111"}', [("", "card-number")], 422, "card-number-refused"),
    ('{"reason": "\\u0034111111111111111"}',
        [("/reason", "card-number")], 422, "card-number-refused"),
    ("[" * 50 + "]" * 50, [("", "wrong-type")], 422, "validation-failed"),
]
# fmt: on


@pytest.mark.parametrize(("body", "faults", "status", "slug"), BAD)
async def test_every_fault_is_told_at_once(
    shop: httpx.AsyncClient, body: str, faults: Any, status: int, slug: str
) -> None:
    answer = await shop.post(PATH, content=body, headers={**_JSON, "Idempotency-Key": "k"})
    assert (answer.status_code, problem(answer)) == (status, slug)
    found = [(one["pointer"], one["code"]) for one in answer.json().get("errors", ())]
    assert found == (faults or [])
    assert (await shop.get(PATH)).json() == {"items": []}


async def test_who_may_not_and_what_is_not_there(server: Server, shop: httpx.AsyncClient) -> None:
    keyless = await shop.post(PATH, json={"amount": "1.00"})
    assert (keyless.status_code, problem(keyless)) == (400, "invalid-idempotency-key")
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert problem(await shop.post(PATH, headers=twice)) == "invalid-idempotency-key"
    plain = {"Content-Type": "text/plain", "Idempotency-Key": "a"}
    assert (await shop.post(PATH, content="{}", headers=plain)).status_code == 415
    for url in ("/v1/refunds/nobody", "/v1/payments/nobody/refunds"):
        assert (await shop.get(url)).status_code == 404
    lost = await shop.post("/v1/payments/nobody/refunds", headers={"Idempotency-Key": "a"})
    assert lost.status_code == 404
    async with server.client("payments:write") as other:
        assert (await other.post(PATH, json={"refund_id": "r"})).status_code == 403
        assert (await other.get("/v1/refunds/r")).status_code == 403


async def test_answers_obey_the_document(shop: httpx.AsyncClient) -> None:
    paths = DOCUMENT["paths"]
    operation = paths["/v1/payments/{payment_order_id}/refunds"]["post"]
    content = operation["requestBody"]["content"]["application/json"]["examples"]
    for name, example in content.items():
        if example["value"].get("amount") == "20.00":
            continue  # more than this order has
        key = {"Idempotency-Key": name}
        answer = await shop.post(PATH, json=example["value"], headers=key)
        kind = operation["responses"]["202"]["content"]["application/json"]["schema"]
        assert list(schema(kind).iter_errors(answer.json())) == []
    listed = paths["/v1/payments/{payment_order_id}/refunds"]["get"]["responses"]["200"]
    kind = listed["content"]["application/json"]["schema"]
    assert list(schema(kind).iter_errors((await shop.get(PATH)).json())) == []
