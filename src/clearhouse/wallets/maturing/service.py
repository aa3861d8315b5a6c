"""Maturing: what sellers earned becomes available when it is due, once for each sale.

A part of it may be kept back for some days, in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import DueSale
from clearhouse.wallets.maturing.reserves import Reserves
from clearhouse.wallets.maturing.terms import kept_back
from clearhouse.wallets.model import Movement
from clearhouse.wallets.service import WalletService

_BATCH: Final = 1000


def maturing(sale: DueSale) -> Movement:
    """The movement of a sale that matures: all that it still has pending becomes available.

    How much that is, is decided under the wallet's lock, since a refund may just be taking of it.
    """
    return Movement(
        kind="matured",
        source_id=sale.sale_id,
        reference=sale.reference,
        seller_account=sale.seller_account,
        currency=sale.currency,
        event_at=sale.due_at,
        sale_id=sale.sale_id,
    )


class Maturing:
    """Matures what is due, and releases what was kept back for long enough.

    Any number may run at once: each claims sales and reserves of its own.
    """

    def __init__(self, pool: Pool, clock: Clock, wallets: WalletService) -> None:
        self._pool = pool
        self._clock = clock
        self._wallets = wallets
        self._reserves = Reserves(clock, wallets.move)

    async def step(self, limit: int = _BATCH) -> int:
        """Mature up to ``limit`` sales that are due, in one transaction; says how many.

        A constant number of statements, however many sales. Safe to repeat. Raises
        UnavailableError.
        """
        now = self._clock.now()

        async def work(connection: Connection) -> int:
            sales = await store.claim_due(connection, now, limit)
            await self.mature(connection, sales, now)
            return len(sales)

        return await in_transaction(self._pool, self._clock, work)

    async def release(self, limit: int = _BATCH) -> int:
        """Release up to ``limit`` reserves whose days are over, as ``step`` matures sales."""
        now = self._clock.now()

        async def work(connection: Connection) -> int:
            return await self._reserves.release_due(connection, now, limit)

        return await in_transaction(self._pool, self._clock, work)

    async def next_due(self) -> datetime | None:
        """When the next sale matures or reserve is released; None when none is known to."""
        return await store.next_due(self._pool)

    async def mature(
        self, connection: Connection, sales: Sequence[DueSale], now: datetime
    ) -> list[int]:
        """Mature claimed sales, in the caller's transaction; what became available by each."""
        if not sales:
            return []
        moved = await self._wallets.move(connection, [maturing(sale) for sale in sales])
        await store.note_matured(connection, [sale.sale_id for sale in sales], now)
        if any(sale.reserve_basis_points for sale in sales):
            matured = [
                (sale, answer.movement.available_minor)
                for sale, answer in zip(sales, moved, strict=True)
                if answer.is_new
            ]
            wallets = {(sale.seller_account, sale.currency) for sale in sales}
            available = await store.available(connection, wallets)
            await self._reserves.keep(connection, kept_back(matured, available))
        return [answer.movement.available_minor for answer in moved]
