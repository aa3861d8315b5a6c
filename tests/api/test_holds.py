"""Holds over real HTTP: placed once for each key, listed in pages, released."""

from typing import Any

import httpx
import pytest
from tests.api.conftest import Server
from tests.api.test_openapi import DOCUMENT, schema
from tests.payouts.house import earn

from clearhouse.postgres.connection import Pool

PATH = "/v1/wallets/ann/holds"
ACCOUNT = {"currency": "EUR", "iban": "DE89 3704 0044 0532 0130 00", "holder": "Ann"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_a_hold_stops_payouts_until_it_is_released(server: Server, pool: Pool) -> None:
    async with server.client() as office:
        assert (await office.put("/v1/sellers/ann/bank-details", json=ACCOUNT)).is_success
        await earn(pool, "ann", 5_000)
        body = {"reason": "goods that never came", "currency": "EUR"}
        made = await office.post(PATH, json=body, headers=key("one"))
        assert made.status_code == 201
        assert schema(DOCUMENT["components"]["schemas"]["HoldView"]).is_valid(made.json())
        hold = made.json()
        assert (hold["kind"], hold["placed_by"], hold["until"]) == ("person", "key:all", None)
        again = await office.post(PATH, json=body, headers=key("one"))
        assert (again.content, again.headers["idempotency-replayed"]) == (made.content, "true")
        other = await office.post(PATH, json={"reason": "another"}, headers=key("one"))
        assert problem(other) == (422, "idempotency-key-reused")

        payout = {"seller_account": "ann", "currency": "EUR"}
        refused = await office.post("/v1/payouts", json=payout, headers=key("p1"))
        assert problem(refused) == (409, "payout-refused")
        elsewhere = f"/v1/wallets/bob/holds/{hold['hold_id']}/release"
        assert problem(await office.post(elsewhere, json={"reason": "x"})) == (404, "not-found")
        released = await office.post(
            f"{PATH}/{hold['hold_id']}/release", json={"reason": "they came"}
        )
        assert (released.status_code, released.json()["release_reason"]) == (200, "they came")
        repeated = await office.post(f"{PATH}/{hold['hold_id']}/release", json={"reason": "x"})
        assert repeated.json() == released.json()
        paid = await office.post("/v1/payouts", json=payout, headers=key("p2"))
        assert paid.status_code == 202
    deeds = await pool.fetch("select action, actor from access.audit_log order by entry_id")
    assert [tuple(deed) for deed in deeds if deed["action"].startswith("wallets.")] == [
        ("wallets.hold", "key:all"),
        ("wallets.release", "key:all"),
    ]


async def test_holds_are_listed_newest_first(server: Server) -> None:
    async with server.client() as office:
        made: list[dict[str, Any]] = []
        for name in ("one", "two", "three"):
            until = {"until": "2090-01-01T00:00:00Z"} if name == "two" else {}
            answer = await office.post(PATH, json={"reason": name, **until}, headers=key(name))
            made.insert(0, answer.json())
        last = f"{PATH}/{made[0]['hold_id']}/release"
        made[0] = (await office.post(last, json={"reason": "done"})).json()
        page = await office.get(PATH, params={"limit": 2})
        assert schema(DOCUMENT["components"]["schemas"]["HoldPageView"]).is_valid(page.json())
        assert page.json()["items"] == made[:2]
        rest = await office.get(page.links["next"]["url"])
        assert rest.json() == {"items": made[2:], "next_cursor": None}
        still = await office.get(PATH, params={"state": "open"})
        assert still.json()["items"] == made[1:]
        assert (await office.get("/v1/wallets/bob/holds")).json()["items"] == []


# fmt: off
BAD: list[tuple[Any, Any]] = [
    # body                                              pointer and code of each fault
    ({},                                                {("/reason", "missing")}),
    ([],                                                {("", "wrong-type")}),
    ({"reason": ""},                                    {("/reason", "invalid-value")}),
    ({"reason": "x" * 501},                             {("/reason", "invalid-value")}),
    ({"reason": "x", "currency": "eur"},                {("/currency", "invalid-value")}),
    ({"reason": "x", "currency": "XYZ"},                {("/currency", "unknown-currency")}),
    ({"reason": "x", "until": "tomorrow"},              {("/until", "invalid-value")}),
    ({"reason": "x", "until": "2090-01-01T00:00:00"},   {("/until", "invalid-value")}),
    ({"reason": "x", "why": "y"},                       {("", "unknown-field")}),
    ({"reason": "4111 1111 1111 1111"},                 "card-number-refused"),
]
# fmt: on


@pytest.mark.parametrize(("body", "faults"), BAD)
async def test_what_is_no_hold(client: httpx.AsyncClient, body: Any, faults: Any) -> None:
    answer = await client.post(PATH, json=body, headers=key("one"))
    if isinstance(faults, str):
        assert problem(answer) == (422, faults)
        return
    assert problem(answer) == (422, "validation-failed")
    assert {(one["pointer"], one["code"]) for one in answer.json()["errors"]} == faults


async def test_what_else_is_refused(client: httpx.AsyncClient, server: Server) -> None:
    without = await client.post(PATH, json={"reason": "x"})
    assert problem(without) == (400, "invalid-idempotency-key")
    wrong = await client.post(f"{PATH}/not-an-id/release", json={"reason": "x"})
    assert problem(wrong) == (404, "not-found")
    assert problem(await client.get(PATH, params={"state": "some"})) == (400, "invalid-parameter")
    async with server.client() as office:
        past = await office.post(
            PATH, json={"reason": "x", "until": "2020-01-01T00:00:00Z"}, headers=key("one")
        )
        assert past.json()["errors"][0]["pointer"] == "/until"
    async with server.client("wallets:read") as reader:
        assert problem(await reader.post(PATH, json={"reason": "x"})) == (403, "missing-scope")
