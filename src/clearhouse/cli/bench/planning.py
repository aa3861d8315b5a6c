"""Sellers who are all due for a payout at once, and how fast a planner pays them."""

from typing import Final

import asyncpg

from clearhouse.bootstrap import Runtime
from clearhouse.kernel.clock import Clock
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.payouts.planner import PayoutPlanner
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.service import WalletService

_SQL: Final = load_queries("clearhouse.cli.bench", "planning.sql")
_STEPS: Final = ("wallets", "bank_details", "recipients", "schedules")


async def make_due(url: str, prefix: str, sellers: int) -> None:
    """So many new sellers with 50.00 EUR available, bank details, and a schedule that is due."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for step in _STEPS:
                await connection.execute(_SQL[step], prefix, sellers)
        await connection.execute(_SQL["analyze"])
    finally:
        await connection.close()


async def pay_all(runtime: Runtime, clock: Clock) -> float:
    """Run one planner until nobody is due; returns payouts created per second."""
    wallets = WalletService(runtime.pool, runtime.ids, runtime.clock)
    planner = PayoutPlanner(runtime.pool, runtime.clock, runtime.ids, wallets, PayoutPolicy())
    begun, created = clock.monotonic(), 0
    while (planned := await planner.step()).due:
        created += len(planned.payouts)
    return created / (clock.monotonic() - begun)
