"""The loops of each role."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import structlog

from clearhouse.bootstrap.merchants import dispatching
from clearhouse.bootstrap.payouts import open_rails, paying, planning, watching
from clearhouse.bootstrap.policies import breaker_policy
from clearhouse.bootstrap.psps import open_psps
from clearhouse.bootstrap.reconciliation import nightly_job
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.services import (
    dispute_execution,
    dispute_sweep,
    execution_service,
    operation_execution,
    page_service,
)
from clearhouse.bootstrap.wallets import maturing_service, wallet_books
from clearhouse.bootstrap.webhooks import notice_service, notice_takers
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.consumer import Consumer, Subscription
from clearhouse.messaging.outbox import OutboxStream
from clearhouse.payments.booking import BookingService
from clearhouse.payments.settlements import SettlementNotices
from clearhouse.psp import registry
from clearhouse.psp.rails import Rail
from clearhouse.settings import Settings, load
from clearhouse.webhooks.outgoing.announcing import Announcer
from clearhouse.workers.disputes import DisputedPsp, DisputeSweeper, DisputeWorker
from clearhouse.workers.executor import ChargingPsp, Executor
from clearhouse.workers.maintenance import run_maintenance
from clearhouse.workers.maturing import Maturer
from clearhouse.workers.operator import Operator
from clearhouse.workers.pages import PageWorker

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.bootstrap")
_NO_RAILS: Final[Mapping[str, Rail]] = MappingProxyType({})


class Role(StrEnum):
    """What a working process can do; several processes may share a role."""

    EXECUTOR = "executor"
    """Calls the PSPs."""
    LEDGER = "ledger"
    """Books what payments report."""
    WALLETS = "wallets"
    """Credits sellers with what payments report, and lets it mature."""
    PAYOUTS = "payouts"
    """Pays sellers over the rails."""
    PAYMENTS = "payments"
    """Marks orders that ledger and wallets have answered for, and keeps house."""
    RECONCILIATION = "reconciliation"
    """Compares the books with the PSPs' and the bank's, every night."""
    WEBHOOKS = "webhooks"
    """Tells merchants what happened."""


def consumers(
    runtime: Runtime, roles: Iterable[Role], settings: Settings | None = None
) -> list[Consumer]:
    """The consumers of some roles, over the outboxes of the services in this database.

    Without ``settings`` they have the defaults.
    """
    payments, ledger, wallets, reconciliation = (
        OutboxStream(runtime.pool, service)
        for service in ("payments", "ledger", "wallets", "reconciliation")
    )
    chosen = settings or load({}).settings
    books = LedgerService(runtime.ids, runtime.clock)
    owed = wallet_books(runtime, chosen)
    proofs = SettlementNotices(notice_service(runtime, chosen))
    subscriptions: Mapping[Role, list[Subscription]] = {
        Role.EXECUTOR: [],
        Role.LEDGER: [
            *books.subscriptions(payments, wallets),
            books.settlements(reconciliation),
        ],
        Role.PAYOUTS: [],
        Role.WALLETS: [owed.subscription(payments), owed.settlements(reconciliation)],
        Role.PAYMENTS: [
            *BookingService(runtime.clock).subscriptions(ledger, wallets),
            proofs.subscription(reconciliation),
        ],
        Role.RECONCILIATION: [],
        Role.WEBHOOKS: Announcer(runtime.clock).subscriptions(payments, wallets, reconciliation),
    }
    wanted = [one for role in dict.fromkeys(roles) for one in subscriptions[role]]
    return [Consumer(runtime.pool, runtime.clock, one) for one in wanted]


async def run_workers(
    runtime: Runtime, settings: Settings, roles: Iterable[Role], stopping: asyncio.Event
) -> None:
    """Run the loops of some roles until ``stopping`` is set; calls under way are settled first.

    Calls get as long as a lease to end; whatever is left then is taken up by another process
    with the same key.
    """
    chosen = list(dict.fromkeys(roles))
    async with AsyncExitStack() as stack:
        psps: Mapping[str, ChargingPsp] = {}
        rails: Mapping[str, Rail] = {}
        if {Role.EXECUTOR, Role.RECONCILIATION} & set(chosen):
            psps = await stack.enter_async_context(open_psps(settings))
        if Role.PAYOUTS in chosen:
            rails = await stack.enter_async_context(open_rails(settings))
        await run_loops(runtime, settings, chosen, psps, stopping, rails=rails)


async def run_loops(
    runtime: Runtime,
    settings: Settings,
    roles: Iterable[Role],
    psps: Mapping[str, ChargingPsp],
    stopping: asyncio.Event,
    *,
    rails: Mapping[str, Rail] = _NO_RAILS,
) -> None:
    """The same with PSPs and rails that are open already: an executor and more for each."""
    chosen = set(roles)
    loops = [
        asyncio.create_task(one.run(), name=one.name)
        for one in consumers(runtime, chosen, settings)
    ]
    if Role.WALLETS in chosen:
        maturer = Maturer(maturing_service(runtime), runtime.clock).run()
        loops.append(asyncio.create_task(maturer, name="maturer"))
    if Role.PAYOUTS in chosen:
        loops.append(asyncio.create_task(planning(runtime, settings), name="planner"))
        loops.append(asyncio.create_task(watching(runtime, settings), name="overdue"))
    if Role.RECONCILIATION in chosen:
        job = nightly_job(runtime, settings, psps)
        loops.append(asyncio.create_task(job.run(), name="nightly"))
    psps = psps if Role.EXECUTOR in chosen else {}
    if Role.PAYMENTS in chosen:
        loops.append(asyncio.create_task(run_maintenance(runtime.pool, runtime.clock)))
    service = execution_service(runtime, settings)
    operations = operation_execution(runtime, settings)
    executors = paying(runtime, settings, rails, stopping)
    if Role.WEBHOOKS in chosen:
        dispatcher, house = dispatching(runtime, settings, stopping)
        executors.append(dispatcher)
        loops.append(house)
    for name, psp in psps.items():
        concurrency = settings.psps[name].concurrency
        executor = Executor(
            service,
            psp,
            runtime.clock,
            concurrency=concurrency,
            breaker=breaker_policy(settings),
        )
        executors.append(asyncio.create_task(executor.run(stopping), name=f"{name} executor"))
        operator = Operator(operations, psp, runtime.clock, concurrency=concurrency)
        executors.append(asyncio.create_task(operator.run(stopping), name=f"{name} operator"))
        if isinstance(psp, DisputedPsp):
            disputes = DisputeWorker(dispute_execution(runtime, settings), psp, runtime.clock)
            executors.append(asyncio.create_task(disputes.run(stopping), name=f"{name} disputes"))
            sweeper = DisputeSweeper(dispute_sweep(runtime, settings), psp, runtime.clock)
            loops.append(asyncio.create_task(sweeper.run(stopping), name=f"{name} sweeper"))
        if registry.has_pages(name):
            pages = _page_worker(runtime, settings, psp, concurrency)
            executors.append(asyncio.create_task(pages.run(stopping), name=f"{name} pages"))
    loops += [
        asyncio.create_task(taker.run(), name="notices")
        for taker in notice_takers(runtime, settings, psps)
    ]
    try:
        await _until_stopped([*loops, *executors], stopping)
        if executors:
            await asyncio.wait(executors, timeout=settings.executor.lease_seconds)
    finally:
        for task in [*loops, *executors]:
            task.cancel()
        await asyncio.gather(*loops, *executors, return_exceptions=True)


def _page_worker(
    runtime: Runtime, settings: Settings, psp: ChargingPsp, concurrency: int
) -> PageWorker:
    return PageWorker(
        page_service(runtime, settings),
        psp,
        runtime.clock,
        public_url=settings.api.public_url,
        concurrency=concurrency,
    )


async def _until_stopped(tasks: list[asyncio.Task[None]], stopping: asyncio.Event) -> None:
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    stopping.set()
    for task in done:
        if task in tasks and not task.cancelled() and (error := task.exception()) is not None:
            _log.error("worker_broke", task=task.get_name(), error=repr(error))
            raise error
