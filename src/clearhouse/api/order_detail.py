"""A payment order whole: with the attempts to charge it, and what was given back since."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from clearhouse.api.operation_views import RefundView, view_refund
from clearhouse.api.responses import AttemptView, OrderView, order_members
from clearhouse.payments.model import Attempt, PaymentOrder
from clearhouse.payments.operations.model import Operation


class OrderDetailView(OrderView, frozen=True):
    """A payment order with the attempts to charge it, and its refunds, first to last."""

    attempts: list[AttemptView]
    refunds: Annotated[
        list[RefundView],
        Meta(description="Refunds, and stray charges found beside it that are given back."),
    ]


def view_order_detail(
    order: PaymentOrder, attempts: Sequence[Attempt], refunds: Sequence[Operation]
) -> OrderDetailView:
    """One order with its attempts and refunds."""
    shown = [
        AttemptView(
            attempt.number,
            attempt.psp,
            attempt.idempotency_key,
            attempt.calls,
            attempt.outcome,
            attempt.detail,
            attempt.started_at,
            attempt.finished_at,
        )
        for attempt in attempts
    ]
    return OrderDetailView(*order_members(order), shown, [view_refund(one) for one in refunds])
