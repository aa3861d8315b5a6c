"""Tells which sales their PSP has settled, so that sellers' money can mature. Once each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.events import PaymentOrderSettled
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.reconciliation.store import QUERIES, SCHEMA

_BATCH: Final = 2_000


class SettledSales:
    """Publishes ``payment_order.settled`` for sales whose line agrees with ours."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def tell(self, psp: str, day: date) -> int:
        """Tell a day's, in batches of their own database transactions; how many were new."""
        told, after = 0, ""
        while True:

            async def work(connection: Connection, after: str = after) -> tuple[str, int]:
                lines = await connection.fetch(QUERIES["settled_lines"], psp, day, after, _BATCH)
                return lines[-1]["line_key"] if lines else "", await self._tell(connection, lines)

            after, count = await in_transaction(self._pool, self._clock, work)
            told += count
            if not after:
                return told

    async def _tell(self, connection: Connection, lines: Sequence[asyncpg.Record]) -> int:
        orders = await connection.fetch(
            QUERIES["untold_orders"], [line["order_id"] for line in lines], self._clock.now()
        )
        of_charge: Mapping[UUID, list[asyncpg.Record]] = defaultdict(list)
        for order in orders:
            of_charge[order["charge_order_id"]].append(order)
        now = self._clock.now()
        events: list[PaymentOrderSettled] = []
        seen: set[UUID] = set()
        for line in lines:
            shared = of_charge.get(line["order_id"], [])
            fees = shares(line["fee_minor"], [order["amount_minor"] for order in shared])
            for order, fee in zip(shared, fees, strict=True):
                if order["order_id"] in seen:
                    continue
                seen.add(order["order_id"])
                events.append(
                    PaymentOrderSettled(
                        aggregate_id=order["order_id"],
                        version=1,
                        occurred_at=now,
                        payment_order_id=order["payment_order_id"],
                        seller_account=order["seller_account"],
                        amount_minor=order["amount_minor"],
                        psp_fee_minor=fee,
                        currency=line["currency"],
                        psp=line["psp"],
                        settled_at=line["occurred_at"],
                    )
                )
        await publish(connection, SCHEMA, events)
        return len(events)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """A total divided by weights, to the last unit: the shares add up to it. Pure."""
    whole, given, parts = sum(weights), 0, list[int]()
    passed = 0
    for weight in weights:
        passed += weight
        until = total * passed // whole if whole else total
        parts.append(until - given)
        given = until
    return parts
