"""Rows of the hot path as frozen values, and transitions as the events that tell them."""

from datetime import datetime
from typing import Any

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.messaging.events import (
    Event,
    PaymentEventDone,
    PaymentOrderActionRequired,
    PaymentOrderAuthorized,
    PaymentOrderExecuting,
    PaymentOrderFailed,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
)
from clearhouse.payments.deciding import Decided
from clearhouse.payments.lifecycle import Effect
from clearhouse.payments.model import CaptureMode, ClaimedOrder, StatusReason
from clearhouse.payments.patience import key_expired, look_up_proves, next_call
from clearhouse.psp.contract import Capabilities, attempt_key


def claimed_order(row: asyncpg.Record, limits: Capabilities) -> ClaimedOrder:
    """A row of the query ``claim``; an attempt that was never sent gets its key here."""
    attempt: int = row["attempt"]
    now: datetime = row["claimed_at"]
    attempted_at: datetime = row["started_at"] or now
    reason = StatusReason(row["status_reason"]) if row["status_reason"] else None
    expired = key_expired(attempted_at, now, limits)
    key = row["idempotency_key"] or attempt_key(
        row["payment_order_id"], attempt, limits.idempotency_key_length
    )
    return ClaimedOrder(
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        checkout_id=row["checkout_id"],
        seller_account=row["seller_account"],
        amount=Money(row["amount_minor"], row["currency"]),
        psp=row["psp"],
        payment_method=row["payment_method"],
        attempt=attempt,
        idempotency_key=key,
        attempted_at=attempted_at,
        claimed_at=now,
        tries=row["tries"],
        status_reason=reason,
        fence=row["fence"],
        call=next_call(reason, expired=expired),
        capture=row["capture_mode"] == CaptureMode.AUTOMATIC,
        return_url=row["return_url"],
        look_up_proves=expired and look_up_proves(row["charged_at"] or now, now, limits),
    )


def executing_event(row: asyncpg.Record) -> PaymentOrderExecuting | None:
    """The event of a claim that was the order's first; None for a later one."""
    if row["started_version"] is None:
        return None
    return PaymentOrderExecuting(
        aggregate_id=row["order_id"],
        version=row["started_version"],
        occurred_at=row["claimed_at"],
        payment_order_id=row["payment_order_id"],
        checkout_id=row["checkout_id"],
    )


def transition_events(one: Decided, fee_minor: int | None, moment: datetime) -> list[Event]:
    """The events of a transition, one for each version it adds."""
    row, transition = one.row, one.transition
    order: dict[str, Any] = {
        "aggregate_id": row["order_id"],
        "occurred_at": moment,
        "payment_order_id": row["payment_order_id"],
        "checkout_id": row["checkout_id"],
        "seller_account": row["seller_account"],
    }
    paid: dict[str, Any] = {
        "amount_minor": one.captured_minor,
        "fee_minor": fee_minor or 0,
        "currency": row["currency"],
        "psp": one.psp,
    }
    asked = paid | {"amount_minor": row["amount_minor"]}
    del asked["fee_minor"]
    version = one.version
    reference = transition.psp_reference or ""
    match transition.effect:
        case Effect.SUCCEED:
            return [
                PaymentOrderSucceeded(**order, **paid, version=version, psp_reference=reference)
            ]
        case Effect.SUCCEED_REVERSED:
            reason = transition.detail
            return [
                PaymentOrderSucceeded(
                    **order, **paid, version=version - 1, psp_reference=reference
                ),
                PaymentOrderReversed(**order, **paid, version=version, reason=reason),
            ]
        case Effect.REVERSE:
            reason = transition.detail
            return [PaymentOrderReversed(**order, **paid, version=version, reason=reason)]
        case Effect.FAIL:
            code = transition.failure_code or ""
            return [PaymentOrderFailed(**order, **asked, version=version, reason=code)]
        case Effect.AUTHORIZE:
            until = transition.expires_at
            return [PaymentOrderAuthorized(**order, **asked, version=version, expires_at=until)]
        case Effect.ACT:
            url = transition.action_url
            return [PaymentOrderActionRequired(**order, version=version, redirect_url=url)]
        case _:
            return []


def done_event(row: asyncpg.Record, moment: datetime) -> PaymentEventDone:
    """The event of a checkout whose last order is done, for a row of ``close_orders``."""
    return PaymentEventDone(
        aggregate_id=row["event_id"],
        version=row["version"],
        occurred_at=moment,
        checkout_id=row["checkout_id"],
    )
