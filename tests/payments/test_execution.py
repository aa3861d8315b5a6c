"""Execution: claims, leases and settlements over a real database."""

import asyncio
from datetime import timedelta

import pytest
from tests.payments.rooms import LIMITS, an_intake, execution_service, intake_service, settlement

from clearhouse.kernel.money import Money
from clearhouse.messaging.events import PaymentOrderFailed, PaymentOrderSucceeded, decode
from clearhouse.payments.model import (
    ClaimedOrder,
    OrderStatus,
    PaymentOrder,
    Settled,
    StatusReason,
)
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    Retry,
    Succeeded,
    Unknown,
)


async def accepted(pool: Pool, name: str, orders: int = 1) -> PaymentService:
    service = intake_service(pool)
    await service.accept(an_intake(service, name, orders=orders))
    return PaymentService(pool, service)


async def claim_one(pool: Pool, lease: timedelta = timedelta(seconds=30)) -> ClaimedOrder:
    for _ in range(200):
        claimed = await execution_service(pool, lease=lease).claim("stripe", LIMITS, 1)
        if claimed:
            return claimed[0]
        await asyncio.sleep(0.005)
    raise AssertionError("nothing became due")


def paid(order: ClaimedOrder) -> Succeeded:
    return Succeeded("pi_1", order.amount)


async def order_of(payments: PaymentService, name: str = "one-0") -> PaymentOrder:
    return (await payments.order(name))[0]


async def test_claims_are_shared_out_and_never_shared(pool: Pool) -> None:
    for n in range(10):
        await accepted(pool, f"c{n}", orders=4)
    services = [execution_service(pool) for _ in range(5)]
    batches = await asyncio.gather(*(s.claim("stripe", LIMITS, 9) for s in services))
    ids = [order.order_id for batch in batches for order in batch]
    assert len(ids) == len(set(ids)) <= 40
    rest = await services[0].claim("stripe", LIMITS, 100)
    assert len(ids) + len(rest) == 40
    assert await services[0].claim("braintree", LIMITS, 100) == []


async def test_a_crashed_owner_is_followed_by_another_with_the_same_key(pool: Pool) -> None:
    payments = await accepted(pool, "one")
    first = await claim_one(pool, lease=timedelta(milliseconds=20))
    second = await claim_one(pool)
    assert second.fence == first.fence + 1
    assert second.idempotency_key == first.idempotency_key
    assert second.attempted_at == first.attempted_at
    service = execution_service(pool)
    assert await service.settle(settlement(first, paid(first))) is None
    assert (await order_of(payments)).status is OrderStatus.EXECUTING
    assert await service.settle(settlement(second, paid(second))) == Settled(OrderStatus.SUCCESS)
    assert await service.settle(settlement(first, Unknown("timeout"))) is None
    before = await order_of(payments)
    # That money was taken is heard from anybody; here it is known already.
    assert await service.settle(settlement(second, paid(second))) == Settled(OrderStatus.SUCCESS)
    assert await order_of(payments) == before


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "failure"),
    [
        (Unknown("timeout"), "EXECUTING", StatusReason.UNKNOWN_OUTCOME, None),
        (NotCharged("busy"), "EXECUTING", StatusReason.PSP_UNAVAILABLE, None),
        (
            Pending(PendingReason.PENDING_REVIEW, "pi_1"),
            "EXECUTING",
            StatusReason.PENDING_REVIEW,
            None,
        ),
        (
            Succeeded("pi_1", Money(1, "USD")),
            "EXECUTING",
            StatusReason.CONTRADICTION,
            None,
        ),
        (
            Declined(DeclineReason.EXPIRED_CARD, Retry.HARD, "expired_card"),
            "FAILED",
            StatusReason.DECLINED,
            "expired_card",
        ),
    ],
)
async def test_what_a_psp_says_is_stored(
    pool: Pool, outcome: Unknown, status: str, reason: StatusReason, failure: str | None
) -> None:
    payments = await accepted(pool, "one")
    order = await claim_one(pool)
    await execution_service(pool).settle(settlement(order, outcome))
    stored = await order_of(payments)
    assert (stored.status, stored.status_reason, stored.failure_code) == (status, reason, failure)
    checkout = await payments.checkout("one")
    assert checkout.is_payment_done == (status == "FAILED")


async def test_an_unknown_outcome_is_asked_again_until_it_is_known(
    pool: Pool, owner: PlainConnection
) -> None:
    payments = await accepted(pool, "one")
    service = execution_service(pool)
    for tries in range(1, 6):
        order = await claim_one(pool)
        assert (order.tries, order.idempotency_key) == (tries, "one-0")
        await service.settle(settlement(order, Unknown("timeout")))
    order = await claim_one(pool)
    await service.settle(settlement(order, paid(order)))
    stored, attempts = await payments.order("one-0")
    assert (stored.status, stored.status_reason) == (OrderStatus.SUCCESS, None)
    assert [(a.number, a.calls, a.outcome) for a in attempts] == [(1, 6, "succeeded")]
    assert await owner.fetchval("select count(*) from payments.work") == 0


async def test_a_spent_attempt_is_followed_by_one_with_a_new_key(pool: Pool) -> None:
    payments = await accepted(pool, "one")
    service = execution_service(pool)
    first = await claim_one(pool)
    await service.settle(settlement(first, NotCharged("nothing found"), key_expired=True))
    second = await claim_one(pool)
    assert (second.attempt, second.tries) == (2, 1)
    assert second.idempotency_key != first.idempotency_key
    await service.settle(settlement(second, paid(second)))
    stored, attempts = await payments.order("one-0")
    assert (stored.status, stored.attempt) == (OrderStatus.SUCCESS, 2)
    assert [(a.number, a.outcome) for a in attempts] == [(1, "not_charged"), (2, "succeeded")]


async def test_a_contradiction_is_put_before_a_person_once(
    pool: Pool, owner: PlainConnection
) -> None:
    await accepted(pool, "one")
    service = execution_service(pool)
    for _ in range(2):
        order = await claim_one(pool)
        await service.settle(settlement(order, Succeeded("pi_1", Money(1, "USD"))))
    [letter] = await owner.fetch("select * from payments.dead_letters")
    assert letter["error"] == "ordered 10.00 USD, the PSP charged 0.01 USD"


async def test_every_transition_has_one_event(pool: Pool, owner: PlainConnection) -> None:
    payments = await accepted(pool, "one", orders=2)
    service = execution_service(pool)
    no = Declined(DeclineReason.OTHER, Retry.HARD, "x")
    good, bad = sorted(await service.claim("stripe", LIMITS, 2), key=lambda o: o.order_id)
    await asyncio.gather(
        service.settle(settlement(good, paid(good))), service.settle(settlement(bad, no))
    )
    for order_id, last in (
        (good.order_id, PaymentOrderSucceeded),
        (bad.order_id, PaymentOrderFailed),
    ):
        rows = await owner.fetch(
            "select version, type, payload from payments.outbox where aggregate_id = $1"
            " order by version",
            order_id,
        )
        assert [row["version"] for row in rows] == [2, 3]
        assert next(row["type"] for row in rows) == "payment_order.executing"
        assert isinstance(decode(rows[-1]["payload"]), last)
    assert (await order_of(payments)).version == 3
