"""A shop that has sold for months: payments of another day, and what archiving does with them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from tests.payments.rooms import LIMITS, NO_RULES, POLICY, an_intake, settlement

from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.bootstrap.wallets import maturing_service
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids, floor_of
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.messaging.consumer import Subscription
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import ClaimedOrder
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.proof.verify import Verdict, verify
from clearhouse.psp.contract import Succeeded
from clearhouse.upkeep.archive import RangeOutcome, archive_before

CLOCK = SystemClock()
_PAUSE = 0.02
"""What a busy shop leaves to others, on a machine that has little."""


class Then(SystemClock):
    """A clock that is some days behind."""

    def __init__(self, days: int) -> None:
        self._days = timedelta(days=days)

    def now(self) -> datetime:
        return super().now() - self._days


def runtime(pool: Pool, days: int = 0) -> Runtime:
    clock, randomness = Then(days), SystemRandomness()
    return Runtime(pool, clock, Ids(clock, randomness), randomness)


async def make_partitions(owner: PlainConnection, days: int) -> None:
    """The partitions of every table for the week of a day long gone."""
    await owner.execute(
        "select clearhouse.ensure_partitions(partrelid::regclass, current_date - $1::int,"
        " current_date - $1::int) from pg_partitioned_table p join pg_attribute a"
        " on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]"
        " where a.atttypid = 'uuid'::regtype",
        days,
    )


async def accept(pool: Pool, names: Sequence[str], *, days: int = 0, psp: str = "stripe") -> None:
    """Checkouts of two orders each, taken in some days ago."""
    house = runtime(pool, days)
    intake = IntakeService(
        pool,
        house.clock,
        house.ids,
        idempotency_lifetime=timedelta(hours=24),
        router=NO_RULES,
    )
    for name in names:
        await intake.accept(an_intake(intake, name, psp=psp))


def executing(pool: Pool, days: int = 0) -> ExecutionService:
    """An execution service some days ago."""
    return ExecutionService(
        pool,
        Then(days),
        SystemRandomness(),
        lease=timedelta(seconds=30),
        policy=POLICY,
        default_fee=DefaultFee(290, {"USD": 30}),
    )


async def charge(service: ExecutionService, order: ClaimedOrder) -> None:
    """Charge a claimed order at a PSP that says yes."""
    outcome = Succeeded(f"pi_{order.payment_order_id}", order.amount)
    await service.settle(settlement(order, outcome))


async def execute(pool: Pool, *, days: int = 0) -> None:
    """Charge all that is due."""
    service = executing(pool, days)
    for order in await service.claim("stripe", LIMITS, 1000):
        await charge(service, order)


async def book(pool: Pool, *, days: int = 0) -> None:
    """Let all consumers handle everything there is, and what is due by now mature."""
    busy = True
    while busy:
        steps = [await consumer.step() for consumer in consumers(runtime(pool, days), Role)]
        steps.append(await maturing_service(runtime(pool)).step())
        busy = any(steps)


async def sell(pool: Pool, names: Sequence[str], *, days: int = 0) -> None:
    """Checkouts that are done, some days ago."""
    await accept(pool, names, days=days)
    await execute(pool, days=days)
    await book(pool, days=days)


async def have_sold(url: str, weeks: Mapping[int, Sequence[str]]) -> None:
    """Let a shop have sold once in each of some weeks: the days ago, and the checkouts."""
    owner = await asyncpg.connect(url)
    pool = await open_pool(url, size=8, name="years")
    for days, names in weeks.items():
        await make_partitions(owner, days)
        await sell(pool, names, days=days)
    await owner.close()
    pool.terminate()


def readers(pool: Pool) -> list[Subscription]:
    return [consumer.subscription for consumer in consumers(runtime(pool), Role)]


async def archive(
    owner: PlainConnection, pool: Pool, to: Path | None, *, days: int = 30, **options: Any
) -> list[RangeOutcome]:
    """Archive what is older than some days."""
    before = floor_of(Then(days).now())
    return await archive_before(owner, CLOCK, before, readers(pool), to, **options)


async def verdict_on(database: str) -> Verdict:
    pool = await open_pool(database, size=1, name="verify", scans=True)
    try:
        return await verify(pool)
    finally:
        await pool.close()


async def holds(database: str) -> None:
    verdict = await verdict_on(database)
    assert verdict.holds, [one for one in verdict.results if one.violations]


@asynccontextmanager
async def busy_shop(pool: Pool) -> AsyncIterator[list[str]]:
    """Checkouts come in, are charged and booked all the while; yields those that were accepted."""
    accepted: list[str] = []

    async def take_in(door: int) -> None:
        for number in count(1):
            name = f"now-{door}-{number}"
            await accept(pool, [name])
            accepted.append(name)
            await asyncio.sleep(_PAUSE)

    async def again(step: Any) -> None:
        while True:
            await step(pool)
            await asyncio.sleep(_PAUSE)

    loops = (take_in(1), take_in(2), take_in(3), again(execute), again(book))
    tasks = [asyncio.create_task(one) for one in loops]
    try:
        yield accepted
        broken = [task for task in tasks if task.done()]
        for task in broken:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
