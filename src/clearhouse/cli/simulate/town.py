"""The real services over one database, with PSPs, rails and a clock of the simulation's own."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.bootstrap.payouts import (
    bank_details_desk,
    payout_desk,
    payout_planner,
    payout_workers,
    timetable,
)
from clearhouse.bootstrap.policies import wallet_terms
from clearhouse.bootstrap.services import (
    dispute_learning,
    execution_service,
    learning_service,
    operation_execution,
    operation_learning,
    operation_service,
    payment_service,
)
from clearhouse.bootstrap.wallets import maturing_service, write_off_desk
from clearhouse.cli.simulate.psp import SimulatedPsp
from clearhouse.cli.simulate.rail import SimulatedRail
from clearhouse.cli.simulate.time import Luck, MovedClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.postgres.connection import Connection, Pool, in_transaction, open_pool
from clearhouse.settings import Settings, load
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.maturing.agreements import Agreements
from clearhouse.workers.executor import Executor
from clearhouse.workers.operator import Operator

Result = TypeVar("Result")
PSPS: Final = ("braintree", "square", "stripe")
RAILS: Final = ("nacha", "sepa", "stripe")
_CALLS_AT_ONCE: Final = 500
_SETTINGS: Final[Mapping[str, str]] = {
    "executor.retry_base_seconds": "0.01",
    "executor.retry_longest_seconds": "0.02",
    "payouts.retry_seconds": "0.01",
    "payouts.retry_longest_seconds": "0.02",
    "payouts.poll_seconds": "0.01",
    "payouts.news_seconds": "0.01",
    "payouts.minimum": "EUR=5.00, USD=5.00, JPY=500",
    "payouts.approval_above": "EUR=2000.00, USD=2000.00, JPY=200000",
    "payouts.details_wait_hours": "72",
    "wallets.delay_hours": "48",
}


def settings_in(directory: Path, seed: int) -> Settings:
    """The settings of a simulation whose encryption key is kept in a directory.

    Seeds that are odd have the platform's fee go back with refunds.
    """
    policy = {"refund.fee_policy": "return" if seed % 2 else "keep"}
    chosen = {"data_directory": str(directory), **policy, **_SETTINGS}
    settings = load({}, overrides=chosen).settings
    # How long something waits is counted by the database's clock, which is not moved.
    return replace(settings, limits={})


@dataclass
class Town:
    """What a simulation drives; everything but PSPs, rails, time and chance is clearhouse."""

    runtime: Runtime
    settings: Settings
    clock: MovedClock
    luck: Luck

    def __post_init__(self) -> None:
        runtime, settings, clock = self.runtime, self.settings, self.clock
        self.psps = {name: SimulatedPsp(name, self.luck, clock) for name in PSPS}
        self.rails = {name: SimulatedRail(name, self.luck, clock) for name in RAILS}
        self.order_ids: dict[str, UUID] = {}
        self.payments = payment_service(runtime, settings)
        self.operations = operation_service(runtime, settings)
        self.charge_news = learning_service(runtime, settings)
        self.refund_news = operation_learning(runtime, settings)
        self.dispute_news = dispute_learning(runtime, settings)
        self.details = bank_details_desk(runtime, settings)
        self.timetable = timetable(runtime)
        self.payouts = payout_desk(runtime, settings)
        self.write_offs = write_off_desk(runtime, settings)
        self.holds = HoldDesk(runtime.pool, clock, runtime.ids)
        self.terms = Agreements(runtime.pool, clock, runtime.ids, wallet_terms(settings))
        self._maturing = maturing_service(runtime)
        self._planner = payout_planner(runtime, settings)
        self._workers = payout_workers(runtime, settings, self.rails)
        self._consumers = consumers(runtime, tuple(Role), settings)
        execution = execution_service(runtime, settings)
        operating = operation_execution(runtime, settings)
        self._executors = [
            Executor(execution, psp, clock, concurrency=_CALLS_AT_ONCE)
            for psp in self.psps.values()
        ]
        self._operators = [
            Operator(operating, psp, clock, concurrency=_CALLS_AT_ONCE)
            for psp in self.psps.values()
        ]

    @property
    def today(self) -> date:
        """The day that it is, in UTC."""
        return self.clock.now().date()

    async def in_transaction(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Do some work in one database transaction."""
        return await in_transaction(self.runtime.pool, self.clock, work)

    async def charge(self, orders: Mapping[str, str]) -> None:
        """Let executors work until each of some orders (with their PSPs) is decided there."""
        waiting = dict(orders)
        while True:
            done = 0
            for executor in self._executors:
                done += await executor.round()
            waiting = {
                order: psp for order, psp in waiting.items() if not self._decided(order, psp)
            }
            if not waiting and not done:
                return
            await self.clock.sleep(1)

    async def refund(self) -> None:
        """Let operators work until nothing is due."""
        for operator in self._operators:
            while await operator.round():
                pass

    async def read_all(self) -> None:
        """Let ledger, wallets and payments handle all that was told."""
        busy = True
        while busy:
            busy = False
            for consumer in self._consumers:
                while await consumer.step():
                    busy = True

    async def mature(self) -> None:
        """Let everything mature that is due, and release what was kept for long enough."""
        while await self._maturing.step():
            pass
        while await self._maturing.release():
            pass

    async def plan(self) -> None:
        """Create the payouts that are due by schedule."""
        await self._planner.adopt()
        while (await self._planner.step()).due:
            pass

    async def pay(self) -> None:
        """Let the payout workers work until each batch is known to have arrived."""
        for worker in self._workers:
            while await worker.round():
                if not self.unheard:
                    break
        while self.unheard:
            await self.clock.sleep(1)
            for worker in self._workers:
                await worker.round()

    @property
    def unheard(self) -> bool:
        """Whether the answer about some batch was lost, and nobody has heard since."""
        return any(rail.unheard for rail in self.rails.values())

    def _decided(self, order: str, psp: str) -> bool:
        return order in self.psps[psp].charges or order in self.psps[psp].declined


@asynccontextmanager
async def open_town(url: str, directory: Path, *, seed: int, begins: date) -> AsyncGenerator[Town]:
    """A town on a database that holds nothing yet. Raises UnavailableError."""
    clock, randomness = MovedClock(begins - timedelta(days=1)), SeededRandomness(seed)
    pool: Pool = await open_pool(url, size=8, name="simulate")
    try:
        runtime = Runtime(pool, clock, Ids(clock, randomness), randomness)
        yield Town(runtime, settings_in(directory, seed), clock, Luck(seed))
    finally:
        pool.terminate()
