"""One run of the demo: sell, wait until every checkout is done, and prove."""

import asyncio
from dataclasses import dataclass
from typing import Final

from clearhouse.access.model import Scope
from clearhouse.access.service import ApiKeys
from clearhouse.bootstrap import open_runtime
from clearhouse.cli.console import out
from clearhouse.cli.demo import morning, summary
from clearhouse.cli.demo.books import Books
from clearhouse.cli.demo.figures import percentile
from clearhouse.cli.demo.marketplace import Marketplace
from clearhouse.cli.demo.night import Nights
from clearhouse.cli.demo.payday import Payday
from clearhouse.cli.demo.screen import Picture, Screen
from clearhouse.cli.demo.shop import Shop
from clearhouse.cli.demo.summary import Check
from clearhouse.cli.development import Development
from clearhouse.cli.embedded import database_url
from clearhouse.cli.pepper import pepper_of
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.randomness import SeededRandomness

_TICK_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to sell, how many checkouts a second on average, and which buyers come."""

    seconds: float
    per_second: float
    seed: int


async def make_key(development: Development) -> str:
    """An API key that may do everything, for the marketplace."""
    url = database_url(development.settings)
    async with open_runtime(url, size=2, name="demo") as runtime:
        pepper = pepper_of(development.settings, runtime.randomness)
        access = ApiKeys(runtime.pool, runtime.clock, runtime.ids, runtime.randomness, pepper)
        _, token = await access.create("marketplace", tuple(Scope))
    return token


class Run:
    """Sells to a development group that is up; ``shop`` and ``books`` may be looked at."""

    def __init__(
        self, plan: Plan, shop: Shop, books: Books, clock: Clock, payday: Payday, nights: Nights
    ) -> None:
        self.plan = plan
        self._payday = payday
        self._nights = nights
        self._is_payday = False
        self.shop = shop
        self.books = books
        self._clock = clock
        self._begun = clock.monotonic()
        self.selling_seconds = 0.0
        self._picture = Picture("selling", seconds=plan.seconds, tally=shop.tally)

    @classmethod
    async def prepare(cls, plan: Plan, development: Development, clock: Clock) -> "Run":
        """Make a key, a marketplace and a look at the books."""
        key = await make_key(development)
        marketplace = Marketplace(SeededRandomness(plan.seed))
        shop = Shop(development.api_url, key, marketplace, clock)
        books = await Books.open(clock, database_url(development.settings), development.sandbox_url)
        payday = Payday(development.api_url, key, books, clock)
        return cls(plan, shop, books, clock, payday, Nights(development, books, clock))

    async def sell(self, screen: Screen) -> None:
        """Let the marketplace sell for the planned time."""
        self._begun = self._clock.monotonic()
        until = self._begun + self.plan.seconds
        painter = asyncio.create_task(self._paint(screen))
        try:
            await self.shop.sell(self.plan.per_second, lambda: self._clock.monotonic() >= until)
        finally:
            painter.cancel()
            await asyncio.gather(painter, return_exceptions=True)
        self.selling_seconds = self._clock.monotonic() - self._begun
        if not self.shop.tally.payments:
            told = self.shop.tally.refused[:1] or ["no request got through"]
            raise UnavailableError(f"The API accepted nothing: {told[0]}")

    async def settle(self, screen: Screen) -> bool:
        """Wait until every checkout is done; False when that takes too long."""
        self._picture.phase = "settling"
        deadline = self._clock.monotonic() + _LONGEST_WAIT_SECONDS
        while (waiting := await self.books.open_checkouts()) > 0:
            if self._clock.monotonic() > deadline:
                return False
            self._picture.waiting_for = waiting
            await self._look(screen)
            await self._clock.sleep(_TICK_SECONDS)
        self._picture.waiting_for = 0
        await self._look(screen)
        return True

    async def pay_sellers(self, screen: Screen) -> None:
        """Pay those who sold in euros, and wait for the bank's answers."""
        self._picture.phase = "paying sellers"
        self._is_payday = True
        await self._look(screen)
        await self._payday.pay()

    async def checks(self, *, settled: bool) -> list[Check]:
        """Everything that is proven about what was sold."""
        return [*await self._sold(settled=settled), await self._proven()]

    async def _sold(self, *, settled: bool) -> list[Check]:
        waiting = await self.books.open_checkouts()
        tally = self.shop.tally
        done = Check(
            settled,
            "Every payment order is final, and those paid are in ledger and wallet."
            if settled
            else f"{waiting:,} checkouts are still not done after {_LONGEST_WAIT_SECONDS:.0f} s.",
        )
        accepted = Check(
            not tally.refused,
            "Every checkout was accepted."
            if not tally.refused
            else f"{len(tally.refused):,} requests were refused, such as {tally.refused[0]}",
        )
        truth = summary.truth_check(await self.books.compare_with_truth())
        cents = summary.cent_check(await self.books.money())
        paid = [await self._payday.check()] if self._is_payday else []
        return [accepted, done, truth, cents, *paid]

    async def _proven(self) -> Check:
        return summary.verify_check(await self.books.verify())

    async def conclude(self, *, settled: bool) -> bool:
        """Print the summary, let the nights pass, and prove; whether everything holds.

        What was sold is compared before the nights, since faults are planted for them.
        """
        await summary.tell(out, self.books, self.shop.tally, self.selling_seconds)
        checks = await self._sold(settled=settled)
        summary.title(out, "And when the PSPs get it wrong")
        with out.status("Five days of reports and bank statements are compared with the books..."):
            found = await self._nights.pass_by()
        morning.tell(out, found)
        holds = summary.prove(out, [*checks, *morning.check(found), await self._proven()])
        summary.next_steps(out)
        return holds

    async def _paint(self, screen: Screen) -> None:
        sold, answered = 0, 0
        while True:
            await self._clock.sleep(_TICK_SECONDS)
            tally = self.shop.tally
            self._picture.rates.append((tally.payments - sold) / _TICK_SECONDS)
            self._picture.latencies.append(percentile(tally.latencies[answered:], 0.5))
            sold, answered = tally.payments, len(tally.latencies)
            await self._look(screen)

    async def _look(self, screen: Screen) -> None:
        self._picture.elapsed = self._clock.monotonic() - self._begun
        self._picture.progress = await self.books.progress()
        screen.show(self._picture)
