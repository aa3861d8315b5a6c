"""Operations as the events that tell of them."""

from datetime import datetime

import asyncpg

from clearhouse.messaging.events import (
    Event,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    StrayChargeFound,
)
from clearhouse.payments.operations.model import Kind, Operation


def created_event(operation: Operation, seller_account: str) -> Event | None:
    """The first event of what gives money back; None for a capture or void."""
    if operation.kind is Kind.STRAY_REFUND:
        return StrayChargeFound(
            aggregate_id=operation.operation_id,
            version=1,
            occurred_at=operation.created_at,
            refund_id=operation.public_id,
            order_id=operation.order_id,
            payment_order_id=operation.payment_order_id,
            amount_minor=operation.amount.minor,
            currency=operation.amount.currency,
            psp=operation.psp,
            psp_reference=operation.charge_reference,
        )
    if operation.kind is not Kind.REFUND:
        return None
    return RefundCreated(
        aggregate_id=operation.operation_id,
        version=1,
        occurred_at=operation.created_at,
        refund_id=operation.public_id,
        order_id=operation.order_id,
        payment_order_id=operation.payment_order_id,
        seller_account=seller_account,
        amount_minor=operation.amount.minor,
        fee_returned_minor=operation.fee_returned_minor,
        currency=operation.amount.currency,
        psp=operation.psp,
        reason=operation.note,
    )


def succeeded_event(
    row: asyncpg.Record, version: int, moment: datetime, psp_reference: str
) -> RefundSucceeded:
    """The event of a refund that was made, for a row of ``lock_operations``."""
    return RefundSucceeded(
        aggregate_id=row["operation_id"],
        version=version,
        occurred_at=moment,
        refund_id=row["public_id"],
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        seller_account=_seller(row),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        psp=row["psp"],
        psp_reference=psp_reference,
    )


def failed_event(row: asyncpg.Record, version: int, moment: datetime, reason: str) -> RefundFailed:
    """The event of a refund that failed, for a row of ``lock_operations``."""
    return RefundFailed(
        aggregate_id=row["operation_id"],
        version=version,
        occurred_at=moment,
        refund_id=row["public_id"],
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        seller_account=_seller(row),
        amount_minor=row["amount_minor"],
        fee_returned_minor=row["fee_returned_minor"],
        currency=row["currency"],
        psp=row["psp"],
        reason=reason,
        had_succeeded=row["status"] == "SUCCEEDED",
    )


def _seller(row: asyncpg.Record) -> str:
    """A stray charge concerns no seller: its refund is owed to the buyer by nobody's wallet."""
    return "" if row["kind"] == Kind.STRAY_REFUND else row["seller_account"]
