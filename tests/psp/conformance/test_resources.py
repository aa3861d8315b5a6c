"""Nothing is left open, written, read or said that should not be."""

import asyncio
import logging
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import stripe
from tests.psp.conformance.world import World

from clearhouse.psp import registry
from clearhouse.psp.contract import Succeeded


def connections_to(world: World) -> int:
    port = urlsplit(world.base_url).port
    found = psutil.Process().net_connections(kind="tcp")
    return sum(1 for c in found if c.raddr and c.raddr.port == port and c.status == "ESTABLISHED")


def threads_of(world: World) -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(f"{world.name}-calls")]


async def test_close_gives_back_all_threads_and_sockets(world: World) -> None:
    adapter = world.adapter(concurrency=6)
    world.set(latency={world.name: {"median_ms": 20, "p99_ms": 20}})
    before = connections_to(world)
    await asyncio.gather(*(adapter.charge(world.request()) for _ in range(18)))
    assert 1 <= connections_to(world) - before <= 6
    assert len(threads_of(world)) <= 6
    await world.close()
    assert connections_to(world) <= before
    assert threads_of(world) == []


async def test_close_waits_for_a_call_that_hangs_and_ends_it(world: World) -> None:
    adapter = world.adapter(timeout=0.5)
    world.order_fault("hang")
    await adapter.charge(world.request())
    await world.close()
    assert threads_of(world) == []


async def test_an_adapter_that_never_called_can_be_closed(world: World) -> None:
    world.adapter()
    await world.close()
    assert threads_of(world) == []


async def test_proxies_of_the_environment_are_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(await world.adapter().charge(world.request()), Succeeded)


async def test_nothing_is_written_into_the_users_home(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert stripe.enable_telemetry is False
    assert isinstance(await world.adapter().charge(world.request()), Succeeded)
    assert list(tmp_path.rglob("*")) == []


async def test_neither_secrets_nor_tokens_are_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    refused = world.profile.declines[0]
    with caplog.at_level(logging.DEBUG):
        adapter = world.adapter()
        details = [await adapter.charge(world.request())]
        world.order_fault("lost-answer")
        details.append(await adapter.charge(world.request()))
        details.append(
            await adapter.charge(world.request(amount=refused.amount, method=refused.method))
        )
    told = caplog.text + repr(details)
    secret = [c.name for c in registry.available()[world.name].credentials if c.secret]
    given = world.profile.credentials
    hidden = [given[name] for name in secret if name in given]
    assert hidden
    hidden += [world.profile.good, refused.method]
    assert [word for word in hidden if word in told] == []
