"""What a Checkout Session says: pure, so that a table can test it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Unknown,
)
from clearhouse.psp.pages import OpenedPage
from clearhouse.psp.stripe.outcomes import intent_outcome, mapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECIDED: Final = frozenset({"succeeded", "processing", "requires_capture"})
EXPIRED: Final = "page_expired"


def opened_page(session: Mapping[str, Any]) -> OpenedPage | Unknown:
    """A session as it was created; one that is over has no address any more."""
    reference, url = session.get("id"), session.get("url")
    if not reference:
        return Unknown("Stripe answered without a page")
    if not url:
        return Unknown(f"Stripe's page {reference} is not open any more")
    return OpenedPage(str(reference), str(url), _moment(session.get("expires_at")))


def page_outcome(session: Mapping[str, Any]) -> PspOutcome:
    """A session with its payment intent expanded.

    What the intent says of the money comes first: a page may be told expired and be paid all the
    same. Only then does the session decide whether the buyer may still try.
    """
    reference, status = str(session.get("id") or ""), session.get("status")
    intent = mapping(session.get("payment_intent"))
    if not reference:
        return Unknown("Stripe answered without a page")
    if session.get("payment_intent") and not intent:
        return Unknown(f"Stripe's page {reference} does not show its payment")
    if intent.get("status") in _DECIDED or (status == "complete" and intent):
        return intent_outcome(intent)
    if status == "open":
        url = session.get("url")
        return Pending(
            PendingReason.REQUIRES_ACTION,
            reference,
            str(url) if url else None,
            _moment(session.get("expires_at")),
        )
    if status == "expired":
        return Declined(DeclineReason.OTHER, Retry.CUSTOMER, EXPIRED, reference)
    return Unknown(f"Stripe has the page {reference} in a state of its own ({status})")


def _moment(seconds: object) -> datetime | None:
    return _EPOCH + timedelta(seconds=seconds) if isinstance(seconds, int) else None
