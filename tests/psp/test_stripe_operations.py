"""Stripe's replies to captures, voids and refunds, as a table."""

from typing import Any

import aiohttp
import pytest
import stripe

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)
from clearhouse.psp.stripe.operation_outcomes import (
    capture_or_void_outcome,
    operation_failure,
    refund_outcome,
)

CAPTURE, VOID, REFUND = OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND
R = RefusalReason
SIX = Money(6_00, "USD")
no = Refused


def refund(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "re_1", "status": status, "amount": 600, "currency": "usd", **more}


REFUND_OUTCOMES: list[tuple[dict[str, Any], OperationOutcome | type]] = [
    (refund("succeeded"), Done("re_1", SIX)),
    (refund("pending", pending_reason="processing"), Waiting("re_1")),
    (refund("pending", pending_reason="insufficient_funds"), Waiting("re_1")),
    (refund("requires_action"), Waiting("re_1")),
    (refund("failed", failure_reason="unknown"), no(R.REJECTED_BY_BANK, "unknown", "re_1")),
    (refund("failed"), no(R.REJECTED_BY_BANK, "failed", "re_1")),
    (refund("canceled"), no(R.REJECTED_BY_PSP, "canceled", "re_1")),
    (refund("succeeded", amount=None), Unknown),
    (refund("succeeded", currency="xxq"), Unknown),
    (refund("of a new kind"), Unknown),
    ({"status": "succeeded"}, Unknown),
]


def fits(outcome: OperationOutcome, expected: OperationOutcome | type) -> bool:
    return isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected


@pytest.mark.parametrize(("body", "expected"), REFUND_OUTCOMES)
def test_refunds(body: dict[str, Any], expected: OperationOutcome | type) -> None:
    assert fits(refund_outcome(body), expected)


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "pi_1", "status": status, "currency": "usd", **more}


TAKEN = intent("succeeded", amount_received=600)

INTENT_OUTCOMES: list[tuple[OperationKind, dict[str, Any], OperationOutcome | type]] = [
    (CAPTURE, TAKEN, Done("pi_1", SIX)),
    (VOID, TAKEN, no(R.WRONG_STATE, "succeeded", "pi_1")),
    (
        CAPTURE,
        intent("canceled", cancellation_reason="automatic"),
        no(R.TOO_OLD, "canceled:automatic", "pi_1"),
    ),
    (
        CAPTURE,
        intent("canceled", cancellation_reason="abandoned"),
        no(R.WRONG_STATE, "canceled:abandoned", "pi_1"),
    ),
    (CAPTURE, intent("canceled"), no(R.WRONG_STATE, "canceled:canceled", "pi_1")),
    (VOID, intent("canceled"), Done("pi_1")),
    (CAPTURE, intent("requires_capture"), NotDone),
    (VOID, intent("requires_capture"), NotDone),
    (
        CAPTURE,
        intent("requires_payment_method"),
        no(R.WRONG_STATE, "requires_payment_method", "pi_1"),
    ),
    (CAPTURE, intent("processing"), Waiting("pi_1")),
    (VOID, intent("requires_action"), NotDone),
    (CAPTURE, intent("succeeded"), Unknown),
    (CAPTURE, {"status": "succeeded"}, Unknown),
]


@pytest.mark.parametrize(("kind", "body", "expected"), INTENT_OUTCOMES)
def test_captures_and_voids(
    kind: OperationKind, body: dict[str, Any], expected: OperationOutcome | type
) -> None:
    assert fits(capture_or_void_outcome(kind, body), expected)


def refusal(status: int, **error: Any) -> stripe.StripeError:
    body = {"error": {"type": "invalid_request_error", "message": "no", **error}}
    return stripe.InvalidRequestError("no", "p", http_status=status, json_body=body)


def broken(cause: Exception) -> stripe.APIConnectionError:
    error = stripe.APIConnectionError("broken")
    error.__cause__ = cause
    return error


UNEXPECTED = "payment_intent_unexpected_state"

FAILURES: list[tuple[OperationKind, Exception, OperationOutcome | type]] = [
    (
        REFUND,
        refusal(400, code="charge_already_refunded"),
        no(R.EXCEEDS_CHARGE, "charge_already_refunded"),
    ),
    (REFUND, refusal(400, param="amount"), no(R.EXCEEDS_CHARGE, "amount_too_large")),
    (REFUND, refusal(400, code="charge_disputed"), no(R.WRONG_STATE, "charge_disputed")),
    (
        REFUND,
        refusal(400, code="balance_insufficient"),
        no(R.INSUFFICIENT_BALANCE, "balance_insufficient"),
    ),
    (REFUND, refusal(404, code="resource_missing"), no(R.CHARGE_UNKNOWN, "resource_missing")),
    (REFUND, refusal(400, code="something_new"), no(R.REJECTED_BY_PSP, "something_new")),
    (REFUND, refusal(400), no(R.REJECTED_BY_PSP, "invalid_request")),
    (REFUND, refusal(400, code=UNEXPECTED, payment_intent=TAKEN), no(R.WRONG_STATE, UNEXPECTED)),
    (CAPTURE, refusal(400, code=UNEXPECTED, payment_intent=TAKEN), Done("pi_1", SIX)),
    (VOID, refusal(400, code=UNEXPECTED, payment_intent=intent("canceled")), Done("pi_1")),
    (
        CAPTURE,
        refusal(400, code="charge_expired_for_capture"),
        no(R.TOO_OLD, "charge_expired_for_capture"),
    ),
    (
        CAPTURE,
        refusal(402, type="card_error", code="card_declined"),
        no(R.REJECTED_BY_BANK, "card_declined"),
    ),
    (REFUND, refusal(404, type="something else"), Unknown),
    (REFUND, stripe.RateLimitError("slow", http_status=429), NotDone),
    (REFUND, stripe.AuthenticationError("key", http_status=401), NotDone),
    (REFUND, stripe.APIError("oops", http_status=500), Unknown),
    (REFUND, broken(aiohttp.ServerDisconnectedError()), Unknown),
    (REFUND, broken(aiohttp.ConnectionTimeoutError()), NotDone),
    (REFUND, TimeoutError(), Unknown),
    (REFUND, ValueError("nonsense"), Unknown),
]


@pytest.mark.parametrize(("kind", "error", "expected"), FAILURES)
def test_failures(kind: OperationKind, error: Exception, expected: OperationOutcome | type) -> None:
    assert fits(operation_failure(kind, error), expected)
