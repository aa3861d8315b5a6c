"""``clearhouse bench``: measures, round by round, each figure beside its yardstick."""

import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import uvloop
from cyclopts import Parameter

from clearhouse.bootstrap import open_runtime
from clearhouse.cli.bench import parts, settling
from clearhouse.cli.bench.machine import describe
from clearhouse.cli.bench.report import Row, markdown, show
from clearhouse.cli.bench.stored import fill
from clearhouse.cli.bench.world import CARDS, ENGINE, WIRE, House, World, open_world
from clearhouse.cli.bench.yardsticks import SCALE
from clearhouse.cli.console import err, print_data, say
from clearhouse.cli.errors import OK
from clearhouse.cli.memory import settle_in
from clearhouse.cli.servers import interruptible
from clearhouse.kernel.clock import SystemClock

_ALONE: Final = "reconciliation"
"""The part whose yardstick is not pgbench."""
_ALL: Final = {"intake", "ledger", "life", "wire", "payouts", _ALONE}


def bench(
    *,
    rounds: Annotated[int, Parameter(help="How often everything is measured in turn.")] = 3,
    seconds: Annotated[int, Parameter(help="How long each measurement lasts.")] = 8,
    only: Annotated[
        str | None,
        Parameter(
            help="A comma separated choice of intake, ledger, life, wire, payouts, reconciliation."
        ),
    ] = None,
    stored: Annotated[
        int, Parameter(help="So many orders are stored first, to measure on top of them.")
    ] = 0,
    lines: Annotated[
        int, Parameter(help="So many orders, and about as many lines, has the day reconciled.")
    ] = 100_000,
    json: Annotated[bool, Parameter(help="Print all readings as JSON.")] = False,
    write: Annotated[
        Path | None, Parameter(help="Write the table into a Markdown file, between its markers.")
    ] = None,
) -> int:
    """Measure intake, the ledger and the whole life of payments beside pgbench, and reconciliation
    beside a bare COPY and one join.

    Everything runs on one embedded PostgreSQL with fsync on, in turn, so that a noisy machine
    is noisy for both sides: read the ratios. Nothing is left behind.

    **Examples**

    ```shell
    clearhouse bench
    clearhouse bench --rounds 5 --seconds 15 --only ledger
    clearhouse bench --only intake,life --stored 5000000
    clearhouse bench --only reconciliation --lines 1000000
    ```
    """
    directory = Path(tempfile.mkdtemp(prefix="clearhouse-bench-"))
    directory.chmod(0o755)
    chosen = set(only.split(",")) if only else _ALL
    try:
        rows: list[Row] = []
        plan = _Plan(chosen, rounds, seconds, stored, lines, directory)
        settle_in()
        uvloop.run(interruptible(_bench(directory, plan, rows)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    machine = describe()
    if json:
        print_data({"machine": machine, "rows": rows})
    else:
        show(rows, machine)
    if write is not None:
        put_between_markers(write, markdown(rows, machine, f"{SystemClock().now():%Y-%m-%d}"))
    return OK


def put_between_markers(path: Path, text: str) -> None:
    """Replace what stands between ``<!-- figures -->`` and ``<!-- end of figures -->``.

    Raises ValueError when the markers are missing.
    """
    page = path.read_text(encoding="utf-8")
    head, _, rest = page.partition("<!-- figures -->\n")
    _, marker, tail = rest.partition("<!-- end of figures -->")
    if not marker:
        raise ValueError(f"{path} lacks the markers for figures")
    path.write_text(f"{head}<!-- figures -->\n\n{text}\n{marker}{tail}", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Plan:
    chosen: set[str]
    rounds: int
    seconds: int
    stored: int
    lines: int
    directory: Path

    @property
    def scale(self) -> int | None:
        """The size of pgbench's database; None where nothing chosen is held against it."""
        if self.chosen == {_ALONE}:
            return None
        # A second tells nothing but that all of it works, for which a small database will do.
        return SCALE if self.seconds > 1 else 1


async def _bench(directory: Path, plan: _Plan, rows: list[Row]) -> int:
    say("Starting PostgreSQL...", style="quiet")
    opened = open_world(directory, SystemClock(), scale=plan.scale)
    async with opened as world, AsyncExitStack() as stack:
        chosen = await _open_parts(world, plan, stack)
        for part in chosen:
            rows.extend(part.rows)
        for number in range(1, plan.rounds + 1):
            for part in chosen:
                say(f"Round {number} of {plan.rounds}: {part.name}", style="quiet")
                await part.round()
    return OK


async def _open_parts(world: World, plan: _Plan, stack: AsyncExitStack) -> list[parts.Measured]:
    chosen: list[parts.Measured] = []
    seconds, tell = plan.seconds, err.print
    full: House | None = None
    if plan.stored:
        url = await world.create_database("stored")
        await fill(url, plan.stored, lambda n: say(f"{n:,} orders stored", style="quiet"))
        opened = world.open_house("stored", *ENGINE, say=tell, url=url)
        full = await stack.enter_async_context(opened)
    if "intake" in plan.chosen:
        house = await stack.enter_async_context(world.open_house("intake", say=tell))
        chosen.append(parts.Intake(world, house, seconds))
    if "ledger" in plan.chosen:
        url = await world.create_database("ledger")
        runtime = await stack.enter_async_context(open_runtime(url, size=4, name="bench"))
        chosen.append(parts.Ledger(world, runtime, seconds))
    if "life" in plan.chosen:
        house = await stack.enter_async_context(world.open_house("life", *ENGINE, say=tell))
        chosen.append(parts.Life(world, house, seconds))
        if full is not None:
            chosen.append(parts.Stored(world, house, full, plan.stored, seconds))
    if "wire" in plan.chosen:
        opened = world.open_house("wire", *WIRE, say=tell, cards=CARDS)
        house = await stack.enter_async_context(opened)
        chosen.append(parts.Life(world, house, seconds, over_the_wire=True))
    if "payouts" in plan.chosen:
        url = await world.create_database("payouts")
        runtime = await stack.enter_async_context(open_runtime(url, size=4, name="bench"))
        chosen.append(parts.Payouts(world, url, runtime, seconds))
    if _ALONE in plan.chosen:
        url = await world.create_database(_ALONE)
        runtime = await stack.enter_async_context(open_runtime(url, size=2, name="bench"))
        say(f"Selling {plan.lines:,} orders...", style="quiet")
        today = world.clock.now().date()
        day = await settling.prepare(url, plan.directory, plan.lines, today)
        chosen.append(settling.Reconciliation(runtime, day))
    return chosen
