"""What a Stripe reply, or the lack of one, means: pure, so that a table can test it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, cast

import aiohttp
import stripe

from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.stripe.amounts import from_stripe
from clearhouse.psp.stripe.declines import declined

_GIVEN_BACK: Final = frozenset({"refunded", "refunded_as_fraud", "canceled"})
_RAN_OUT: Final = frozenset({"abandoned", "automatic", "expired"})
"""Why Stripe ends an intent by itself; nothing is said against the card."""
_METHOD_PARAMS: Final = ("payment_method", "customer", "source")
_LONGEST_WAIT: Final = 3600


def intent_outcome(intent: Mapping[str, Any]) -> PspOutcome:
    """A PaymentIntent, as created, retrieved, listed or sent by webhook.

    Its amount is what Stripe says it received, in ISO minor units; never ours repeated.
    """
    reference = str(intent.get("id") or "")
    status = intent.get("status")
    if not reference:
        return Unknown("Stripe answered without an id")
    if status == "succeeded":
        return _succeeded(intent, reference)
    if status == "requires_capture":
        reason = PendingReason.AUTHORIZED
        return Pending(PendingReason.PENDING_REVIEW if _in_review(intent) else reason, reference)
    if status == "processing":
        return Pending(PendingReason.PROCESSING, reference)
    if status == "requires_action":
        return Pending(PendingReason.REQUIRES_ACTION, reference, _redirect(intent))
    if status == "canceled":
        why = str(intent.get("cancellation_reason") or "canceled")
        fraud = why == "fraudulent"
        reason = DeclineReason.FRAUD_SUSPECTED if fraud else DeclineReason.OTHER
        retry = Retry.CUSTOMER if why in _RAN_OUT else Retry.HARD
        return Declined(reason, retry, f"canceled:{why}", reference)
    error = intent.get("last_payment_error")
    if status == "requires_payment_method" and error:
        return declined(error, reference)
    return Unknown(f"Stripe has the payment {reference} undecided ({status})")


def failure_outcome(error: Exception) -> PspOutcome:
    """What an exception of the SDK, of its transport or of our time limit means for the charge.

    Not for one that ``points_to_original``.
    """
    if isinstance(error, stripe.APIConnectionError):
        return _transport_outcome(error.__cause__)
    if isinstance(error, stripe.StripeError):
        return _status_outcome(error)
    return Unknown(f"No answer from Stripe ({type(error).__name__})")


def points_to_original(error: Exception) -> bool:
    """Whether repeating the key tells nothing more, and only the records can.

    Either the key was used with other parameters, or Stripe replays a 500 that it stored under
    the key: the charge may have happened before its endpoint failed.
    """
    if isinstance(error, stripe.IdempotencyError):
        return True
    if not isinstance(error, stripe.StripeError):
        return False
    return (error.http_status or 0) >= 500 and _header(error, "idempotent-replayed") == "true"


def _status_outcome(error: stripe.StripeError) -> PspOutcome:
    status = error.http_status or 0
    body = error_of(error)
    at = f"{status}{_request_id(error)}"
    if status in {401, 403}:
        return NotCharged(f"Stripe refuses our key or its rights ({at})")
    if status == 429:
        return NotCharged(f"Stripe asks for fewer requests ({at})", _retry_after(error))
    if status == 402 and body:
        intent = body.get("payment_intent")
        reference = mapping(intent).get("id") if intent else None
        return declined(body, str(reference) if reference else None)
    if status in {400, 404} and body.get("type") == "invalid_request_error":
        return _refused(body)
    return Unknown(f"Stripe answered {at}")


def _refused(body: Mapping[str, Any]) -> Declined:
    """A request that Stripe did not execute; repeating it will not help."""
    code = str(body.get("code") or "invalid_request")
    param = str(body.get("param") or "")
    if param.startswith(_METHOD_PARAMS):
        return Declined(DeclineReason.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, code)
    if param == "currency":
        return Declined(DeclineReason.CURRENCY_NOT_SUPPORTED, Retry.HARD, code)
    return Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, code)


def _transport_outcome(cause: BaseException | None) -> PspOutcome:
    kind = type(cause).__name__
    # Both are raised only while the connection is made, before a byte of the request is sent.
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NotCharged(f"Stripe cannot be reached ({kind})")
    return Unknown(f"The connection to Stripe broke ({kind})")


def _succeeded(intent: Mapping[str, Any], reference: str) -> PspOutcome:
    review = mapping(intent.get("review"))
    if review.get("closed_reason") in _GIVEN_BACK:
        code = str(review["closed_reason"])
        return Declined(DeclineReason.FRAUD_SUSPECTED, Retry.HARD, f"review:{code}", reference)
    if _in_review(intent):
        return Pending(PendingReason.PENDING_REVIEW, reference)
    try:
        charged = from_stripe(int(intent["amount_received"]), str(intent["currency"]))
    except (KeyError, TypeError, ValueError):
        return Unknown(f"Stripe does not say what it charged ({reference})")
    return Succeeded(reference, charged, _card_tail(intent))


def _card_tail(intent: Mapping[str, Any]) -> str:
    """The card's last digits; unexpanded, a charge is an id that tells none."""
    details = mapping(mapping(intent.get("latest_charge")).get("payment_method_details"))
    return str(mapping(details.get("card")).get("last4") or "")


def _in_review(intent: Mapping[str, Any]) -> bool:
    """Whether a review is open; unexpanded, only its id is known, and it is taken for open."""
    review = intent.get("review")
    return bool(review) and bool(mapping(review).get("open", not isinstance(review, Mapping)))


def _redirect(intent: Mapping[str, Any]) -> str | None:
    action = mapping(intent.get("next_action"))
    url = mapping(action.get("redirect_to_url")).get("url")
    return str(url) if url else None


def error_of(error: stripe.StripeError) -> Mapping[str, Any]:
    """Stripe's error object; empty where the body is not Stripe's."""
    return mapping(mapping(error.json_body).get("error"))


def _request_id(error: stripe.StripeError) -> str:
    return f", request {error.request_id}" if error.request_id else ""


def _retry_after(error: stripe.StripeError) -> timedelta | None:
    text = _header(error, "retry-after")
    return timedelta(seconds=min(int(text), _LONGEST_WAIT)) if text.isdecimal() else None


def _header(error: stripe.StripeError, name: str) -> str:
    return next((v for k, v in (error.headers or {}).items() if k.lower() == name), "")


def mapping(value: object) -> Mapping[str, Any]:
    """A nested object; empty for an id that was not expanded, and for nothing."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
