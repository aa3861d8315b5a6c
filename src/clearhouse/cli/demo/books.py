"""Reads the figures that the demo shows: from the database, and from the sandbox's truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import asyncpg

from clearhouse.cli.demo.comparison import BookedOrder, Comparison, compare
from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import LOST, Pool, open_pool
from clearhouse.postgres.queries import load_queries
from clearhouse.proof.verify import Verdict, verify

_FINAL: Final = ("SUCCESS", "FAILED")
_PAGE: Final = 5_000
_LONGEST_AWAY_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """How many orders are where. Keys of ``by_psp`` are PSP and status."""

    by_psp: Mapping[tuple[str, str], int]
    unsettled: int
    """Orders whose PSP's answer was lost, or who took nothing, and who are asked again."""

    def of(self, *statuses: str) -> int:
        """Orders in one of these statuses."""
        return sum(count for (_, status), count in self.by_psp.items() if status in statuses)

    @property
    def total(self) -> int:
        """All orders."""
        return sum(self.by_psp.values())

    @property
    def open(self) -> int:
        """Orders that are not final."""
        return self.total - self.of(*_FINAL)


@dataclass(frozen=True, slots=True)
class Money:
    """One currency, in minor units: what buyers paid, and whose it is."""

    currency: str
    orders: int
    paid: int
    fees: int
    receivable: int
    owed: int
    sellers: int


class Books:
    """One look at everything, over a connection of its own.

    A database that restarts is waited for, a minute at most: who watches the demo may kill any of
    its processes, and the look at the books must not be what dies of it.
    """

    def __init__(self, pool: Pool, clock: Clock, dsn: str, sandbox_url: str) -> None:
        self._pool = pool
        self._clock = clock
        self._dsn = dsn
        self._sandbox_url = sandbox_url
        self._queries = load_queries("clearhouse.cli.demo")

    @classmethod
    async def open(cls, clock: Clock, dsn: str, sandbox_url: str) -> "Books":
        """Open a connection as the owner. Raises UnavailableError."""
        pool = await open_pool(dsn, size=2, name="demo", role=None)
        return cls(pool, clock, dsn, sandbox_url)

    async def close(self) -> None:
        """Give the connection back."""
        self._pool.terminate()

    async def progress(self) -> Progress:
        """Where the orders are now."""
        rows = await self._rows("progress")
        by_psp: dict[tuple[str, str], int] = {}
        unsettled = 0
        for row in rows:
            key = (row["psp"], row["status"])
            by_psp[key] = by_psp.get(key, 0) + row["orders"]
            if row["reason"] in {"unknown_outcome", "psp_unavailable"}:
                unsettled += row["orders"]
        return Progress(by_psp, unsettled)

    async def open_checkouts(self) -> int:
        """Checkouts that are not done: an order not final, or not booked, or not in its wallet."""
        return await self.count("open_checkouts")

    async def count(self, query: str) -> int:
        """The one number of one of the demo's queries."""
        rows = await self._rows(query)
        return int(rows[0][0] or 0) if rows else 0

    async def paid_by_the_bank(self) -> list[str]:
        """The key of every payment that the sandbox's bank was given."""
        address = f"{self._sandbox_url}/_sandbox/truth/payouts"
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            return [one["key"] for one in (await response.json())["payouts"]]

    async def money(self) -> list[Money]:
        """Every currency with what was paid in it, the most used first."""
        return [Money(**dict(row)) for row in await self._rows("money")]

    async def table(self, query: str) -> list[Mapping[str, Any]]:
        """The rows of one of the demo's queries."""
        return [dict(row) for row in await self._rows(query)]

    async def verify(self) -> Verdict:
        """What `clearhouse verify` says."""
        pool = await open_pool(self._dsn, size=1, name="verify", scans=True)
        try:
            return await verify(pool)
        finally:
            await pool.close()

    async def compare_with_truth(self) -> Comparison:
        """The sandbox's truth against the books, order by order."""
        orders = [
            BookedOrder(
                row["payment_order_id"],
                row["psp"],
                row["amount_minor"],
                row["currency"],
                row["status"],
            )
            for row in await self._rows("orders")
        ]
        return compare(await self._truth(), orders)

    async def _truth(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        after: int | None = 0
        async with aiohttp.ClientSession() as session:
            while after is not None:
                address = f"{self._sandbox_url}/_sandbox/truth?limit={_PAGE}&after={after}"
                async with session.get(address) as response:
                    page = await response.json()
                found += page["charges"]
                after = page["next"]
        return found

    async def _rows(self, query: str) -> list[asyncpg.Record]:
        deadline = self._clock.monotonic() + _LONGEST_AWAY_SECONDS
        while True:
            try:
                return await self._pool.fetch(self._queries[query])
            except LOST:
                if self._clock.monotonic() > deadline:
                    raise
                await self._clock.sleep(_AGAIN_SECONDS)
