"""Disputes over real HTTP: shown, answered once, refused with a sentence."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.api.conftest import Server
from tests.api.test_openapi import DOCUMENT, schema
from tests.disputes.rooms import learn, only, told
from tests.operations.desk import sold

from clearhouse.postgres.connection import Pool

TEXT = {"text": "It was delivered.\nThe buyer signed.", "fields": {"tracking_number": "LX 44"}}
_JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def shop(server: Server, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    await sold(pool)
    await learn(pool, told("needs_response", due=datetime(2099, 1, 1, tzinfo=UTC)))
    async with server.client() as opened:
        yield opened


async def path_of(pool: Pool) -> str:
    return f"/v1/disputes/{(await only(pool)).public_id}"


def problem(answer: httpx.Response) -> str:
    return answer.json()["type"].removeprefix("/problems/")


async def test_evidence_is_accepted_shown_and_replayed(shop: httpx.AsyncClient, pool: Pool) -> None:
    path = await path_of(pool)
    first = await shop.post(f"{path}/evidence", json=TEXT)
    assert first.status_code == 202
    assert first.headers["location"] == f"{path}/answers"
    shown = first.json()
    assert (shown["kind"], shown["status"], shown["text"]) == ("evidence", "CREATED", TEXT["text"])
    again = await shop.post(f"{path}/evidence", content=json.dumps(TEXT, indent=3), headers=_JSON)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert (await shop.get(f"{path}/answers")).json() == {"items": [shown]}
    for answer in (
        await shop.post(f"{path}/evidence", json={"text": "else"}),
        await shop.post(f"{path}/accept"),
    ):
        assert (answer.status_code, problem(answer)) == (409, "dispute-not-answerable")
        assert answer.json()["detail"] == "The dispute was answered already."
    schema(DOCUMENT["components"]["schemas"]["DisputeAnswerView"]).validate(shown)


async def test_giving_in_needs_no_body_and_its_key_holds(
    shop: httpx.AsyncClient, pool: Pool
) -> None:
    path = await path_of(pool)
    key = {"Idempotency-Key": "one"}
    first = await shop.post(f"{path}/accept", headers=key)
    assert (first.status_code, first.json()["kind"]) == (202, "acceptance")
    assert (await shop.post(f"{path}/accept", headers=key, json={})).content == first.content
    other = await shop.post(f"{path}/evidence", headers=key, json=TEXT)
    assert (other.status_code, problem(other)) == (422, "idempotency-key-reused")


# fmt: off
BAD: list[tuple[str, Any, int, str]] = [
    # body                                   pointer and code of each fault
    ("{", None, 400, "malformed-json"),
    ("[]", [("", "wrong-type")], 422, "validation-failed"),
    ("{}", [("", "missing-field")], 422, "validation-failed"),
    ('{"text": "  ", "fields": {"a": " "}}', [("", "missing-field")], 422, "validation-failed"),
    ('{"text": 1, "fields": [], "why": 2}',
        [("", "unknown-field"), ("/text", "wrong-type"), ("/fields", "wrong-type")],
        422, "validation-failed"),
    ('{"fields": {"no spaces": "x", "b": 7}}',
        [("/fields", "invalid-name"), ("/fields/b", "wrong-type")], 422, "validation-failed"),
    ('{"fields": {"a": "x", "a": "y"}}', [("/fields", "duplicate-key")], 422, "validation-failed"),
    ('{"text": "a", "text": "b"}', [("/text", "duplicate-key")], 422, "validation-failed"),
    ('{"text": "%s"}' % ("x" * 20_001), [("/text", "too-long")], 422, "validation-failed"),
    ('{"fields": {"a": "%s"}}' % ("x" * 5_001),
        [("/fields/a", "too-long")], 422, "validation-failed"),
    (json.dumps({"fields": {f"f{n}": "x" for n in range(31)}}),
        [("/fields", "too-many")], 422, "validation-failed"),
    ('{"text": "a\\u0000b"}', [("/text", "nul-character")], 422, "validation-failed"),
    ('{"text": "card 4111111111111111"}', [("", "card-number")], 422, "card-number-refused"),
    ('{"fields": {"a": "\\u0034111111111111111"}}',
        [("/fields/a", "card-number")], 422, "card-number-refused"),
    ("[" * 50 + "]" * 50, [("", "wrong-type")], 422, "validation-failed"),
]
# fmt: on


@pytest.mark.parametrize(("body", "faults", "status", "slug"), BAD)
async def test_every_fault_is_told_at_once(
    shop: httpx.AsyncClient, pool: Pool, body: str, faults: Any, status: int, slug: str
) -> None:
    answer = await shop.post(f"{await path_of(pool)}/evidence", content=body, headers=_JSON)
    assert (answer.status_code, problem(answer)) == (status, slug)
    if faults is not None:
        found = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
        assert found == faults
    assert await pool.fetchval("select count(*) from payments.dispute_answers") == 0


async def test_giving_in_says_nothing(shop: httpx.AsyncClient, pool: Pool) -> None:
    answer = await shop.post(f"{await path_of(pool)}/accept", json={"text": "sorry"})
    assert (answer.status_code, problem(answer)) == (422, "validation-failed")


async def test_what_is_not_there_or_not_allowed(shop: httpx.AsyncClient, server: Server) -> None:
    for name in ("nobody", "dp_" + "0" * 32, "dp_" + "g" * 32):
        for answer in (
            await shop.post(f"/v1/disputes/{name}/evidence", json=TEXT),
            await shop.post(f"/v1/disputes/{name}/accept"),
            await shop.get(f"/v1/disputes/{name}/answers"),
        ):
            assert (answer.status_code, problem(answer)) == (404, "not-found")
    async with server.client("disputes:read") as reader:
        answer = await reader.post("/v1/disputes/nobody/evidence", json=TEXT)
        assert (answer.status_code, problem(answer)) == (403, "missing-scope")


def test_the_document_tells_of_answers() -> None:
    paths = DOCUMENT["paths"]
    assert "409" in paths["/v1/disputes/{dispute_id}/evidence"]["post"]["responses"]
    assert "post" in paths["/v1/disputes/{dispute_id}/accept"]
