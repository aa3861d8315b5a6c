"""What a Square reply, or the lack of one, means: pure, so that a table can test it.

Square puts errors into replies of any status, 200 among them, so the errors decide and not
the status; the status decides where there are none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import httpx
from square.core.api_error import ApiError

from clearhouse.kernel.money import Money, MoneyError
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
from clearhouse.psp.square.declines import DECLINES

Fields = Mapping[str, Any]

KEY_REUSED: Final = "IDEMPOTENCY_KEY_REUSED"
_LONGEST_WAIT: Final = 3600


def reply_outcome(payment: Fields | None, errors: Sequence[Fields]) -> PspOutcome:
    """A reply of HTTP 200: a payment, errors, or both; the payment's own status goes first."""
    if payment and payment.get("id"):
        return payment_outcome(payment, errors)
    return errors_outcome(200, errors, None)


def payment_outcome(payment: Fields, errors: Sequence[Fields] = ()) -> PspOutcome:
    """A payment, as created, listed or sent by webhook."""
    reference = str(payment["id"])
    status = payment.get("status")
    if status == "COMPLETED":
        return _completed(payment, reference)
    reviewed = mapping(payment.get("risk_evaluation")).get("risk_level") == "PENDING"
    if status == "APPROVED":
        reason = PendingReason.PENDING_REVIEW if reviewed else PendingReason.AUTHORIZED
        return Pending(reason, reference, expires_at=moment_of(payment.get("delayed_until")))
    if status == "PENDING":
        reason = PendingReason.PENDING_REVIEW if reviewed else PendingReason.PROCESSING
        return Pending(reason, reference)
    if status == "CANCELED":
        if expired(payment):
            return Declined(DeclineReason.EXPIRED, Retry.HARD, "EXPIRED", reference)
        return Declined(DeclineReason.VOIDED, Retry.HARD, "CANCELED", reference)
    if status == "FAILED":
        details = mapping(payment.get("card_details"))
        codes = [code_of(error) for error in (*(details.get("errors") or ()), *errors)]
        code = next((code for code in codes if code in DECLINES), next(iter(codes), "FAILED"))
        known = DECLINES.get(code, (DeclineReason.CARD_DECLINED, Retry.SOFT))
        return Declined(*known, code, reference)
    return Unknown(f"Square has the payment {reference} in an unknown state ({status})")


def errors_outcome(
    status: int, errors: Sequence[Fields], retry_after: timedelta | None
) -> PspOutcome:
    """An error reply. ``KEY_REUSED`` is not settled here: the adapter looks for the original."""
    categories = {str(error.get("category")) for error in errors}
    codes = [code_of(error) for error in errors]
    if status >= 500 or status in {408, 409} or "API_ERROR" in categories:
        return Unknown(f"Square answered {status}{_named(codes)}")
    if "TEMPORARY_ERROR" in codes or KEY_REUSED in codes:
        # Square's own words for the first: repeat with the same key.
        return Unknown(f"Square answered {status}{_named(codes)}")
    if status == 429 or "RATE_LIMIT_ERROR" in categories:
        return NotCharged(f"Square asks for fewer requests ({status})", retry_after)
    if status in {401, 403} or "AUTHENTICATION_ERROR" in categories:
        return NotCharged(f"Square refuses our token or its rights ({status}{_named(codes)})")
    known = next((code for code in codes if code in DECLINES), None)
    if known is not None:
        return Declined(*DECLINES[known], known)
    if "PAYMENT_METHOD_ERROR" in categories:
        return Declined(DeclineReason.OTHER, Retry.SOFT, codes[0])
    if "INVALID_REQUEST_ERROR" in categories:
        return _refused(errors[0])
    return Unknown(f"Square answered {status}{_named(codes)}")


def failure_outcome(error: Exception) -> PspOutcome:
    """What an exception of the SDK, of httpx or of our time limit means for the charge."""
    if isinstance(error, ApiError):
        status = error.status_code or 0
        outcome = errors_outcome(status, errors_of(error), retry_after(error.headers))
        failed = mapping(mapping(error.body).get("payment")).get("id")
        if isinstance(outcome, Declined) and failed:
            return replace(outcome, psp_reference=str(failed))
        return outcome
    kind = type(error).__name__
    # All three come before a byte of the request is sent.
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotCharged(f"Square cannot be reached ({kind})")
    return Unknown(f"No answer from Square ({kind})")


def errors_of(error: Exception) -> list[Fields]:
    """The errors in the body of a failed call, none where it has no such body.

    Not the SDK's ``errors``, which makes one up where there is none.
    """
    body = mapping(error.body if isinstance(error, ApiError) else None)
    listed = body.get("errors")
    if not isinstance(listed, list):
        return []
    return [fields for each in cast("list[object]", listed) if (fields := mapping(each))]


def _refused(error: Fields) -> Declined:
    code, field = code_of(error), str(error.get("field") or "")
    if field in {"source_id", "customer_id"}:
        return Declined(DeclineReason.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, code)
    if field == "amount_money.currency" or "CURRENCY" in code:
        return Declined(DeclineReason.CURRENCY_NOT_SUPPORTED, Retry.HARD, code)
    return Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, code)


def _completed(payment: Fields, reference: str) -> PspOutcome:
    charged = money_of(payment.get("total_money") or payment.get("amount_money"))
    if charged is None:
        return Unknown(f"Square does not say what it charged ({reference})")
    card = mapping(mapping(payment.get("card_details")).get("card"))
    return Succeeded(reference, charged, str(card.get("last_4") or ""))


def money_of(value: object) -> Money | None:
    """Square's Money as ours, or None where it makes no sense."""
    money = mapping(value)
    try:
        return Money(int(money["amount"]), str(money["currency"]))
    except (KeyError, TypeError, ValueError, MoneyError):
        return None


def moment_of(value: object) -> datetime | None:
    """A time as Square writes it in UTC, or None where it is none."""
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def expired(payment: Fields) -> bool:
    """Whether a canceled payment was let go because its time was over, and not by us."""
    timeline = mapping(mapping(payment.get("card_details")).get("card_payment_timeline"))
    ended = moment_of(timeline.get("voided_at") or payment.get("updated_at"))
    limit = moment_of(payment.get("delayed_until"))
    return ended is not None and limit is not None and ended >= limit


def retry_after(headers: Mapping[str, str] | None) -> timedelta | None:
    """The wait that Square asks for, if it does."""
    text = next((v for k, v in (headers or {}).items() if k.lower() == "retry-after"), "")
    return timedelta(seconds=min(int(text), _LONGEST_WAIT)) if text.isdecimal() else None


def _named(codes: Sequence[str]) -> str:
    return f", {', '.join(codes[:3])}" if codes else ""


def code_of(error: Fields) -> str:
    """An error's code, bounded."""
    return str(error.get("code") or "UNKNOWN")[:64]


def mapping(value: object) -> Fields:
    """A part of a reply, empty where it is absent."""
    return cast("Fields", value) if isinstance(value, Mapping) else {}
