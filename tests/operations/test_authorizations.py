"""Captures and voids on a real PostgreSQL: an authorization is ended once, whoever races."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from tests.operations.desk import Desk, RefundingPsp, a_refund, minor
from tests.payments.rooms import LIMITS, an_intake, execution_service, intake_service, settlement
from tests.proof.flow import consume
from tests.proof.test_money_back import findings

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import NotCapturable, NotRefundable
from clearhouse.payments.model import CaptureMode, OrderStatus, StatusReason
from clearhouse.payments.operations.model import Kind, OperationStatus
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Pending, PendingReason, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)


@dataclass
class HoldingPsp(RefundingPsp):
    """Ends each authorization once; the first answers may be lost."""

    ended: dict[str, OperationRequest] = field(default_factory=dict[str, OperationRequest])
    lost: int = 0
    refuses: bool = False

    async def capture(self, request: OperationRequest) -> OperationOutcome:
        return self._end(request)

    async def void(self, request: OperationRequest) -> OperationOutcome:
        return self._end(request)

    async def find_operation(self, request: OperationRequest) -> OperationOutcome:
        found = self.ended.get(request.charge_reference)
        if found is None:
            return NotDone("still held")
        same = found.kind is request.kind
        return self._done(found) if same else Refused(RefusalReason.WRONG_STATE, "ended")

    def _end(self, request: OperationRequest) -> OperationOutcome:
        self.calls.append((request.kind, request.idempotency_key))
        if self.refuses:
            return Refused(RefusalReason.REJECTED_BY_PSP, "no")
        found = self.ended.setdefault(request.charge_reference, request)
        if len(self.calls) <= self.lost:
            return Unknown("timeout")
        if found.kind is request.kind:
            return self._done(found)
        return Refused(RefusalReason.WRONG_STATE, "ended")

    def _done(self, request: OperationRequest) -> Done:
        return Done(request.charge_reference, request.amount)


async def held(pool: Pool, name: str = "cart") -> str:
    """An order of 10.00 USD that the PSP has authorized."""
    intake = intake_service(pool)
    wanted = an_intake(intake, name, orders=1)
    payment = replace(wanted.payment, capture_mode=CaptureMode.MANUAL)
    await intake.accept(replace(wanted, payment=payment, event=intake.prepare(payment)))
    execution = execution_service(pool)
    for order in await execution.claim("stripe", LIMITS, 10):
        pending = Pending(PendingReason.AUTHORIZED, f"pi_{order.payment_order_id}")
        await execution.settle(settlement(order, pending))
    return f"{name}-0"


async def ask(desk: Desk, order: str, kind: Kind, amount: int | None = None) -> IntakeAnswer:
    return await desk.service.accept(a_refund(order, amount, kind=kind))


async def order_of(pool: Pool, name: str) -> tuple[OrderStatus, StatusReason | None, int]:
    order, _ = await PaymentService(pool, intake_service(pool)).order(name)
    return order.status, order.status_reason, await minor(pool, name, "captured_minor")


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize(("asked", "captured"), [(None, 1000), (300, 300)])
async def test_a_capture_ends_the_order_with_what_was_taken(
    pool: Pool, database: str, asked: int | None, captured: int, lost: int
) -> None:
    desk, order = Desk(pool), await held(pool)
    with pytest.raises(NotRefundable):
        await desk.refund(order, 1)
    await ask(desk, order, Kind.CAPTURE, asked)
    psp = HoldingPsp(lost=lost)
    await desk.settled(psp)
    assert await order_of(pool, order) == (OrderStatus.SUCCESS, None, captured)
    await consume(pool)
    assert await findings(database) == {}
    refund = await desk.refund(order)
    assert refund.amount.minor == captured
    await desk.settled(psp)
    await consume(pool)
    assert await findings(database) == {}


async def test_a_void_ends_the_order_failed(pool: Pool, database: str) -> None:
    desk, order = Desk(pool), await held(pool)
    await ask(desk, order, Kind.VOID)
    await desk.settled(HoldingPsp())
    assert await order_of(pool, order) == (OrderStatus.FAILED, StatusReason.VOIDED, 0)
    await consume(pool)
    assert await findings(database) == {}


async def test_a_capture_and_a_void_that_race_end_it_once(pool: Pool) -> None:
    for n in range(4):
        order = await held(pool, f"cart{n}")
        kinds = [Kind.CAPTURE, Kind.VOID, Kind.CAPTURE, Kind.VOID]
        answers = await asyncio.gather(
            *(ask(Desk(pool), order, kind) for kind in kinds), return_exceptions=True
        )
        assert sum(isinstance(answer, IntakeAnswer) for answer in answers) == 1
        assert sum(isinstance(answer, NotCapturable) for answer in answers) == 3
    psp = HoldingPsp()
    await Desk(pool).settled(psp)
    assert len(psp.ended) == len(psp.calls) == 4


async def test_what_the_psp_refused_may_be_ended_in_another_way(pool: Pool) -> None:
    desk, order = Desk(pool), await held(pool)
    await ask(desk, order, Kind.CAPTURE)
    await desk.settled(HoldingPsp(refuses=True))
    [capture] = await desk.service.operations_of(order)
    assert capture.status is OperationStatus.FAILED
    assert (await order_of(pool, order))[0] is OrderStatus.EXECUTING
    await ask(desk, order, Kind.VOID)
    await desk.settled(HoldingPsp())
    assert (await order_of(pool, order))[:2] == (OrderStatus.FAILED, StatusReason.VOIDED)


async def test_a_psp_that_cannot_hold_refuses_at_once(pool: Pool) -> None:
    desk, order = Desk(pool), await held(pool)
    await ask(desk, order, Kind.CAPTURE)
    await desk.settled(RefundingPsp())
    [capture] = await desk.service.operations_of(order)
    assert (capture.status, capture.reason) == (OperationStatus.FAILED, "rejected_by_psp")
