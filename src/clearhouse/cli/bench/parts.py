"""The parts of the bench that are held against pgbench: each takes one reading in each round."""

from statistics import fmean
from typing import Final, Protocol

from clearhouse.bootstrap import Runtime
from clearhouse.cli.bench import measures, planning, yardsticks
from clearhouse.cli.bench.report import Row
from clearhouse.cli.bench.world import House, World

_PRODUCERS: Final = 64
_BULK: Final = 1_000
_DUE: Final = 12_500
"""How many sellers for each second that a measurement lasts."""


class Measured(Protocol):
    """Something that is measured in turn with the others; ``name`` is for people."""

    name: str
    rows: list[Row]

    async def round(self) -> None:
        """Add one reading to each row."""
        ...


class Part:
    """What all of them have; ``round`` takes one reading of each side."""

    def __init__(self, world: World, seconds: int) -> None:
        self.rows: list[Row] = []
        self._world = world
        self._seconds = seconds

    async def _pgbench(self, bench: yardsticks.Pgbench) -> yardsticks.Reading:
        return await yardsticks.measure(self._world.server, bench, self._seconds)


class Intake(Part):
    """Requests of many connections, and of one, until their durable answer."""

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


class Ledger(Part):
    """Journal entries by many producers, on many accounts and on one, and in bulk."""

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


class Life(Part):
    """Orders from their request until they are paid and booked everywhere."""

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


class Stored(Life):
    """Intake and whole life with millions of orders stored, beside the same with none."""

    name = "with orders stored already"

    def __init__(self, world: World, empty: House, full: House, stored: int, seconds: int) -> None:
        super().__init__(world, full, seconds)
        self._empty = empty
        on_top = f"on {stored:,} orders"
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


class Payouts(Part):
    """Sellers who are all due at once, until each has a payout."""

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
