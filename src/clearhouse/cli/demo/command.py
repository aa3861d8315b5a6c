"""``clearhouse demo``: a marketplace sells, PSPs fail, and the books are proven."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from clearhouse.cli.console import out, say
from clearhouse.cli.demo.marketplace import CURRENCIES
from clearhouse.cli.demo.run import Plan, Run
from clearhouse.cli.demo.screen import open_screen
from clearhouse.cli.development import Development
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.servers import free_port, interruptible
from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.psp import registry
from clearhouse.settings import load

_HOST: Final = "127.0.0.1"
_SEED: Final = 2026
# What goes wrong at the PSPs, as shares of the charges asked for.
_FAULTS: Final[Mapping[str, float]] = {
    "lost-answer": 0.015,
    "lost-request": 0.005,
    "reset": 0.005,
    "error-before": 0.01,
    "error-after": 0.01,
    "rate-limited": 0.005,
    "slow-body": 0.01,
}
_SETTINGS: Final[Mapping[str, str]] = {
    "sandbox.latency_median_ms": "60",
    "sandbox.latency_p99_ms": "400",
    # Sooner than in earnest, so that what was lost is found while people watch.
    "executor.retry_base_seconds": "0.5",
    "executor.retry_longest_seconds": "5",
    "retry.soft_declines": "1",
    "retry.decline_seconds": "0.5",
    "retry.poll_longest_seconds": "2",
    "executor.lease_seconds": "12",
    # Sellers are paid at once, and the bank's answers read as they come.
    "wallets.delay_hours": "0",
    "payouts.retry_seconds": "0.5",
    "payouts.news_seconds": "0.5",
    # As the sandbox takes them; what differs from that, the night must find.
    "reconciliation.fees": ", ".join(
        f"{psp} {currency} {plan}"
        for psp, plan in (
            ("stripe", "2.9% + 0.30"),
            ("square", "2.9% + 0.30"),
            ("braintree", "2.59% + 0.49"),
        )
        for currency in ("USD", "EUR", "GBP")
    ),
    "reconciliation.patience_days": "4",
    **{f"psp.{psp}.timeout_seconds": "8" for psp in registry.names()},
}


def demo(
    *,
    seconds: Annotated[float, Parameter(help="How long the marketplace sells.")] = 20.0,
    rate: Annotated[float, Parameter(help="Checkouts per second, on average.")] = 30.0,
    seed: Annotated[int, Parameter(help="Repeats the buyers, and what fails.")] = _SEED,
    keep: Annotated[bool, Parameter(help="Keep the data, and say where it is.")] = False,
) -> int:
    """See a marketplace sell for 20 seconds, PSPs that fail, and books that hold.

    Starts everything in a directory of its own: PostgreSQL, the PSP sandbox, the API and the
    workers. Dozens of sellers sell in five currencies through three PSPs, which decline cards,
    answer late, and lose answers. Then it waits until every payment is final, pays sellers
    through the sandbox's bank, and compares the books with what the PSPs and the bank really
    did. At the end faults are planted that no webhook tells of, and the nights after it find
    and mend them by the PSPs' reports and the bank's statements. Nothing is left behind, unless
    you keep it.

    **Examples**

    ```shell
    clearhouse demo
    clearhouse demo --seconds 60 --rate 60 --keep
    ```
    """
    directory = Path(tempfile.mkdtemp(prefix="clearhouse-demo-"))
    # PostgreSQL runs as another user where this is root, and must be able to pass.
    directory.chmod(0o755)
    try:
        development = development_in(directory, seed)
        plan = Plan(seconds, rate, seed)
        return asyncio.run(interruptible(_demo(development, plan)))
    finally:
        if keep:
            out.print(
                f"The data is kept; `clearhouse verify --data {directory}` works on it.",
                soft_wrap=True,
            )
        else:
            shutil.rmtree(directory, ignore_errors=True)


def development_in(directory: Path, seed: int) -> Development:
    """The demo's group in a directory: ports that are free, PSPs that fail, nothing inherited."""
    chosen = {
        "data_directory": str(directory),
        "api.port": str(free_port(_HOST)),
        "sandbox.port": str(free_port(_HOST)),
        "sandbox.seed": str(seed),
        **_SETTINGS,
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("CLEARHOUSE_")
    }
    faults = [word for name, share in _FAULTS.items() for word in ("--fault", f"{name}={share}")]
    loaded = load({}, overrides=chosen)
    return Development(loaded, inherited, sandbox_arguments=tuple(faults), currencies=CURRENCIES)


async def _demo(development: Development, plan: Plan) -> int:
    clock: Clock = SystemClock()
    screen = open_screen()
    group = development.group(clock, screen.note)
    try:
        begun = clock.monotonic()
        await development.start(group, lambda word: screen.note(f"Starting {word}..."))
        run = await Run.prepare(plan, development, clock)
        screen.note(f"Everything is up after {clock.monotonic() - begun:.0f} s.")
        try:
            await run.sell(screen)
            settled = await run.settle(screen)
            await run.pay_sellers(screen)
            screen.close()
            holds = await run.conclude(settled=settled)
        finally:
            await run.books.close()
    except asyncio.CancelledError:
        screen.close()
        say("Stopping everything...")
        raise
    finally:
        screen.close()
        await development.stop(group)
    return OK if holds else VIOLATION
