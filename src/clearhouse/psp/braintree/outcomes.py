"""What a Braintree reply, or the lack of one, means: pure, so that a table can test it."""

from typing import Final

from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.http.connection_error import ConnectionError as BrokenConnection
from braintree.exceptions.http.timeout_error import ConnectTimeoutError
from braintree.exceptions.too_many_requests_error import TooManyRequestsError
from braintree.exceptions.upgrade_required_error import UpgradeRequiredError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from clearhouse.psp.braintree import declines
from clearhouse.psp.braintree.objects import SUBMITTED, Refusal, Transaction, amount_of
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    PspRecord,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)

_PENDING: Final = {
    "authorized": PendingReason.AUTHORIZED,
    "authorizing": PendingReason.PROCESSING,
    "settlement_pending": PendingReason.PROCESSING,
}
_TAKEN_BACK: Final = frozenset({"settlement_declined", "settlement_failed"})
_OVER: Final = frozenset({"voided", "authorization_expired"})


def reply_outcome(reply: Transaction | Refusal) -> PspOutcome:
    """The answer to a sale, where it does not point to an original."""
    if isinstance(reply, Transaction):
        return transaction_outcome(reply)
    return refusal_outcome(reply)


def transaction_outcome(made: Transaction) -> PspOutcome:
    """A transaction, as created, searched or sent by webhook.

    Not for one rejected as a duplicate: see ``points_to_original``.
    """
    if made.status in SUBMITTED or made.status in _TAKEN_BACK:
        return _held(made)
    if made.status in _PENDING:
        expires_at = made.expires_at if made.status == "authorized" else None
        return Pending(_PENDING[made.status], made.id, expires_at=expires_at)
    if made.status in {"processor_declined", "failed"}:
        return _processor_declined(made)
    if made.status == "gateway_rejected":
        known = declines.GATEWAY.get(made.rejection, (DeclineReason.OTHER, Retry.HARD))
        return Declined(*known, f"gateway_rejected:{made.rejection}", made.id)
    if made.status in _OVER:
        return Declined(DeclineReason.OTHER, Retry.HARD, made.status, made.id)
    return Unknown(f"Braintree has the transaction {made.id} in an unknown state ({made.status})")


def points_to_original(reply: Transaction | Refusal) -> bool:
    """Whether the reply tells of an earlier request, whose outcome is the answer.

    Duplicate checking rejects the copy of a charge that went through; a key used with another
    request, or whose request failed, says that there was a first one. None is a decline.
    """
    if isinstance(reply, Transaction):
        return reply.status == "gateway_rejected" and reply.rejection == "duplicate"
    return bool({declines.KEY_REUSED, declines.KEY_OF_FAILED_REQUEST}.intersection(reply.codes))


def refusal_outcome(refusal: Refusal) -> PspOutcome:
    """Validation errors: nothing was executed, except where they speak of the key itself."""
    codes = refusal.codes
    if not codes:
        return Unknown("Braintree refused without saying why")
    if declines.KEY_IN_FLIGHT in codes or declines.KEY_REUSED in codes:
        return Unknown("Braintree is still working on, or has another request under, this key")
    if declines.KEY_SERVER_ERROR in codes:
        return Unknown("Braintree's store of request keys failed")
    if declines.KEY_NOT_ALLOWED in codes:
        return NotCharged("Braintree has not enabled api_request_key for this merchant (915231)")
    if declines.KEY_OF_FAILED_REQUEST in codes:
        # Its first request made nothing and the key is used up: a new attempt is needed.
        code = declines.KEY_OF_FAILED_REQUEST
        return Declined(DeclineReason.PROCESSING_ERROR, Retry.SOFT, code)
    known = next((code for code in codes if code in declines.VALIDATION), None)
    if known is not None:
        return Declined(*declines.VALIDATION[known], known)
    return Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, codes[0])


def failure_outcome(error: Exception) -> PspOutcome:
    """What an exception of the SDK, or of our time limit, means for the charge."""
    kind = type(error).__name__
    if isinstance(error, AuthenticationError | AuthorizationError | UpgradeRequiredError):
        return NotCharged(f"Braintree refuses our keys, their rights or our version ({kind})")
    if isinstance(error, TooManyRequestsError):
        return NotCharged("Braintree asks for fewer requests (429)")
    if isinstance(error, ConnectTimeoutError) or never_connected(error):
        return NotCharged(f"Braintree cannot be reached ({kind})")
    return Unknown(f"No answer from Braintree ({kind})")


def never_connected(error: Exception) -> bool:
    """Whether the connection was refused, so that not a byte was sent.

    The SDK wraps requests' exception, which wraps urllib3's.
    """
    if not (isinstance(error, BrokenConnection) and error.args):
        return False
    wrapped = error.args[0]
    inner = wrapped.args[0] if isinstance(wrapped, Exception) and wrapped.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError)


def _held(made: Transaction) -> PspOutcome:
    """It was certain once; a settlement that was refused since takes it back."""
    try:
        charged = amount_of(made)
    except (ArithmeticError, ValueError):
        return Unknown(f"Braintree does not say what it charged ({made.id})")
    if made.status in _TAKEN_BACK:
        return Reversed(made.id, charged, made.settlement_code or made.status)
    return Succeeded(made.id, charged, made.card_tail)


def record_of(made: Transaction) -> PspRecord:
    """A transaction as a record for proof and comparison; raises as ``amount_of`` does.

    One that was voided on its way to settlement was charged and given back, as if refunded.
    """
    if made.created_at is None:
        raise ValueError(f"the transaction {made.id} has no time")
    return PspRecord(
        psp_reference=made.id,
        payment_order_id=made.order_id or None,
        amount=amount_of(made),
        is_charged=made.status in SUBMITTED or (made.status == "voided" and made.was_submitted),
        status=made.status,
        created_at=made.created_at,
    )


def _processor_declined(made: Transaction) -> Declined:
    code = made.response_code
    reason, retry = declines.PROCESSOR.get(code, (DeclineReason.CARD_DECLINED, Retry.HARD))
    if made.status == "failed":
        reason = DeclineReason.PROCESSING_ERROR
    if retry is not Retry.CUSTOMER:
        retry = declines.RESPONSE_TYPES.get(made.response_type, retry)
    return Declined(reason, retry, code or made.status, made.id)
