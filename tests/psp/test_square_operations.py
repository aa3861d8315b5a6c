"""Square's replies to captures, voids and refunds, as tables."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from square.core.api_error import ApiError

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
from clearhouse.psp.square.operation_outcomes import (
    capture_or_void_outcome,
    is_mark_of,
    mark_of,
    operation_failure,
    operation_of,
    operation_refusal,
    refund_outcome,
)

CAPTURE, VOID, REFUND = OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND
R = RefusalReason
SIX = Money(6_00, "USD")
MONEY = {"amount": 600, "currency": "USD"}
no = Refused


def fits(outcome: OperationOutcome, expected: OperationOutcome | type) -> bool:
    return isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected


def refund(status: str | None, **more: Any) -> dict[str, Any]:
    return {"id": "r1", "status": status, "amount_money": MONEY, **more}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (refund("COMPLETED"), Done("r1", SIX)),
        (refund("PENDING"), Waiting("r1")),
        (refund("REJECTED"), no(R.REJECTED_BY_PSP, "REJECTED", "r1")),
        (refund("FAILED"), no(R.REJECTED_BY_BANK, "FAILED", "r1")),
        (refund("COMPLETED", amount_money=None), Unknown),
        (refund("COMPLETED", amount_money={"amount": 1, "currency": "XXQ"}), Unknown),
        (refund("OF_A_NEW_KIND"), Unknown),
        (refund(None), Unknown),
        ({"status": "COMPLETED"}, Unknown),
    ],
)
def test_refunds(body: dict[str, Any], expected: OperationOutcome | type) -> None:
    assert fits(refund_outcome(body), expected)


def payment(status: str | None, **more: Any) -> dict[str, Any]:
    return {"id": "p1", "status": status, "total_money": MONEY, **more}


def canceled(voided_at: str) -> dict[str, Any]:
    details = {"card_payment_timeline": {"voided_at": voided_at}}
    return payment("CANCELED", delayed_until="2026-11-30T12:00:00.000Z", card_details=details)


BY_US, BY_TIME = canceled("2026-11-29T12:00:00.000Z"), canceled("2026-11-30T12:00:00.000Z")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (CAPTURE, payment("COMPLETED"), Done("p1", SIX)),
        (CAPTURE, payment("COMPLETED", total_money=None), Unknown),
        (CAPTURE, payment("APPROVED"), NotDone),
        (CAPTURE, payment("PENDING"), NotDone),
        (CAPTURE, payment("FAILED"), no(R.WRONG_STATE, "FAILED", "p1")),
        (CAPTURE, BY_US, no(R.WRONG_STATE, "CANCELED", "p1")),
        (CAPTURE, BY_TIME, no(R.TOO_OLD, "EXPIRED", "p1")),
        (CAPTURE, payment("CANCELED"), no(R.WRONG_STATE, "CANCELED", "p1")),
        (CAPTURE, payment("OF_A_NEW_KIND"), Unknown),
        (CAPTURE, {"status": "COMPLETED"}, Unknown),
        (VOID, BY_US, Done("p1")),
        (VOID, BY_TIME, Done("p1")),
        (VOID, payment("APPROVED"), NotDone),
        (VOID, payment("COMPLETED"), no(R.WRONG_STATE, "COMPLETED", "p1")),
        (VOID, payment("FAILED"), no(R.WRONG_STATE, "FAILED", "p1")),
    ],
)
def test_captures_and_voids(
    kind: OperationKind, body: dict[str, Any], expected: OperationOutcome | type
) -> None:
    assert fits(capture_or_void_outcome(kind, body), expected)


INVALID, REFUNDS, METHOD = "INVALID_REQUEST_ERROR", "REFUND_ERROR", "PAYMENT_METHOD_ERROR"
AUTH, LIMITED, API = "AUTHENTICATION_ERROR", "RATE_LIMIT_ERROR", "API_ERROR"
TOO_MUCH = "REFUND_AMOUNT_INVALID"
DISPUTED = "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE"


@pytest.mark.parametrize(
    ("status", "category", "code", "expected"),
    [
        (400, REFUNDS, TOO_MUCH,                 no(R.EXCEEDS_CHARGE, TOO_MUCH)),
        (200, REFUNDS, TOO_MUCH,                 no(R.EXCEEDS_CHARGE, TOO_MUCH)),
        (400, INVALID, "AMOUNT_TOO_HIGH",        no(R.EXCEEDS_CHARGE, "AMOUNT_TOO_HIGH")),
        (400, REFUNDS, DISPUTED,                 no(R.WRONG_STATE, DISPUTED)),
        (400, REFUNDS, "PAYMENT_NOT_REFUNDABLE", no(R.WRONG_STATE, "PAYMENT_NOT_REFUNDABLE")),
        (400, REFUNDS, "REFUND_DECLINED",        no(R.REJECTED_BY_BANK, "REFUND_DECLINED")),
        (400, METHOD,  "INSUFFICIENT_FUNDS",     no(R.INSUFFICIENT_BALANCE, "INSUFFICIENT_FUNDS")),
        (404, INVALID, "NOT_FOUND",              no(R.CHARGE_UNKNOWN, "NOT_FOUND")),
        (400, INVALID, "BAD_REQUEST",            no(R.REJECTED_BY_PSP, "BAD_REQUEST")),
        (400, REFUNDS, "BRAND_NEW",              no(R.REJECTED_BY_PSP, "BRAND_NEW")),
        (400, REFUNDS, "REFUND_ALREADY_PENDING", NotDone),
        (401, AUTH,    "UNAUTHORIZED",           NotDone),
        (429, LIMITED, "RATE_LIMITED",           NotDone),
        (409, INVALID, "CONFLICT",               Unknown),
        (400, INVALID, "IDEMPOTENCY_KEY_REUSED", Unknown),
        (400, INVALID, "VERSION_MISMATCH",       Unknown),
        (400, METHOD,  "TEMPORARY_ERROR",        Unknown),
        (400, API,     "INTERNAL_SERVER_ERROR",  Unknown),
        (500, REFUNDS, TOO_MUCH,                 Unknown),
        (503, API,     "SERVICE_UNAVAILABLE",    Unknown),
        (400, "NEW_ERROR", "BRAND_NEW",          Unknown),
    ],
)  # fmt: skip
def test_errors(status: int, category: str, code: str, expected: OperationOutcome | type) -> None:
    errors = [{"category": category, "code": code, "detail": "secret words"}]
    found = operation_refusal(REFUND, status, errors, None)
    assert fits(found, expected), found
    assert "secret" not in repr(found)


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_an_error_without_words_is_unknown(status: int) -> None:
    for body in ("<html>", None, [], {}, {"errors": []}):
        error = ApiError(status_code=status, body=body, headers={})
        assert isinstance(operation_failure(CAPTURE, error), Unknown)


def test_the_psps_wish_to_wait() -> None:
    limited = ApiError(status_code=429, body={}, headers={"Retry-After": "3"})
    found = operation_failure(REFUND, limited)
    assert isinstance(found, NotDone)
    assert found.retry_after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("transport", "expected"),
    [
        (httpx.ConnectError("refused"), NotDone),
        (httpx.ReadTimeout("slow"), Unknown),
        (httpx.ReadError("reset"), Unknown),
        (TimeoutError(), Unknown),
    ],
)
def test_a_broken_connection(transport: Exception, expected: type) -> None:
    assert type(operation_failure(VOID, transport)) is expected


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), st.text(max_size=300))
def test_a_refund_is_known_by_the_front_of_its_reason(operation: str, words: str) -> None:
    made = {"reason": f"{mark_of(operation)} {words}".strip()[:192]}
    assert is_mark_of(made, operation)
    assert not is_mark_of(made, f"{operation}x")
    assert operation_of(made) in {operation, None}


@pytest.mark.parametrize(
    ("reason", "operation"),
    [
        ("op:0199-a1 a letter", "0199-a1"),
        ("op:0199-a1", "0199-a1"),
        ("Returned goods", None),
        ("", None),
        ("op:~f00", None),
        ("see op:0199", None),
    ],
)
def test_the_operation_of_a_refund(reason: str, operation: str | None) -> None:
    assert operation_of({"reason": reason}) == operation
