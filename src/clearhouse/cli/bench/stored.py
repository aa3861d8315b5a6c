"""Millions of paid orders, written straight into a database, to measure on top of them."""

from collections.abc import Callable
from typing import Final

import asyncpg

from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.cli.bench", "stored.sql")
_CHUNK: Final = 125_000
_STEPS: Final = (
    "payment_events",
    "payment_orders",
    "checkout_keys",
    "order_keys",
    "idempotency_keys",
    "attempts",
    "payment_facts",
    "journal_entries",
    "journal_lines",
    "ledger_facts",
    "movements",
    "sales",
    "wallet_facts",
)
_CONSUMERS: Final = (
    ("ledger", "ledger.payments"),
    ("wallets", "wallets.payments"),
    ("payments", "payments.ledger"),
    ("payments", "payments.wallets"),
)


async def fill(url: str, orders: int, tell: Callable[[int], None]) -> None:
    """Store so many orders, two to a checkout, spread over the last sixty days.

    ``tell`` hears how many are stored so far. All rows and indexes of a real life are there;
    the running balances in the journal are not, since nothing measured reads them.
    """
    payments = orders // 2
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SQL["partitions"])
        for first in range(1, payments + 1, _CHUNK):
            last = min(first + _CHUNK - 1, payments)
            async with connection.transaction():
                await connection.execute(_SQL["chunk"], first, last, float(payments))
                await connection.execute(_SQL["orders"])
                for step in _STEPS:
                    await connection.execute(_SQL[step])
                await connection.execute(_SQL["drop_chunk"])
            tell(last * 2)
        for schema, consumer in _CONSUMERS:
            text = _SQL["positions"].replace("{schema}", schema).replace("{consumer}", consumer)
            await connection.execute(text)
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
