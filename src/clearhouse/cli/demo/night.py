"""The nights after the demo's day: the job that runs in production, with the clocks moved on.

The first night finds what the reports of the day itself show, and tells payments, which mends.
The second one, days later, has what comes with later reports, and the bank's statements.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from clearhouse.bootstrap import Runtime, open_psps
from clearhouse.bootstrap.reconciliation import nightly_job
from clearhouse.cli.demo.backstage import Backstage, LaterClock
from clearhouse.cli.demo.books import Books
from clearhouse.cli.demo.faults import Planted, Planter
from clearhouse.cli.demo.findings import Differs, Findings, findings
from clearhouse.cli.development import Development
from clearhouse.cli.embedded import database_url
from clearhouse.cli.logs import configure
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import open_pool
from clearhouse.reconciliation.matching import Mender
from clearhouse.settings import LogSettings, load

_NOON: Final = time(12, tzinfo=UTC)
_LATER: Final = timedelta(days=5)
"""When everything is at the bank, and the time is over that the demo gives PSPs to report it."""
_LONGEST_WAIT_SECONDS: Final = 30.0


class Nights:
    """Plants faults, lets two nights pass, and tells what was found."""

    def __init__(self, development: Development, books: Books, clock: Clock) -> None:
        self._settings = load(development.environment()).settings
        self._url = database_url(development.settings)
        self._books = books
        self._clock = clock
        self._backstage = Backstage(development.sandbox_url)

    async def pass_by(self) -> Findings:
        """All of it. Raises UnavailableError when the sandbox does not do as it is told."""
        # What differs is told in a table; the job's log is for those who watch it in production.
        configure(LogSettings(level="critical", format="console"))
        await self._backstage.calm()
        await self._backstage.lose_webhooks()
        async with AsyncExitStack() as stack:
            psps = await stack.enter_async_context(open_psps(self._settings))
            pool = await open_pool(self._url, size=4, name="demo nights")
            stack.push_async_callback(pool.close)
            now = await self._backstage.now()
            planted = await Planter(self._backstage, psps, await self._places(), now).plant()

            async def night(day: date) -> None:
                ahead = await self._backstage.move_to(datetime.combine(day, _NOON))
                clock, randomness = LaterClock(self._clock, ahead), SystemRandomness()
                runtime = Runtime(pool, clock, Ids(clock, randomness), randomness)
                job = nightly_job(runtime, self._settings, psps)
                while not await job.round():
                    await self._clock.sleep(0.2)

            await night(now.date() + timedelta(days=1))
            mended = sum(one.cause.mender is Mender.ENGINE for one in planted)
            await self._wait_for(mended)
            await self._backstage.move_to(datetime.combine(now.date() + _LATER, _NOON))
            await self._drop_statements()
            await night(now.date() + _LATER)
        return await self._findings(planted)

    async def _places(self) -> list[Mapping[str, Any]]:
        """Where faults may be planted, those first whose fee is agreed on."""
        fees = self._settings.reconciliation.fees
        orders = await self._books.table("fault_places")
        return sorted(orders, key=lambda one: one["currency"] not in fees.get(one["psp"], {}))

    async def _wait_for(self, mended: int) -> None:
        """Until payments has done what it was told of, and every refund of it is with its PSP."""
        deadline = self._clock.monotonic() + _LONGEST_WAIT_SECONDS
        while await self._books.count("mended") < mended and self._clock.monotonic() < deadline:
            await self._clock.sleep(0.2)

    async def _drop_statements(self) -> None:
        """Put the bank's statements where the night reads them."""
        folder = self._settings.reconciliation.drop_folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in await self._backstage.statements():
            (folder / name).write_bytes(content)

    async def _findings(self, planted: Sequence[Planted]) -> Findings:
        breaks = [Differs(**row) for row in await self._books.table("breaks")]
        booked = {
            (row["psp"], row["currency"]): row["minor"] for row in await self._books.table("taken")
        }
        return findings(planted, breaks, await self._backstage.taken(), booked)
