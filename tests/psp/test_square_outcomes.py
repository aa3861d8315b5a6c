"""Square's replies as outcomes: tables, in the order in which the rules take precedence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from square.core.api_error import ApiError

from clearhouse.kernel.money import Money
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
    attempt_key,
)
from clearhouse.psp.square.declines import DECLINES
from clearhouse.psp.square.outcomes import (
    errors_of,
    errors_outcome,
    failure_outcome,
    payment_outcome,
    reply_outcome,
)
from clearhouse.psp.square.records import key_of, note_of, order_of, reference_of

R, P = DeclineReason, PendingReason
PAID = Succeeded("p1", Money(1050, "USD"))


def money(amount: Any = 1050, currency: Any = "USD") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def payment(status: str | None, **fields: Any) -> dict[str, Any]:
    return {"id": "p1", "status": status, "amount_money": money(), **fields}


def error(category: str, code: str, field: str | None = None) -> dict[str, Any]:
    return {"category": category, "code": code, "field": field, "detail": "secret words"}


def failed(*codes: str) -> dict[str, Any]:
    errors = [error("PAYMENT_METHOD_ERROR", code) for code in codes]
    return payment("FAILED", card_details={"status": "FAILED", "errors": errors})


ASKED = {"risk_level": "PENDING"}
LATE = payment(
    "CANCELED", delayed_until="2026-12-02T12:00:00Z", updated_at="2026-12-02T12:00:00.001Z"
)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (payment("COMPLETED"), PAID),
        (payment("COMPLETED", total_money=money(1100)), Succeeded("p1", Money(1100, "USD"))),
        (
            payment("COMPLETED", amount_money=money(500, "JPY")),
            Succeeded("p1", Money(500, "JPY")),
        ),
        (payment("APPROVED"), Pending(P.AUTHORIZED, "p1")),
        (payment("PENDING"), Pending(P.PROCESSING, "p1")),
        (
            payment("APPROVED", delayed_until="2026-12-02T12:00:00Z"),
            Pending(P.AUTHORIZED, "p1", expires_at=datetime(2026, 12, 2, 12, tzinfo=UTC)),
        ),
        (payment("APPROVED", risk_evaluation=ASKED), Pending(P.PENDING_REVIEW, "p1")),
        (payment("PENDING", risk_evaluation=ASKED), Pending(P.PENDING_REVIEW, "p1")),
        (payment("COMPLETED", risk_evaluation={"risk_level": "HIGH"}), PAID),
        (LATE, Declined(R.EXPIRED, Retry.HARD, "EXPIRED", "p1")),
        (payment("CANCELED"), Declined(R.VOIDED, Retry.HARD, "CANCELED", "p1")),
        (failed("CVV_FAILURE"), Declined(R.INCORRECT_CVC, Retry.CUSTOMER, "CVV_FAILURE", "p1")),
        (
            failed("BRAND_NEW", "CARD_EXPIRED"),
            Declined(R.EXPIRED_CARD, Retry.HARD, "CARD_EXPIRED", "p1"),
        ),
        (failed("BRAND_NEW"), Declined(R.CARD_DECLINED, Retry.SOFT, "BRAND_NEW", "p1")),
        (payment("FAILED"), Declined(R.CARD_DECLINED, Retry.SOFT, "FAILED", "p1")),
    ],
)
def test_a_payment(reply: dict[str, Any], outcome: PspOutcome) -> None:
    assert payment_outcome(reply) == outcome


@pytest.mark.parametrize(
    "reply",
    [
        payment("BRAND_NEW"),
        payment(None),
        payment("COMPLETED", amount_money=None),
        payment("COMPLETED", amount_money={"amount": 1, "currency": None}),
        payment("COMPLETED", amount_money=money(currency="ZZZ")),
        payment("COMPLETED", amount_money=money(amount=None)),
    ],
)
def test_a_payment_without_sense_is_unknown_and_never_declined(reply: dict[str, Any]) -> None:
    assert isinstance(payment_outcome(reply), Unknown)


def test_a_reply_of_200_may_hold_errors() -> None:
    declined = [error("PAYMENT_METHOD_ERROR", "INSUFFICIENT_FUNDS")]
    no_funds = (R.INSUFFICIENT_FUNDS, Retry.SOFT, "INSUFFICIENT_FUNDS")
    assert reply_outcome(None, declined) == Declined(*no_funds)
    assert reply_outcome(payment("FAILED"), declined) == Declined(*no_funds, "p1")
    assert reply_outcome(payment("COMPLETED"), declined) == PAID
    assert isinstance(reply_outcome(None, []), Unknown)
    assert isinstance(reply_outcome({"status": "COMPLETED"}, []), Unknown)


INVALID, METHOD, API = "INVALID_REQUEST_ERROR", "PAYMENT_METHOD_ERROR", "API_ERROR"
NO_METHOD = (R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER)
CURRENCY = "amount_money.currency"


@pytest.mark.parametrize(
    ("category", "code", "field", "meaning"),
    [
        (METHOD, "GENERIC_DECLINE", None, (R.CARD_DECLINED, Retry.SOFT)),
        (METHOD, "CVV_FAILURE", None, (R.INCORRECT_CVC, Retry.CUSTOMER)),
        (METHOD, "PAN_FAILURE", None, (R.INCORRECT_NUMBER, Retry.HARD)),
        (METHOD, "BRAND_NEW", None, (R.OTHER, Retry.SOFT)),
        (INVALID, "CARD_TOKEN_USED", None, NO_METHOD),
        (INVALID, "NOT_FOUND", "source_id", NO_METHOD),
        (INVALID, "INVALID_VALUE", CURRENCY, (R.CURRENCY_NOT_SUPPORTED, Retry.HARD)),
        (INVALID, "VALUE_TOO_LOW", "amount_money.amount", (R.REJECTED_BY_PSP, Retry.HARD)),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 402, 404, 422])
def test_errors_that_are_a_definite_no(
    status: int, category: str, code: str, field: str | None, meaning: tuple[DeclineReason, Retry]
) -> None:
    found = errors_outcome(status, [error(category, code, field)], None)
    assert found == Declined(*meaning, code)


AUTH = "AUTHENTICATION_ERROR"
LIMITED = "RATE_LIMIT_ERROR"


@pytest.mark.parametrize(
    ("status", "errors", "outcome"),
    [
        (400, [], Unknown),
        (404, [], Unknown),
        (302, [], Unknown),
        (408, [], Unknown),
        (409, [error(INVALID, "CONFLICT")], Unknown),
        (500, [error(METHOD, "GENERIC_DECLINE")], Unknown),
        (503, [], Unknown),
        (400, [error(API, "INTERNAL_SERVER_ERROR")], Unknown),
        (400, [error(INVALID, "BAD"), error(API, "INTERNAL_SERVER_ERROR")], Unknown),
        (400, [error(METHOD, "TEMPORARY_ERROR")], Unknown),
        (400, [error(INVALID, "IDEMPOTENCY_KEY_REUSED")], Unknown),
        (400, [error("BRAND_NEW_ERROR", "BRAND_NEW")], Unknown),
        (401, [error(AUTH, "UNAUTHORIZED")], NotCharged),
        (403, [], NotCharged),
        (200, [error(AUTH, "ACCESS_TOKEN_EXPIRED")], NotCharged),
        (429, [error(LIMITED, "RATE_LIMITED")], NotCharged),
        (200, [error(LIMITED, "RATE_LIMITED")], NotCharged),
    ],
)
def test_errors_that_are_no_decline(
    status: int, errors: list[dict[str, Any]], outcome: type
) -> None:
    found = errors_outcome(status, errors, None)
    assert type(found) is outcome
    assert isinstance(found, NotCharged | Unknown)
    assert "secret" not in found.detail


def raised(status: int, body: Any, **headers: str) -> ApiError:
    return ApiError(status_code=status, body=body, headers=headers)


def test_a_failed_call_is_read_from_its_body_and_nothing_made_up() -> None:
    body = {"errors": [error(METHOD, "INSUFFICIENT_FUNDS")]}
    found = failure_outcome(raised(400, body))
    assert found == Declined(R.INSUFFICIENT_FUNDS, Retry.SOFT, "INSUFFICIENT_FUNDS")
    for nonsense in ("<html>", None, [], {"errors": []}, {}):
        assert errors_of(raised(200, nonsense)) == []
        assert isinstance(failure_outcome(raised(200, nonsense)), Unknown)
        assert isinstance(failure_outcome(raised(400, nonsense)), Unknown)


def test_the_psps_wish_to_wait() -> None:
    found = failure_outcome(ApiError(status_code=429, body={}, headers={"Retry-After": "3"}))
    assert isinstance(found, NotCharged)
    assert found.retry_after == timedelta(seconds=3)
    assert failure_outcome(raised(429, {})) == NotCharged("Square asks for fewer requests (429)")


@pytest.mark.parametrize(
    ("transport", "outcome"),
    [
        (httpx.ConnectError("refused"), NotCharged),
        (httpx.ConnectTimeout("slow"), NotCharged),
        (httpx.PoolTimeout("busy"), NotCharged),
        (httpx.ReadTimeout("slow"), Unknown),
        (httpx.WriteTimeout("slow"), Unknown),
        (httpx.ReadError("reset"), Unknown),
        (httpx.WriteError("reset"), Unknown),
        (httpx.RemoteProtocolError("closed"), Unknown),
        (TimeoutError(), Unknown),
        (ValueError("odd"), Unknown),
    ],
)
def test_a_broken_connection(transport: Exception, outcome: type) -> None:
    assert type(failure_outcome(transport)) is outcome


@pytest.mark.parametrize(
    ("order", "reference"),
    [("order-1", "order-1"), ("x" * 40, "x" * 40)],
)
def test_a_short_order_is_its_own_reference(order: str, reference: str) -> None:
    assert reference_of(order) == reference


def test_a_long_order_has_a_reference_of_its_own_within_40_characters() -> None:
    orders = ["x" * 41, "x" * 42, "y" * 41, "ü" * 20]
    references = {reference_of(order) for order in orders}
    assert len(references) == 4
    assert all(len(reference.encode()) <= 40 for reference in references)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=255),
    st.integers(1, 3),
    st.booleans(),
)
@example("a a", 1, True)
@example("x y x y", 1, False)
@example("~tilde", 1, False)
@example("o" * 43, 1, True)
@example("held a", 1, False)
@example("held held held held held held held held held", 1, False)
def test_the_order_is_read_back_from_reference_and_note(
    order: str, attempt: int, held: bool
) -> None:
    key = attempt_key(order, attempt, 45)
    sent = {"reference_id": reference_of(order), "note": note_of(key, order, held=held)}
    assert order_of(sent) == order
    assert key_of(sent) in {key, None}


@pytest.mark.parametrize(
    "payment", [{}, {"note": "by hand"}, {"reference_id": "~x", "note": "y"}, {"note": "~"}]
)
def test_a_payment_of_somebody_else_names_no_order_of_ours(payment: dict[str, str]) -> None:
    assert order_of(payment) is None


def test_lost_cards_are_not_softened() -> None:
    hard = {"CARD_EXPIRED", "INVALID_ACCOUNT", "PAN_FAILURE", "INVALID_CARD"}
    assert all(DECLINES[code][1] is Retry.HARD for code in hard)
