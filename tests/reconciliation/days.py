"""A day of a PSP made up: orders as payments knows them, and the report that the PSP has of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.events import PaymentOrderSucceeded
from clearhouse.postgres.connection import PlainConnection
from clearhouse.psp.stripe.reports import COLUMNS, OPTIONAL
from clearhouse.wallets.service import WalletService

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLAN = (290, 30)
"""Basis points and fixed part of what this PSP takes of each charge."""


@dataclass(frozen=True)
class Sold:
    """One order as payments has it."""

    order_id: UUID
    number: int
    amount_minor: int
    currency: str
    at: datetime
    status: str = "SUCCESS"
    psp: str = "stripe"
    charge: str = ""

    @property
    def payment_order_id(self) -> str:
        return f"order-{self.number}"

    @property
    def reference(self) -> str:
        return self.charge or f"pi_{self.number}"


@dataclass(frozen=True)
class Told:
    """One line as the PSP has it; amounts in minor units of a currency with two decimals."""

    key: str
    category: str
    source: str
    intent: str
    hint: str
    currency: str
    gross: int
    fee: int
    at: datetime

    def csv(self) -> str:
        amounts = (f"{_major(minor)}" for minor in (self.gross, self.fee, self.gross - self.fee))
        moment = f"{self.at:%Y-%m-%d %H:%M:%S}"
        return ",".join(
            (
                *(self.key, moment, self.currency.lower(), *amounts, self.category),
                *(self.source, self.intent, "po_1", self.hint, "4242"),
            )
        )


def agreed_fee(gross: int) -> int:
    return (gross * PLAN[0] + PLAN[1] * 10_000) // 10_000


def sold(count: int, *, seed: int = 1, first: int = 1) -> list[Sold]:
    """So many orders of the day, spread over it."""
    randomness = SeededRandomness(seed)
    ids = Ids(SystemClock(), randomness)
    orders: list[Sold] = []
    for number in range(first, first + count):
        at = NOON + timedelta(seconds=int(randomness.uniform(-40_000, 40_000)))
        minor = 100 + int(randomness.uniform(0, 50_000))
        currency = "USD" if randomness.uniform(0, 1) < 0.7 else "EUR"
        orders.append(Sold(ids.at(at), number, minor, currency, at))
    return orders


def charge_of(order: Sold, **changes: object) -> Told:
    line = Told(
        key=f"txn_{order.number}",
        category="charge",
        source=f"ch_{order.number}",
        intent=order.reference,
        hint=order.payment_order_id,
        currency=order.currency,
        gross=order.amount_minor,
        fee=agreed_fee(order.amount_minor),
        at=order.at,
    )
    return replace(line, **changes)  # pyright: ignore[reportArgumentType] - fields of Told


def report(lines: Iterable[Told]) -> bytes:
    header = ",".join((*COLUMNS, *OPTIONAL))
    return ("\n".join((header, *(line.csv() for line in lines))) + "\n").encode()


async def store(owner: PlainConnection, orders: Sequence[Sold], *, books: bool = True) -> None:
    """Write orders as if they had been accepted, executed, booked and credited."""
    await owner.execute(
        """
        with o as (
            select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[],
                $6::text[], $7::timestamptz[], $8::text[])
                as o (order_id, payment_order_id, amount_minor, currency, status, reference, at,
                    psp)
        ), keys as (
            insert into payments.order_keys select payment_order_id, order_id from o
        ), charges as (
            insert into payments.charge_keys (psp, psp_reference, order_id, attempt)
            select psp, reference, order_id, 1 from o where status = 'SUCCESS'
        )
        insert into payments.payment_orders (order_id, payment_order_id, event_id, checkout_id,
            seller_account, amount_minor, currency, psp, status, attempt, psp_reference, fee_minor,
            failure_code, captured_minor, created_at, updated_at, finalized_at)
        select order_id, payment_order_id, order_id, payment_order_id, 'seller', amount_minor,
            currency, psp, status, 1, case when status = 'SUCCESS' then reference end,
            case when status = 'SUCCESS' then 0 end,
            case when status = 'FAILED' then 'card_declined' end,
            case when status = 'SUCCESS' then amount_minor else 0 end, at, at,
            case when status in ('SUCCESS', 'FAILED') then at end
        from o
        """,
        [order.order_id for order in orders],
        [order.payment_order_id for order in orders],
        [order.amount_minor for order in orders],
        [order.currency for order in orders],
        [order.status for order in orders],
        [order.reference for order in orders],
        [order.at for order in orders],
        [order.psp for order in orders],
    )

    if books:
        await book(owner, [order for order in orders if order.status == "SUCCESS"])


async def book(
    owner: PlainConnection, ledger: Sequence[Sold], wallets: Sequence[Sold] | None = None
) -> None:
    """Book sales and credit their seller (the same, or others), by the services themselves."""
    clock = SystemClock()
    ids = Ids(clock, SeededRandomness(3))
    books, owed = LedgerService(ids, clock), WalletService(None, ids, clock)  # pyright: ignore[reportArgumentType] - only read from
    for service, orders in ((books, ledger), (owed, ledger if wallets is None else wallets)):
        for start in range(0, len(orders), 2_000):
            async with owner.transaction():
                await service.handle(owner, _succeeded(orders[start : start + 2_000]))


def _succeeded(orders: Sequence[Sold]) -> list[PaymentOrderSucceeded]:
    return [
        PaymentOrderSucceeded(
            aggregate_id=order.order_id,
            version=2,
            occurred_at=order.at,
            payment_order_id=order.payment_order_id,
            checkout_id=order.payment_order_id,
            seller_account="seller",
            amount_minor=order.amount_minor,
            fee_minor=0,
            currency=order.currency,
            psp=order.psp,
            psp_reference=order.reference,
        )
        for order in orders
    ]


def _major(minor: int) -> str:
    sign, digits = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{digits // 100}.{digits % 100:02d}"
