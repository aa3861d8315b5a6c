"""Margins: fees and costs of sales, what went back, and what nobody knows yet."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import MOMENT, succeeded
from tests.wallets.days import Town, failed, refund, settled

from clearhouse.kernel.errors import Archived
from clearhouse.messaging.events import PaymentOrderReversed, PaymentOrderSucceeded
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.wallets.margins.model import Margin, Span, basis_points
from clearhouse.wallets.margins.service import Margins

SPAN = Span(MOMENT - timedelta(hours=1), MOMENT + timedelta(hours=1))


def sale(
    town: Town, name: str, amount: int, fee: int, seller: str = "ann", currency: str = "USD"
) -> PaymentOrderSucceeded:
    return succeeded(
        name, seller=seller, amount=amount, fee=fee, currency=currency,
        order_id=town.ids.at(MOMENT), at=MOMENT,
    )  # fmt: skip


def reversed_sale(of: PaymentOrderSucceeded) -> PaymentOrderReversed:
    return PaymentOrderReversed(
        aggregate_id=of.aggregate_id,
        version=of.version + 1,
        occurred_at=MOMENT,
        payment_order_id=of.payment_order_id,
        checkout_id=of.checkout_id,
        seller_account=of.seller_account,
        amount_minor=of.amount_minor,
        fee_minor=of.fee_minor,
        currency=of.currency,
        psp=of.psp,
        reason="settlement_declined",
    )


async def test_fees_costs_and_what_is_not_known_yet(pool: Pool) -> None:
    town = Town(pool)
    margins = Margins(pool)
    assert await margins.of_all(SPAN) == []
    known, other, euros = (
        sale(town, "a", 10_000, 300),
        sale(town, "b", 5_000, 150),
        sale(town, "c", 2_000, 60, currency="EUR"),
    )
    await town.tell(known, other, euros)
    await town.settle(settled(known, fee=320))
    assert await margins.of_seller("ann", SPAN) == [
        Margin("ann", "EUR", 1, 2_000, 0, 60, 0, 0, 0, 0),
        Margin("ann", "USD", 2, 15_000, 0, 450, 1, 10_000, 300, 320),
    ]
    [one] = await margins.of_seller("ann", SPAN, "USD")
    assert (one.margin_minor, one.margin_basis_points) == (-20, -20)
    assert (one.waiting_sales, one.waiting_volume_minor) == (1, 5_000)
    assert await margins.of_seller("bob", SPAN) == []


async def test_the_settlement_may_come_first(pool: Pool) -> None:
    town = Town(pool)
    one = sale(town, "a", 10_000, 300)
    await town.settle(settled(one, fee=29))
    assert await Margins(pool).of_all(SPAN) == []
    await town.tell(one)
    assert await Margins(pool).of_all(SPAN) == [
        Margin(None, "USD", 1, 10_000, 0, 300, 1, 10_000, 300, 29)
    ]


async def test_what_goes_back_takes_its_fee_along_once(pool: Pool) -> None:
    town = Town(pool)
    one, gone = sale(town, "a", 10_000, 300), sale(town, "b", 1_000, 30)
    await town.tell(one, gone)
    await town.settle(settled(one), settled(gone))
    part, late = refund(one, 2_500, fee=75), refund(one, 1_000, fee=30)
    await town.tell(part, late)
    await town.tell(part, failed(late))
    await town.tell(reversed_sale(gone))
    # The sale that was taken back leaves its cost, and nothing else.
    assert await Margins(pool).of_all(SPAN) == [
        Margin(None, "USD", 1, 10_000, 2_500, 225, 1, 10_000, 225, 58)
    ]


async def test_sellers_one_by_one_the_smallest_margin_first(pool: Pool) -> None:
    town = Town(pool)
    sales = [
        sale(town, "a", 1_000, 100, "ann"),
        sale(town, "b", 1_000, 50, "bob"),
        sale(town, "c", 1_000, 10, "cid"),
        sale(town, "d", 1_000, 70, "dan", "EUR"),
    ]
    await town.tell(*sales)
    await town.settle(*(settled(one, fee=20) for one in sales))
    found = await Margins(pool).by_seller(SPAN, limit=2)
    assert [(one.seller_account, one.currency, one.margin_minor) for one in found] == [
        ("dan", "EUR", 50),
        ("cid", "USD", -10),
        ("bob", "USD", 30),
    ]


async def test_a_time_is_that_of_acceptance_to_the_millisecond(pool: Pool) -> None:
    town = Town(pool)
    await town.tell(sale(town, "a", 1_000, 100))
    step = timedelta(milliseconds=1)
    for begins, ends, sales in (
        (MOMENT, MOMENT + step, 1),
        (MOMENT - step, MOMENT, 0),
        (MOMENT + step, MOMENT + 2 * step, 0),
    ):
        found = await Margins(pool).of_all(Span(begins, ends))
        assert sum(one.sales for one in found) == sales


async def test_what_is_archived_is_said_to_be(pool: Pool, owner: PlainConnection) -> None:
    await owner.execute(
        "insert into clearhouse.archived_tables (service, name, range_from, range_to, file, rows,"
        " sha256) values ('wallets', 'sales_x', clearhouse.uuid7_floor('2026-01-01'),"
        " clearhouse.uuid7_floor('2026-02-01'), 'file', 0, repeat('0', 64))"
    )
    begins = datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(Archived):
        await Margins(pool).of_all(Span(begins, MOMENT))
    assert await Margins(pool).of_all(Span(begins + timedelta(days=1), MOMENT)) == []


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (0, 100, 0),
        (1, 0, None),
        (142, 13_300, 107),
        (1, 20_000, 1),
        (1, 20_001, 0),
        (-1, 20_000, -1),
        (-20, 10_000, -20),
        (100, 100, 10_000),
    ],
)
def test_shares(part: int, whole: int, share: int | None) -> None:
    assert basis_points(part, whole) == share


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**15))
def test_a_share_is_never_further_off_than_half(part: int, whole: int) -> None:
    share = basis_points(part, whole)
    assert share is not None
    assert abs(share * whole - part * 10_000) * 2 <= whole
    assert basis_points(-part, whole) == -share
