"""Webhook endpoints over HTTP: added, changed, switched, deleted, and what was sent to them."""

import json
from typing import Any

import httpx
import pytest
from tests.api.conftest import Server
from tests.webhooks.merchant import IDS, Merchant, dispatcher, make_due, tell
from tests.webhooks.test_deliveries import success

from clearhouse.postgres.connection import PlainConnection, Pool

PATH = "/v1/webhook-endpoints"
NOBODY = "019ca8d5a4c17d0e9b1e6a5f0c3b2d41"
URL = "http://127.0.0.1:9999/in"
WRITES = ["rotate-secret", "enable", "disable", "test"]


async def added(client: httpx.AsyncClient, **more: Any) -> Any:
    answer = await client.post(PATH, json={"url": URL, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_endpoint_lives_and_its_secret_is_shown_once(server: Server) -> None:
    async with server.client() as client:
        made = await added(client, events=["refund.*"], description="shop", seller_account="s1")
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        here = f"{PATH}/{made['endpoint_id']}"
        assert (await client.get(here)).json() == made
        assert (await client.get(PATH)).json() == {"items": [made], "next_cursor": None}
        changed = (await client.patch(here, json={"events": [], "description": ""})).json()
        assert (changed["events"], changed["url"], changed["description"]) == ([], URL, "")
        rotated = (await client.post(f"{here}/rotate-secret")).json()
        assert rotated.pop("secret") != secret
        off = (await client.post(f"{here}/disable", json={"reason": "moving"})).json()
        assert (off["state"], off["disabled_reason"]) == ("disabled", "moving")
        for verb, body in (("test", {}), ("resend", {"since": "2026-01-01T00:00:00Z"})):
            answer = await client.post(f"{here}/{verb}", json=body)
            assert answer.json()["type"] == "/problems/webhook-endpoint-disabled"
        assert (await client.post(f"{here}/enable")).json()["state"] == "enabled"
        assert (await client.delete(here)).json()["deleted"] is True
        for gone in (await client.get(here), await client.delete(here)):
            assert gone.status_code == 404
        assert (await client.get(PATH)).json()["items"] == []


async def test_every_deed_is_in_the_audit_log_and_no_secret_is(
    server: Server, owner: PlainConnection
) -> None:
    async with server.client() as client:
        made = await added(client)
        here = f"{PATH}/{made['endpoint_id']}"
        await client.patch(here, json={"events": ["refund.*"]})
        for verb in ("rotate-secret", "disable", "enable"):
            await client.post(f"{here}/{verb}")
        await client.post(f"{here}/resend", json={"since": "2026-01-01T00:00:00Z"})
        await client.delete(here)
    rows = await owner.fetch("select * from access.audit_log order by entry_id")
    assert [row["action"].removeprefix("webhook_endpoint.") for row in rows] == [
        "created", "changed", "secret_rotated", "disabled", "enabled", "resent", "deleted",
    ]  # fmt: skip
    assert {row["target"] for row in rows} == {made["endpoint_id"]}
    assert all(row["actor"].startswith("API key ") for row in rows)
    assert made["secret"] not in str([dict(row) for row in rows])


FAULTS = [
    # body, pointer, code
    ({}, "/url", "missing"),
    ({"url": 5}, "/url", "invalid-value"),
    ({"url": "ftp://shop.com/"}, "/url", "destination-refused"),
    ({"url": "http://0x7f.1/"}, "/url", "destination-refused"),
    ({"url": URL, "events": "refund.*"}, "/events", "invalid-value"),
    ({"url": URL, "events": ["sale.*"]}, "/events/0", "unknown-event"),
    ({"url": URL, "events": [5]}, "/events", "invalid-value"),
    ({"url": URL, "description": "x" * 201}, "/description", "invalid-value"),
    ({"url": URL, "description": "a\nb"}, "/description", "invalid"),
    ({"url": URL, "description": "\ud800"}, "/description", "invalid-value"),
    ({"url": URL, "seller_account": "no spaces"}, "/seller_account", "invalid-value"),
    ({"url": URL, "secret": "whsec_mine"}, "/secret", "unknown-field"),
    (["url"], "", "wrong-type"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pointer", "code"), FAULTS)
async def test_what_is_wrong_is_told_with_its_place(
    server: Server, body: Any, pointer: str, code: str
) -> None:
    async with server.client() as client:
        answer = await client.post(
            PATH, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]


async def test_a_repeated_request_adds_no_second_endpoint(server: Server) -> None:
    async with server.client() as client:
        first = await added(client)
        again = await client.post(PATH, json={"url": URL})
        assert again.json()["type"] == "/problems/conflict"
        assert again.json()["errors"][0]["pointer"] == "/url"
        other = await added(client, seller_account="s1")
        taken = await client.patch(
            f"{PATH}/{other['endpoint_id']}", json={"url": "http://localhost:1/"}
        )
        assert taken.status_code == 200
        moved = await client.patch(
            f"{PATH}/{first['endpoint_id']}", json={"url": "http://localhost:1/"}
        )
        assert moved.status_code == 200  # of another seller: none


@pytest.mark.parametrize("name", ["we_1", "we_" + "g" * 32, NOBODY, f"we_{NOBODY}"])
async def test_what_is_no_endpoint_is_not_found(server: Server, name: str) -> None:
    async with server.client() as client:
        answers = [
            await client.get(f"{PATH}/{name}"),
            await client.get(f"{PATH}/{name}/deliveries/msg_{NOBODY}_1"),
            await client.get(f"{PATH}/{name}/deliveries/none"),
            await client.patch(f"{PATH}/{name}", json={"events": []}),
            *[await client.post(f"{PATH}/{name}/{verb}", json={}) for verb in WRITES],
            await client.post(f"{PATH}/{name}/resend", json={"since": "2026-01-01T00:00:00Z"}),
        ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)


async def test_what_was_sent_is_listed_shown_and_sent_again(server: Server, pool: Pool) -> None:
    async with (
        Merchant(answer=lambda n: 500 if n == 1 else 204) as merchant,
        server.client() as http,
    ):
        made = (await http.post(PATH, json={"url": merchant.url})).json()
        here = f"{PATH}/{made['endpoint_id']}/deliveries"
        await tell(pool, *(success(f"o-{n}", IDS.new()) for n in range(5)))
        await dispatcher(pool).step()
        first = (await http.get(here, params={"limit": 2})).json()
        second = (await http.get(here, params={"limit": 2, "cursor": first["next_cursor"]})).json()
        rest = (await http.get(here, params={"limit": 2, "cursor": second["next_cursor"]})).json()
        listed = [*first["items"], *second["items"], *rest["items"]]
        assert len({one["message_id"] for one in listed}) == 5
        assert rest["next_cursor"] is None
        [failed] = (await http.get(here, params={"state": "waiting"})).json()["items"]
        assert (failed["last_error"], failed["tries"]) == ("HTTP 500", 1)
        shown = (await http.get(f"{here}/{failed['message_id']}")).json()
        assert shown["payload"]["data"]["payment_order_id"] == failed["object_id"]
        assert [one["status"] for one in shown["log"]] == [500]
        assert (await http.post(f"{here}/{failed['message_id']}/resend")).status_code == 202
        assert await dispatcher(pool).step() == 1
        again = {"since": "2026-01-01T00:00:00+01:00", "states": ["failed", "delivered"]}
        answer = await http.post(f"{PATH}/{made['endpoint_id']}/resend", json=again)
        assert answer.json() == {"resent": 5}
        await make_due(pool)
        assert await dispatcher(pool).step() == 5
        tried = await http.post(f"{PATH}/{made['endpoint_id']}/test")
        await dispatcher(pool).step()
        assert merchant.got[-1].headers["webhook-id"] == tried.json()["message_id"]
        wrong = await http.get(here, params={"cursor": first["next_cursor"], "state": "failed"})
        assert wrong.json()["errors"][0]["code"] == "other-filters"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_key_needs_the_scope(server: Server, method: str) -> None:
    async with server.client("payments:read") as client:
        answer = await client.request(method, PATH, json={"url": URL})
    assert answer.json()["type"] == "/problems/missing-scope"
