"""``clearhouse work``: the loops that execute payments, keep the books, and tell merchants."""

import asyncio
import contextlib
from typing import Annotated

import uvloop
from cyclopts import Parameter
from prometheus_client import start_http_server

from clearhouse.bootstrap import Role, open_runtime, run_workers
from clearhouse.cli import logs
from clearhouse.cli.console import say
from clearhouse.cli.embedded import database_url
from clearhouse.cli.lifeline import Lifeline
from clearhouse.cli.memory import settle_in
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.servers import on_stop
from clearhouse.kernel.errors import ConfigurationError, UnavailableError
from clearhouse.settings import Settings, WorkSettings, secrets_of


def work(
    *,
    only: Annotated[
        str | None, Parameter(help=f"A comma separated choice of {', '.join(Role)}.")
    ] = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Execute payments at the PSPs, keep ledger and wallets, and tell merchants, until Ctrl-C.

    Any number may run, each doing everything or its part. When it is asked to stop, it
    claims nothing more and waits for the PSP calls under way; what a killed one leaves is
    taken up by another with the same idempotency key.

    **Examples**

    ```shell
    clearhouse work
    clearhouse work --only executor
    clearhouse work --only ledger,wallets,payments,webhooks
    ```
    """
    roles = _roles(only)
    loaded = common.load()
    if Role.EXECUTOR in roles and not loaded.settings.psps:
        raise ConfigurationError(
            "No PSP is configured, so there is nobody to charge.",
            hint="Set a PSP's credentials, such as CLEARHOUSE_PSP_STRIPE_SECRET_KEY;"
            " `clearhouse config` shows all settings, `clearhouse up` needs none.",
        )
    logs.configure(loaded.settings.log, secrets_of(loaded))
    measure(loaded.settings.work)
    say(f"Working as {', '.join(roles)}; Ctrl-C stops it.")
    settle_in()
    uvloop.run(_work(loaded.settings, roles))


def measure(settings: WorkSettings) -> None:
    """Answer /metrics from a thread, where a port is set. Raises UnavailableError."""
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, settings.metrics_host)
    except OSError as error:
        raise UnavailableError(
            f"Metrics cannot be served on {settings.metrics_host}:{settings.metrics_port}:"
            f" {error.strerror or error}.",
            hint="Choose another CLEARHOUSE_WORK_METRICS_PORT.",
        ) from error


async def _work(settings: Settings, roles: tuple[Role, ...]) -> None:
    stopping = asyncio.Event()
    on_stop(stopping)
    lifeline = Lifeline.inherited()
    name = f"work {','.join(roles)}"
    size = settings.database.pool_size
    async with open_runtime(database_url(settings), size=size, name=name) as runtime:
        running = asyncio.ensure_future(run_workers(runtime, settings, roles, stopping))
        greeting = asyncio.get_running_loop().call_soon(lifeline.ready)
        try:
            await running
        finally:
            greeting.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


def _roles(only: str | None) -> tuple[Role, ...]:
    if only is None:
        return tuple(Role)
    words = [word.strip() for word in only.split(",") if word.strip()]
    strange = [word for word in words if word not in tuple(Role)]
    if strange or not words:
        raise ConfigurationError(
            f"There is no role {strange[0] if strange else '(none)'}.",
            hint=f"--only takes a comma separated choice of {', '.join(Role)}.",
        )
    return tuple(dict.fromkeys(Role(word) for word in words))
