"""The embedded PostgreSQL from the command line: find it, start it for one command, or run it."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

from clearhouse.cli.lifeline import Lifeline
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.embedded import EmbeddedPostgres
from clearhouse.settings import Settings

_LOOK_SECONDS = 0.5


def database_url(settings: Settings) -> str:
    """The URL of the database for a process that runs beside others; starts nothing."""
    return settings.database.url or EmbeddedPostgres(settings.data_directory).dsn()


@contextmanager
def reach_database(settings: Settings, *, create: bool = False) -> Generator[str]:
    """The URL of the database for the time of one command.

    The configured server, else the embedded one: where it does not run already it is started
    and stopped again. Raises UnavailableError when the directory holds no database at all,
    unless ``create`` allows to begin one.
    """
    if settings.database.url is not None:
        yield settings.database.url
        return
    server = EmbeddedPostgres(settings.data_directory)
    if server.answers():
        yield server.dsn()
        return
    if not create and not server.exists():
        raise UnavailableError(
            f"There is no database in {settings.data_directory} yet.",
            hint="Start one with `clearhouse up`, or name another with CLEARHOUSE_DATABASE_URL.",
        )
    server.start()
    try:
        yield server.dsn()
    finally:
        server.stop()


def database(*, common: Common = NO_OPTIONS) -> None:
    """Run the embedded PostgreSQL alone, until Ctrl-C.

    For running `clearhouse serve`, `work` and `sandbox` by hand beside it; `clearhouse up`
    does all of that at once.

    **Examples**

    ```shell
    clearhouse database --data ./data
    ```
    """
    settings = common.load().settings
    server = EmbeddedPostgres(settings.data_directory)
    asyncio.run(_keep(server))


async def _keep(server: EmbeddedPostgres) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    lifeline = Lifeline.inherited()
    server.start()
    try:
        lifeline.ready()
        clock = SystemClock()
        while not stop.is_set() and server.running():
            await clock.sleep(_LOOK_SECONDS)
        if not stop.is_set():
            raise UnavailableError(
                "The embedded PostgreSQL has stopped.", hint=f"Its log is {server.log}."
            )
    finally:
        server.stop()
