"""Wallets under a clock that can be moved: what the tests of maturing share."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.ledger.books import IDS, MOMENT

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.events import (
    AnyEvent,
    PaymentOrderSettled,
    PaymentOrderSucceeded,
    RefundCreated,
    RefundFailed,
)
from clearhouse.messaging.outbox import OutboxStream
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.audit import CHECKS
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.maturing.service import Maturing
from clearhouse.wallets.service import PLATFORM_TERMS, WalletService

DAY = timedelta(days=1)


class Days(SystemClock):
    """A clock that stands still until it is moved on."""

    def __init__(self, now: datetime = MOMENT) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def pass_days(self, days: float) -> None:
        self._now += days * DAY


class Town:
    """Wallets of one database, and the days that pass over them."""

    def __init__(self, pool: Pool, terms: Terms = PLATFORM_TERMS) -> None:
        self.pool = pool
        self.clock = Days()
        self.ids = Ids(self.clock, SystemRandomness())
        self.wallets = WalletService(pool, self.ids, self.clock, terms)
        self.ledger = LedgerService(self.ids, self.clock)
        self.maturing = Maturing(pool, self.clock, self.wallets)

    async def tell(self, *events: AnyEvent, booked: bool = True) -> None:
        """Events of payments reach the wallets, and the ledger too."""

        async def work(connection: Connection) -> None:
            await self.wallets.handle(connection, events)
            if booked:
                await self.ledger.handle(connection, events)

        await in_transaction(self.pool, self.clock, work)

    async def settle(self, *events: PaymentOrderSettled) -> None:
        """Settlements reach the wallets."""
        stream = self.wallets.settlements(OutboxStream(self.pool, "reconciliation"))

        async def work(connection: Connection) -> None:
            await stream.handler(connection, events)

        await in_transaction(self.pool, self.clock, work)

    async def mature(self, days: float = 0) -> int:
        """Let days pass, and mature what is due."""
        self.clock.pass_days(days)
        return await self.maturing.step()

    async def wallet(self, seller: str = "ann", currency: str = "USD") -> tuple[int, int, int]:
        """Pending, available and reserved, after every check of the wallets held."""
        assert await violated(self.pool) == {}
        for one in await self.wallets.balances(seller):
            if one.currency == currency:
                return one.pending_minor, one.available_minor, one.reserved_minor
        raise AssertionError(f"{seller} has no wallet in {currency}")


async def violated(pool: Pool) -> dict[str, Sequence[str]]:
    """The checks of the wallets that do not hold, with the rows that they name."""
    async with pool.acquire() as connection:
        results = [await run_check(connection, check) for check in CHECKS]
    return {result.name: result.offenders for result in results if result.violations}


def settled(
    sale: PaymentOrderSucceeded, *, days: float = 1, fee: int = 29, version: int = 1
) -> PaymentOrderSettled:
    """A PSP settled a sale, some days after it."""
    return PaymentOrderSettled(
        aggregate_id=sale.aggregate_id,
        version=version,
        occurred_at=sale.occurred_at + days * DAY,
        payment_order_id=sale.payment_order_id,
        seller_account=sale.seller_account,
        amount_minor=sale.amount_minor,
        psp_fee_minor=fee,
        currency=sale.currency,
        psp=sale.psp,
        settled_at=sale.occurred_at + days * DAY,
    )


def refund(sale: PaymentOrderSucceeded, minor: int, *, fee: int = 0) -> RefundCreated:
    """Some of a sale goes back to its buyer, at the seller's cost but for what of the fee does."""
    return RefundCreated(
        aggregate_id=IDS.new(),
        version=1,
        occurred_at=sale.occurred_at,
        refund_id=f"re_{sale.payment_order_id}",
        order_id=sale.aggregate_id,
        payment_order_id=sale.payment_order_id,
        seller_account=sale.seller_account,
        amount_minor=minor,
        fee_returned_minor=fee,
        currency=sale.currency,
        psp=sale.psp,
        reason="requested_by_customer",
    )


def failed(refund: RefundCreated) -> RefundFailed:
    """A refund that failed after all."""
    return RefundFailed(
        aggregate_id=refund.aggregate_id,
        version=2,
        occurred_at=refund.occurred_at,
        refund_id=refund.refund_id,
        order_id=refund.order_id,
        payment_order_id=refund.payment_order_id,
        seller_account=refund.seller_account,
        amount_minor=refund.amount_minor,
        fee_returned_minor=refund.fee_returned_minor,
        currency=refund.currency,
        psp=refund.psp,
        reason="refused",
        had_succeeded=False,
    )
