"""A PSP's day reconciled, beside a bare COPY of its report and one classifying full join.

Ten lines in a thousand differ, each in a way of its own; a run that does not find exactly those
measures nothing, and says so.
"""

import asyncio
import resource
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean
from typing import Final

import asyncpg

from clearhouse.bootstrap import Runtime
from clearhouse.cli.bench.report import Row
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.connection import PlainConnection
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.stripe.reports import read_blocks
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.matching import FeePlan
from clearhouse.reconciliation.service import Nights
from clearhouse.reconciliation.vault import Vault, file_pieces

_SQL: Final = load_queries("clearhouse.cli.bench", "settling.sql")
_STEPS: Final = ("orders", "order_keys", "charge_keys")
_PLANS: Final = {"stripe": {code: FeePlan(290, 30) for code in ("USD", "EUR")}}
_AGO: Final = timedelta(days=3)
_PATIENCE: Final = 1
_PLACES: Final = {
    "missing_at_psp": (1, 2),
    "unknown_charge": (2,),
    "charged_but_open": (3,),
    "charged_but_failed": (4,),
    "amount_differs": (5,),
    "currency_differs": (6,),
    "fee_differs": (7,),
    "duplicate_charge": (8,),
    "settled_twice": (9,),
    "unknown_refund": (10,),
}
"""Which of a thousand orders differ, by what is found of them."""
_THOUSAND: Final = 1_000


@dataclass(frozen=True, slots=True)
class SettledDay:
    """A day whose orders are in a database, and whose report is a file."""

    url: str
    folder: Path
    report: Path
    day: date
    orders: int

    @property
    def planted(self) -> dict[str, int]:
        """How many breaks of each cause there are."""
        return {
            cause: sum((self.orders - place) // _THOUSAND + 1 for place in places)
            for cause, places in _PLACES.items()
            if self.orders >= max(places)
        }


async def prepare(url: str, folder: Path, orders: int, today: date) -> SettledDay:
    """Write a day's orders into a database and its report into a file."""
    day = SettledDay(url, folder, folder / "report.csv", today - _AGO, orders)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SQL["partitions"], day.day)
        await connection.execute(_SQL["sold"], orders, day.day)
        for step in _STEPS:
            await connection.execute(_SQL[step])
        await connection.copy_from_query(
            _SQL["report"], output=day.report, format="csv", header=True
        )
        await connection.execute(_SQL["sweep"])
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return day


class Reconciliation:
    """The part of the bench: floor, product, floor, and again."""

    name = "a settled day"

    def __init__(self, runtime: Runtime, day: SettledDay) -> None:
        self._runtime = runtime
        self._day = day
        self._row = Row(
            f"reconciling {day.orders:,} lines", "COPY and one full join", "s", 2, at_most=True
        )
        self.rows = [self._row]

    async def round(self) -> None:
        """One reading of both."""
        connection = await asyncpg.connect(self._day.url)
        try:
            await self._forget(connection)
            before = await self._floor(connection)
            ours = await self._product()
            await self._check(connection)
            theirs = fmean([before, await self._floor(connection)])
        finally:
            await connection.close()
        self._row.ours.append(ours)
        self._row.theirs.append(theirs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self._row.note = f"at most {peak} MB in the process that reads"

    async def _product(self) -> float:
        """Read, kept, matched, classified, and stored."""
        pool, clock, ids = self._runtime.pool, self._runtime.clock, self._runtime.ids
        loader = Loader(pool, clock, ids, Vault(self._day.folder / "vault"), _PLANS)
        nights = Nights(pool, clock, ids, _PLANS, _PATIENCE)
        begun = clock.monotonic()
        content = file_pieces(self._day.report)
        await loader.load("stripe", self._day.report.name, content, read_blocks)
        await nights.reconcile("stripe", self._day.day, books=False)
        return clock.monotonic() - begun

    async def _floor(self, connection: PlainConnection) -> float:
        """The same bytes copied as they are, and one join; with as much memory as the product."""
        begun = self._runtime.clock.monotonic()
        async with connection.transaction():
            await connection.execute("set local work_mem = '128MB'")
            await connection.execute(_SQL["bare"])
            await connection.copy_to_table("bare", source=self._pieces(), format="csv", header=True)
            await connection.fetch(_SQL["join"])
            took = self._runtime.clock.monotonic() - begun
            await connection.execute(_SQL["drop_bare"])
        return took

    async def _pieces(self) -> AsyncIterator[bytes]:
        for piece in file_pieces(self._day.report):
            yield piece

    async def _forget(self, connection: PlainConnection) -> None:
        await connection.execute(_SQL["forget"])
        for part in await connection.fetch(_SQL["lines_partitions"]):
            await connection.execute(f"drop table {part['name']}")
        vault = self._day.folder / "vault"
        await asyncio.to_thread(shutil.rmtree, vault, ignore_errors=True)
        await connection.execute("vacuum")
        await connection.execute("checkpoint")

    async def _check(self, connection: PlainConnection) -> None:
        rows = await connection.fetch(_SQL["found"])
        found = {row["cause"]: row["breaks"] for row in rows}
        if found != self._day.planted:
            raise UnavailableError(f"What was found is not what was planted: {found}.")
