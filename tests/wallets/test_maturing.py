"""What sellers earned becomes available: when it is due, once, and whatever else happens to it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, succeeded
from tests.wallets.days import DAY, Town, failed, refund, settled, violated

from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
    WalletUpdated,
    decode,
)
from clearhouse.messaging.outbox import OutboxStream, Position
from clearhouse.postgres.connection import Connection, PlainConnection, Pool, in_transaction
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import Matures, OwnTerms, Terms

SETTLED = Terms(Matures.WHEN_SETTLED)


def sale(amount: int = 100, *, name: str = "order-1", seller: str = "ann") -> PaymentOrderSucceeded:
    return succeeded(name, seller=seller, amount=amount, fee=0)


def opened(of: PaymentOrderSucceeded) -> DisputeOpened:
    return DisputeOpened(
        aggregate_id=IDS.new(), version=1, occurred_at=of.occurred_at, dispute_id="dp_1",
        order_id=of.aggregate_id, payment_order_id=of.payment_order_id,
        seller_account=of.seller_account, amount_minor=of.amount_minor,
        seller_minor=of.amount_minor, currency=of.currency, psp=of.psp, psp_reference="du_1",
        reason="fraudulent",
    )  # fmt: skip


def won(of: DisputeOpened) -> DisputeClosed:
    return DisputeClosed(
        aggregate_id=of.aggregate_id, version=2, occurred_at=of.occurred_at, dispute_id="dp_1",
        order_id=of.order_id, payment_order_id=of.payment_order_id,
        seller_account=of.seller_account, amount_minor=of.amount_minor, currency=of.currency,
        psp=of.psp, stage="won", won=True, seller_minor=of.seller_minor,
    )  # fmt: skip


def reversal(of: PaymentOrderSucceeded, *, days: int) -> PaymentOrderReversed:
    return PaymentOrderReversed(
        aggregate_id=of.aggregate_id, version=4, occurred_at=of.occurred_at + days * DAY,
        payment_order_id=of.payment_order_id, checkout_id=of.checkout_id,
        seller_account=of.seller_account, amount_minor=of.amount_minor, fee_minor=0,
        currency=of.currency, psp=of.psp, reason="settlement_declined",
    )  # fmt: skip


async def test_a_sale_matures_after_its_delay_and_not_before(pool: Pool) -> None:
    town = Town(pool)
    await town.tell(sale())
    assert await town.maturing.next_due() == MOMENT + 7 * DAY
    assert await town.mature(6.99) == 0
    assert await town.wallet() == (100, 0, 0)
    assert await town.mature(0.01) == 1
    assert await town.wallet() == (0, 100, 0)
    assert await town.mature(1) == 0
    assert await town.maturing.next_due() is None


async def test_every_sale_matures_once_however_many_work(pool: Pool) -> None:
    town = Town(pool)
    sales = [sale(n + 1, name=f"order-{n}", seller=f"seller-{n % 5}") for n in range(200)]
    await town.tell(*sales)
    town.clock.pass_days(8)

    async def all_of_it() -> int:
        total = 0
        while count := await town.maturing.step(17):
            total += count
        return total

    assert sum(await asyncio.gather(*(all_of_it() for _ in range(4)))) == 200
    assert sum([(await town.wallet(f"seller-{n}"))[1] for n in range(5)]) == sum(range(201))
    made = await pool.fetchval("select count(*) from wallets.movements where kind = 'matured'")
    assert made == 200


async def test_a_sale_told_again_matures_no_second_time(pool: Pool) -> None:
    town = Town(pool)
    first = sale()
    await town.tell(first, first)
    assert await town.mature(7) == 1
    await town.tell(first)
    assert await town.mature(7) == 0
    assert await town.wallet() == (0, 100, 0)


async def test_what_matures_is_told(pool: Pool) -> None:
    town = Town(pool)
    sold = sale()
    await town.tell(sold)
    await town.mature(7)
    events = [
        decode(envelope.payload)
        for envelope in await OutboxStream(pool, "wallets").read(Position(0, 0), 10)
    ]
    told = events[-1]
    assert isinstance(told, WalletUpdated)
    assert (told.kind, told.source_id, told.pending_minor) == ("matured", sold.aggregate_id, -100)


async def test_only_what_is_left_of_a_sale_matures(pool: Pool) -> None:
    town = Town(pool)
    first, second = sale(100, name="order-1"), sale(50, name="order-2")
    await town.tell(first, second, refund(first, 30))
    assert await town.mature(7) == 2
    assert await town.wallet() == (0, 120, 0)
    # From now on what goes back is taken from what is available, though others are pending.
    third = succeeded("order-3", seller="ann", amount=500, fee=0, at=MOMENT + 7 * DAY)
    await town.tell(third, refund(first, 70), refund(second, 50))
    assert await town.wallet() == (500, 0, 0)


async def test_what_comes_back_to_a_sale_that_matured_is_available(pool: Pool) -> None:
    town = Town(pool)
    first, second = sale(100, name="order-1"), sale(40, name="order-2")
    back, dispute = refund(first, 60), opened(second)
    await town.tell(first, second, back, dispute)
    assert await town.wallet() == (40, 0, 40)
    assert await town.mature(7) == 2
    assert await town.wallet() == (0, 40, 40)
    await town.tell(failed(back), won(dispute))
    assert await town.wallet() == (0, 140, 0)


async def test_a_sale_waits_for_its_settlement(pool: Pool) -> None:
    town = Town(pool, SETTLED)
    first, second = sale(100, name="order-1"), sale(50, name="order-2")
    await town.tell(first, second)
    assert await town.maturing.next_due() is None
    assert await town.mature(30) == 0
    await town.settle(settled(second, days=2))
    assert await town.mature() == 1
    assert await town.wallet() == (100, 50, 0)
    await town.settle(settled(second, days=2), settled(first, days=40))
    assert await town.mature(9) == 0
    assert await town.mature(1) == 1
    assert await town.wallet() == (0, 150, 0)


async def test_a_settlement_may_come_before_its_sale(pool: Pool) -> None:
    town = Town(pool, SETTLED)
    first = sale()
    await town.settle(settled(first, days=2, fee=31))
    await town.tell(first)
    assert await town.mature(1) == 0
    assert await town.mature(1) == 1
    assert await town.wallet() == (0, 100, 0)
    assert await pool.fetchval("select psp_fee_minor from wallets.sales") == 31


async def test_a_settlement_says_nothing_about_a_delay(pool: Pool) -> None:
    town = Town(pool)
    first, second = sale(name="order-1"), sale(name="order-2")
    await town.settle(settled(first, days=0))
    await town.tell(first, second)
    await town.settle(settled(second, days=0))
    assert await town.mature(6) == 0
    assert await town.mature(1) == 2


async def test_every_line_of_a_settlement_counts_once(pool: Pool) -> None:
    town = Town(pool, SETTLED)
    first = sale()
    lines = [settled(first, days=3, fee=30), settled(first, days=5, fee=-4, version=2)]
    await town.tell(first)
    await town.settle(lines[0], lines[0])
    await town.settle(*lines)
    await town.settle(lines[1])
    row = await pool.fetchrow("select psp_fee_minor, settled_at, due_at from wallets.sales")
    assert row is not None
    assert tuple(row) == (26, MOMENT + 3 * DAY, MOMENT + 3 * DAY)


async def test_a_sale_that_was_taken_back_waits_for_nothing(pool: Pool) -> None:
    town = Town(pool, SETTLED)
    first = sale()
    await town.tell(first)
    await town.tell(reversal(first, days=2))
    assert await town.wallet() == (0, 0, 0)
    assert await town.mature(2) == 1
    assert await town.maturing.next_due() is None
    assert await town.wallet() == (0, 0, 0)


async def test_a_seller_has_terms_of_its_own(pool: Pool) -> None:
    town = Town(pool)

    own = OwnTerms(
        IDS.new(), "bob", None, MOMENT - DAY, MOMENT, "eve", "trusted", delay=timedelta(hours=1)
    )

    async def agree(connection: Connection) -> None:
        await store.set_terms(connection, own)

    await in_transaction(pool, town.clock, agree)
    assert await store.terms_of(pool, ["ann", "bob"]) == {"ann": [], "bob": [own]}
    await town.tell(sale(), sale(seller="bob"))
    assert await town.mature(1) == 1
    assert await town.wallet("ann") == (100, 0, 0)
    assert await town.wallet("bob") == (0, 100, 0)


async def test_terms_are_never_changed(pool: Pool, owner: PlainConnection) -> None:
    terms = OwnTerms(
        IDS.new(), "bob", "USD", MOMENT, MOMENT, "eve", "a contract", Matures.WHEN_SETTLED
    )

    async def agree(connection: Connection) -> None:
        await store.set_terms(connection, terms)

    town = Town(pool)
    await in_transaction(pool, town.clock, agree)
    with pytest.raises(Exception, match="append-only"):
        await owner.execute("update wallets.terms set delay_seconds = 0")


async def test_the_next_that_is_due_is_found_by_an_index(owner: PlainConnection) -> None:
    await owner.execute("set enable_seqscan = off; set enable_sort = off")
    plan = await owner.fetch(
        "explain select due_at from wallets.sales where matured_at is null and due_at is not null"
        " order by due_at limit 1"
    )
    text = "\n".join(row[0] for row in plan)
    assert "Merge Append" in text
    assert "Sort  (" not in text
    assert "Seq Scan" not in text


TAMPERED = [
    # what somebody does behind the back of the wallets, and which check finds it
    ("update wallets.sales set matured_at = due_at where matured_at is null", "wallets.matured"),
    ("update wallets.sales set matured_at = null where matured_at is not null", "wallets.matured"),
    ("update wallets.sales set share_minor = share_minor + 1", "wallets.noted"),
    ("delete from wallets.sales where matured_at is null", "wallets.noted"),
]


@pytest.mark.parametrize(("deed", "check"), TAMPERED)
async def test_verify_finds_what_does_not_add_up(
    pool: Pool, owner: PlainConnection, deed: str, check: str
) -> None:
    town = Town(pool)
    await town.tell(sale(name="order-1"))
    await town.mature(7)
    await town.tell(succeeded("order-2", seller="ann", amount=5, fee=0, at=MOMENT))
    assert await violated(pool) == {}
    await owner.execute(deed)
    assert check in await violated(pool)


STEP = st.sampled_from(["refund", "fail", "dispute", "win", "mature", "settle"])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=10), st.booleans())
async def test_whatever_happens_in_whatever_order_nothing_is_lost(
    pool: Pool, steps: Sequence[str], when_settled: bool
) -> None:
    town = Town(pool, SETTLED if when_settled else Terms())
    seller = f"seller-{IDS.new()}"
    sold = succeeded(seller=seller, amount=1_000, fee=0)
    await town.tell(sold)
    given_back = reserved = 0
    back = dispute = None
    for step in steps:
        match step:
            case "refund" if back is None:
                back = refund(sold, 300)
                await town.tell(back)
                given_back = 300
            case "fail" if back is not None and given_back:
                await town.tell(failed(back))
                given_back = 0
            case "dispute" if dispute is None:
                dispute = opened(sold)
                await town.tell(dispute)
                reserved = 1_000
            case "win" if dispute is not None and reserved:
                await town.tell(won(dispute))
                reserved = 0
            case "settle":
                await town.settle(settled(sold))
            case _:
                await town.mature(8)
        assert sum(await town.wallet(seller)) == 1_000 - given_back
    await town.settle(settled(sold))
    await town.mature(30)
    assert await town.wallet(seller) == (0, 1_000 - given_back - reserved, reserved)
