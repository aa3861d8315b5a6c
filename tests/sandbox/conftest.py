"""One sandbox per test file; each test has an account of its own at each PSP in it."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
import stripe
from square import Square
from tests.sandbox.world import close_clients, square_client, stripe_client

from clearhouse.sandbox.server import Running, running

_accounts = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


@pytest.fixture(autouse=True)
def _closed_connections() -> Iterator[None]:
    yield
    close_clients()


@pytest.fixture
def stripe_sdk(sandbox: Running) -> stripe.StripeClient:
    return stripe_client(sandbox.base_url, f"sk_test_{next(_accounts)}")


@pytest.fixture
def square_sdk(sandbox: Running) -> Square:
    return square_client(sandbox.base_url, f"token-{next(_accounts)}")


@pytest.fixture
def control(sandbox: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.base_url}/_sandbox", trust_env=False) as client:
        yield client
        client.delete("/faults")
        client.delete("/rates")
        client.post("/settings", json={"latency": {}, "list_lag_seconds": {}})
