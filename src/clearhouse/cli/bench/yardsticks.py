"""The yardstick: pgbench on the same server, in the same minute."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.embedded import EmbeddedPostgres

SCALE: Final = 64
"""A branch for each of the most clients."""
_TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_LATENCY: Final = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
DATABASE: Final = "pgbench"


@dataclass(frozen=True, slots=True)
class Pgbench:
    """One way to run pgbench: ``simple`` is its ``-N``, otherwise TPC-B; all prepared."""

    name: str
    clients: int
    simple: bool


SIMPLE_16: Final = Pgbench("pgbench -N -c 16", 16, simple=True)
SIMPLE_1: Final = Pgbench("pgbench -N -c 1", 1, simple=True)
TPCB_64: Final = Pgbench("pgbench TPC-B -c 64", 64, simple=False)
TPCB_16: Final = Pgbench("pgbench TPC-B -c 16", 16, simple=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run gave: transactions per second, and the mean latency in milliseconds."""

    per_second: float
    milliseconds: float


async def prepare(server: EmbeddedPostgres, scale: int) -> None:
    """Make pgbench's own database, with so many branches."""
    await _run(server, "createdb", "-U", "postgres", DATABASE)
    await _run(server, "pgbench", "-U", "postgres", "-i", "-q", "-s", str(scale), DATABASE)


async def measure(server: EmbeddedPostgres, bench: Pgbench, seconds: int) -> Reading:
    """Run pgbench for some seconds. Raises UnavailableError when it fails.

    Where not one transaction came to its end it says no figure, and is given more time.
    """
    options = ["-n", "-M", "prepared", "-c", str(bench.clients), "-j", "2"]
    if bench.simple:
        options.append("-N")
    for times in (1, 3, 9):
        time = ["-T", str(seconds * times)]
        text = await _run(server, "pgbench", "-U", "postgres", *options, *time, DATABASE)
        tps, latency = _TPS.search(text), _LATENCY.search(text)
        if tps is not None and latency is not None:
            return Reading(float(tps[1]), float(latency[1]))
    raise UnavailableError("pgbench said nothing that can be read.")


async def _run(server: EmbeddedPostgres, program: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(server.binary(program)),
        "-h",
        str(server.sockets),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
        raise UnavailableError(f"{program} failed: {last[0]}")
    return output.decode()
