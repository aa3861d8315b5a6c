"""Small worlds for planting bugs: real PostgreSQL and services, one step after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.payments.rooms import POLICY, an_intake, intake_service
from tests.proof.flow import consume
from tests.proof.shops import findings, verdict_with
from tests.proof.till import Till

from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness
from clearhouse.messaging.consumer import Consumer
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.model import Call, ClaimedOrder, Settlement
from clearhouse.postgres.connection import Pool, open_pool
from clearhouse.psp.contract import PspOutcome
from clearhouse.workers.executor import Executor

CLOCK = SystemClock()
CHECKOUTS = 6
_ROUNDS = 400


class Steps(Executor):
    """The executor, one order after the other instead of all at once."""

    async def round(self) -> int:
        """Claim what is due and execute it; returns how many that were."""
        claimed = await self._claim(50)
        for order in claimed:
            await self._execute(order)
        return len(claimed)

    async def ask(self, order: ClaimedOrder) -> PspOutcome:
        """One call, as the executor makes it for an order it holds."""
        return await self._ask(order, Call.CHARGE)


class Stalling(Steps):
    """An executor that stalls at times after a call, past its lease; then it writes after all."""

    stalls, wakes = 0.6, 0.3

    def __init__(self, service: ExecutionService, till: Till) -> None:
        super().__init__(service, till, CLOCK, concurrency=1)
        self._till = till
        self._held: list[Settlement] = []
        self._settled = 0

    async def _settle(self, settlement: Settlement) -> None:
        self._settled += 1
        if self._till.luck("stalls", self._settled) < self.stalls:
            self._held.append(settlement)
        else:
            await super()._settle(settlement)
        if self._held and self._till.luck("wakes", self._settled) < self.wakes:
            await super()._settle(self._held.pop(0))

    async def round(self) -> int:
        claimed = await super().round()
        if not claimed and self._held:
            await super()._settle(self._held.pop(0))
        return claimed


def executions(
    pool: Pool, seed: int, kind: type[ExecutionService] = ExecutionService, *, lease: float = 30.0
) -> ExecutionService:
    """An execution service whose jitter follows from the seed."""
    fee = DefaultFee(290, {"USD": 30})
    randomness = SeededRandomness(seed)
    return kind(
        pool, CLOCK, randomness, lease=timedelta(seconds=lease), policy=POLICY, default_fee=fee
    )


async def accept(pool: Pool, seed: int, *, orders: int = 2) -> None:
    """Some new checkouts of a few orders each."""
    intake = intake_service(pool)
    for number in range(CHECKOUTS):
        await intake.accept(an_intake(intake, f"s{seed}-{number}", orders=orders))


async def execute(pool: Pool, steps: Steps) -> None:
    """Let the executor work until every order is final."""
    for _ in range(_ROUNDS):
        await steps.round()
        if await pool.fetchval("select count(*) from payments.work") == 0:
            return
    raise AssertionError("some orders never became final")


async def sell(pool: Pool, seed: int, *, kind: type[ExecutionService] = ExecutionService) -> Till:
    """A seed's whole world: accepted, executed, booked and credited; what the PSP knows."""
    till = Till(seed)
    await accept(pool, seed)
    await execute(pool, Steps(executions(pool, seed, kind), till, CLOCK, concurrency=1))
    await consume(pool)
    return till


World = Callable[[Pool, int], Awaitable[Till]]


async def found_within(database: str, world: World, seeds: int) -> tuple[int, set[str]]:
    """The first seed whose world breaks a promise, and which; (seeds, nothing) if none does.

    The PSP's books are those of all seeds so far, since the database keeps all of them too.
    """
    pool = await open_pool(database, size=8, name="planted")
    books = Till(0)
    try:
        for seed in range(1, seeds + 1):
            books.by_key |= (await world(pool, seed)).by_key
            broken = findings(await verdict_with(database, {books.name: books}))
            if broken:
                return seed, set(broken)
        return seeds, set()
    finally:
        pool.terminate()


def consumer_of(pool: Pool, role: Role, kind: type[Consumer] = Consumer) -> Consumer:
    """A role's consumer, of a kind that may be broken, and with small batches."""
    randomness = SystemRandomness()
    runtime = Runtime(pool, CLOCK, Ids(CLOCK, randomness), randomness)
    made: Any = consumers(runtime, [role])[0]
    return kind(pool, CLOCK, replace(made._subscription, batch=7))
