"""Rolling reserves: kept back of what matures, and given free when their days are over.

Or sooner, when the seller falls into debt: that is what a reserve is for.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.events import ReserveKept, ReserveReleased
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import Reserve
from clearhouse.wallets.model import Moved, Movement

Mover: TypeAlias = Callable[[Connection, Sequence[Movement]], Awaitable[list[Moved]]]
"""Makes movements in the caller's transaction, as WalletService.move does."""

_SCHEMA: Final = "wallets"


class Reserves:
    """Keeps and releases, each as a movement and as an event that the ledger books."""

    def __init__(self, clock: Clock, move: Mover) -> None:
        self._clock = clock
        self._move = move

    async def keep(self, connection: Connection, reserves: Sequence[Reserve]) -> None:
        """Keep parts of what has just matured back, in the same transaction."""
        if not reserves:
            return
        await self._move(connection, [_movement(one, "reserve", one.kept_at) for one in reserves])
        await store.keep(connection, reserves)
        events = [
            ReserveKept(
                aggregate_id=one.sale_id,
                version=1,
                occurred_at=one.kept_at,
                payment_order_id=one.reference,
                seller_account=one.seller_account,
                amount_minor=one.amount_minor,
                currency=one.currency,
                release_at=one.release_at,
            )
            for one in reserves
        ]
        await publish(connection, _SCHEMA, events)

    async def release_due(self, connection: Connection, now: datetime, limit: int) -> int:
        """Release what was kept for long enough; says how many reserves that were."""
        reserves = await store.claim_releasable(connection, now, limit)
        await self._release(connection, reserves, now)
        return len(reserves)

    async def pay_debts(self, connection: Connection, wallets: Collection[tuple[str, str]]) -> None:
        """Release reserves of wallets (seller and currency) that are in debt, the oldest first.

        As many as pay the debt; the caller has locked the wallets by moving them.
        """
        if wallets:
            reserves = await store.claim_for_debts(connection, sorted(wallets))
            await self._release(connection, reserves, self._clock.now())

    async def _release(
        self, connection: Connection, reserves: Sequence[Reserve], now: datetime
    ) -> None:
        if not reserves:
            return
        times = [max(min(one.release_at, now), one.kept_at) for one in reserves]
        await self._move(
            connection,
            [
                _movement(one, "reserve_release", moment)
                for one, moment in zip(reserves, times, strict=True)
            ],
        )
        await store.note_released(connection, reserves, now)
        events = [
            ReserveReleased(
                aggregate_id=one.sale_id,
                version=2,
                occurred_at=moment,
                payment_order_id=one.reference,
                seller_account=one.seller_account,
                amount_minor=one.amount_minor,
                currency=one.currency,
            )
            for one, moment in zip(reserves, times, strict=True)
        ]
        await publish(connection, _SCHEMA, events)


def _movement(reserve: Reserve, kind: str, moment: datetime) -> Movement:
    minor = reserve.amount_minor if kind == "reserve" else -reserve.amount_minor
    return Movement(
        kind=kind,
        source_id=reserve.sale_id,
        reference=reserve.reference,
        seller_account=reserve.seller_account,
        currency=reserve.currency,
        event_at=moment,
        available_minor=-minor,
        reserved_minor=minor,
    )
