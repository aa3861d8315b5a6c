"""A small shop for the tests of operations: sold orders, requests, and a PSP of our own making."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.payments.rooms import KEY, POLICY
from tests.proof.flow import pay

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService
from clearhouse.payments.operations.execution import OperationExecution
from clearhouse.payments.operations.intake import OperationIntake
from clearhouse.payments.operations.learning import OperationLearning
from clearhouse.payments.operations.model import Kind, NewOperation, Operation, OperationStatus
from clearhouse.payments.operations.outcomes import OperationOutcomes
from clearhouse.payments.operations.service import OperationService
from clearhouse.payments.operations.strays import StrayRefunds
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Capabilities, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)
from clearhouse.workers.operator import Operator

CLOCK = SystemClock()
IDS = Ids(CLOCK, SystemRandomness())
USD = "USD"
SOLD = 1000
"""What ``sold`` sells for, in cents."""
FEE = 59
"""The fee on it: 2.9 % and 0.30."""


@dataclass
class Desk:
    """All services of operations on one pool."""

    pool: Pool
    policy: FeePolicy = FeePolicy.KEEP
    lease: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        self.strays = StrayRefunds(CLOCK, IDS)
        self.orders = orders = LearningService(
            CLOCK,
            SystemRandomness(),
            policy=POLICY,
            default_fee=DefaultFee(290, {"USD": 30}),
            strays=self.strays,
        )
        self.outcomes = OperationOutcomes(CLOCK, SystemRandomness(), POLICY, orders)
        self.intake = OperationIntake(
            self.pool,
            CLOCK,
            IDS,
            idempotency_lifetime=timedelta(hours=1),
            fee_policy=self.policy,
        )
        self.service = OperationService(self.pool, self.intake)
        self.execution = OperationExecution(self.pool, CLOCK, self.outcomes, lease=self.lease)
        self.learning = OperationLearning(CLOCK, IDS, self.outcomes, self.policy)

    async def refund(self, order: str, amount: int | None = None, **given: Any) -> Operation:
        """Ask for a refund and read it back."""
        answer = await self.service.accept(a_refund(order, amount, **given))
        return await self.service.refund(answer.body.decode())

    async def status_of(self, refund: Operation) -> tuple[OperationStatus, str | None]:
        """Where a refund is now."""
        found = await self.service.refund(refund.public_id)
        return found.status, found.reason

    async def settled(self, psp: "RefundingPsp", rounds: int = 50) -> None:
        """Let an operator work until nothing waits."""
        operator = Operator(self.execution, psp, CLOCK, concurrency=8)
        for _ in range(rounds):
            await operator.round()
            if await self.pool.fetchval("select count(*) from payments.operation_work") == 0:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("some operations never became final")


def a_refund(
    order: str,
    amount: int | None = None,
    *,
    key: str | None = None,
    body: bytes = b"x" * 32,
    refund_id: str | None = None,
    api_key: UUID = KEY,
    kind: Kind = Kind.REFUND,
) -> NewOperation:
    """A request as the API hands it over; its answer is the refund's id."""
    return NewOperation(
        api_key_id=api_key,
        idempotency_key=key or f"h:{IDS.new()}",
        body_hash=body,
        kind=kind,
        payment_order_id=order,
        amount_minor=amount,
        note="",
        public_id=refund_id,
        render=lambda operation: operation.public_id.encode(),
    )


async def sold(pool: Pool, name: str = "cart") -> str:
    """A checkout of two orders, both paid; the name of the first, of 10.00 USD."""
    await pay(pool, [name])
    return f"{name}-0"


async def minor(pool: Pool, order: str, column: str = "refunded_minor") -> int:
    """One of an order's amounts."""
    return await pool.fetchval(
        f"select {column} from payments.payment_orders where payment_order_id = $1", order
    )


Answer = Callable[[OperationRequest, int], OperationOutcome | None]


@dataclass
class RefundingPsp:
    """Refunds each key once; ``answer`` says what the caller hears instead, None for the truth.

    ``arrives`` says whether a call reaches it at all.
    """

    answer: Answer = lambda _request, _call: None
    arrives: Callable[[int], bool] = lambda _call: True
    lifetime: timedelta = timedelta(hours=24)
    proves_after: timedelta = timedelta(0)
    name: str = "stripe"
    left: dict[str, int] = field(default_factory=dict[str, int])
    done: dict[str, Done] = field(default_factory=dict[str, Done])
    by_operation: dict[str, Done] = field(default_factory=dict[str, Done])
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(45, self.lifetime, False, look_up_proves_after=self.proves_after)

    async def close(self) -> None:
        pass

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        self.calls.append(("refund", request.idempotency_key))
        number = len(self.calls)
        if not self.arrives(number):
            return Unknown("the request was lost")
        truth = self._refund(request)
        return self.answer(request, number) or truth

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        self.calls.append(("find", request.idempotency_key))
        return self.by_operation.get(request.operation_id) or NotDone("there is none")

    def _refund(self, request: OperationRequest) -> OperationOutcome:
        if request.idempotency_key in self.done:
            return self.done[request.idempotency_key]
        left = self.left.setdefault(request.charge_reference, request.charged.minor)
        if request.amount.minor > left:
            return Refused(RefusalReason.EXCEEDS_CHARGE, "charge_already_refunded")
        self.left[request.charge_reference] = left - request.amount.minor
        done = Done(f"rf_{request.idempotency_key}", request.amount)
        self.done[request.idempotency_key] = done
        self.by_operation[request.operation_id] = done
        return done


def usd(amount: int) -> Money:
    return Money(amount, USD)
