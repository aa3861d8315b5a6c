"""Run the sandbox: in this process (``serve``), or in a thread for tests (``running``)."""

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness
from clearhouse.sandbox.app import create_app
from clearhouse.sandbox.braintree import signing as braintree
from clearhouse.sandbox.core import Core, Settings
from clearhouse.sandbox.courier import Courier, Endpoint
from clearhouse.sandbox.faults import Faults, Rates
from clearhouse.sandbox.secrets import SECRETS
from clearhouse.sandbox.square import signing as square
from clearhouse.sandbox.stripe import signing as stripe
from clearhouse.sandbox.time import MovableClock
from clearhouse.sandbox.truth import Truth

if TYPE_CHECKING:
    from uvicorn.config import Config

_START_SECONDS = 10.0
_TICK_SECONDS = 0.05
POSTS: Final = {"stripe": stripe.POST, "braintree": braintree.POST, "square": square.POST}
"""How each PSP sends its webhooks."""
WEBHOOK_PATH: Final = "/v1/webhooks/"
"""Where clearhouse's API takes them, followed by the PSP's name."""


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that hands its transport to the application, to be cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.transport": {"transport": self.transport}}


def open_core(
    truth_path: Path | None = None,
    *,
    seed: int | None = None,
    rates: Rates | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
    bank_folder: Path | None = None,
) -> Core:
    """A core over a truth file (None: in memory); the seed decides faults and latencies."""
    draws = SystemRandomness() if seed is None else SeededRandomness(seed)
    truth = Truth(truth_path)
    moved = MovableClock(clock or SystemClock(), truth)
    return Core(
        truth=truth,
        clock=moved,
        randomness=SystemRandomness(),
        draws=draws,
        faults=Faults(draws, rates),
        courier=Courier(truth, moved, draws, POSTS),
        settings=settings or Settings(),
        bank_folder=bank_folder,
    )


def send_webhooks(core: Core, api_url: str) -> None:
    """Have all PSPs send their webhooks to one clearhouse, and to nothing else."""
    with core.truth.transaction():
        core.courier.forget_endpoints()
        for psp, secret in SECRETS.items():
            url = api_url.rstrip("/") + WEBHOOK_PATH + psp
            core.courier.register(Endpoint(psp, url, secret))


class _Server(uvicorn.Server):
    """uvicorn's server, with the tasks that act while nobody asks."""

    def __init__(self, core: Core) -> None:
        super().__init__(_config(core))
        self._core = core
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tasks = [
            asyncio.create_task(self._core.courier.run(), name="courier"),
            asyncio.create_task(self._tick(), name="agenda"),
        ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().shutdown(sockets)

    async def _tick(self) -> None:
        while True:
            self._core.agenda.run_due()
            for chore in self._core.chores:
                chore()
            await self._core.clock.sleep(_TICK_SECONDS)


async def serve(core: Core, host: str, port: int) -> None:
    """Serve until cancelled or told to stop by SIGINT or SIGTERM.

    Raises UnavailableError when the port is taken.
    """
    sock = _bind(host, port)
    await _Server(core).serve(sockets=[sock])


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox in a thread: where it is, and its core to look into."""

    host: str
    port: int
    core: Core

    @property
    def base_url(self) -> str:
        """The base URL for all three PSPs, without a slash at the end."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def running(core: Core | None = None, host: str = "127.0.0.1") -> Generator[Running]:
    """A sandbox in a thread on a free port, for tests; stopped at the end of the block."""
    core = core or open_core()
    sock = _bind(host, 0)
    port = sock.getsockname()[1]
    server = _Server(core)
    thread = threading.Thread(target=server.run, args=([sock],), name="sandbox", daemon=True)
    thread.start()
    try:
        yield Running(host, port, core)
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        core.truth.close()


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UnavailableError(
            f"The sandbox cannot listen on {host}:{port}: {error.strerror}.",
            hint="Choose another port or stop what uses it.",
        ) from error
    sock.listen(1024)
    return sock


def _config(core: Core) -> "Config":
    return uvicorn.Config(
        create_app(core),
        http=CuttableProtocol,
        lifespan="off",
        access_log=False,
        log_level="error",
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
