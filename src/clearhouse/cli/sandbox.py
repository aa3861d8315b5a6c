"""``clearhouse sandbox``: Stripe, Braintree and Square on one port, with faults on demand."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from clearhouse.cli import logs
from clearhouse.cli.console import say
from clearhouse.cli.lifeline import Lifeline
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.servers import leave_signals_to_uvicorn, serve_until_stopped
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.sandbox.core import Settings as SandboxRuntime
from clearhouse.sandbox.faults import Fault, Latency, Rates
from clearhouse.sandbox.server import open_core, serve
from clearhouse.settings import SandboxSettings

_EVERY_PSP = "*"


def sandbox(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="The port to listen on.")] = None,
    seed: Annotated[int | None, Parameter(help="Repeats the faults and latencies.")] = None,
    fault: Annotated[
        tuple[str, ...],
        Parameter(help=f"A share of the charges that fails: {', '.join(Fault)}; repeat it."),
    ] = (),
    common: Common = NO_OPTIONS,
) -> None:
    """Play the PSPs, so that their official SDKs work against it, until Ctrl-C.

    What "really happened" is kept in the data directory and served at `/_sandbox/truth`.
    Faults can also be asked for while it runs, at `/_sandbox/faults` and `/_sandbox/rates`.

    **Examples**

    ```shell
    clearhouse sandbox
    clearhouse sandbox --fault lost-answer=0.02 --fault stripe:error-after=0.05 --seed 7
    ```
    """
    loaded = common.load(
        {
            "sandbox.host": host,
            "sandbox.port": None if port is None else str(port),
            "sandbox.seed": None if seed is None else str(seed),
        }
    )
    logs.configure(loaded.settings.log)
    rates = _rates(fault)
    truth = loaded.settings.data_directory / "sandbox" / "truth.sqlite3"
    chosen = loaded.settings.sandbox
    core = open_core(truth, seed=chosen.seed, rates=rates, settings=_runtime(chosen))
    leave_signals_to_uvicorn()
    lifeline = Lifeline.inherited()
    say(f"The PSP sandbox listens on http://{chosen.host}:{chosen.port}; Ctrl-C stops it.")
    try:
        asyncio.run(
            serve_until_stopped(
                serve(core, chosen.host, chosen.port),
                lifeline,
                SystemClock(),
                chosen.host,
                chosen.port,
            )
        )
    finally:
        core.truth.close()


def _runtime(settings: SandboxSettings) -> SandboxRuntime:
    latency = Latency(settings.latency_median_ms, settings.latency_p99_ms)
    return SandboxRuntime(latency={_EVERY_PSP: latency})


def _rates(asked: tuple[str, ...]) -> Rates:
    rates: Rates = {}
    for text in asked:
        where, _, share = text.partition("=")
        psp, _, name = where.rpartition(":")
        try:
            rates.setdefault(psp or _EVERY_PSP, {})[Fault(name)] = float(share)
        except ValueError:
            raise ConfigurationError(
                f"--fault {text} is not understood.",
                hint="Write fault=share or psp:fault=share, such as stripe:lost-answer=0.02;"
                f" faults are {', '.join(Fault)}.",
            ) from None
    if any(not 0 <= sum(shares.values()) <= 1 for shares in rates.values()):
        raise ConfigurationError("The shares of one PSP's faults must add up to at most 1.")
    return rates
