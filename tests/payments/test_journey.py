"""One payment's way through the room: intake, claim, settlement, booking."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import Conflict, IdempotencyMismatch, KeyInUse
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees import DefaultFee
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.lifecycle import RetryPolicy
from clearhouse.payments.model import Intake, NewOrder, NewPayment, OrderStatus, Settlement
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Succeeded, Unknown

KEY = UUID(int=1)


def intake_service(pool: Pool) -> IntakeService:
    clock = SystemClock()
    ids = Ids(clock, SystemRandomness())
    return IntakeService(pool, clock, ids, idempotency_lifetime=timedelta(hours=24))


def execution_service(pool: Pool, lease: timedelta = timedelta(seconds=30)) -> ExecutionService:
    return ExecutionService(
        pool,
        SystemClock(),
        SystemRandomness(),
        lease=lease,
        policy=RetryPolicy(timedelta(milliseconds=1), timedelta(milliseconds=5)),
        default_fee=DefaultFee(290, {"USD": 30}),
    )


def an_intake(
    service: IntakeService, name: str, orders: int = 2, *, key: str = "", body: bytes = b"x" * 32
) -> Intake:
    payment = NewPayment(
        checkout_id=name,
        psp="stripe",
        payment_method="pm_card_visa",
        buyer_info="{}",
        orders=tuple(
            NewOrder(f"{name}-{n}", f"seller-{n}", Money(1000 + n, "USD")) for n in range(orders)
        ),
    )
    event = service.prepare(payment)
    return Intake(KEY, key or f"c:{name}", body, payment, event, f"answer {uuid4()}".encode())


async def test_a_payment_is_accepted_executed_and_final(pool: Pool) -> None:
    service = intake_service(pool)
    answer = await service.accept(an_intake(service, "one"))
    assert not answer.replayed
    execution = execution_service(pool)
    claimed = await execution.claim("stripe", 255, 10)
    assert [order.payment_order_id for order in sorted(claimed, key=lambda o: o.order_id)] == [
        "one-0",
        "one-1",
    ]
    assert await execution.claim("stripe", 255, 10) == []
    for order in claimed:
        outcome = Succeeded(f"pi_{order.payment_order_id}", order.amount)
        status = await execution.settle(Settlement(order.order_id, order.fence, outcome))
        assert status is OrderStatus.SUCCESS
    order, attempts = await PaymentService(pool, service).order("one-0")
    assert (order.status, order.fee_minor, order.version) == (OrderStatus.SUCCESS, 59, 3)
    assert [(a.number, a.calls, a.outcome) for a in attempts] == [(1, 1, "succeeded")]


async def test_the_same_key_replays_and_another_body_is_refused(pool: Pool) -> None:
    service = intake_service(pool)
    first = await service.accept(an_intake(service, "one"))
    again = await service.accept(an_intake(service, "one"))
    assert again.replayed
    assert again.body == first.body
    with pytest.raises(IdempotencyMismatch):
        await service.accept(an_intake(service, "one", body=b"y" * 32))
    with pytest.raises(Conflict):
        await service.accept(an_intake(service, "one", key="h:other"))


async def test_a_stale_owner_cannot_write(pool: Pool) -> None:
    service = intake_service(pool)
    await service.accept(an_intake(service, "one", 1))
    execution = execution_service(pool, lease=timedelta(0))
    [old] = await execution.claim("stripe", 255, 10)
    [new] = await execution.claim("stripe", 255, 10)
    assert new.fence == old.fence + 1
    assert new.idempotency_key == old.idempotency_key == "one-0"
    assert await execution.settle(Settlement(old.order_id, old.fence, Unknown("late"))) is None
    outcome = Succeeded("pi_1", new.amount)
    assert (
        await execution.settle(Settlement(new.order_id, new.fence, outcome)) is OrderStatus.SUCCESS
    )
    assert KeyInUse is not None
