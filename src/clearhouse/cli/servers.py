"""What the commands that run until they are stopped have in common."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Coroutine
from typing import Any, Final, TypeVar

from clearhouse.cli.lifeline import Lifeline
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError

Result = TypeVar("Result")
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS: Final = 0.02


def on_stop(callback: "asyncio.Event | asyncio.Task[Any]") -> None:
    """Set an event, or cancel a task, when this process is asked to stop."""
    act = callback.set if isinstance(callback, asyncio.Event) else callback.cancel
    for number in STOP_SIGNALS:
        # `nohup` has a hang-up ignored, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN or number is not signal.SIGHUP:
            asyncio.get_running_loop().add_signal_handler(number, act)


def leave_signals_to_uvicorn() -> None:
    """Let uvicorn stop by signal without dying of it.

    When it is done it raises the signal it got once more, for whoever handled it before.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)


async def serve_until_stopped(
    serving: Coroutine[Any, Any, None], lifeline: Lifeline, clock: Clock, host: str, port: int
) -> None:
    """Run a server, and tell the lifeline as soon as it takes connections."""
    server = asyncio.ensure_future(serving)
    greeting = asyncio.ensure_future(_greet(lifeline, clock, host, port))
    try:
        await server
    finally:
        greeting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await greeting


async def _greet(lifeline: Lifeline, clock: Clock, host: str, port: int) -> None:
    while not await takes_connections(host, port):
        await clock.sleep(_LOOK_SECONDS)
    lifeline.ready()


async def takes_connections(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def listen(host: str, port: int, what: str, *, shared: bool = False) -> socket.socket:
    """A listening socket; a ``shared`` one lets others that are shared listen there too.

    Raises UnavailableError when the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"{what} cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="Stop what uses it, or choose another port.",
        ) from error
    listener.listen(2048)
    return listener


def free_port(host: str) -> int:
    """A port that nobody uses just now."""
    with contextlib.closing(listen(host, 0, "This")) as listener:
        return listener.getsockname()[1]


async def interruptible(work: Awaitable[Result]) -> Result:
    """Run a command's work so that SIGTERM and SIGHUP stop it just as Ctrl-C does.

    Raises KeyboardInterrupt when it was stopped.
    """
    task = asyncio.ensure_future(work)
    on_stop(task)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
