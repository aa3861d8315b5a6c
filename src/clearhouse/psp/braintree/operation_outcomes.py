"""What a reply to a capture, void or refund means: pure, so that a table can test it."""

from datetime import timedelta
from typing import Final

from braintree.exceptions.not_found_error import NotFoundError

from clearhouse.psp.braintree import declines
from clearhouse.psp.braintree.dispute_rules import taken_by
from clearhouse.psp.braintree.objects import SUBMITTED, Refusal, Transaction, amount_of
from clearhouse.psp.braintree.outcomes import failure_outcome
from clearhouse.psp.contract import NotCharged, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
    Waiting,
)

_R = RefusalReason

VOIDABLE: Final = frozenset({"authorized", "submitted_for_settlement", "settlement_pending"})
REFUNDABLE: Final = frozenset({"settled", "settling"})
UNTIL_SETTLED: Final = timedelta(hours=1)
"""When to ask again for what must be settled first; Braintree settles once a day."""

# fmt: off
CODES: Final = {
    "91522":  _R.EXCEEDS_CHARGE,     # settlement amount too large
    "91521":  _R.EXCEEDS_CHARGE,     # refund amount too large
    "91512":  _R.EXCEEDS_CHARGE,     # completely refunded
    "91505":  _R.WRONG_STATE,        # a credit
    "91504":  _R.WRONG_STATE,        # can only be voided before it is settled
    "91506":  _R.WRONG_STATE,        # not settled
    "91507":  _R.WRONG_STATE,        # not authorized
    "915103": _R.WRONG_STATE,        # cannot be settled in parts
    "91579":  _R.TOO_OLD,            # PayPal's authorization expired
    "95701":  _R.WRONG_STATE,        # disputes that are not open
    "95704":  _R.WRONG_STATE,
    "95705":  _R.WRONG_STATE,
    "915200": _R.REJECTED_BY_BANK,   # refund declined, hard
    "915201": _R.REJECTED_BY_BANK,   # refund declined, soft
}
# fmt: on
"""Every other code is REJECTED_BY_PSP."""

_ABOUT_STATE: Final = frozenset({"91504", "91506", "91507", "915103", "91574"})


def asks_for_a_look(reply: Transaction | Refusal) -> bool:
    """Whether the reply tells of an earlier call or of the state, and a look at it tells more."""
    if isinstance(reply, Transaction):
        return False
    earlier = {declines.KEY_REUSED, declines.KEY_OF_FAILED_REQUEST}
    return bool((_ABOUT_STATE | earlier).intersection(reply.codes))


def refusal_of(refusal: Refusal) -> OperationOutcome:
    """Validation errors: nothing was done, except where they speak of the key itself."""
    codes = refusal.codes
    if not codes:
        return Unknown("Braintree refused without saying why")
    if declines.KEY_IN_FLIGHT in codes or declines.KEY_REUSED in codes:
        return Unknown("Braintree is still working on, or has another request under, this key")
    if declines.KEY_SERVER_ERROR in codes:
        return Unknown("Braintree's store of request keys failed")
    if declines.KEY_NOT_ALLOWED in codes:
        return NotDone("Braintree has not enabled api_request_key for this merchant (915231)")
    if "91574" in codes:
        return NotDone("the charge is being settled", UNTIL_SETTLED)
    known = next((code for code in codes if code in CODES), None)
    if known is not None:
        return Refused(CODES[known], known)
    return Refused(_R.REJECTED_BY_PSP, codes[0])


def failure_of(error: Exception) -> OperationOutcome:
    """What an exception means for an operation, as for a charge; 404 is a charge not known."""
    if isinstance(error, NotFoundError):
        return Refused(_R.CHARGE_UNKNOWN, "not_found")
    outcome = failure_outcome(error)
    if isinstance(outcome, NotCharged):
        return NotDone(outcome.detail)
    assert isinstance(outcome, Unknown)
    return outcome


def capture_outcome(made: Transaction) -> OperationOutcome:
    """What the state of a sale says about its capture."""
    if made.status in SUBMITTED:
        return _moved(made)
    if made.status == "settlement_pending":
        return Waiting(made.id)
    if made.status in {"authorized", "authorizing"}:
        return NotDone("the authorization stands, and is not captured")
    return Refused(_R.WRONG_STATE, made.status, made.id)


def void_outcome(made: Transaction) -> OperationOutcome:
    """What the state of a sale says about its void."""
    if made.status == "voided":
        return _moved(made)
    if made.status in VOIDABLE or made.status == "authorizing":
        return NotDone(f"the sale is not voided ({made.status})")
    return Refused(_R.WRONG_STATE, made.status, made.id)


def end_outcome(kind: OperationKind, made: Transaction) -> OperationOutcome:
    """A capture's or a void's, by its kind."""
    return capture_outcome(made) if kind is OperationKind.CAPTURE else void_outcome(made)


def credit_outcome(credit: Transaction) -> OperationOutcome:
    """What a refund's own transaction says; once submitted it is done, and may fail late."""
    status, code = credit.status, credit.settlement_code or credit.response_code
    if status in SUBMITTED:
        return _moved(credit)
    if status in {"authorized", "authorizing", "settlement_pending"}:
        return Waiting(credit.id)
    if status in {"processor_declined", "failed", "settlement_declined", "settlement_failed"}:
        return Refused(_R.REJECTED_BY_BANK, code or status, credit.id)
    if status == "gateway_rejected":
        return Refused(_R.REJECTED_BY_PSP, f"gateway_rejected:{credit.rejection}", credit.id)
    if status == "voided":
        return Refused(_R.WRONG_STATE, status, credit.id)
    return Unknown(f"Braintree has the refund {credit.id} in an unknown state ({status})")


def given_back_by_void(sale: Transaction, request: OperationRequest) -> OperationOutcome | None:
    """A refund of the whole is done when the sale was voided; None when it was not.

    A part cannot have been given back by a void.
    """
    if sale.status != "voided":
        return None
    if _is_whole(sale, request):
        return _moved(sale)
    return Refused(_R.WRONG_STATE, sale.status, sale.id)


def given_back_by_dispute(sale: Transaction, request: OperationRequest) -> OperationOutcome | None:
    """Refused where the buyer's bank has taken what is asked for; None where enough is left.

    Braintree would give it back a second time.
    """
    try:
        left = amount_of(sale).minor - sum(taken_by(each).minor for each in sale.disputes)
    except (ArithmeticError, ValueError):
        return Unknown(f"Braintree does not say what is disputed of the charge ({sale.id})")
    if request.amount.minor <= left or not sale.disputes:
        return None
    return Refused(_R.WRONG_STATE, "disputed", sale.id)


def not_refundable_yet(sale: Transaction, request: OperationRequest) -> OperationOutcome | None:
    """What is to be said where a refund is not possible; None where a void does it."""
    if sale.status in VOIDABLE and _is_whole(sale, request):
        return None
    if sale.status in VOIDABLE or sale.status == "settlement_confirmed":
        return NotDone(f"Braintree has not settled the charge ({sale.status})", UNTIL_SETTLED)
    return Refused(_R.WRONG_STATE, sale.status, sale.id)


def _is_whole(sale: Transaction, request: OperationRequest) -> bool:
    try:
        return amount_of(sale) == request.amount
    except (ArithmeticError, ValueError):
        return False


def _moved(made: Transaction) -> OperationOutcome:
    try:
        return Done(made.id, amount_of(made))
    except (ArithmeticError, ValueError):
        return Unknown(f"Braintree does not say what it moved ({made.id})")
