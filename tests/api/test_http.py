"""What HTTP itself asks for: headers, statuses, limits, and no word too much when things break."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs
from tests.api.memory import MemoryPayments, Readiness, memory_dependencies
from tests.api.payloads import VALID, fresh, raw

from clearhouse.api.app import create_app
from clearhouse.api.problems import TYPES
from clearhouse.kernel.errors import (
    ClearhouseError,
    Conflict,
    Fault,
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    KeyInUse,
    NotFound,
    Unauthenticated,
    UnavailableError,
)

JSON = {"Content-Type": "application/json"}


def assert_problem(answer: httpx.Response, slug: str) -> dict[str, Any]:
    """An answer is a problem of that type, with all that RFC 9457 and we promise."""
    kind = TYPES[slug]
    assert answer.status_code == kind.status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{slug}"
    assert body["title"] == kind.title
    assert body["status"] == kind.status
    assert body["detail"]
    assert body["request_id"] == answer.headers["request-id"]
    return body


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "",
    ],
)
async def test_another_content_type_is_refused(
    client: httpx.AsyncClient, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = await client.post("/v1/payments", content=raw(VALID), headers=headers)
    assert_problem(answer, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
    ],
)
async def test_json_in_utf8_is_taken(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post(
        "/v1/payments", content=raw(fresh()), headers={"Content-Type": media_type}
    )
    assert answer.status_code == 202


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    answer = await client.post("/v1/payments", content=raw(VALID), headers=headers)
    assert_problem(answer, "unsupported-media-type")


@pytest.mark.parametrize("length", [65_537, 10_000_000])
async def test_a_body_too_large_is_refused(client: httpx.AsyncClient, length: int) -> None:
    answer = await client.post("/v1/payments", content=b" " * length, headers=JSON)
    assert_problem(answer, "body-too-large")


async def test_a_body_that_comes_in_pieces_is_bounded_and_read(client: httpx.AsyncClient) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        body = raw(fresh()).ljust(size)
        for start in range(0, len(body), 1_000):
            yield body[start : start + 1_000]

    taken = await client.post("/v1/payments", content=pieces(30_000), headers=JSON)
    assert taken.status_code == 202
    refused = await client.post("/v1/payments", content=pieces(70_000), headers=JSON)
    assert_problem(refused, "body-too-large")


async def test_the_largest_body_that_makes_sense_fits(client: httpx.AsyncClient) -> None:
    orders = [
        {
            "payment_order_id": f"{index:03}".ljust(255, "x"),
            "seller_account": "s" * 255,
            "amount": "1.00",
            "currency": "EUR",
        }
        for index in range(100)
    ]
    document = fresh(buyer_info={"a": "x" * 100})
    document["payment_orders"] = orders
    document["checkout_id"] = "c" * 255
    body = json.dumps(document, separators=(",", ":")).encode()
    assert len(body) < 65_536
    answer = await client.post("/v1/payments", content=body, headers=JSON)
    assert answer.status_code == 202
    assert len(answer.json()["payment_orders"]) == 100


@pytest.mark.parametrize(
    "value", ["", '""', "a b", "k" * 256, '"' + "k" * 256 + '"', "a\tb", '"a', "\u00e9"]
)
async def test_an_idempotency_key_that_is_none_is_refused(
    client: httpx.AsyncClient, value: str
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"idempotency-key", value.encode("latin-1")),
    ]
    answer = await client.post("/v1/payments", content=raw(VALID), headers=headers)
    assert_problem(answer, "invalid-idempotency-key")


async def test_two_idempotency_keys_are_refused(client: httpx.AsyncClient) -> None:
    headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
    ]
    answer = await client.post("/v1/payments", content=raw(VALID), headers=headers)
    assert_problem(answer, "invalid-idempotency-key")


async def test_idempotency_keys_reach_the_service_in_their_namespaces(
    client: httpx.AsyncClient, payments: MemoryPayments
) -> None:
    document = fresh()
    await client.post("/v1/payments", json=document)
    await client.post("/v1/payments", json=fresh(), headers={"Idempotency-Key": r'"a \"b\" \\"'})
    await client.post("/v1/payments", json=fresh(), headers={"Idempotency-Key": "c:x"})
    assert [intake.idempotency_key for intake in payments.accepted] == [
        f"c:{document['checkout_id']}",
        'h:a "b" \\',
        "h:c:x",
    ]


@pytest.mark.parametrize("header", ["4111111111111111", '"4111 1111 1111 1111"'])
async def test_a_card_number_as_idempotency_key_is_refused(
    client: httpx.AsyncClient, header: str
) -> None:
    answer = await client.post(
        "/v1/payments", content=raw(VALID), headers=JSON | {"Idempotency-Key": header}
    )
    assert_problem(answer, "card-number-refused")
    assert "1111" not in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "/v1/payments/4111111111111111",
        "/v1/payments/4111%201111%201111%201111",
        "/v1/checkouts/4111-1111-1111-1111",
        "/v1/wallets/4111111111111111",
        "/v1/payments?seller_account=4111111111111111",
        "/v1/payments?x=4111+1111+1111+1111",
        "/v1/payments?4111111111111111",
        "/nowhere/4111111111111111",
    ],
)
async def test_a_card_number_in_the_url_is_refused(client: httpx.AsyncClient, url: str) -> None:
    with capture_logs() as logs:
        answer = await client.get(url)
    assert_problem(answer, "card-number-refused")
    assert "1111" not in answer.text + str(logs)


@pytest.mark.parametrize(
    "header",
    ["", "all", "Basic all", "Bearer", "Bearer ", "Bearer wrong", "Bearer \u00e9", "bearer  "],
)
async def test_without_a_valid_key_nobody_comes_in(client: httpx.AsyncClient, header: str) -> None:
    headers = [(b"authorization", header.encode("latin-1"))]
    answer = await client.post("/v1/payments", json=VALID, headers=headers)
    assert_problem(answer, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_the_scheme_may_be_written_in_any_case(client: httpx.AsyncClient) -> None:
    for scheme in ("bearer", "BEARER", "Bearer"):
        headers = {"Authorization": f"{scheme} all"}
        assert (await client.post("/v1/payments", json=fresh(), headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (Conflict("Taken.", faults=[Fault("/checkout_id", "used", "is used")]), "conflict"),
        (IdempotencyMismatch("Other body."), "idempotency-key-reused"),
        (KeyInUse("Busy.", retry_after_seconds=3), "idempotency-key-in-use"),
        (UnavailableError("Away."), "unavailable"),
        (NotFound("Nothing."), "not-found"),
        (Unauthenticated("Who?"), "unauthenticated"),
        (Forbidden("No."), "missing-scope"),
        (InvalidRequest([Fault("/a", "b", "c")]), "validation-failed"),
        (ClearhouseError("Something of ours."), "internal-error"),
        (RuntimeError("boom"), "internal-error"),
        (asyncpg.ConnectionDoesNotExistError("gone"), "unavailable"),
        (asyncpg.AdminShutdownError("restart"), "unavailable"),
        (asyncpg.InternalClientError("cannot switch to state 13"), "unavailable"),
        (ConnectionRefusedError(), "unavailable"),
        (asyncpg.UniqueViolationError("Key (name)=(Ada) exists"), "internal-error"),
        (LookupError(), "internal-error"),
    ],
)
async def test_every_error_is_a_problem_on_every_road(
    client: httpx.AsyncClient, payments: MemoryPayments, error: Exception, slug: str
) -> None:
    payments.fails = error
    posted = assert_problem(await client.post("/v1/payments", json=VALID), slug)
    looked = assert_problem(await client.get("/v1/payments/order-1"), slug)
    assert posted.get("errors") == looked.get("errors")


async def test_who_may_try_again_is_told_when(
    client: httpx.AsyncClient, payments: MemoryPayments
) -> None:
    payments.fails = KeyInUse("Busy.", retry_after_seconds=3)
    assert (await client.post("/v1/payments", json=VALID)).headers["retry-after"] == "3"
    payments.fails = UnavailableError("Away.")
    assert int((await client.post("/v1/payments", json=VALID)).headers["retry-after"]) >= 1
    assert int((await client.get("/v1/payments/x")).headers["retry-after"]) >= 1


async def test_an_unexpected_error_tells_nothing_but_its_id(
    client: httpx.AsyncClient, payments: MemoryPayments
) -> None:
    payments.fails = RuntimeError("Key (name)=(Ada Lovelace) exists")
    for request in (
        client.build_request("POST", "/v1/payments", json=VALID),
        client.build_request("GET", "/v1/payments/order-1"),
    ):
        with capture_logs() as logs:
            answer = await client.send(request)
        body = assert_problem(answer, "internal-error")
        assert "Ada" not in answer.text
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text
        [entry] = [log for log in logs if log["event"] == "unexpected_error"]
        assert entry["request_id"] == body["request_id"]
        assert entry["error"] == "RuntimeError"
        assert any("memory.py" in place for place in entry["where"])
        assert "Ada" not in str(logs)


@pytest.mark.parametrize(
    ("method", "path", "slug"),
    [
        ("GET", "/nowhere", "not-found"),
        ("GET", "/v1", "not-found"),
        ("POST", "/v1/payments/x/y", "not-found"),
        ("GET", "/v1/payments/unknown", "not-found"),
        ("GET", "/v1/checkouts/unknown", "not-found"),
        ("GET", "/problems/unknown", "not-found"),
        ("GET", f"/v1/payments/{'x' * 300}", "not-found"),
        ("GET", "/v1/payments/%00", "not-found"),
        ("GET", "/v1/payments/%ED%A0%80", "not-found"),
        ("GET", "/v1/checkouts/%F0%9F%98%80", "not-found"),
        ("PUT", "/v1/payments", "method-not-allowed"),
        ("DELETE", "/v1/payments/x", "method-not-allowed"),
        ("POST", "/healthz", "method-not-allowed"),
        ("POST", "/v1/wallets/x", "method-not-allowed"),
    ],
)
async def test_a_wrong_turn_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, slug: str
) -> None:
    answer = await client.request(method, path)
    assert_problem(answer, slug)
    assert ("allow" in answer.headers) == (slug == "method-not-allowed")


@pytest.mark.parametrize("path", ["/v1/payments/", "//v1/payments", "/v1//payments"])
async def test_a_slash_too_much_leads_to_the_same_intake(
    client: httpx.AsyncClient, payments: MemoryPayments, path: str
) -> None:
    document = fresh()
    url = f"http://api.test{path}"
    first = await client.post(url, json=document)
    assert (first.status_code, len(payments.accepted)) == (202, 1)
    again = await client.post("/v1/payments", json=document)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert_problem(await client.post(url, json={}), "validation-failed")
    assert_problem(await client.post(url, content=b" " * 70_000, headers=JSON), "body-too-large")
    payments.fails = KeyInUse("Busy.", retry_after_seconds=3)
    busy = await client.post(url, json=document)
    assert_problem(busy, "idempotency-key-in-use")
    assert busy.headers["retry-after"] == "3"


async def test_every_answer_has_a_request_id_of_its_own(client: httpx.AsyncClient) -> None:
    paths = ["/healthz", "/docs", "/openapi.json", "/metrics", "/nowhere", "/v1/payments", "/"]
    ids = [(await client.get(path)).headers["request-id"] for path in paths * 2]
    assert len(set(ids)) == len(ids)


async def test_health_and_readiness(client: httpx.AsyncClient, ready: Readiness) -> None:
    headers = {"Authorization": ""}
    assert (await client.get("/healthz", headers=headers)).json() == {"status": "ok"}
    assert (await client.get("/readyz", headers=headers)).json() == {"status": "ready"}
    ready.fails = UnavailableError("PostgreSQL does not answer.")
    assert_problem(await client.get("/readyz", headers=headers), "unavailable")
    assert (await client.get("/healthz", headers=headers)).status_code == 200


async def test_metrics_count_by_route_and_never_by_path(counted: httpx.AsyncClient) -> None:
    await counted.post("/v1/payments", json=fresh())
    await counted.post("/v1/payments", json={})
    for number in range(3):
        await counted.get(f"/v1/payments/secret-{number}")
        await counted.get(f"/nowhere/{number}")
        await counted.request(f"X{number}", "/healthz")
    text = (await counted.get("/metrics")).text
    name = "clearhouse_http_requests_total"
    assert f'{name}{{method="POST",route="/v1/payments",status="202"}} 1.0' in text
    assert f'{name}{{method="POST",route="/v1/payments",status="422"}} 1.0' in text
    route = "/v1/payments/{payment_order_id}"
    assert f'{name}{{method="GET",route="{route}",status="404"}} 3.0' in text
    assert f'{name}{{method="GET",route="unrouted",status="404"}} 3.0' in text
    assert f'{name}{{method="other",route="unrouted",status="405"}} 3.0' in text
    assert 'clearhouse_http_problems_total{type="validation-failed"} 1.0' in text
    assert "clearhouse_http_request_duration_seconds_bucket" in text
    assert "secret-" not in text
    assert "nowhere" not in text


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("limit=0", [("limit", "invalid-value")]),
        ("limit=201", [("limit", "invalid-value")]),
        ("limit=" + "9" * 5_000, [("limit", "invalid-value")]),
        ("limit=٣", [("limit", "invalid-value")]),
        ("status=DONE", [("status", "invalid-value")]),
        ("status=", [("status", "invalid-value")]),
        ("currency=usd", [("currency", "invalid-value")]),
        ("created_from=yesterday", [("created_from", "invalid-value")]),
        ("created_from=2026-01-01", [("created_from", "invalid-value")]),
        ("created_from=2026-01-01T00:00:00", [("created_from", "invalid-value")]),
        ("created_from=0001-01-01T00:00:00%2B14:00", [("created_from", "invalid-value")]),
        ("created_before=9999-12-31T23:59:59-14:00", [("created_before", "invalid-value")]),
        ("seller_account=%00", [("seller_account", "invalid-value")]),
        ("seller_account=" + "x" * 256, [("seller_account", "invalid-value")]),
        ("cursor=x", [("cursor", "invalid-value")]),
        ("cursor=", [("cursor", "invalid-value")]),
        ("cursor=%F0%9F%98%80", [("cursor", "invalid-value")]),
        ("colour=red", [("colour", "unknown-parameter")]),
        ("limit=1&limit=2", [("limit", "given-twice")]),
        ("%00=1", [("?", "unknown-parameter")]),
        ("&".join(f"a{n}=1" for n in range(60)), [("?", "malformed")]),
        ("limit=0&status=x", [("limit", "invalid-value"), ("status", "invalid-value")]),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(
    client: httpx.AsyncClient, query: str, faults: list[tuple[str, str]]
) -> None:
    answer = await client.get(f"/v1/payments?{query}")
    body = assert_problem(answer, "invalid-parameter")
    assert [(e["parameter"], e["code"]) for e in body["errors"]] == faults


async def test_a_cursor_belongs_to_its_filters(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await client.post("/v1/payments", json=fresh())
    first = (await client.get("/v1/payments?limit=2&seller_account=seller-1")).json()
    cursor = first["next_cursor"]
    assert len(first["items"]) == 2
    second = (
        await client.get(f"/v1/payments?seller_account=seller-1&limit=50&cursor={cursor}")
    ).json()
    assert len(second["items"]) == 1
    assert second["next_cursor"] is None
    other = await client.get(f"/v1/payments?seller_account=seller-2&cursor={cursor}")
    body = assert_problem(other, "invalid-parameter")
    assert [(e["parameter"], e["code"]) for e in body["errors"]] == [("cursor", "other-filters")]
    changed = await client.get(f"/v1/payments?seller_account=seller-1&cursor={cursor[:-4]}AAAA")
    assert_problem(changed, "invalid-parameter")


@pytest.mark.parametrize(
    "path", ["/v1/payments", "/v1/payments/", "/v1/webhooks/stripe", f"/pay/{43 * 'T'}"]
)
async def test_a_client_that_leaves_in_the_middle_is_not_answered_and_nothing_is_accepted(
    payments: MemoryPayments, ready: Readiness, path: str
) -> None:
    app: Any = create_app(memory_dependencies(payments, ready))
    body = raw(fresh())
    arriving = [
        {"type": "http.request", "body": body, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", b"Bearer all"), (b"content-type", b"application/json")],
        "client": None,
        "server": None,
    }
    with capture_logs() as logs:
        await app(scope, receive, send)
    assert payments.accepted == []
    assert logs == []
    assert all(message.get("status") != 202 for message in sent)
