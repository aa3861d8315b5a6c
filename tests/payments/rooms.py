"""Payments for the tests of the room: services on a pool, and requests to hand them."""

from datetime import timedelta
from uuid import UUID

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import ClaimedOrder, Intake, NewOrder, NewPayment, Settlement
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.routes import Router
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Capabilities, PspOutcome

KEY = UUID(int=1)
NO_RULES = Router((), SystemRandomness())
BODY = b"x" * 32
LIMITS = Capabilities(255, timedelta(hours=24), repeat_is_lookup=False)
POLICY = RetryPolicy(timedelta(milliseconds=1), timedelta(milliseconds=4))


def intake_service(pool: Pool, *, lifetime: timedelta = timedelta(hours=24)) -> IntakeService:
    """An intake as the API wires it."""
    clock = SystemClock()
    ids = Ids(clock, SystemRandomness())
    return IntakeService(pool, clock, ids, idempotency_lifetime=lifetime, router=NO_RULES)


def execution_service(pool: Pool, *, lease: timedelta = timedelta(seconds=30)) -> ExecutionService:
    """An execution service whose fee is 2.9 % plus 0.30 USD, and which waits a few milliseconds."""
    return ExecutionService(
        pool,
        SystemClock(),
        SystemRandomness(),
        lease=lease,
        policy=POLICY,
        default_fee=DefaultFee(290, {"USD": 30}),
    )


def an_intake(
    service: IntakeService,
    name: str,
    *,
    orders: int = 2,
    key: str = "",
    body: bytes = BODY,
    api_key: UUID = KEY,
    psp: str = "stripe",
    order_ids: tuple[str, ...] = (),
) -> Intake:
    """A request to pay ``orders`` sellers 10.00, 10.01, ... USD."""
    names = order_ids or tuple(f"{name}-{n}" for n in range(orders))
    payment = NewPayment(
        checkout_id=name,
        psp=psp,
        payment_method="pm_card_visa",
        buyer_info="{}",
        orders=tuple(
            NewOrder(order_id, f"seller-{n}", Money(1000 + n, "USD"))
            for n, order_id in enumerate(names)
        ),
    )
    event = service.prepare(payment)
    answer = f"answer {event.event_id}".encode()
    return Intake(api_key, key or f"c:{name}", body, payment, event, answer)


def settlement(
    order: ClaimedOrder, outcome: PspOutcome, *, key_expired: bool = False
) -> Settlement:
    """What an executor would hand in for an order it holds."""
    return Settlement(order.order_id, order.fence, outcome, key_expired)
