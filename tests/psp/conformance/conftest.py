"""Each test of this folder runs once for every adapter that the registry finds."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.psp.conformance.world import World

from clearhouse.psp import registry
from clearhouse.sandbox.server import Running, running


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture(params=registry.names())
async def world(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[World]:
    made = World(request.param, sandbox.base_url)
    yield made
    await made.close()
    made.clear()
