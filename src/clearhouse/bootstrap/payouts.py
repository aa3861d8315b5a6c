"""Payouts to sellers, for the API, the workers and the commands."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from clearhouse.bootstrap.encryption import field_cipher
from clearhouse.bootstrap.policies import wallet_terms
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.wallets import wallet_service
from clearhouse.psp import rail_registry
from clearhouse.psp.rails import Rail
from clearhouse.settings import Settings
from clearhouse.wallets.payouts.batching import Batching
from clearhouse.wallets.payouts.desk import PayoutDesk
from clearhouse.wallets.payouts.details import BankDetailsDesk
from clearhouse.wallets.payouts.learning import PayoutLearning
from clearhouse.wallets.payouts.overdue import Bounds, OverdueWatch
from clearhouse.wallets.payouts.planner import PayoutPlanner
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule
from clearhouse.wallets.payouts.sending import Patience
from clearhouse.wallets.payouts.timetable import Timetable
from clearhouse.workers.overdue import OverduePayouts
from clearhouse.workers.payouts import PayoutWorker
from clearhouse.workers.planning import Planner


def payout_policy(settings: Settings) -> PayoutPolicy:
    """What the platform has decided."""
    given = settings.payouts
    return PayoutPolicy(
        minimum=given.minimum,
        maximum=given.maximum or {},
        approval_above=given.approval_above or {},
        details_wait=timedelta(hours=given.details_wait_hours),
        statement_text=given.statement_text,
        terms=wallet_terms(settings),
    )


def payout_desk(runtime: Runtime, settings: Settings) -> PayoutDesk:
    """What people and programs do to payouts."""
    return PayoutDesk(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        wallet_service(runtime),
        payout_policy(settings),
        lifetime=settings.api.idempotency_lifetime,
    )


def bank_details_desk(runtime: Runtime, settings: Settings) -> BankDetailsDesk:
    """Where sellers are paid. Raises ConfigurationError when there is no key to seal it with."""
    return BankDetailsDesk(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        field_cipher(settings, runtime.randomness),
        payout_policy(settings),
    )


@asynccontextmanager
async def open_rails(settings: Settings) -> AsyncGenerator[dict[str, Rail]]:
    """All enabled rails, by name; closed at the end. Raises ConfigurationError."""
    async with AsyncExitStack() as stack:
        opened: dict[str, Rail] = {}
        for name, config in settings.rails.items():
            rail = rail_registry.create(name, config)
            stack.push_async_callback(rail.close)
            opened[name] = rail
        yield opened


def payout_workers(
    runtime: Runtime, settings: Settings, rails: Mapping[str, Rail]
) -> list[PayoutWorker]:
    """A worker for each rail. Raises ConfigurationError when bank details cannot be opened."""
    if not rails:
        return []
    given = settings.payouts
    cipher = field_cipher(settings, runtime.randomness)
    lease = timedelta(seconds=given.lease_seconds)
    wallets = wallet_service(runtime)
    batching = Batching(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        wallets,
        cipher,
        payout_policy(settings),
        lease=lease,
    )
    patience = Patience(
        first=timedelta(seconds=given.retry_seconds),
        longest=timedelta(seconds=given.retry_longest_seconds),
        poll=timedelta(seconds=given.poll_seconds),
    )
    learning = PayoutLearning(runtime.pool, runtime.clock, wallets, cipher, patience=patience)
    return [
        PayoutWorker(
            batching,
            learning,
            rail,
            runtime.clock,
            lease=lease,
            news_every=timedelta(seconds=given.news_seconds),
        )
        for rail in rails.values()
    ]


def paying(
    runtime: Runtime, settings: Settings, rails: Mapping[str, Rail], stopping: asyncio.Event
) -> list[asyncio.Task[None]]:
    """The loops of these workers, begun."""
    return [
        asyncio.create_task(worker.run(stopping), name="payouts")
        for worker in payout_workers(runtime, settings, rails)
    ]


def timetable(runtime: Runtime) -> Timetable:
    """When sellers are paid."""
    return Timetable(runtime.pool, runtime.clock)


def payout_planner(runtime: Runtime, settings: Settings) -> PayoutPlanner:
    """What creates the payouts that are due by schedule."""
    return PayoutPlanner(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        wallet_service(runtime),
        payout_policy(settings),
        default=_DEFAULTS[settings.payouts.schedule](settings.payouts.time_zone),
    )


async def planning(runtime: Runtime, settings: Settings) -> None:
    """The loop that runs the schedules, until cancelled."""
    await Planner(payout_planner(runtime, settings), runtime.clock).run()


async def watching(runtime: Runtime, settings: Settings) -> None:
    """The loop that puts before a person what waits too long, until cancelled."""
    given = settings.payouts
    bounds = Bounds(timedelta(hours=given.doubt_hours), timedelta(days=given.answer_days))
    watch = OverdueWatch(runtime.pool, runtime.clock, bounds)
    await OverduePayouts(watch, runtime.clock).run()


_DEFAULTS: Final[Mapping[str, Callable[[str], Schedule | None]]] = MappingProxyType(
    {
        "none": lambda _: None,
        "daily": lambda zone: Schedule(Rhythm.DAILY, zone),
        "weekly": lambda zone: Schedule(Rhythm.WEEKLY, zone, weekday=0),
        "monthly": lambda zone: Schedule(Rhythm.MONTHLY, zone, day=1),
    }
)
