"""Stripe's replies as outcomes: tables, in the order in which the rules take precedence."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import EXPONENTS, Money
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
from clearhouse.psp.stripe.amounts import from_stripe, to_stripe
from clearhouse.psp.stripe.declines import DECLINES
from clearhouse.psp.stripe.outcomes import failure_outcome, intent_outcome

R, P = DeclineReason, PendingReason


def intent(status: str | None, **fields: Any) -> dict[str, Any]:
    paid = {"amount_received": 1050, "currency": "usd"}
    return {"id": "pi_1", "status": status} | paid | fields


def error(kind: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "words for people", **fields}}


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(1050, "USD"), 1050),
        (Money(1050, "EUR"), 1050),
        (Money(500, "JPY"), 500),
        (Money(500, "KRW"), 500),
        (Money(10_990, "KWD"), 10_990),
        (Money(10_995, "KWD"), None),
        (Money(12_340, "BHD"), 12_340),
        (Money(7, "TND"), None),
        (Money(500, "ISK"), 50_000),
        (Money(500, "UGX"), 50_000),
        (Money(500_00, "MGA"), 500),
        (Money(500_50, "MGA"), None),
    ],
)
def test_amounts_in_stripes_own_minor_units(amount: Money, units: int | None) -> None:
    assert to_stripe(amount) == units


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(1, 10**12))
def test_what_stripe_can_say_comes_back_the_same(currency: str, minor: int) -> None:
    amount = Money(minor, currency)
    units = to_stripe(amount)
    if units is not None:
        assert from_stripe(units, currency.lower()) == amount


def test_an_amount_below_the_smallest_coin_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="not an amount of ISK"):
        from_stripe(50_050, "isk")


REVIEW = {"id": "prv_1", "open": True, "closed_reason": None}
PAST = {"id": "prv_1", "open": False, "closed_reason": "approved"}
FRAUD = {"id": "prv_1", "open": False, "closed_reason": "refunded_as_fraud"}
ACTION = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/3ds"}}
NO_FUNDS = {"code": "card_declined", "decline_code": "insufficient_funds"}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (intent("succeeded"), Succeeded("pi_1", Money(1050, "USD"))),
        (intent("succeeded", amount_received=999), Succeeded("pi_1", Money(999, "USD"))),
        (
            intent("succeeded", currency="isk", amount_received=50_000),
            Succeeded("pi_1", Money(500, "ISK")),
        ),
        (intent("succeeded", review="prv_1"), Pending(P.PENDING_REVIEW, "pi_1")),
        (intent("succeeded", review=REVIEW), Pending(P.PENDING_REVIEW, "pi_1")),
        (intent("succeeded", review=PAST), Succeeded("pi_1", Money(1050, "USD"))),
        (
            intent("succeeded", review=FRAUD),
            Declined(R.FRAUD_SUSPECTED, Retry.HARD, "review:refunded_as_fraud", "pi_1"),
        ),
        (intent("requires_capture"), Pending(P.AUTHORIZED, "pi_1")),
        (intent("requires_capture", review="prv_1"), Pending(P.PENDING_REVIEW, "pi_1")),
        (intent("processing"), Pending(P.PROCESSING, "pi_1")),
        (intent("requires_action"), Pending(P.REQUIRES_ACTION, "pi_1")),
        (
            intent("requires_action", next_action=ACTION),
            Pending(P.REQUIRES_ACTION, "pi_1", "https://bank.example/3ds"),
        ),
        (
            intent("requires_payment_method", last_payment_error=NO_FUNDS),
            Declined(R.INSUFFICIENT_FUNDS, Retry.SOFT, "insufficient_funds", "pi_1"),
        ),
        (intent("canceled"), Declined(R.OTHER, Retry.HARD, "canceled:canceled", "pi_1")),
        (
            intent("canceled", cancellation_reason="fraudulent"),
            Declined(R.FRAUD_SUSPECTED, Retry.HARD, "canceled:fraudulent", "pi_1"),
        ),
    ],
)
def test_an_intent(reply: dict[str, Any], outcome: PspOutcome) -> None:
    assert intent_outcome(reply) == outcome


@pytest.mark.parametrize(
    "reply",
    [
        {},
        intent("succeeded", currency=None),
        intent("succeeded", currency="zzz"),
        intent("succeeded", amount_received=None),
        intent("succeeded", currency="isk", amount_received=50_050),
        intent("requires_confirmation"),
        intent("requires_payment_method"),
        intent("something_new"),
        intent(None),
        {"status": "succeeded", "amount_received": 1, "currency": "usd"},
    ],
)
def test_a_reply_without_sense_is_unknown_and_never_declined(reply: dict[str, Any]) -> None:
    assert isinstance(intent_outcome(reply), Unknown)


CARD = {"payment_intent": {"id": "pi_1"}, "code": "card_declined"}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (402, CARD, Declined(R.CARD_DECLINED, Retry.SOFT, "card_declined", "pi_1")),
        (
            402,
            CARD | {"decline_code": "stolen_card"},
            Declined(R.LOST_OR_STOLEN, Retry.HARD, "stolen_card", "pi_1"),
        ),
        (
            402,
            CARD | {"decline_code": "generic_decline", "advice_code": "do_not_try_again"},
            Declined(R.CARD_DECLINED, Retry.HARD, "generic_decline", "pi_1"),
        ),
        (
            402,
            CARD | {"decline_code": "stolen_card", "advice_code": "confirm_card_data"},
            Declined(R.LOST_OR_STOLEN, Retry.CUSTOMER, "stolen_card", "pi_1"),
        ),
        (
            402,
            CARD | {"decline_code": "brand_new_code"},
            Declined(R.CARD_DECLINED, Retry.SOFT, "brand_new_code", "pi_1"),
        ),
        (
            402,
            {"code": "expired_card"},
            Declined(R.EXPIRED_CARD, Retry.HARD, "expired_card", None),
        ),
        (402, {"code": "brand_new"}, Declined(R.OTHER, Retry.SOFT, "brand_new", None)),
    ],
)
def test_a_card_error(status: int, body: dict[str, Any], outcome: PspOutcome) -> None:
    raised = stripe.CardError(
        "words", None, body["code"], http_status=status, json_body=error("card_error", **body)
    )
    assert failure_outcome(raised) == outcome


NO_METHOD = (R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER)


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ({"code": "parameter_invalid_integer", "param": "amount"}, (R.REJECTED_BY_PSP, Retry.HARD)),
        ({"code": "amount_too_small", "param": "amount"}, (R.REJECTED_BY_PSP, Retry.HARD)),
        ({"code": "resource_missing", "param": "payment_method"}, NO_METHOD),
        ({"code": "resource_missing", "param": "customer"}, NO_METHOD),
        ({"code": None, "param": "currency"}, (R.CURRENCY_NOT_SUPPORTED, Retry.HARD)),
        ({}, (R.REJECTED_BY_PSP, Retry.HARD)),
    ],
)
@pytest.mark.parametrize("status", [400, 404])
def test_an_invalid_request_is_a_definite_no(
    status: int, body: dict[str, Any], meaning: tuple[DeclineReason, Retry]
) -> None:
    raised = stripe.InvalidRequestError(
        "words", None, http_status=status, json_body=error("invalid_request_error", **body)
    )
    expected = Declined(*meaning, body.get("code") or "invalid_request")
    assert failure_outcome(raised) == expected


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        (stripe.AuthenticationError, 401, NotCharged),
        (stripe.PermissionError, 403, NotCharged),
        (stripe.RateLimitError, 429, NotCharged),
        (stripe.APIError, 409, Unknown),
        (stripe.APIError, 500, Unknown),
        (stripe.APIError, 502, Unknown),
        (stripe.APIError, 503, Unknown),
        (stripe.APIError, 302, Unknown),
        (stripe.APIError, 402, Unknown),
        (stripe.APIError, 404, Unknown),
        (stripe.APIError, None, Unknown),
        (stripe.IdempotencyError, 400, Unknown),
    ],
)
def test_a_status(kind: type[stripe.StripeError], status: int | None, outcome: type) -> None:
    raised = kind("sk_test_secret", http_status=status, headers={"request-id": "req_1"})
    found = failure_outcome(raised)
    assert type(found) is outcome
    assert isinstance(found, NotCharged | Unknown)
    assert "secret" not in found.detail
    assert "req_1" in found.detail


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"retry-after": "0"}, timedelta(0)),
        ({"Retry-After": "999999"}, timedelta(hours=1)),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_the_psps_wish_to_wait(header: dict[str, str], wait: timedelta | None) -> None:
    found = failure_outcome(stripe.RateLimitError("words", http_status=429, headers=header))
    assert isinstance(found, NotCharged)
    assert found.retry_after == wait


def refused() -> aiohttp.ClientConnectorError:
    key = ConnectionKey("127.0.0.1", 1, False, True, None, None, None)
    return aiohttp.ClientConnectorError(key, ConnectionRefusedError(111, "refused"))


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (refused(), NotCharged),
        (aiohttp.ConnectionTimeoutError(), NotCharged),
        (aiohttp.ServerTimeoutError(), Unknown),
        (aiohttp.ServerDisconnectedError(), Unknown),
        (aiohttp.ClientOSError(104, "reset"), Unknown),
        (aiohttp.ClientPayloadError(), Unknown),
        (ConnectionResetError(), Unknown),
        (TimeoutError(), Unknown),
        (None, Unknown),
    ],
)
def test_a_broken_connection(cause: Exception | None, outcome: type) -> None:
    raised = stripe.APIConnectionError("words")
    raised.__cause__ = cause
    assert type(failure_outcome(raised)) is outcome


@pytest.mark.parametrize("raised", [TimeoutError(), aiohttp.ClientPayloadError(), ValueError()])
def test_anything_else_is_unknown(raised: Exception) -> None:
    assert isinstance(failure_outcome(raised), Unknown)


def test_lost_cards_and_fraud_are_never_tried_again() -> None:
    for code, (reason, retry) in DECLINES.items():
        if reason in {R.LOST_OR_STOLEN, R.FRAUD_SUSPECTED}:
            assert retry is Retry.HARD, code
