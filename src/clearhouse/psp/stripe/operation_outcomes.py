"""What Stripe's replies mean for captures, voids and refunds: pure, so that a table can test it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import stripe

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import NotCharged, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)
from clearhouse.psp.stripe.amounts import from_stripe
from clearhouse.psp.stripe.outcomes import error_of, failure_outcome, mapping

_R = RefusalReason

# fmt: off
REFUSALS: Final = MappingProxyType({
    "amount_too_large":                     _R.EXCEEDS_CHARGE,
    "charge_already_refunded":              _R.EXCEEDS_CHARGE,
    "charge_already_captured":              _R.WRONG_STATE,
    "charge_disputed":                      _R.WRONG_STATE,
    "charge_not_refundable":                _R.WRONG_STATE,
    "refund_disputed_payment":              _R.WRONG_STATE,
    "capture_unauthorized_payment":         _R.WRONG_STATE,
    "payment_intent_unexpected_state":      _R.WRONG_STATE,
    "capture_charge_authorization_expired": _R.TOO_OLD,
    "charge_expired_for_capture":           _R.TOO_OLD,
    "balance_insufficient":                 _R.INSUFFICIENT_BALANCE,
    "insufficient_funds":                   _R.INSUFFICIENT_BALANCE,
    "resource_missing":                     _R.CHARGE_UNKNOWN,
})
# fmt: on
"""Stripe's error codes on an operation; a code that is not here is REJECTED_BY_PSP."""

OPERATION: Final = "operation_id"
"""The metadata that every refund of ours carries."""


def operation_of(refund: Mapping[str, Any]) -> str | None:
    """Our operation's id, where the refund is of ours."""
    return mapping(refund.get("metadata")).get(OPERATION)


def refund_outcome(refund: Mapping[str, Any]) -> OperationOutcome:
    """A Refund, as created, listed or sent by webhook."""
    reference = str(refund.get("id") or "")
    status = refund.get("status")
    if not reference:
        return Unknown("Stripe answered without an id")
    if status == "succeeded":
        amount = amount_of(refund, "amount")
        return Done(reference, amount) if amount else Unknown(f"{reference} tells no amount")
    if status in {"pending", "requires_action"}:
        return Waiting(reference)
    if status == "failed":
        code = str(refund.get("failure_reason") or "failed")
        return Refused(RefusalReason.REJECTED_BY_BANK, code, reference)
    if status == "canceled":
        return Refused(RefusalReason.REJECTED_BY_PSP, "canceled", reference)
    return Unknown(f"Stripe has the refund {reference} in a state of its own ({status})")


def capture_or_void_outcome(kind: OperationKind, intent: Mapping[str, Any]) -> OperationOutcome:
    """What an intent says of a capture or a void of it: an authorization ends only once."""
    reference = str(intent.get("id") or "")
    status = intent.get("status")
    if not reference:
        return Unknown("Stripe answered without an id")
    if status == "requires_capture":
        return NotDone(f"Stripe still holds the authorization {reference}")
    if status == "canceled":
        if kind is OperationKind.VOID:
            return Done(reference)
        why = intent.get("cancellation_reason") or "canceled"
        reason = _R.TOO_OLD if why in {"automatic", "expired"} else _R.WRONG_STATE
        return Refused(reason, f"canceled:{why}", reference)
    if status == "succeeded" and kind is OperationKind.CAPTURE:
        amount = amount_of(intent, "amount_received")
        return Done(reference, amount) if amount else Unknown(f"{reference} tells no amount")
    if status in {"succeeded", "requires_payment_method"}:
        return Refused(_R.WRONG_STATE, str(status), reference)
    if status == "processing":
        return Waiting(reference)
    # Not confirmed, or the buyer is being asked: nothing is held that could be captured, and
    # an intent in these states can be canceled.
    return NotDone(f"Stripe has the payment {reference} undecided ({status})")


def operation_failure(kind: OperationKind | None, error: Exception) -> OperationOutcome:
    """What an exception means for an operation; not for one that ``points_to_original``.

    ``kind`` is None for what concerns a dispute.
    """
    body = _refusal_of(error)
    if body:
        return _refused(kind, body)
    outcome = failure_outcome(error)
    if isinstance(outcome, NotCharged):
        return NotDone(outcome.detail, outcome.retry_after)
    if isinstance(outcome, Unknown):
        return outcome
    return Unknown("Stripe answered what does not fit what was asked")


def amount_of(body: Mapping[str, Any], name: str) -> Money | None:
    """An amount of a Stripe object as Money, or None where it has none that makes sense."""
    try:
        return from_stripe(int(body[name]), str(body["currency"]))
    except (KeyError, TypeError, ValueError):
        return None


def _refusal_of(error: Exception) -> Mapping[str, Any]:
    """The error object of a definite no, empty for all others."""
    if not isinstance(error, stripe.StripeError):
        return {}
    body = error_of(error)
    no = error.http_status == 402 or (
        error.http_status in {400, 404} and body.get("type") == "invalid_request_error"
    )
    return body if no else {}


def _refused(kind: OperationKind | None, body: Mapping[str, Any]) -> OperationOutcome:
    intent = mapping(body.get("payment_intent"))
    code = str(body.get("code") or "")
    ended = kind in {OperationKind.CAPTURE, OperationKind.VOID}
    if code == "payment_intent_unexpected_state" and intent and kind and ended:
        # Somebody was here before: perhaps this very operation, under a key Stripe has forgotten.
        return capture_or_void_outcome(kind, intent)
    if not code and body.get("param") == "amount":
        return Refused(_R.EXCEEDS_CHARGE, "amount_too_large")
    default = _R.REJECTED_BY_BANK if body.get("type") == "card_error" else _R.REJECTED_BY_PSP
    return Refused(REFUSALS.get(code, default), code or "invalid_request")
