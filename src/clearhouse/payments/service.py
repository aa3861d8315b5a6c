"""What others ask of payments: take one in, and tell what became of it."""

from uuid import UUID

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import NotFound
from clearhouse.payments import store
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import (
    Attempt,
    Intake,
    NewPayment,
    OrderFilter,
    OrderPage,
    PaymentEvent,
    PaymentOrder,
)
from clearhouse.postgres.connection import Pool


class PaymentService:
    """The verbs of payments for the API; reads go to the primary, like everything."""

    def __init__(self, pool: Pool, intake: IntakeService) -> None:
        self._pool = pool
        self._intake = intake

    def prepare(self, payment: NewPayment) -> PaymentEvent:
        """Give a checked payment its ids and its time; see ``IntakeService.prepare``."""
        return self._intake.prepare(payment)

    async def accept(self, intake: Intake) -> IntakeAnswer:
        """Store a payment durably or replay its answer; see ``IntakeService.accept``."""
        return await self._intake.accept(intake)

    async def order(self, payment_order_id: str) -> tuple[PaymentOrder, list[Attempt]]:
        """One order with its attempts, first to last. Raises NotFound."""
        order = await store.order_by_key(self._pool, payment_order_id)
        if order is None:
            raise NotFound("There is no payment order with this id.")
        return order, await store.attempts_of(self._pool, order.order_id)

    async def checkout(self, checkout_id: str) -> PaymentEvent:
        """One payment event with all its orders, as they were asked for. Raises NotFound."""
        event = await store.checkout(self._pool, checkout_id)
        if event is None:
            raise NotFound("There is no checkout with this id.")
        return event

    async def list_orders(self, wanted: OrderFilter, before: UUID | None, limit: int) -> OrderPage:
        """Orders newest first, at most ``limit``; ``before`` is the last page's ``next_before``."""
        orders = await store.list_orders(self._pool, wanted, before, limit + 1)
        page = orders[:limit]
        more = len(orders) > limit
        return OrderPage(page, page[-1].order_id if more else None)
