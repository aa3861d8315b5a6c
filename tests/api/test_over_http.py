"""The API over real HTTP and PostgreSQL: accept, read, repeat, race, and who may."""

import asyncio
import json
import socket
from collections import Counter

import asyncpg
import httpx
import pytest
from tests.api.conftest import Server
from tests.api.payloads import fresh, raw


async def count(owner: asyncpg.Connection, table: str) -> int:
    return await owner.fetchval(f"select count(*) from payments.{table}")


async def test_a_payment_is_accepted_and_can_be_read(server: Server) -> None:
    document = fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        accepted = await client.post("/v1/payments", json=document)
        assert accepted.status_code == 202
        assert accepted.headers["content-type"] == "application/json"
        assert "idempotency-replayed" not in accepted.headers
        body = accepted.json()
        assert body["checkout_id"] == document["checkout_id"]
        assert body["is_payment_done"] is False
        assert [
            (o["payment_order_id"], o["seller_account"], o["amount"], o["currency"], o["status"])
            for o in body["payment_orders"]
        ] == [
            (o["payment_order_id"], o["seller_account"], o["amount"], o["currency"], "NOT_STARTED")
            for o in document["payment_orders"]
        ]

        checkout = await client.get(accepted.headers["location"])
        assert checkout.status_code == 200
        assert checkout.json() == body

        name = document["payment_orders"][1]["payment_order_id"]
        order = await client.get(f"/v1/payments/{name}")
        assert order.status_code == 200
        assert order.json() == body["payment_orders"][1] | {"attempts": [], "refunds": []}

        listed = await client.get("/v1/payments", params={"checkout_id": document["checkout_id"]})
        assert listed.json()["next_cursor"] is None
        assert {o["payment_order_id"] for o in listed.json()["items"]} == {
            o["payment_order_id"] for o in document["payment_orders"]
        }


async def test_an_answer_is_replayed_byte_for_byte(server: Server) -> None:
    document = fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        first = await client.post("/v1/payments", json=document)
        again = await client.post(
            "/v1/payments",
            content=json.dumps(dict(reversed(document.items())), indent=3),
            headers={"Content-Type": 'application/json; charset="UTF-8"'},
        )
        assert (again.status_code, again.content) == (202, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["request-id"] != first.headers["request-id"]


async def test_a_key_in_quotes_is_the_same_key(server: Server) -> None:
    document = fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        first = await client.post("/v1/payments", json=document, headers={"Idempotency-Key": "k-1"})
        again = await client.post(
            "/v1/payments", json=document, headers={"Idempotency-Key": '"k-1"'}
        )
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"


async def test_the_same_key_with_another_body_changes_nothing(
    server: Server, owner: asyncpg.Connection
) -> None:
    document, other = fresh(), fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        key = {"Idempotency-Key": "k-1"}
        assert (await client.post("/v1/payments", json=document, headers=key)).status_code == 202
        refused = await client.post("/v1/payments", json=other, headers=key)
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/idempotency-key-reused"
        assert await count(owner, "payment_events") == 1


async def test_without_the_header_the_checkout_id_is_the_key(
    server: Server, owner: asyncpg.Connection
) -> None:
    document = fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        assert (await client.post("/v1/payments", json=document)).status_code == 202
        document["payment_orders"][0]["amount"] = "13.00"
        refused = await client.post("/v1/payments", json=document)
        assert refused.json()["type"] == "/problems/idempotency-key-reused"
        assert await count(owner, "payment_orders") == 2


async def test_a_key_of_the_header_never_meets_a_checkout_id(server: Server) -> None:
    document, other = fresh(), fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        assert (await client.post("/v1/payments", json=document)).status_code == 202
        key = {"Idempotency-Key": document["checkout_id"]}
        accepted = await client.post("/v1/payments", json=other, headers=key)
        assert accepted.status_code == 202
        assert accepted.json()["checkout_id"] == other["checkout_id"]


async def test_idempotency_keys_belong_to_an_api_key(server: Server) -> None:
    document, other = fresh(), fresh()
    key = {"Idempotency-Key": "shared"}
    async with server.client(None) as client:
        mine = await client.post("/v1/payments", json=document, headers=server.headers("all") | key)
        theirs = await client.post(
            "/v1/payments", json=other, headers=server.headers("other") | key
        )
        assert (mine.status_code, theirs.status_code) == (202, 202)
        # Another API key cannot read an answer by repeating the request: the ids are taken.
        stolen = await client.post("/v1/payments", json=document, headers=server.headers("other"))
        assert stolen.status_code == 409
        assert mine.json()["payment_event_id"] not in stolen.text


async def test_a_hundred_simultaneous_requests_with_one_key_execute_once(
    server: Server, owner: asyncpg.Connection
) -> None:
    body = raw(fresh())
    headers = server.headers() | {"Idempotency-Key": "race", "Content-Type": "application/json"}
    async with server.client() as client:
        answers = await asyncio.gather(
            *(client.post("/v1/payments", content=body, headers=headers) for _ in range(100))
        )
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) <= {202, 429}
        assert statuses[202] >= 1
        assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
        fresh_answers = [
            answer
            for answer in answers
            if answer.status_code == 202 and "idempotency-replayed" not in answer.headers
        ]
        assert len(fresh_answers) == 1
        for answer in answers:
            if answer.status_code == 429:
                assert answer.json()["type"] == "/problems/idempotency-key-in-use"
                assert int(answer.headers["retry-after"]) >= 1
        last = await client.post("/v1/payments", content=body, headers=headers)
        assert last.content == fresh_answers[0].content
        assert last.headers["idempotency-replayed"] == "true"
    assert await count(owner, "payment_events") == 1
    assert await count(owner, "payment_orders") == 2


async def test_a_used_order_id_is_told_by_its_pointer(
    server: Server, owner: asyncpg.Connection
) -> None:
    document, other = fresh(), fresh()
    other["payment_orders"][1]["payment_order_id"] = document["payment_orders"][0][
        "payment_order_id"
    ]
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        await client.post("/v1/payments", json=document)
        refused = await client.post("/v1/payments", json=other)
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/conflict"
        assert [e["pointer"] for e in refused.json()["errors"]] == [
            "/payment_orders/1/payment_order_id"
        ]
    assert await count(owner, "payment_events") == 1


async def test_a_used_checkout_id_is_told_by_its_pointer(server: Server) -> None:
    document = fresh()
    other = fresh(checkout_id=document["checkout_id"])
    for index, order in enumerate(other["payment_orders"]):
        order["payment_order_id"] = f"another-{index}"
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        await client.post("/v1/payments", json=document, headers={"Idempotency-Key": "a"})
        refused = await client.post("/v1/payments", json=other, headers={"Idempotency-Key": "b"})
        assert refused.status_code == 409
        assert [e["pointer"] for e in refused.json()["errors"]] == ["/checkout_id"]


async def test_a_card_number_never_reaches_the_database(
    server: Server, owner: asyncpg.Connection
) -> None:
    document = fresh(buyer_info={"note": "4111 1111 1111 1111"})
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        refused = await client.post("/v1/payments", json=document)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/card-number-refused"
    told = {name: value for name, value in refused.json().items() if name != "request_id"}
    # An id of a certain minute holds these digits too.
    assert "1111" not in str(told)
    assert await count(owner, "payment_events") == 0


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/payments", "payments:write"),
        ("GET", "/v1/payments", "payments:read"),
        ("GET", "/v1/payments/x", "payments:read"),
        ("GET", "/v1/checkouts/x", "payments:read"),
        ("GET", "/v1/wallets/x", "wallets:read"),
        ("GET", "/v1/wallets/x/margin?from=2026-01-01&to=2026-02-01", "fees:read"),
        ("GET", "/v1/wallets/x/holds", "wallets:read"),
        ("GET", "/v1/webhook-endpoints", "webhooks:read"),
        ("POST", "/v1/webhook-endpoints/x/test", "webhooks:write"),
    ],
)
async def test_each_operation_asks_for_its_scope(
    server: Server, method: str, path: str, scope: str
) -> None:
    async with server.client(None) as client:
        nobody = await client.request(method, path)
        assert (nobody.status_code, nobody.json()["type"]) == (401, "/problems/unauthenticated")
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        for name in server.tokens:
            answer = await client.request(method, path, headers=server.headers(name))
            may = name in {"all", "other", scope}
            assert (answer.status_code != 403) == may
            assert answer.status_code in ({403} if not may else {200, 404, 415})
            if not may:
                assert answer.json()["type"] == "/problems/missing-scope"
                assert scope in answer.json()["detail"]


async def test_wallets_are_read_in_decimal_strings(
    server: Server, owner: asyncpg.Connection
) -> None:
    columns = await owner.fetch(
        "select column_name from information_schema.columns"
        " where table_schema = 'wallets' and table_name = 'wallets'"
    )
    assert {"seller_account", "currency", "pending_minor"} <= {c["column_name"] for c in columns}
    await owner.execute(
        "insert into wallets.wallets (seller_account, currency, pending_minor)"
        " values ('tea', 'KWD', 12345), ('tea', 'JPY', 700)"
    )
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        wallet = (await client.get("/v1/wallets/tea")).json()
        assert wallet["seller_account"] == "tea"
        assert [(b["currency"], b["pending"], b["available"]) for b in wallet["balances"]] == [
            ("JPY", "700", "0"),
            ("KWD", "12.345", "0.000"),
        ]
        missing = await client.get("/v1/wallets/nobody")
        assert missing.json()["type"] == "/problems/not-found"


async def test_pages_meet_every_order_once_while_new_ones_arrive(server: Server) -> None:
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        names: set[str] = set()
        for _ in range(6):
            document = fresh()
            names |= {order["payment_order_id"] for order in document["payment_orders"]}
            await client.post("/v1/payments", json=document)
        seen: list[str] = []
        url: str | None = "/v1/payments?limit=5&status=NOT_STARTED"
        while url:
            page = await client.get(url)
            seen += [order["payment_order_id"] for order in page.json()["items"]]
            await client.post("/v1/payments", json=fresh())
            cursor = page.json()["next_cursor"]
            assert ("link" in page.headers) == (cursor is not None)
            url = page.links["next"]["url"] if cursor else None
        assert len(seen) == len(set(seen)) == 12
        assert set(seen) == names


def test_a_body_that_lies_about_its_length_is_still_bounded(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        "POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {server.headers()['Authorization']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(head)
        answer = b""
        wire.settimeout(20)
        try:
            for _ in range(20):
                wire.sendall(chunk)
        except OSError:
            pass
        while not answer.endswith(b"}") and (piece := wire.recv(65_536)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"/problems/body-too-large" in answer
