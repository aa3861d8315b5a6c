"""The nightly job: what is due is done once, whoever does it, and an outage is caught up with."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.reconciliation.days import DAY, NOON, charge_of, report, sold, store

from clearhouse.bootstrap.reconciliation import nightly_job
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.settlements import Report
from clearhouse.settings import load
from clearhouse.workers.nightly import NightlyJob, last_day


class Moved(SystemClock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON + timedelta(days=1)

    def now(self) -> datetime:
        return self.at


class ToldPsp:
    """A PSP that has a report for some days, and fails for others."""

    def __init__(self, reports: Mapping[date, bytes]) -> None:
        self.content = dict(reports)
        self.broken: set[date] = set()
        self.asked: list[date] = []

    async def reports(self, day: date) -> AsyncIterator[Report]:
        self.asked.append(day)
        await asyncio.sleep(0.01)
        if day in self.broken:
            raise UnavailableError("Not ready yet.")
        yield Report(f"report-{day}.csv", [self.content.get(day, report([]))])


class Night:
    """A job over one PSP."""

    def __init__(self, pool: Pool, folder: Path, psp: ToldPsp) -> None:
        self.pool = pool
        self.psp = psp
        self.clock = Moved()
        self.folder = folder / "settlement-drop"
        self.settings = load({"CLEARHOUSE_DATA_DIRECTORY": str(folder)}).settings
        self.job = self.another()

    def another(self, seed: int = 5) -> NightlyJob:
        randomness = SeededRandomness(seed)
        runtime = Runtime(self.pool, self.clock, Ids(self.clock, randomness), randomness)
        return nightly_job(runtime, self.settings, {"stripe": self.psp})

    async def days(self) -> dict[date, bool]:
        rows = await self.pool.fetch("select * from reconciliation.days where psp = 'stripe'")
        return {row["day"]: row["compared_at"] is not None for row in rows}


@pytest.fixture
async def night(pool: Pool, owner: PlainConnection, tmp_path: Path) -> Night:
    orders = sold(10)
    await store(owner, orders)
    return Night(pool, tmp_path, ToldPsp({DAY: report([charge_of(order) for order in orders])}))


@pytest.mark.parametrize(
    ("now", "hour", "day"),
    [
        ("2026-11-22T05:00", 5, "2026-11-21"),
        ("2026-11-22T04:59", 5, "2026-11-20"),
        ("2026-11-22T00:00", 0, "2026-11-21"),
    ],
)
def test_a_day_is_due_from_its_hour_on(now: str, hour: int, day: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_day(moment, hour) == date.fromisoformat(day)


async def test_a_day_is_fetched_and_compared_once(night: Night) -> None:
    assert await night.job.round()
    assert await night.job.round()
    assert night.psp.asked == [DAY]
    assert await night.days() == {DAY: True}
    assert await night.pool.fetchval("select count(*) from reconciliation.runs") == 1
    assert await night.pool.fetchval("select count(*) from reconciliation.breaks") == 0


async def test_two_at_once_do_it_once(night: Night) -> None:
    told = await asyncio.gather(*(night.another(seed).round() for seed in range(2)))
    assert sorted(told) == [False, True]
    assert night.psp.asked == [DAY]


async def test_after_an_outage_all_days_are_caught_up_with(night: Night) -> None:
    await night.job.round()
    night.clock.at += timedelta(days=4)
    await night.job.round()
    assert night.psp.asked == [DAY + timedelta(days=n) for n in range(5)]
    assert all((await night.days()).values())


async def test_a_report_that_is_not_ready_is_asked_for_again_later(night: Night) -> None:
    night.psp.broken.add(DAY)
    await night.job.round()
    await night.job.round()
    assert (night.psp.asked, await night.days()) == ([DAY], {DAY: False})
    row = await night.pool.fetchrow("select tries, problem from reconciliation.days")
    assert row is not None
    assert tuple(row) == (1, "Not ready yet.")
    night.psp.broken.clear()
    night.clock.at += timedelta(minutes=15)
    await night.job.round()
    assert await night.days() == {DAY: True}


async def test_what_was_dropped_is_read_and_moved_on(night: Night) -> None:
    night.folder.mkdir()
    good, poem, fresh = (night.folder / name for name in ("day.csv", "poem.txt", "fresh.csv"))
    good.write_bytes(night.psp.content[DAY])
    poem.write_text("roses are red")
    fresh.write_bytes(night.psp.content[DAY])
    then = night.clock.at.timestamp()
    for file, age in ((good, 60), (poem, 60), (fresh, 0)):
        os.utime(file, (then - age, then - age))
    await night.job.round()
    left = {str(file.relative_to(night.folder)) for file in night.folder.rglob("*.*")}
    assert left == {"done/day.csv", "refused/poem.txt", "fresh.csv"}
    assert await night.pool.fetchval("select count(*) from reconciliation.lines") == 10
    # A file that somebody dropped need not be all of the day.
    assert night.psp.asked == [DAY]
