"""The only place where objects are wired together."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, cast

import asyncpg
import structlog
from litestar import Litestar
from prometheus_client import REGISTRY

from clearhouse.access.service import ApiKeys
from clearhouse.api.app import create_app
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness, SystemRandomness
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.consumer import Consumer, Subscription
from clearhouse.messaging.outbox import OutboxStream
from clearhouse.payments.booking import BookingService
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import BorneBy
from clearhouse.payments.disputes.service import DisputeService
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees import DefaultFee
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.learning import LearningService
from clearhouse.payments.model import StatusReason
from clearhouse.payments.notices import NoticeService
from clearhouse.payments.operations.execution import OperationExecution
from clearhouse.payments.operations.intake import OperationIntake
from clearhouse.payments.operations.learning import OperationLearning
from clearhouse.payments.operations.outcomes import OperationOutcomes
from clearhouse.payments.operations.service import OperationService
from clearhouse.payments.operations.strays import StrayRefunds
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.payments.pages.desk import PageDesk
from clearhouse.payments.pages.notices import PageNotices
from clearhouse.payments.pages.service import PageService
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import LOST, Pool, open_pool
from clearhouse.postgres.migrations import Migration, find_migrations, migrate
from clearhouse.psp import registry
from clearhouse.psp.breaker import BreakerPolicy
from clearhouse.psp.contract import Psp
from clearhouse.psp.notices import Webhooks
from clearhouse.settings import Settings
from clearhouse.wallets.service import WalletService
from clearhouse.webhooks.incoming.door import WebhookDoor
from clearhouse.webhooks.incoming.service import Inbox
from clearhouse.workers.executor import ChargingPsp, Executor
from clearhouse.workers.maintenance import run_maintenance
from clearhouse.workers.notices import NoticeTaker
from clearhouse.workers.operator import Operator
from clearhouse.workers.pages import PageWorker

SERVICES: Final = (
    ("messaging", "clearhouse.messaging"),
    ("access", "clearhouse.access"),
    ("payments", "clearhouse.payments"),
    ("ledger", "clearhouse.ledger"),
    ("wallets", "clearhouse.wallets"),
    ("webhooks", "clearhouse.webhooks"),
)
"""Every service with the package that holds its migrations, in the order they must run."""

_WEBHOOK_LEASE: Final = timedelta(seconds=60)
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.bootstrap")


class Role(StrEnum):
    """What a working process can do; several processes may share a role."""

    EXECUTOR = "executor"
    """Calls the PSPs."""
    LEDGER = "ledger"
    """Books what payments report."""
    WALLETS = "wallets"
    """Credits sellers with what payments report."""
    PAYMENTS = "payments"
    """Marks orders that ledger and wallets have answered for, and keeps house."""


async def migrate_all(dsn: str) -> list[Migration]:
    """Bring the schemas of all services up to date; returns what was applied."""
    wanted: list[Migration] = []
    for service, package in SERVICES:
        wanted += find_migrations(service, package)
    return await migrate(dsn, wanted)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every service stands on: the database, time, ids and randomness."""

    pool: Pool
    clock: Clock
    ids: Ids
    randomness: Randomness


@asynccontextmanager
async def open_runtime(dsn: str, *, size: int, name: str) -> AsyncGenerator[Runtime]:
    """A runtime on the operating system's clock and randomness; closes its pool at the end.

    Raises UnavailableError when the database does not answer.
    """
    clock, randomness = SystemClock(), SystemRandomness()
    pool = await open_pool(dsn, size=size, name=name)
    try:
        yield Runtime(pool, clock, Ids(clock, randomness), randomness)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await pool.close()
        pool.terminate()


def payment_service(runtime: Runtime, idempotency_lifetime: timedelta) -> PaymentService:
    """The payments that an API offers; it has its own group commit."""
    intake = IntakeService(
        runtime.pool, runtime.clock, runtime.ids, idempotency_lifetime=idempotency_lifetime
    )
    return PaymentService(runtime.pool, intake)


def operation_service(runtime: Runtime, settings: Settings) -> OperationService:
    """The captures, voids and refunds that an API offers; it has its own group commit."""
    intake = OperationIntake(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        idempotency_lifetime=settings.api.idempotency_lifetime,
        fee_policy=FeePolicy(settings.refund.fee_policy),
    )
    return OperationService(runtime.pool, intake)


def api_app(runtime: Runtime, settings: Settings, pepper: bytes) -> Litestar:
    """The HTTP API as an ASGI application; ``pepper`` is what API keys are hashed with."""

    async def ready() -> None:
        try:
            await runtime.pool.fetchval("select 1")
        except (asyncpg.PostgresError, *LOST) as error:
            raise UnavailableError("PostgreSQL does not answer.") from error

    inbox = inbox_of(runtime)
    lazily = LazyAdapters(settings)
    access = ApiKeys(runtime.pool, runtime.clock, runtime.ids, runtime.randomness, pepper)
    dependencies = ApiDependencies(
        payments=payment_service(runtime, settings.api.idempotency_lifetime),
        operations=operation_service(runtime, settings),
        disputes=DisputeService(runtime.pool),
        wallets=WalletService(runtime.pool, runtime.ids, runtime.clock),
        webhooks=WebhookDoor(inbox, runtime.clock, lazily.get, settings.api.public_url),
        pages=PageDesk(
            page_service(runtime, settings),
            runtime.ids,
            runtime.randomness,
            lazily.get,
            names=[name for name in settings.psps if registry.has_pages(name)],
            lifetime=settings.pages.lifetime,
        ),
        keys=access,
        psps=frozenset(settings.psps),
        clock=runtime.clock,
        ids=runtime.ids,
        ready=ready,
        registry=REGISTRY,
        max_body_bytes=settings.api.max_body_bytes,
        public_url=settings.api.public_url,
        drop_in_script=settings.pages.drop_in_script,
    )
    return create_app(dependencies)


def retry_policy(settings: Settings) -> RetryPolicy:
    """How long is waited for what."""
    executor, retry = settings.executor, settings.retry
    return RetryPolicy(
        first=timedelta(seconds=executor.retry_base_seconds),
        longest=timedelta(seconds=executor.retry_longest_seconds),
        poll_longest=timedelta(seconds=retry.poll_longest_seconds),
        soft_declines=retry.soft_declines,
        decline_first=timedelta(seconds=retry.decline_seconds),
        card_declines=retry.card_declines,
        limits={StatusReason(reason): limit for reason, limit in settings.limits.items()},
    )


def breaker_policy(settings: Settings) -> BreakerPolicy:
    """When a PSP is taken for down."""
    given = settings.breaker
    return BreakerPolicy(
        window=given.window,
        least=given.least_answers,
        percent=given.percent,
        rest=timedelta(seconds=given.rest_seconds),
        longest=timedelta(seconds=given.longest_rest_seconds),
        trials=given.trials,
    )


def inbox_of(runtime: Runtime) -> Inbox:
    """Where incoming webhooks lie."""
    return Inbox(runtime.pool, runtime.clock, runtime.ids, lease=_WEBHOOK_LEASE)


class LazyAdapters:
    """Adapters that are made when they are first asked for: an SDK takes half a second to load."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Psp] = {}
        self._making = asyncio.Lock()

    async def get(self, name: str) -> Psp | None:
        """The adapter of an enabled PSP, or None."""
        if name not in self._settings.psps:
            return None
        async with self._making:
            if name not in self._made:
                config = self._settings.psps[name]
                self._made[name] = await asyncio.to_thread(registry.create, name, config)
            return self._made[name]


def page_service(runtime: Runtime, settings: Settings) -> PageService:
    """Payment pages, for the API and for their workers."""
    return PageService(
        runtime.pool,
        runtime.clock,
        runtime.randomness,
        learning=learning_service(runtime, settings),
        lease=timedelta(seconds=settings.executor.lease_seconds),
        policy=retry_policy(settings),
    )


def notice_takers(
    runtime: Runtime, settings: Settings, psps: Mapping[str, object]
) -> list[NoticeTaker]:
    """Who takes up the webhooks of the PSPs that send any."""
    notices = NoticeService(
        learning_service(runtime, settings),
        refunds=operation_learning(runtime, settings),
        disputes=dispute_learning(runtime, settings),
        pages=PageNotices(page_service(runtime, settings)),
    )
    inbox = inbox_of(runtime)
    return [
        NoticeTaker(runtime.pool, runtime.clock, inbox, notices, name, psp)
        for name, psp in psps.items()
        if isinstance(psp, Webhooks)
    ]


def execution_service(runtime: Runtime, settings: Settings) -> ExecutionService:
    """What executors claim from and settle with."""
    executor, fee = settings.executor, settings.fee
    return ExecutionService(
        runtime.pool,
        runtime.clock,
        runtime.randomness,
        lease=timedelta(seconds=executor.lease_seconds),
        policy=retry_policy(settings),
        default_fee=DefaultFee(fee.basis_points, fee.fixed_minor),
        strays=StrayRefunds(runtime.clock, runtime.ids),
    )


def learning_service(runtime: Runtime, settings: Settings) -> LearningService:
    """The one door for what is learnt about orders outside of an executor."""
    fee = settings.fee
    return LearningService(
        runtime.clock,
        runtime.randomness,
        policy=retry_policy(settings),
        default_fee=DefaultFee(fee.basis_points, fee.fixed_minor),
        strays=StrayRefunds(runtime.clock, runtime.ids),
    )


def operation_outcomes(runtime: Runtime, settings: Settings) -> OperationOutcomes:
    """What decides about the outcomes of captures, voids and refunds."""
    orders = learning_service(runtime, settings)
    return OperationOutcomes(runtime.clock, runtime.randomness, retry_policy(settings), orders)


def operation_execution(runtime: Runtime, settings: Settings) -> OperationExecution:
    """What operators claim from and settle with."""
    outcomes = operation_outcomes(runtime, settings)
    lease = timedelta(seconds=settings.executor.lease_seconds)
    return OperationExecution(runtime.pool, runtime.clock, outcomes, lease=lease)


def operation_learning(runtime: Runtime, settings: Settings) -> OperationLearning:
    """What takes in refunds that PSPs tell of by themselves."""
    return OperationLearning(
        runtime.clock,
        runtime.ids,
        operation_outcomes(runtime, settings),
        FeePolicy(settings.refund.fee_policy),
    )


def dispute_learning(runtime: Runtime, settings: Settings) -> DisputeLearning:
    """What takes in disputes that PSPs tell of by themselves."""
    return DisputeLearning(runtime.clock, runtime.ids, BorneBy(settings.dispute.borne_by))


def consumers(runtime: Runtime, roles: Iterable[Role]) -> list[Consumer]:
    """The consumers of some roles, over the outboxes of the services in this database."""
    payments, ledger, wallets = (
        OutboxStream(runtime.pool, service) for service in ("payments", "ledger", "wallets")
    )
    subscriptions: Mapping[Role, list[Subscription]] = {
        Role.EXECUTOR: [],
        Role.LEDGER: [LedgerService(runtime.ids, runtime.clock).subscription(payments)],
        Role.WALLETS: [
            WalletService(runtime.pool, runtime.ids, runtime.clock).subscription(payments)
        ],
        Role.PAYMENTS: BookingService(runtime.clock).subscriptions(ledger, wallets),
    }
    wanted = [one for role in dict.fromkeys(roles) for one in subscriptions[role]]
    return [Consumer(runtime.pool, runtime.clock, one) for one in wanted]


@asynccontextmanager
async def open_psps(settings: Settings) -> AsyncGenerator[dict[str, ChargingPsp]]:
    """The adapters of all enabled PSPs, by name; closed at the end."""
    async with AsyncExitStack() as stack:
        opened: dict[str, ChargingPsp] = {}
        for name, config in settings.psps.items():
            adapter = registry.create(name, config)
            stack.push_async_callback(adapter.close)
            opened[name] = cast("ChargingPsp", adapter)
        yield opened


async def run_workers(
    runtime: Runtime, settings: Settings, roles: Iterable[Role], stopping: asyncio.Event
) -> None:
    """Run the loops of some roles until ``stopping`` is set; calls under way are settled first.

    Calls get as long as a lease to end; whatever is left then is taken up by another process
    with the same key.
    """
    chosen = list(dict.fromkeys(roles))
    if Role.EXECUTOR not in chosen:
        await run_loops(runtime, settings, chosen, {}, stopping)
        return
    async with open_psps(settings) as psps:
        await run_loops(runtime, settings, chosen, psps, stopping)


async def run_loops(
    runtime: Runtime,
    settings: Settings,
    roles: Iterable[Role],
    psps: Mapping[str, ChargingPsp],
    stopping: asyncio.Event,
) -> None:
    """The same with PSPs that are open already, an executor and an operator for each."""
    chosen = set(roles)
    loops = [asyncio.create_task(one.run(), name=one.name) for one in consumers(runtime, chosen)]
    if Role.PAYMENTS in chosen:
        loops.append(asyncio.create_task(run_maintenance(runtime.pool, runtime.clock)))
    service = execution_service(runtime, settings)
    operations = operation_execution(runtime, settings)
    executors: list[asyncio.Task[None]] = []
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
        if registry.has_pages(name):
            pages = PageWorker(
                page_service(runtime, settings),
                psp,
                runtime.clock,
                public_url=settings.api.public_url,
                concurrency=concurrency,
            )
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


async def _until_stopped(tasks: list[asyncio.Task[None]], stopping: asyncio.Event) -> None:
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    stopping.set()
    for task in done:
        if task in tasks and not task.cancelled() and (error := task.exception()) is not None:
            _log.error("worker_broke", task=task.get_name(), error=repr(error))
            raise error
