"""``clearhouse bench``: measures, round by round, each figure beside its yardstick."""

import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import msgspec
import uvloop
from cyclopts import Parameter

from clearhouse.bootstrap import Runtime, open_runtime
from clearhouse.cli.bench import measures, planning, yardsticks
from clearhouse.cli.bench.machine import describe
from clearhouse.cli.bench.report import Row, markdown, show
from clearhouse.cli.bench.stored import fill
from clearhouse.cli.bench.world import CARDS, ENGINE, WIRE, House, World, open_world
from clearhouse.cli.console import err, out, say
from clearhouse.cli.errors import OK
from clearhouse.cli.memory import settle_in
from clearhouse.cli.servers import interruptible
from clearhouse.kernel.clock import SystemClock

_PRODUCERS = 64
_BULK = 1_000
_DUE = 12_500
"""How many sellers for each second that a measurement lasts."""


def bench(
    *,
    rounds: Annotated[int, Parameter(help="How often everything is measured in turn.")] = 3,
    seconds: Annotated[int, Parameter(help="How long each measurement lasts.")] = 8,
    only: Annotated[
        str | None,
        Parameter(help="A comma separated choice of intake, ledger, life, wire, payouts."),
    ] = None,
    stored: Annotated[
        int, Parameter(help="So many orders are stored first, to measure on top of them.")
    ] = 0,
    json: Annotated[bool, Parameter(help="Print all readings as JSON.")] = False,
    write: Annotated[
        Path | None, Parameter(help="Write the table into a Markdown file, between its markers.")
    ] = None,
) -> int:
    """Measure intake, the ledger and the whole life of payments beside pgbench.

    Everything runs on one embedded PostgreSQL with fsync on, in turn, so that a noisy machine
    is noisy for both sides: read the ratios. Nothing is left behind.

    **Examples**

    ```shell
    clearhouse bench
    clearhouse bench --rounds 5 --seconds 15 --only ledger
    clearhouse bench --only intake,life --stored 5000000
    ```
    """
    directory = Path(tempfile.mkdtemp(prefix="clearhouse-bench-"))
    directory.chmod(0o755)
    chosen = set((only or "intake,ledger,life,wire,payouts").split(","))
    try:
        rows: list[Row] = []
        plan = _Plan(chosen, rounds, seconds, stored)
        settle_in()
        uvloop.run(interruptible(_bench(directory, plan, rows)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    machine = describe()
    if json:
        out.print_json(msgspec.json.encode({"machine": machine, "rows": rows}).decode())
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


async def _bench(directory: Path, plan: _Plan, rows: list[Row]) -> int:
    say("Starting PostgreSQL and preparing pgbench...", style="quiet")
    # A second tells nothing but that all of it works, for which a small database will do.
    scale = yardsticks.SCALE if plan.seconds > 1 else 1
    opened = open_world(directory, SystemClock(), scale=scale)
    async with opened as world, AsyncExitStack() as stack:
        parts = await _open_parts(world, plan, stack)
        for part in parts:
            rows.extend(part.rows)
        for number in range(1, plan.rounds + 1):
            for part in parts:
                say(f"Round {number} of {plan.rounds}: {part.name}", style="quiet")
                await part.round()
    return OK


async def _open_parts(
    world: World, plan: _Plan, stack: AsyncExitStack
) -> "list[_Intake | _Ledger | _Life | _Stored | _Payouts]":
    parts: list[_Intake | _Ledger | _Life | _Stored | _Payouts] = []
    seconds, tell = plan.seconds, err.print
    full: House | None = None
    if plan.stored:
        url = await world.create_database("stored")
        await fill(url, plan.stored, lambda n: say(f"{n:,} orders stored", style="quiet"))
        opened = world.open_house("stored", *ENGINE, say=tell, url=url)
        full = await stack.enter_async_context(opened)
    if "intake" in plan.chosen:
        house = await stack.enter_async_context(world.open_house("intake", say=tell))
        parts.append(_Intake(world, house, seconds))
    if "ledger" in plan.chosen:
        url = await world.create_database("ledger")
        runtime = await stack.enter_async_context(open_runtime(url, size=4, name="bench"))
        parts.append(_Ledger(world, runtime, seconds))
    if "life" in plan.chosen:
        house = await stack.enter_async_context(world.open_house("life", *ENGINE, say=tell))
        parts.append(_Life(world, house, seconds))
        if full is not None:
            parts.append(_Stored(world, house, full, plan))
    if "wire" in plan.chosen:
        opened = world.open_house("wire", *WIRE, say=tell, cards=CARDS)
        house = await stack.enter_async_context(opened)
        parts.append(_Life(world, house, seconds, over_the_wire=True))
    if "payouts" in plan.chosen:
        url = await world.create_database("payouts")
        runtime = await stack.enter_async_context(open_runtime(url, size=4, name="bench"))
        parts.append(_Payouts(world, url, runtime, seconds))
    return parts


class _Part:
    def __init__(self, world: World, seconds: int) -> None:
        self.rows: list[Row] = []
        self._world = world
        self._seconds = seconds

    async def _pgbench(self, bench: yardsticks.Pgbench) -> yardsticks.Reading:
        return await yardsticks.measure(self._world.server, bench, self._seconds)


class _Intake(_Part):
    name = "intake and the lone client"

    def __init__(self, world: World, house: House, seconds: int) -> None:
        super().__init__(world, seconds)
        self._house = house
        self._many = Row("intake, 64 connections", yardsticks.SIMPLE_16.name, "/s", 1.3)
        self._lone = Row("one lone client's POST", yardsticks.SIMPLE_1.name, "ms", 3, at_most=True)
        self.rows = [self._many, self._lone]

    async def round(self) -> None:
        clock = self._world.clock
        theirs = await self._pgbench(yardsticks.SIMPLE_16)
        ours = await measures.intake(self._house, clock, connections=64, seconds=self._seconds)
        self._many.theirs.append(theirs.per_second)
        self._many.ours.append(ours.per_second)
        self._many.note = f"p50 {ours.percentile(0.5):.1f} ms, p99 {ours.percentile(0.99):.1f} ms"
        lone = await self._pgbench(yardsticks.SIMPLE_1)
        ours = await measures.intake(self._house, clock, connections=1, seconds=self._seconds)
        self._lone.theirs.append(lone.milliseconds)
        self._lone.ours.append(ours.percentile(0.5))


class _Ledger(_Part):
    name = "the ledger alone"

    def __init__(self, world: World, runtime: Runtime, seconds: int) -> None:
        super().__init__(world, seconds)
        self._journals = {
            "spread": measures.Journal(runtime, hot=False),
            "one hot account": measures.Journal(runtime, hot=True),
        }
        name = yardsticks.TPCB_64.name
        self._each = {
            key: Row(f"posting, {key}, 64 producers", name, "/s", 6) for key in self._journals
        }
        self._bulk = Row("posting in bulk of 1,000", name, "/s", 10)
        self.rows = [*self._each.values(), self._bulk]

    async def round(self) -> None:
        clock = self._world.clock
        theirs = (await self._pgbench(yardsticks.TPCB_64)).per_second
        for key, journal in self._journals.items():
            ours = await measures.posting(
                journal, clock, producers=_PRODUCERS, seconds=self._seconds
            )
            self._each[key].theirs.append(theirs)
            self._each[key].ours.append(ours)
        spread = self._journals["spread"]
        self._bulk.theirs.append(theirs)
        self._bulk.ours.append(
            await measures.bulk_posting(spread, clock, batch=_BULK, seconds=self._seconds)
        )


class _Life(_Part):
    name = "the whole life"

    def __init__(
        self, world: World, house: House, seconds: int, *, over_the_wire: bool = False
    ) -> None:
        super().__init__(world, seconds)
        self._house = house
        what = "whole life over the wire, orders" if over_the_wire else "whole life, orders"
        reach = None if over_the_wire else 0.7
        self._row = Row(what, yardsticks.TPCB_16.name, "/s", reach)
        self.rows = [self._row]
        # What eight seconds keep on its way; fewer need less, which is all let finish.
        self._backlog = min(seconds, 8) * (40 if over_the_wire else 250)

    async def round(self) -> None:
        theirs = await self._pgbench(yardsticks.TPCB_16)
        self._row.theirs.append(theirs.per_second)
        self._row.ours.append(await self._life(self._house))

    async def _life(self, house: House) -> float:
        return await measures.whole_life(
            house, self._world.clock, connections=32, seconds=self._seconds, backlog=self._backlog
        )


class _Stored(_Life):
    name = "with orders stored already"

    def __init__(self, world: World, empty: House, full: House, plan: _Plan) -> None:
        super().__init__(world, full, plan.seconds)
        self._empty = empty
        on_top = f"on {plan.stored:,} orders"
        self._intake = Row(f"intake {on_top}", "the same on none", "/s", 0.9)
        self._whole = Row(f"whole life {on_top}", "the same on none", "/s", 0.9)
        self.rows = [self._intake, self._whole]

    async def round(self) -> None:
        # There and back, since whatever comes second meets what the first left to be written.
        clock = self._world.clock
        loads: dict[bool, list[float]] = {False: [], True: []}
        lives: dict[bool, list[float]] = {False: [], True: []}
        for is_full in (False, True, True, False):
            house = self._house if is_full else self._empty
            load = await measures.intake(house, clock, connections=64, seconds=self._seconds)
            loads[is_full].append(load.per_second)
            await measures.drain(house, clock)
            lives[is_full].append(await self._life(house))
        for row, figures in ((self._intake, loads), (self._whole, lives)):
            row.theirs.append(fmean(figures[False]))
            row.ours.append(fmean(figures[True]))


class _Payouts(_Part):
    name = "sellers due for a payout"

    def __init__(self, world: World, url: str, runtime: Runtime, seconds: int) -> None:
        super().__init__(world, seconds)
        self._url = url
        self._due = _DUE * seconds
        self._runtime = runtime
        self._row = Row(
            f"payouts planned, {self._due:,} due at once", yardsticks.TPCB_64.name, "/s", None
        )
        self.rows = [self._row]

    async def round(self) -> None:
        theirs = await self._pgbench(yardsticks.TPCB_64)
        await planning.make_due(self._url, f"round-{len(self._row.ours)}-", self._due)
        self._row.theirs.append(theirs.per_second)
        self._row.ours.append(await planning.pay_all(self._runtime, self._world.clock))
