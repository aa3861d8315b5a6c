"""``clearhouse sandbox``: three PSPs and a bank on one port, with faults on demand."""

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
from clearhouse.sandbox.courier import Mischief
from clearhouse.sandbox.faults import Fault, Latency, Rates
from clearhouse.sandbox.server import POSTS, open_core, send_webhooks, serve
from clearhouse.settings import SandboxSettings

_EVERY_PSP = "*"
_MISCHIEF = ("duplicate", "reorder", "delay", "drop", "early")


def sandbox(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="The port to listen on.")] = None,
    seed: Annotated[int | None, Parameter(help="Repeats the faults and latencies.")] = None,
    fault: Annotated[
        tuple[str, ...],
        Parameter(help=f"A share of the calls that fails: {', '.join(Fault)}; repeat it."),
    ] = (),
    mischief: Annotated[
        tuple[str, ...],
        Parameter(help=f"A share of the webhooks that errs: {', '.join(_MISCHIEF)}; repeat it."),
    ] = (),
    webhook_url: Annotated[
        str | None, Parameter(help="The clearhouse to send webhooks to, such as `clearhouse up`'s.")
    ] = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Play the PSPs, so that their official SDKs work against it, until Ctrl-C.

    What "really happened" is kept in the data directory and served at `/_sandbox/truth`.
    What the PSPs do by themselves or by hand - refunds that fail, disputes, faults, a clock that
    moves on - can be seen and set at `/_sandbox/`, by a person or a program.

    **Examples**

    ```shell
    clearhouse sandbox
    clearhouse sandbox --fault lost-answer=0.02 --fault stripe:error-after=0.05 --seed 7
    clearhouse sandbox --webhook-url http://127.0.0.1:8080 --mischief duplicate=0.1
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
    rates, wrongs = _rates(fault), _mischief(mischief)
    truth = loaded.settings.data_directory / "sandbox" / "truth.sqlite3"
    chosen = loaded.settings.sandbox
    core = open_core(
        truth,
        seed=chosen.seed,
        rates=rates,
        settings=_runtime(chosen),
        bank_folder=chosen.bank_folder,
    )
    core.courier.mischief = wrongs
    if webhook_url is not None:
        send_webhooks(core, _http_url(webhook_url))
    leave_signals_to_uvicorn()
    lifeline = Lifeline.inherited()
    address = f"http://{chosen.host}:{chosen.port}"
    say(f"The PSP sandbox listens on {address}; see {address}/_sandbox/. Ctrl-C stops it.")
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
    shares = _shares("--fault", "stripe:lost-answer=0.02", tuple(Fault), asked)
    if any(not 0 <= sum(each.values()) <= 1 for each in shares.values()):
        raise ConfigurationError("The shares of one PSP's faults must add up to at most 1.")
    return {
        psp: {Fault(name): share for name, share in each.items()} for psp, each in shares.items()
    }


def _mischief(asked: tuple[str, ...]) -> dict[str, Mischief]:
    shares = _shares("--mischief", "stripe:duplicate=0.1", _MISCHIEF, asked)
    return {psp: Mischief(**each) for psp, each in shares.items()}


def _shares(
    option: str, example: str, names: tuple[str, ...], asked: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """``name=share`` or ``psp:name=share`` per PSP; without one, for every PSP."""
    shares: dict[str, dict[str, float]] = {}
    for text in asked:
        where, _, number = text.partition("=")
        psp, _, name = where.rpartition(":")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if name not in names or not 0 <= share <= 1 or psp not in {"", *POSTS}:
            raise ConfigurationError(
                f"{option} {text} is not understood.",
                hint=f"Write name=share or psp:name=share, such as {example}; names are"
                f" {', '.join(names)}, PSPs {', '.join(POSTS)}.",
            )
        shares.setdefault(psp or _EVERY_PSP, {})[name] = share
    return shares


def _http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"--webhook-url {text} is no address.", hint="Write it as http://127.0.0.1:8080."
        )
    return text
