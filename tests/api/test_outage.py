"""PostgreSQL killed under the API: 503 while it is away, and no acknowledged payment lost."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.conftest import ApiThread
from tests.api.payloads import fresh

from clearhouse.bootstrap import migrate_all
from clearhouse.postgres.embedded import EmbeddedPostgres


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A durable server of this test alone, since it is killed."""
    directory = Path(tempfile.mkdtemp(prefix="clearhouse-outage-"))
    directory.chmod(0o755)
    server = EmbeddedPostgres(directory, settings={"shared_buffers": "64MB"})
    server.start()
    yield server
    server.stop(immediately=True)
    shutil.rmtree(directory, ignore_errors=True)


async def test_while_the_database_is_away_nothing_is_said_that_may_be_wrong(
    own_server: EmbeddedPostgres,
) -> None:
    await migrate_all(own_server.dsn())
    api = ApiThread(own_server.dsn())
    api.start()
    assert api.started.wait(30)
    document = fresh()
    order = document["payment_orders"][0]["payment_order_id"]
    async with api.server().client() as client:
        first = await client.post("/v1/payments", json=document)
        assert first.status_code == 202

        own_server.kill()
        for request in (
            client.build_request("POST", "/v1/payments", json=fresh()),
            client.build_request("GET", f"/v1/payments/{order}"),
            client.build_request("GET", "/v1/payments"),
            client.build_request("GET", "/readyz"),
        ):
            answer = await client.send(request)
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/unavailable"
            assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200

        own_server.start()
        assert (await client.get("/readyz")).status_code == 200
        replayed = await client.post("/v1/payments", json=document)
        assert (replayed.status_code, replayed.content) == (202, first.content)
        assert replayed.headers["idempotency-replayed"] == "true"
    api.stop()
