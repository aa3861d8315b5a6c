"""What PSPs tell by themselves: refunds of ours, refunds of the dashboard, stray charges."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from tests.operations.desk import (
    CLOCK,
    FEE,
    SOLD,
    Desk,
    RefundingPsp,
    minor,
    sold,
    usd,
)
from tests.proof.flow import pay

from clearhouse.kernel.errors import RefundExceedsCapture
from clearhouse.payments.learnt import StrayCharge
from clearhouse.payments.operations.model import (
    Kind,
    LearntRefund,
    OperationStatus,
    Origin,
    id_of,
    name_of,
)
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.notices import RefundNotice
from clearhouse.psp.operations import Done, OperationOutcome, RefusalReason, Refused, Waiting

BANK = Refused(RefusalReason.REJECTED_BY_BANK, "account_closed", "rf_d")


def told(
    outcome: OperationOutcome,
    *,
    reference: str = "rf_d",
    charge: str = "pi_cart-0",
    amount: int = 400,
    operation: str | None = None,
    psp: str = "stripe",
) -> LearntRefund:
    return LearntRefund(psp, RefundNotice(reference, charge, usd(amount), outcome, operation))


async def learn(pool: Pool, *learnt: LearntRefund) -> list[bool]:
    async def work(connection: Connection) -> list[bool]:
        return await Desk(pool, FeePolicy.RETURN).learning.learn(connection, learnt)

    return await in_transaction(pool, CLOCK, work)


async def letters(pool: Pool) -> list[str]:
    rows = await pool.fetch("select error from payments.dead_letters order by id")
    return [row["error"] for row in rows]


def test_names_lead_back() -> None:
    identity = UUID(int=5)
    for kind in Kind:
        name = name_of(kind, identity)
        assert (id_of(name), len(name) <= 38) == (identity, True)
    for strange in ["", "re_", "re_xyz", "x_" + "0" * 32, "re_" + "g" * 32, "re_" + "0" * 33]:
        assert id_of(strange) is None


async def test_a_notice_settles_what_an_operator_asked_for(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 400)
    limits = RefundingPsp().capabilities
    [held] = await desk.execution.claim("stripe", limits, 5)
    assert await learn(pool, told(Done("rf_d", usd(400)), operation=held.name)) == [True]
    assert await desk.status_of(refund) == (OperationStatus.SUCCEEDED, None)
    assert await pool.fetchval("select count(*) from payments.operation_work") == 0


async def test_a_refund_that_fails_late_is_given_back(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 400)
    await desk.settled(RefundingPsp())
    reference = f"rf_{refund.public_id}"
    late = told(BANK, reference=reference)
    assert await learn(pool, late, late) == [True, True]
    assert await learn(pool, late, told(Done(reference), reference=reference)) == [True, True]
    assert await desk.status_of(refund) == (OperationStatus.FAILED, "rejected_by_bank")
    assert await minor(pool, order) == 0
    assert await letters(pool) == []
    assert (await desk.refund(order)).amount.minor == SOLD


async def test_a_refund_of_the_dashboard_is_adopted_once(pool: Pool) -> None:
    desk, order = Desk(pool, FeePolicy.RETURN), await sold(pool)
    notices = [told(Waiting("rf_d")), told(Done("rf_d", usd(400))), told(Done("rf_d", usd(400)))]
    assert await learn(pool, *notices) == [True, True, True]
    await asyncio.gather(*(learn(pool, one) for one in notices))
    [found] = await desk.service.operations_of(order)
    assert (found.origin, found.status) == (Origin.PSP, OperationStatus.SUCCEEDED)
    assert (found.amount.minor, found.psp_reference) == (400, "rf_d")
    assert found.fee_returned_minor == round(FEE * 0.4)
    assert await minor(pool, order) == 400
    with pytest.raises(RefundExceedsCapture):
        await desk.refund(order, 601)


async def test_one_that_waits_at_the_psp_is_polled_like_ours(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    await learn(pool, told(Waiting("rf_d")))
    [found] = await desk.service.operations_of(order)
    psp = RefundingPsp()
    psp.by_operation[name_of(found.kind, found.operation_id)] = Done("rf_d", usd(400))
    await desk.settled(psp)
    assert {kind for kind, _ in psp.calls} == {"find"}
    assert await desk.status_of(found) == (OperationStatus.SUCCEEDED, None)


async def test_more_than_is_left_is_put_before_a_person(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    await desk.refund(order, 700)
    notice = told(Done("rf_d", usd(400)))
    assert await learn(pool, notice) == [True]
    assert await learn(pool, notice) == [True]
    [letter] = await letters(pool)
    assert "stripe refunded 4.00 USD by itself (rf_d)" in letter
    assert len(await desk.service.operations_of(order)) == 1


async def test_a_charge_that_is_unknown_is_to_be_told_again(pool: Pool) -> None:
    await sold(pool)
    notices: Sequence[LearntRefund] = [
        told(Done("rf_1"), charge="pi_nobody"),
        told(Done("rf_2"), psp="square"),
    ]
    assert await learn(pool, *notices) == [False, False]
    assert await pool.fetchval("select count(*) from payments.operations") == 0


async def test_one_that_failed_stays_so_whatever_is_told_of_it_afterwards(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    assert await learn(pool, told(BANK)) == [True]
    assert await learn(pool, told(Waiting("rf_d")), told(Done("rf_d", usd(400)))) == [True, True]
    [found] = await desk.service.operations_of(order)
    assert (found.status, found.reason) == (OperationStatus.FAILED, "rejected_by_bank")
    assert await minor(pool, order) == 0
    # One that could never be adopted is nobody's concern when it failed.
    assert await learn(pool, told(BANK, reference="rf_big", amount=SOLD + 1)) == [True]
    assert await letters(pool) == []


async def test_one_of_an_order_that_is_not_settled_yet_is_to_be_told_again(pool: Pool) -> None:
    await pay(pool, ["early"], held=frozenset({"early"}))
    assert await learn(pool, told(Done("rf_d", usd(400)), charge="pi_early-0")) == [False]
    assert await letters(pool) == []


async def test_a_stray_charge_is_given_back_once(pool: Pool) -> None:
    await pay(pool, ["poor"], declined=frozenset({"poor"}))
    desk = Desk(pool)
    order_id = await pool.fetchval(
        "select order_id from payments.order_keys where payment_order_id = 'poor-0'"
    )
    stray = StrayCharge(
        order_id, "poor-0", "seller-0", "stripe", "pi_late", usd(1000), "found late"
    )

    async def give_back() -> None:
        async def work(connection: Connection) -> None:
            await Desk(pool).strays.give_back(connection, [stray, stray])

        await in_transaction(pool, CLOCK, work)

    await asyncio.gather(*(give_back() for _ in range(4)))
    psp = RefundingPsp()
    await desk.settled(psp)
    [found] = await desk.service.operations_of("poor-0")
    assert (found.kind, found.origin) == (Kind.STRAY_REFUND, Origin.ENGINE)
    assert found.status is OperationStatus.SUCCEEDED
    assert psp.left == {"pi_late": 0}
    rows = await pool.fetch(
        "select type from payments.outbox where aggregate_id = $1 order by version",
        found.operation_id,
    )
    assert [row["type"] for row in rows] == ["stray_charge.found", "refund.succeeded"]
    assert await minor(pool, "poor-0") == 0


async def test_a_stray_charge_that_cannot_be_given_back_is_put_before_a_person(pool: Pool) -> None:
    order = await sold(pool)
    order_id = await pool.fetchval(
        "select order_id from payments.order_keys where payment_order_id = $1", order
    )
    desk = Desk(pool)

    async def work(connection: Connection) -> None:
        stray = StrayCharge(order_id, order, "seller-0", "stripe", "pi_2", usd(1000), "twice")
        await desk.strays.give_back(connection, [stray])

    await in_transaction(pool, CLOCK, work)
    await desk.settled(RefundingPsp(lambda *_: BANK))
    assert await letters(pool) == ["account_closed"]
    assert await minor(pool, order) == 0
