"""``clearhouse up``: everything in one process group for development; data is kept."""

import asyncio
import os
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from clearhouse.cli.console import out, say
from clearhouse.cli.development import Development
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.servers import free_port, listen, on_stop
from clearhouse.cli.supervisor import Group
from clearhouse.kernel.clock import SystemClock


def up(
    *,
    port: Annotated[int | None, Parameter(help="The port of the API; 0 takes a free one.")] = None,
    sandbox_port: Annotated[
        int | None, Parameter(help="The port of the PSP sandbox; 0 takes a free one.")
    ] = None,
    fault: Annotated[
        tuple[str, ...],
        Parameter(help="A share of the sandbox's charges that fails; see `clearhouse sandbox`."),
    ] = (),
    common: Common = NO_OPTIONS,
) -> None:
    """Run PostgreSQL, the PSP sandbox, the workers and the API together, until Ctrl-C.

    The data stays in the data directory. What crashes is started again. A PSP that has
    credentials in the settings is asked itself; the others are played by the sandbox.

    **Examples**

    ```shell
    clearhouse up
    clearhouse up --data ./data --port 9000
    clearhouse up --fault lost-answer=0.05
    ```
    """
    given = {"api.port": port, "sandbox.port": sandbox_port}
    loaded = common.load({name: None if v is None else str(v) for name, v in given.items()})
    chosen = {
        name: str(free_port(part.host))
        for name, part in (
            ("api.port", loaded.settings.api),
            ("sandbox.port", loaded.settings.sandbox),
        )
        if part.port == 0
    }
    if chosen:
        loaded = common.load({**{n: str(v) for n, v in given.items() if v is not None}, **chosen})
    for part, what in ((loaded.settings.api, "The API"), (loaded.settings.sandbox, "The sandbox")):
        listen(part.host, part.port, what).close()
    faults = tuple(word for text in fault for word in ("--fault", text))
    development = Development(loaded, os.environ, common.config, faults)
    asyncio.run(_run(development, common))


async def _run(development: Development, common: Common) -> None:
    stop = asyncio.Event()
    on_stop(stop)
    group = development.group(SystemClock(), lambda line: say(line, style="warn"))
    starting = asyncio.ensure_future(_start(development, group, common))
    try:
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await stopped
        say("Stopping...")
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await development.stop(group)
    say("Stopped; the data is kept.")


async def _start(development: Development, group: Group, common: Common) -> None:
    await development.start(group, lambda word: say(f"Starting {word}...", style="quiet"))
    _welcome(development, common)


def _welcome(development: Development, common: Common) -> None:
    """Say where everything is; commands stand alone on their lines, so that they can be copied."""
    chosen = f" --data {common.data}" if common.data is not None else ""
    chosen += f" --config {common.config}" if common.config is not None else ""
    api = development.api_url
    places = {
        "API": api,
        "API docs": f"{api}/docs",
        "PSP sandbox": development.sandbox_url,
        "data": str(development.settings.data_directory),
        "logs": str(development.logs),
    }
    steps = {
        "Make an API key; it is shown once": f"export KEY=$(clearhouse keys create me{chosen})",
        "Make a payment": first_payment(api),
        "See what became of it": (
            f'curl -s {api}/v1/checkouts/cart-1 -H "Authorization: Bearer $KEY"'
        ),
    }
    out.print("\n[good]clearhouse is up.[/good] Ctrl-C stops it.\n")
    for name, place in places.items():
        out.print(f"  [quiet]{name:<12}[/quiet] {escape(place)}", soft_wrap=True)
    for step, command in steps.items():
        out.print(f"\n  [quiet]{step}:[/quiet]\n{escape(command)}", soft_wrap=True)
    out.print()


def first_payment(api_url: str) -> str:
    """A command that makes a first payment, to be pasted into a shell that has $KEY."""
    body = (
        '{"checkout_id": "cart-1", "buyer_info": {"email": "ada@example.com"},'
        ' "credit_card_info": {"psp": "stripe", "payment_method": "pm_card_visa"},'
        ' "payment_orders": [{"payment_order_id": "cart-1-tea", "seller_account": "tea-house",'
        ' "amount": "7.50", "currency": "USD"}]}'
    )
    return (
        f'curl -s {api_url}/v1/payments -H "Authorization: Bearer $KEY"'
        f" -H 'Content-Type: application/json' -d '{body}'"
    )
