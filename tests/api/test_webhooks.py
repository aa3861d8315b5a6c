"""``/v1/webhooks/{psp}`` over HTTP: acknowledged, refused, counted, and challenged."""

import httpx
import pytest

GOOD = {"signature": "good"}
PLAIN = "/v1/webhooks/plain"


async def test_what_is_stored_is_acknowledged_with_an_empty_200(counted: httpx.AsyncClient) -> None:
    for _ in range(2):
        reply = await counted.post(PLAIN, content=b"\xff\x00 raw", headers=GOOD)
        assert (reply.status_code, reply.content) == (200, b"")
    metrics = (await counted.get("/metrics")).text
    assert 'clearhouse_webhooks_received_total{psp="plain",result="new"} 1.0' in metrics
    assert 'clearhouse_webhooks_received_total{psp="plain",result="repeated"} 1.0' in metrics


async def test_no_api_key_is_asked_for(client: httpx.AsyncClient) -> None:
    client.headers.pop("authorization")
    assert (await client.post(PLAIN, content=b"{}", headers=GOOD)).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"signature": "bad"}])
async def test_a_bad_signature_is_400_and_counted(
    counted: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    reply = await counted.post(PLAIN, content=b"{}", headers=headers)
    assert reply.status_code == 400
    assert reply.json()["type"] == "/problems/webhook-not-authentic"
    metrics = (await counted.get("/metrics")).text
    assert 'clearhouse_webhooks_received_total{psp="plain",result="refused"} 1.0' in metrics


async def test_a_psp_that_sends_none_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/webhooks/paypal", headers=GOOD)).status_code == 404
    assert (await client.get("/v1/webhooks/paypal?challenge=1")).status_code == 404


async def test_a_body_without_end_is_413(client: httpx.AsyncClient) -> None:
    reply = await client.post(PLAIN, content=b"x" * 70_000, headers=GOOD)
    assert reply.status_code == 413


async def test_a_challenge_is_answered_as_plain_text(client: httpx.AsyncClient) -> None:
    reply = await client.get(f"{PLAIN}?challenge=42")
    assert (reply.status_code, reply.text) == (200, "answer to 42")
    assert reply.headers["content-type"].startswith("text/plain")
