"""Braintree's replies as outcomes: tables, in the order in which the rules take precedence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.gateway_timeout_error import GatewayTimeoutError
from braintree.exceptions.http.connection_error import ConnectionError as BrokenConnection
from braintree.exceptions.http.timeout_error import ConnectTimeoutError, ReadTimeoutError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.request_timeout_error import RequestTimeoutError
from braintree.exceptions.server_error import ServerError
from braintree.exceptions.service_unavailable_error import ServiceUnavailableError
from braintree.exceptions.too_many_requests_error import TooManyRequestsError
from braintree.exceptions.unexpected_error import UnexpectedError
from braintree.exceptions.upgrade_required_error import UpgradeRequiredError
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from clearhouse.kernel.money import Money
from clearhouse.psp.braintree.adapter import CAPABILITIES
from clearhouse.psp.braintree.declines import GATEWAY, PROCESSOR
from clearhouse.psp.braintree.objects import Refusal, Transaction
from clearhouse.psp.braintree.outcomes import (
    failure_outcome,
    points_to_original,
    refusal_outcome,
    transaction_outcome,
)
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)

R, P = DeclineReason, PendingReason
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sale(
    status: str,
    amount: str = "10.50",
    currency: str = "USD",
    *,
    code: str = "1000",
    kind: str = "approved",
    rejection: str = "",
) -> Transaction:
    return Transaction("t1", status, amount, currency, code, kind, rejection, NOON)


def declined(code: str, kind: str = "", status: str = "processor_declined") -> Transaction:
    return sale(status, code=code, kind=kind)


PAID = Succeeded("t1", Money(1050, "USD"))


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (sale("submitted_for_settlement"), PAID),
        (sale("settling"), PAID),
        (sale("settlement_confirmed"), PAID),
        (sale("settled"), PAID),
        (sale("settled", "500", "JPY"), Succeeded("t1", Money(500, "JPY"))),
        (sale("settled", "500.00", "JPY"), Succeeded("t1", Money(500, "JPY"))),
        (sale("settled", "1.234", "KWD"), Succeeded("t1", Money(1234, "KWD"))),
        (sale("settled", "10", "EUR"), Succeeded("t1", Money(1000, "EUR"))),
        (sale("authorized"), Pending(P.AUTHORIZED, "t1")),
        (sale("authorizing"), Pending(P.PROCESSING, "t1")),
        (sale("settlement_pending"), Pending(P.PROCESSING, "t1")),
        (sale("voided"), Declined(R.OTHER, Retry.HARD, "voided", "t1")),
        (
            sale("authorization_expired"),
            Declined(R.OTHER, Retry.HARD, "authorization_expired", "t1"),
        ),
        (sale("settlement_declined"), Reversed("t1", Money(1050, "USD"), "settlement_declined")),
        (sale("settlement_failed"), Reversed("t1", Money(1050, "USD"), "settlement_failed")),
        (
            replace(sale("settlement_declined"), settlement_code="4001"),
            Reversed("t1", Money(1050, "USD"), "4001"),
        ),
        (
            replace(sale("authorized"), expires_at=NOON),
            Pending(P.AUTHORIZED, "t1", expires_at=NOON),
        ),
    ],
)
def test_a_transaction(reply: Transaction, outcome: PspOutcome) -> None:
    assert transaction_outcome(reply) == outcome


@pytest.mark.parametrize(
    ("reply", "reason", "retry"),
    [
        (declined("2000", "soft_declined"), R.CARD_DECLINED, Retry.SOFT),
        (declined("2001", "soft_declined"), R.INSUFFICIENT_FUNDS, Retry.SOFT),
        (declined("2001", "hard_declined"), R.INSUFFICIENT_FUNDS, Retry.HARD),
        (declined("2001"), R.INSUFFICIENT_FUNDS, Retry.SOFT),
        (declined("2004"), R.EXPIRED_CARD, Retry.HARD),
        (declined("2012", "soft_declined"), R.LOST_OR_STOLEN, Retry.SOFT),
        (declined("2015", "hard_declined"), R.CARD_NOT_SUPPORTED, Retry.HARD),
        (declined("2099", "soft_declined"), R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
        (declined("2999", "soft_declined"), R.CARD_DECLINED, Retry.SOFT),
        (declined("2998"), R.CARD_DECLINED, Retry.HARD),
        (declined("3000", "soft_declined", "failed"), R.PROCESSING_ERROR, Retry.SOFT),
        (declined("2000", "soft_declined", "failed"), R.PROCESSING_ERROR, Retry.SOFT),
    ],
)
def test_a_decline_of_the_processor(
    reply: Transaction, reason: DeclineReason, retry: Retry
) -> None:
    assert transaction_outcome(reply) == Declined(reason, retry, reply.response_code, "t1")


@pytest.mark.parametrize("rejection", GATEWAY)
def test_a_rejection_of_the_gateway(rejection: str) -> None:
    found = transaction_outcome(sale("gateway_rejected", rejection=rejection))
    expected = Declined(*GATEWAY[rejection], f"gateway_rejected:{rejection}", "t1")
    assert found == expected


def test_an_unknown_rejection_is_final() -> None:
    found = transaction_outcome(sale("gateway_rejected", rejection="brand_new"))
    assert found == Declined(R.OTHER, Retry.HARD, "gateway_rejected:brand_new", "t1")


@pytest.mark.parametrize(
    "reply",
    [
        sale("brand_new"),
        sale("settled", currency=""),
        sale("settled", currency="ZZZ"),
        sale("settled", "ten"),
        sale("settled", "10.505"),
        sale("settled", "1.5", "JPY"),
        sale("settled", "NaN"),
        sale("settled", "Infinity"),
        sale("settlement_declined", "ten"),
    ],
)
def test_a_reply_without_sense_is_unknown_and_never_declined(reply: Transaction) -> None:
    assert isinstance(transaction_outcome(reply), Unknown)


@pytest.mark.parametrize(
    ("reply", "earlier"),
    [
        (sale("gateway_rejected", rejection="duplicate"), True),
        (sale("gateway_rejected", rejection="fraud"), False),
        (sale("settled", rejection="duplicate"), False),
        (Refusal(("915232",)), True),
        (Refusal(("91513", "915234")), True),
        (Refusal(("915233",)), False),
        (Refusal(()), False),
    ],
)
def test_what_tells_of_an_earlier_request(reply: Transaction | Refusal, *, earlier: bool) -> None:
    assert points_to_original(reply) is earlier


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (("915230",), Declined(R.REJECTED_BY_PSP, Retry.HARD, "915230")),
        (("915234",), Declined(R.PROCESSING_ERROR, Retry.SOFT, "915234")),
        (("91565",), Declined(R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "91565")),
        (("91564",), Declined(R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "91564")),
        (("91513",), Declined(R.REJECTED_BY_PSP, Retry.HARD, "91513")),
        (("91513", "91565"), Declined(R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "91565")),
        (("81528",), Declined(R.LIMIT_EXCEEDED, Retry.HARD, "81528")),
    ],
)
def test_a_refused_request_is_a_definite_no(codes: tuple[str, ...], outcome: PspOutcome) -> None:
    assert refusal_outcome(Refusal(codes)) == outcome


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ((), Unknown),
        (("915231",), NotCharged),
        (("915232",), Unknown),
        (("915233",), Unknown),
        (("915235",), Unknown),
        (("91513", "915233"), Unknown),
        (("915234", "915233"), Unknown),
    ],
)
def test_codes_of_the_key_itself_are_no_decline(codes: tuple[str, ...], outcome: type) -> None:
    assert type(refusal_outcome(Refusal(codes))) is outcome


def wrapped(reason: Exception) -> BrokenConnection:
    pool = requests.packages.urllib3.HTTPConnectionPool("127.0.0.1")  # type: ignore[attr-defined]
    return BrokenConnection(requests.ConnectionError(MaxRetryError(pool, "/", reason)))


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (AuthenticationError(), NotCharged),
        (AuthorizationError("secret"), NotCharged),
        (UpgradeRequiredError(), NotCharged),
        (TooManyRequestsError(), NotCharged),
        (ConnectTimeoutError(requests.ConnectTimeout()), NotCharged),
        (wrapped(NewConnectionError(None, "secret")), NotCharged),  # type: ignore[arg-type]
        (wrapped(ProtocolError("secret")), Unknown),
        (BrokenConnection(requests.ConnectionError(ProtocolError("reset"))), Unknown),
        (BrokenConnection(), Unknown),
        (ReadTimeoutError(requests.ReadTimeout()), Unknown),
        (RequestTimeoutError(), Unknown),
        (NotFoundError(), Unknown),
        (ServerError(), Unknown),
        (ServiceUnavailableError(), Unknown),
        (GatewayTimeoutError(), Unknown),
        (UnexpectedError("Unexpected HTTP_RESPONSE 409"), Unknown),
        (TimeoutError(), Unknown),
        (KeyError("amount"), Unknown),
    ],
)
def test_an_exception(raised: Exception, outcome: type) -> None:
    found = failure_outcome(raised)
    assert type(found) is outcome
    assert isinstance(found, NotCharged | Unknown)
    assert "secret" not in found.detail


def test_mastercards_forbidden_retries_are_hard() -> None:
    forbidden = {"2004", "2009", "2012", "2022", "2047", "2053"}
    assert all(PROCESSOR[code][1] is Retry.HARD for code in forbidden)


def test_the_key_is_not_repeated_past_braintrees_window() -> None:
    assert CAPABILITIES.idempotency_key_lifetime < timedelta(days=30)
