"""What Square's replies mean for captures, voids and refunds: pure, so that a table can test it."""

import re
from collections.abc import Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from square.core.api_error import ApiError

from clearhouse.psp.contract import NotCharged, Unknown, attempt_key
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)
from clearhouse.psp.square.outcomes import (
    KEY_REUSED,
    Fields,
    code_of,
    errors_of,
    errors_outcome,
    expired,
    failure_outcome,
    money_of,
    retry_after,
)

_R = RefusalReason

# fmt: off
REFUSALS: Final = MappingProxyType({
    "REFUND_AMOUNT_INVALID":                _R.EXCEEDS_CHARGE,
    "AMOUNT_TOO_HIGH":                      _R.EXCEEDS_CHARGE,
    "PAYMENT_NOT_REFUNDABLE":               _R.WRONG_STATE,
    "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE": _R.WRONG_STATE,
    "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION": _R.WRONG_STATE,
    "INSUFFICIENT_FUNDS":                   _R.INSUFFICIENT_BALANCE,
    "REFUND_DECLINED":                      _R.REJECTED_BY_BANK,
    "NOT_FOUND":                            _R.CHARGE_UNKNOWN,
})
# fmt: on
"""Square's error codes on an operation; a code that is not here is REJECTED_BY_PSP."""

_AGAIN: Final = {"REFUND_ALREADY_PENDING"}
"""A definite no for now alone: it may be asked again later."""

_DEFINITE: Final = {"INVALID_REQUEST_ERROR", "REFUND_ERROR", "PAYMENT_METHOD_ERROR"}
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MARK: Final = re.compile(r"op:(\S+)", re.ASCII)


def mark_of(operation_id: str) -> str:
    """What a refund's reason begins with, by which it is found: our id, or a hash of an odd one."""
    plain = _PLAIN.fullmatch(operation_id)
    return f"op:{operation_id if plain else attempt_key(operation_id, 2, 64)}"


def is_mark_of(refund: Fields, operation_id: str) -> bool:
    """Whether a refund is of this operation."""
    return str(refund.get("reason") or "").split(" ", 1)[0] == mark_of(operation_id)


def operation_of(refund: Fields) -> str | None:
    """Our operation's id, where the refund is of ours and tells it whole."""
    found = _MARK.match(str(refund.get("reason") or ""))
    return found[1] if found and _PLAIN.fullmatch(found[1]) else None


def refund_outcome(refund: Fields) -> OperationOutcome:
    """A PaymentRefund, as created, read or sent by webhook."""
    reference = str(refund.get("id") or "")
    status = refund.get("status")
    if not reference:
        return Unknown("Square answered without an id")
    if status == "COMPLETED":
        amount = money_of(refund.get("amount_money"))
        return Done(reference, amount) if amount else Unknown(f"{reference} tells no amount")
    if status == "PENDING":
        return Waiting(reference)
    if status == "REJECTED":
        return Refused(_R.REJECTED_BY_PSP, "REJECTED", reference)
    if status == "FAILED":
        return Refused(_R.REJECTED_BY_BANK, "FAILED", reference)
    return Unknown(f"Square has the refund {reference} in an unknown state ({status})")


def capture_or_void_outcome(kind: OperationKind, payment: Fields) -> OperationOutcome:
    """What a payment says of a capture or a void of it: an authorization ends only once."""
    reference = str(payment.get("id") or "")
    status = payment.get("status")
    if not reference:
        return Unknown("Square answered without an id")
    if status == "APPROVED":
        return NotDone(f"Square still holds the authorization {reference}")
    if status == "CANCELED":
        if kind is OperationKind.VOID:
            return Done(reference)
        if expired(payment):
            return Refused(_R.TOO_OLD, "EXPIRED", reference)
        return Refused(_R.WRONG_STATE, "CANCELED", reference)
    if status == "COMPLETED" and kind is OperationKind.CAPTURE:
        amount = money_of(payment.get("total_money") or payment.get("amount_money"))
        return Done(reference, amount) if amount else Unknown(f"{reference} tells no amount")
    if status in {"COMPLETED", "FAILED"}:
        return Refused(_R.WRONG_STATE, str(status), reference)
    if status == "PENDING":
        return NotDone(f"Square has the payment {reference} undecided")
    return Unknown(f"Square has the payment {reference} in an unknown state ({status})")


def operation_failure(kind: OperationKind, error: Exception) -> OperationOutcome:
    """What an exception of the SDK, of httpx or of our time limit means for an operation."""
    if isinstance(error, ApiError):
        wait = retry_after(error.headers)
        return operation_refusal(kind, error.status_code or 0, errors_of(error), wait)
    outcome = failure_outcome(error)
    if isinstance(outcome, NotCharged):
        return NotDone(outcome.detail, outcome.retry_after)
    return outcome if isinstance(outcome, Unknown) else Unknown(f"no {kind} at Square")


def operation_refusal(
    kind: OperationKind, status: int, errors: Sequence[Fields], wait: timedelta | None
) -> OperationOutcome:
    """An error reply to an operation, with or without an error status."""
    codes = [code_of(error) for error in errors]
    if clashes(codes):
        return Unknown(f"Square answered {status}, {codes[0]}")
    outcome = errors_outcome(status, errors, wait)
    if isinstance(outcome, NotCharged):
        return NotDone(outcome.detail, outcome.retry_after)
    categories = {str(error.get("category")) for error in errors}
    if status in {408, 409} or status >= 500 or not categories & _DEFINITE:
        return outcome if isinstance(outcome, Unknown) else Unknown(f"no {kind} at Square")
    if "API_ERROR" in categories or "TEMPORARY_ERROR" in codes:
        return Unknown(f"Square answered {status}, {codes[0]}")
    if _AGAIN & set(codes):
        return NotDone(f"Square has another refund of the payment under way ({codes[0]})")
    code = next((code for code in codes if code in REFUSALS), codes[0])
    return Refused(REFUSALS.get(code, _R.REJECTED_BY_PSP), code)


def clash_of(error: Exception) -> bool:
    """Whether Square says that the key, or the payment's version, was used before."""
    return clashes([code_of(each) for each in errors_of(error)])


def clashes(codes: Sequence[str]) -> bool:
    """The codes by which Square says so, of which CONFLICT may also be a call under way."""
    return KEY_REUSED in codes or "VERSION_MISMATCH" in codes or "CONFLICT" in codes
