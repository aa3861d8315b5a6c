"""Stripe's payment intents as records for proof and comparison; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearhouse.psp.contract import PspRecord
from clearhouse.psp.stripe.amounts import from_stripe
from clearhouse.psp.stripe.outcomes import mapping

ORDER: Final = "payment_order_id"
ATTEMPT: Final = "attempt_key"
"""The metadata that every intent of ours carries."""

PAGE_ID: Final = "page_id"
"""The metadata of what was made for a hosted page, beside those."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def order_of(intent: Mapping[str, Any]) -> str | None:
    """Our order's id, where the intent is of ours."""
    return mapping(intent.get("metadata")).get(ORDER)


def record_of(intent: Mapping[str, Any]) -> PspRecord:
    """One intent; its amount is what was received, or what was asked where nothing was.

    Raises KeyError, TypeError or ValueError for an intent that makes no sense.
    """
    received = int(intent.get("amount_received") or 0)
    return PspRecord(
        psp_reference=str(intent["id"]),
        payment_order_id=order_of(intent),
        amount=from_stripe(received or int(intent["amount"]), str(intent["currency"])),
        is_charged=received > 0,
        status=str(intent["status"]),
        created_at=_EPOCH + timedelta(seconds=int(intent["created"])),
    )
