"""``clearhouse serve``: the HTTP API."""

from typing import Annotated

import uvicorn
import uvloop
from cyclopts import Parameter

from clearhouse.bootstrap import api_app, open_runtime
from clearhouse.cli import logs
from clearhouse.cli.console import say
from clearhouse.cli.embedded import database_url
from clearhouse.cli.lifeline import Lifeline
from clearhouse.cli.memory import settle_in
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.pepper import pepper_of
from clearhouse.cli.servers import leave_signals_to_uvicorn, listen, serve_until_stopped
from clearhouse.settings import Settings, secrets_of

_LAST_ANSWERS_SECONDS = 10


def serve(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="The port to listen on.")] = None,
    share_port: Annotated[
        bool, Parameter(help="Listen beside others of the same; the system spreads connections.")
    ] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Serve the HTTP API until Ctrl-C.

    It takes payments in and tells what became of them; `clearhouse work` does the rest. Any
    number may run beside each other. When it is asked to stop, it takes no new connections
    and finishes the answers under way.

    **Examples**

    ```shell
    clearhouse serve
    clearhouse serve --host 0.0.0.0 --port 8000 --config clearhouse.toml
    clearhouse serve --share-port & clearhouse serve --share-port
    ```
    """
    loaded = common.load({"api.host": host, "api.port": None if port is None else str(port)})
    logs.configure(loaded.settings.log, secrets_of(loaded))
    leave_signals_to_uvicorn()
    settle_in()
    uvloop.run(_serve(loaded.settings, share_port=share_port))


async def _serve(settings: Settings, *, share_port: bool) -> None:
    lifeline = Lifeline.inherited()
    host, size = settings.api.host, settings.database.pool_size
    listener = listen(host, settings.api.port, "The API", shared=share_port)
    port: int = listener.getsockname()[1]
    try:
        async with open_runtime(database_url(settings), size=size, name="serve") as runtime:
            app = api_app(runtime, settings, pepper_of(settings, runtime.randomness))
            server = uvicorn.Server(_config(app))
            say(f"The API listens on http://{host}:{port}; Ctrl-C stops it.")
            serving = server.serve(sockets=[listener])
            await serve_until_stopped(serving, lifeline, runtime.clock, host, port)
    finally:
        listener.close()


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - Litestar is an ASGI application
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
