"""A small world in one process: payments taken in, executed by a plain PSP, booked, credited."""

from tests.payments.rooms import LIMITS, an_intake, execution_service, intake_service, settlement

from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
)


async def consume(pool: Pool, *roles: Role) -> None:
    """Let the consumers of some roles (all, by default) handle everything there is."""
    clock, randomness = SystemClock(), SystemRandomness()
    runtime = Runtime(pool, clock, Ids(clock, randomness), randomness)
    busy = True
    while busy:
        busy = False
        for consumer in consumers(runtime, roles or tuple(Role)):
            busy = bool(await consumer.step()) or busy


async def pay(
    pool: Pool,
    names: list[str],
    *,
    declined: frozenset[str] = frozenset(),
    held: frozenset[str] = frozenset(),
) -> None:
    """Checkouts of two orders each, all executed.

    Those ``declined`` are refused by the PSP, those ``held`` still processed by it.
    """
    intake = intake_service(pool)
    for name in names:
        await intake.accept(an_intake(intake, name))
    execution = execution_service(pool)
    for order in await execution.claim("stripe", LIMITS, 1000):
        if order.checkout_id in declined:
            outcome: PspOutcome = Declined(
                DeclineReason.CARD_DECLINED, Retry.SOFT, "generic_decline"
            )
        elif order.checkout_id in held:
            outcome = Pending(PendingReason.PROCESSING, f"pi_{order.payment_order_id}")
        else:
            outcome = Succeeded(f"pi_{order.payment_order_id}", order.amount)
        await execution.settle(settlement(order, outcome))
