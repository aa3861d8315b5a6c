"""The wallets' verbs: credit sellers with what happened, once, and say what they are owed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent, PaymentOrderSettled, WalletUpdated
from clearhouse.messaging.outbox import Stream, publish
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.wallets import store
from clearhouse.wallets.holds.disputes import DisputeHolds
from clearhouse.wallets.margins.model import Margin, Span
from clearhouse.wallets.margins.service import Margins
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.maturing.reserves import Reserves
from clearhouse.wallets.maturing.sales import Sales
from clearhouse.wallets.model import Moved, Movement, WalletBalance, WalletStanding
from clearhouse.wallets.rules import RULES, movement_for
from clearhouse.wallets.statements.model import Statement
from clearhouse.wallets.statements.service import statement

SCHEMA: Final = "wallets"
PLATFORM_TERMS: Final = Terms()
"""What counts where the settings say nothing else."""


class WalletService:
    """Moves wallets and tells their balances; ``pool`` is only read from.

    ``terms`` say when a sale matures where its seller has no terms of its own. A dispute holds its
    own share, or all payouts to the seller with ``disputes_hold_payouts``.
    """

    def __init__(
        self,
        pool: Pool,
        ids: Ids,
        clock: Clock,
        terms: Terms = PLATFORM_TERMS,
        *,
        disputes_hold_payouts: bool = False,
    ) -> None:
        self._pool = pool
        self._ids = ids
        self._clock = clock
        self._sales = Sales(terms)
        self._reserves = Reserves(clock, self.move)
        self._holds = DisputeHolds(ids, placing=disputes_hold_payouts)

    async def balances(self, seller_account: str) -> list[WalletBalance]:
        """A seller's balances, one for each currency. Raises NotFound when there are none."""
        found = await store.balances(self._pool, seller_account)
        if not found:
            raise NotFound(f"There is no wallet of the seller {seller_account!r}.")
        return found

    async def standing(self, seller_account: str) -> list[WalletStanding]:
        """A seller's wallets with what is on its way, owed and held. Raises NotFound."""
        found = await store.standing(self._pool, seller_account, self._clock.now())
        if not found:
            raise NotFound(f"There is no wallet of the seller {seller_account!r}.")
        return found

    async def statement(
        self, seller_account: str, currency: str, begins: datetime, ends: datetime
    ) -> Statement:
        """A wallet's statement from one moment to before another. Raises NotFound, Archived."""
        return await statement(self._pool, seller_account, currency, begins, ends)

    async def margins(
        self, seller_account: str, span: Span, currency: str | None
    ) -> Sequence[Margin]:
        """What a seller's sales of a time brought the platform, by currency. Raises Archived."""
        return await Margins(self._pool).of_seller(seller_account, span, currency)

    async def move(self, connection: Connection, movements: Sequence[Movement]) -> list[Moved]:
        """Make movements, and publish WalletUpdated for each new one.

        Two statements in the caller's transaction, however many movements. Answers stand in the
        movements' order; for one that was made before, nothing is published.
        """
        now = self._clock.now()
        answers = await store.move(connection, movements, [self._ids.new() for _ in movements], now)
        await publish(
            connection,
            SCHEMA,
            [
                WalletUpdated(
                    aggregate_id=answer.movement_id,
                    version=1,
                    occurred_at=now,
                    kind=answer.movement.kind,
                    source_id=answer.movement.source_id,
                    seller_account=answer.movement.seller_account,
                    currency=answer.movement.currency,
                    pending_minor=answer.movement.pending_minor,
                )
                for answer in answers
                if answer.is_new
            ],
        )
        return answers

    async def handle(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Credit sellers with the events that concern wallets, once each; a message handler.

        Raises ValueError for an event that cannot be credited; the consumer then handles the
        events one by one and lays that one aside.
        """
        moving = [(event, move) for event in events if (move := movement_for(event)) is not None]
        moved = await self.move(connection, [movement for _, movement in moving])
        await self._sales.told(connection, events)
        new = [event for (event, _), made in zip(moving, moved, strict=True) if made.is_new]
        await self._sales.given_back(connection, new)
        await self._holds.told(connection, new)
        taken = {
            (answer.movement.seller_account, answer.movement.currency)
            for answer in moved
            if answer.is_new and answer.movement.available_minor < 0
        }
        await self._reserves.pay_debts(connection, taken)

    def subscription(self, payments: Stream) -> Subscription:
        """What the wallets read from the payments service."""
        return Subscription(
            name="wallets.payments",
            schema=SCHEMA,
            stream=payments,
            types=tuple(RULES),
            handler=self.handle,
        )

    def settlements(self, reconciliation: Stream) -> Subscription:
        """What the wallets read from reconciliation: that a PSP settled a sale."""
        return Subscription(
            name="wallets.reconciliation",
            schema=SCHEMA,
            stream=reconciliation,
            types=(PaymentOrderSettled,),
            handler=self._sales.settled,
        )
