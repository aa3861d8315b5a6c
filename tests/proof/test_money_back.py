"""Refunds through all the books: the wallets equal the ledger, and verify knows each of them."""

import random
from collections.abc import Awaitable, Callable

import pytest
from tests.operations.desk import CLOCK, FEE, Desk, RefundingPsp, sold
from tests.proof.flow import consume, pay

from clearhouse.kernel.money import Money
from clearhouse.ledger import store as ledger
from clearhouse.payments.learnt import Learnt, Source, StrayCharge
from clearhouse.payments.operations.model import LearntRefund
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.postgres.connection import (
    Connection,
    PlainConnection,
    Pool,
    in_transaction,
    open_pool,
)
from clearhouse.proof.verify import Verdict, verify
from clearhouse.psp.contract import Reversed
from clearhouse.psp.notices import RefundNotice
from clearhouse.psp.operations import RefusalReason, Refused
from clearhouse.wallets import store as wallets

BANK = Refused(RefusalReason.REJECTED_BY_BANK, "account_closed")


async def checked(database: str) -> Verdict:
    scanning = await open_pool(database, size=1, name="verify", scans=True)
    try:
        return await verify(scanning)
    finally:
        await scanning.close()


async def findings(database: str) -> dict[str, list[str]]:
    verdict = await checked(database)
    return {one.name: one.offenders for one in verdict.results if one.violations}


async def balances(pool: Pool) -> dict[str, int]:
    return {one.code.removesuffix(":USD"): one.balance.minor for one in await ledger.balances(pool)}


async def fails_late(pool: Pool, desk: Desk, reference: str) -> None:
    async def work(connection: Connection) -> None:
        notice = RefundNotice(reference, "unknown", Money(1, "USD"), BANK)
        await desk.learning.learn(connection, [LearntRefund("stripe", notice)])

    await in_transaction(pool, CLOCK, work)


async def test_a_refund_goes_through_all_books(pool: Pool, database: str) -> None:
    desk, order = Desk(pool, FeePolicy.RETURN), await sold(pool)
    refund = await desk.refund(order, 400)
    await consume(pool)
    back = round(FEE * 0.4)
    now = await balances(pool)
    assert now["refunds_in_transit:stripe"] == 400
    assert now["seller_payable:seller-0"] == 1000 - FEE - 400 + back
    assert await findings(database) == {}
    await desk.settled(RefundingPsp())
    await consume(pool)
    now = await balances(pool)
    assert now["refunds_in_transit:stripe"] == 0
    assert now["psp_receivable:stripe"] == 2001 - 400
    [wallet] = await wallets.balances(pool, "seller-0")
    assert wallet.total.minor == now["seller_payable:seller-0"] == wallet.pending_minor
    assert await findings(database) == {}
    await fails_late(pool, desk, f"rf_{refund.public_id}")
    await consume(pool)
    assert (await balances(pool))["seller_payable:seller-0"] == 1000 - FEE
    assert await findings(database) == {}


@pytest.mark.parametrize("seed", range(3))
async def test_any_mixture_of_refunds_keeps_wallet_and_ledger_equal(
    pool: Pool, database: str, seed: int
) -> None:
    chance = random.Random(seed)
    desk = Desk(pool, chance.choice([*FeePolicy]))
    await pay(pool, [f"c{n}" for n in range(6)])
    psp = RefundingPsp(lambda *_: BANK if chance.random() < 0.3 else None)
    made: list[str] = []
    for step in range(30):
        order = f"c{chance.randrange(6)}-{chance.randrange(2)}"
        left = await pool.fetchval(
            "select captured_minor - refunded_minor from payments.payment_orders"
            " where payment_order_id = $1", order
        )  # fmt: skip
        if left:
            made.append((await desk.refund(order, chance.randint(1, left))).public_id)
        if step % 7 == 0:
            await desk.settled(psp)
            await fails_late(pool, desk, f"rf_{chance.choice(made)}")
            await consume(pool)
    await desk.settled(psp)
    await consume(pool)
    assert await findings(database) == {}


async def found_stray(pool: Pool) -> Desk:
    """A charge that no order stands for, found and not given back yet."""
    await pay(pool, ["poor"], declined=frozenset({"poor"}))
    desk = Desk(pool)
    order_id = await pool.fetchval("select order_id from payments.order_keys limit 1")
    stray = StrayCharge(
        order_id, "poor-0", "seller-0", "stripe", "pi_late", Money(1000, "USD"), "late"
    )

    async def work(connection: Connection) -> None:
        await desk.strays.give_back(connection, [stray])

    await in_transaction(pool, CLOCK, work)
    await consume(pool)
    return desk


async def test_a_stray_charge_is_owed_and_given_back(pool: Pool, database: str) -> None:
    desk = await found_stray(pool)
    now = await balances(pool)
    assert now["refunds_in_transit:stripe"] == now["psp_receivable:stripe"] == 1000
    await desk.settled(RefundingPsp())
    await consume(pool)
    assert set((await balances(pool)).values()) == {0}
    assert await findings(database) == {}


async def refunded(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    await desk.refund(order, 400)
    await desk.settled(RefundingPsp())


async def taken_back(pool: Pool) -> None:
    await sold(pool)
    order_id = await pool.fetchval(
        "select order_id from payments.payment_orders where payment_order_id = 'cart-0'"
    )
    reversal = Reversed("pi_cart-0", Money(1000, "USD"), "settlement_declined")

    async def work(connection: Connection) -> None:
        await Desk(pool).orders.learn(connection, [Learnt(order_id, reversal, Source.WEBHOOK)])

    await in_transaction(pool, CLOCK, work)


async def stray_given_back(pool: Pool) -> None:
    await (await found_stray(pool)).settled(RefundingPsp())


_LOWER = "update payments.payment_orders set refunded_minor = 399 where refunded_minor = 400"
_REOPEN = "update payments.operations set status = 'SUBMITTED', finalized_at = null"
_UNBOOK = "delete from ledger.journal_entries where kind = '{}'"
_UNMOVE = "delete from wallets.movements where kind = '{}'"
_OTHER_AMOUNT = "update payments.operations set amount_minor = amount_minor - 1"
_UNREVERSE = "update payments.payment_orders set reversed_at = null, status_reason = null"
_OTHER_LINE = "update ledger.journal_lines set amount_minor = 401 where kind = 'refund'"
_OTHER_MOVE = "update wallets.movements set available_minor = 1 where kind = 'refund'"
# fmt: off
FAULTS = [
    (refunded, "payments.refunds", _LOWER),
    (refunded, "payments.refunds", _REOPEN),
    (refunded, "payments.refunds", "update payments.operations set version = version + 1"),
    (refunded, "proof.moved",      _UNBOOK.format("refund")),
    (refunded, "proof.moved",      _UNBOOK.format("refund_settled")),
    (refunded, "proof.moved",      _OTHER_LINE),
    (refunded, "proof.moved",      _OTHER_AMOUNT),
    (refunded, "proof.wallets",    _OTHER_MOVE),
    (taken_back, "proof.moved",    _UNBOOK.format("sale_reversal")),
    (taken_back, "wallets.balances", _UNMOVE.format("sale_reversal")),
    (taken_back, "proof.moved",    _UNREVERSE),
    (stray_given_back, "proof.moved", _UNBOOK.format("stray_charge")),
    (stray_given_back, "proof.moved", _UNBOOK.format("refund_settled")),
    (stray_given_back, "proof.moved", _OTHER_AMOUNT),
]
# fmt: on


@pytest.mark.parametrize(("happened", "check", "fault"), FAULTS)
async def test_every_fault_planted_is_found(
    pool: Pool,
    owner: PlainConnection,
    database: str,
    happened: Callable[[Pool], Awaitable[None]],
    check: str,
    fault: str,
) -> None:
    await happened(pool)
    await consume(pool)
    assert await findings(database) == {}
    await owner.execute("set session_replication_role = replica")
    await owner.execute(fault)
    assert check in await findings(database)
