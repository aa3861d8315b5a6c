"""Payouts as the events that tell of them."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from clearhouse.messaging.events import (
    PayoutApproved,
    PayoutCancelled,
    PayoutCorrected,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutSubmitted,
)
from clearhouse.psp.registry import names
from clearhouse.wallets.payouts.model import Payout


@cache
def paid_from(rail: str) -> str:
    """What a rail pays out of: a balance at the PSP that it rides on, or an account at a bank."""
    return "psp" if rail in names() else "bank"


def created_event(payout: Payout, moment: datetime) -> PayoutCreated:
    """The first event of a payout."""
    return PayoutCreated(
        **_what(payout, 1, moment),
        **_amount(payout),
        needs_approval=payout.needs_approval,
        created_by=payout.created_by,
        period=payout.period,
    )


def approved_event(payout: Payout, version: int, moment: datetime, by: str) -> PayoutApproved:
    """That a second person let it go."""
    return PayoutApproved(**_what(payout, version, moment), **_amount(payout), approved_by=by)


def submitted_event(
    payout: Payout, version: int, moment: datetime, rail: str, batch_id: UUID
) -> PayoutSubmitted:
    """That it became a member of a batch."""
    return PayoutSubmitted(
        **_what(payout, version, moment), **_amount(payout), rail=rail, batch_id=batch_id.hex
    )


def cancelled_event(
    payout: Payout, version: int, moment: datetime, by: str, detail: str
) -> PayoutCancelled:
    """That it was taken back before it was in a batch."""
    return PayoutCancelled(
        **_what(payout, version, moment), **_amount(payout), cancelled_by=by, detail=detail
    )


def paid_event(payout: Payout, version: int, moment: datetime, reference: str) -> PayoutPaid:
    """That it left for the seller's account."""
    return PayoutPaid(
        **_what(payout, version, moment), **_amount(payout), **_way(payout), reference=reference
    )


def failed_event(
    payout: Payout, version: int, moment: datetime, reason: str, *, was_paid: bool
) -> PayoutFailed:
    """That it did not reach the seller."""
    return PayoutFailed(
        **_what(payout, version, moment),
        **_amount(payout),
        **_way(payout),
        reason=reason,
        was_paid=was_paid,
    )


def returned_event(
    payout: Payout, version: int, moment: datetime, reason: str, *, was_back: bool
) -> PayoutReturned:
    """That it came back."""
    return PayoutReturned(
        **_what(payout, version, moment),
        **_amount(payout),
        **_way(payout),
        reason=reason,
        was_back=was_back,
    )


def corrected_event(payout: Payout, version: int, moment: datetime, code: str) -> PayoutCorrected:
    """That the bank says the details should be others."""
    return PayoutCorrected(
        **_what(payout, version, moment),
        currency=payout.amount.currency,
        rail=payout.rail or "",
        code=code,
    )


def _what(payout: Payout, version: int, moment: datetime) -> dict[str, Any]:
    return {
        "aggregate_id": payout.payout_id,
        "version": version,
        "occurred_at": moment,
        "payout_id": payout.public_id,
        "seller_account": payout.seller_account,
    }


def _amount(payout: Payout) -> dict[str, Any]:
    return {"amount_minor": payout.amount.minor, "currency": payout.amount.currency}


def _way(payout: Payout) -> dict[str, Any]:
    rail = payout.rail or ""
    return {"rail": rail, "paid_from": paid_from(rail)}
