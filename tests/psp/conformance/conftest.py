"""Each test of this folder runs once for every adapter that the registry finds."""

from collections.abc import AsyncIterator, Iterator
from functools import cache

import pytest
from tests.psp.conformance.profiles import PROFILES
from tests.psp.conformance.world import World

from clearhouse.psp import registry
from clearhouse.psp.contract import PspConfig
from clearhouse.sandbox.server import Running, running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The world of each adapter; where a file names ``PROTOCOL``, of those that have it.

    A test marked ``needs("slow_refund")`` is for those whose profile has one, and one marked
    ``@telling("refunds")`` for those whose webhooks tell of refunds.
    """
    if "world" in metafunc.fixturenames:
        needed = metafunc.definition.get_closest_marker("needs")
        tells = getattr(metafunc.function, "tells", None)
        names = [
            name
            for name in having(getattr(metafunc.module, "PROTOCOL", object))
            if (needed is None or getattr(PROFILES[name], needed.args[0]) is not None)
            and (tells is None or tells in PROFILES[name].tells)
        ]
        metafunc.parametrize("world", names, indirect=True)


def having(protocol: type) -> list[str]:
    """The adapters that implement a protocol."""
    return [name for name, adapter in _all().items() if isinstance(adapter, protocol)]


@cache
def _all() -> dict[str, object]:
    """One of each, made once for all tests that are collected."""
    nowhere = "http://127.0.0.1:9"
    return {
        name: registry.create(name, PspConfig(PROFILES[name].credentials, nowhere, 1.0, 1))
        for name in registry.names()
    }


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
async def world(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[World]:
    made = World(request.param, sandbox.base_url)
    yield made
    await made.close()
    made.clear()
