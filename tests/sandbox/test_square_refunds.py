"""Square's refunds, parts captured, reviews and fees, through the official SDK."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.specs import schema_checks
from tests.sandbox.world import HandClock, charge_square, new_key, square_client, truth

from clearhouse.sandbox.server import Running, open_core, running

DOLLARS: Any = {"amount": 600, "currency": "USD"}


@pytest.fixture
def box() -> Iterator[Running]:
    with running(open_core(clock=HandClock())) as sandbox:
        yield sandbox


@pytest.fixture
def sdk(box: Running) -> Square:
    return square_client(box.base_url)


def pass_time(box: Running, **by: float) -> None:
    httpx.post(f"{box.base_url}/_sandbox/clock", json=by, trust_env=False).raise_for_status()


def act(box: Running, action: str, identifier: str) -> int:
    call = {"psp": "square", "action": action, "id": identifier}
    reply = httpx.post(f"{box.base_url}/_sandbox/actions", json=call, trust_env=False)
    return reply.status_code


def actions(box: Running, identifier: str) -> set[str]:
    query = {"psp": "square", "id": identifier}
    reply = httpx.get(f"{box.base_url}/_sandbox/actions", params=query, trust_env=False)
    return {each["name"] for each in reply.json()["actions"]}


def paid(sdk: Square, **changes: Any) -> Any:
    return charge_square(sdk, **changes).payment


def give_back(sdk: Square, payment: Any, key: str | None = None, **changes: Any) -> Any:
    wanted: dict[str, Any] = {"amount_money": DOLLARS, "payment_id": payment.id, **changes}
    options: Any = {"max_retries": 0}
    key = key or new_key()
    return sdk.refunds.refund_payment(idempotency_key=key, request_options=options, **wanted).refund


def refused(sdk: Square, payment: Any, **changes: Any) -> str:
    with pytest.raises(ApiError) as caught:
        give_back(sdk, payment, **changes)
    return str(caught.value.errors[0].code)


def test_a_refund_is_pending_and_completed_a_minute_later(box: Running, sdk: Square):
    payment = paid(sdk)
    refund = give_back(sdk, payment, reason="op:1 a letter")
    assert (refund.status, refund.payment_id, refund.reason) == (
        "PENDING", payment.id, "op:1 a letter",
    )  # fmt: skip
    pass_time(box, advance_seconds=61)
    refund = sdk.refunds.get(refund.id).refund
    assert refund is not None
    assert refund.status == "COMPLETED"
    payment = sdk.payments.get(payment.id).payment
    assert payment is not None
    assert payment.refunded_money is not None
    assert (payment.refund_ids, payment.refunded_money.amount) == ([refund.id], 600)
    [fact] = box.core.truth.refunds("square", payment.id)
    assert (fact.status, fact.amount_minor) == ("succeeded", 600)
    for check in schema_checks("square-openapi.json", "PaymentRefund"):
        check(refund.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_a_refund_of_a_key_is_made_once(box: Running, sdk: Square):
    payment = paid(sdk)
    first = give_back(sdk, payment, "once")
    assert give_back(sdk, payment, "once") == first
    assert refused(sdk, payment, key="once", reason="other") == "IDEMPOTENCY_KEY_REUSED"
    assert len(box.core.truth.refunds("square", payment.id)) == 1


def test_the_ceiling_is_what_was_taken(box: Running, sdk: Square):
    payment = paid(sdk)
    give_back(sdk, payment)
    assert refused(sdk, payment) == "REFUND_AMOUNT_INVALID"
    euros: Any = {"amount": 1, "currency": "EUR"}
    assert refused(sdk, payment, amount_money=euros) == "REFUND_AMOUNT_INVALID"
    give_back(sdk, payment, amount_money={"amount": 400, "currency": "USD"})


@pytest.mark.parametrize(
    ("amount", "status", "after"),
    [(7701, "REJECTED", timedelta(minutes=2)), (7702, "FAILED", timedelta(days=2))],
)
def test_amounts_that_come_back_later(
    box: Running, sdk: Square, amount: int, status: str, after: timedelta
):
    money = {"amount": amount, "currency": "USD"}
    payment = paid(sdk, amount_money=money)
    refund = give_back(sdk, payment, amount_money=money)
    assert refused(sdk, payment, amount_money=money) == "REFUND_AMOUNT_INVALID"
    pass_time(box, advance_seconds=after.total_seconds() + 1)
    told = sdk.refunds.get(refund.id).refund
    assert told is not None
    assert told.status == status
    assert [each.status for each in box.core.truth.refunds("square")] == ["failed"]
    give_back(sdk, payment, amount_money=money)


@pytest.mark.parametrize(
    ("action", "status"),
    [("complete_refund", "COMPLETED"), ("reject_refund", "REJECTED"), ("fail_refund", "FAILED")],
)
def test_a_refund_ends_by_hand(box: Running, sdk: Square, action: str, status: str):
    refund = give_back(sdk, paid(sdk))
    assert actions(box, refund.id) == {"complete_refund", "reject_refund", "fail_refund"}
    assert act(box, action, refund.id) == 200
    told = sdk.refunds.get(refund.id).refund
    assert told is not None
    assert told.status == status
    assert act(box, action, refund.id) == 400
    pass_time(box, days=3)
    assert sdk.refunds.get(refund.id).refund == told


def test_only_money_that_was_taken_can_be_given_back(box: Running, sdk: Square):
    held = paid(sdk, autocomplete=False)
    assert refused(sdk, held) == "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION"
    sdk.payments.cancel(held.id)
    assert refused(sdk, held) == "PAYMENT_NOT_REFUNDABLE"
    old = paid(sdk)
    pass_time(box, days=366)
    assert refused(sdk, old) == "PAYMENT_NOT_REFUNDABLE"
    nobody = old.model_copy(update={"id": "nobody"})
    assert refused(sdk, nobody) == "NOT_FOUND"
    with pytest.raises(ApiError):
        sdk.refunds.get("nobody")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": "r" * 193}, "VALUE_TOO_LONG"),
        ({"amount_money": {"amount": 0, "currency": "USD"}}, "VALUE_TOO_LOW"),
        ({"key": "k" * 46}, "VALUE_TOO_LONG"),
    ],
)
def test_a_refund_that_makes_no_sense(box: Running, sdk: Square, change: Any, code: str):
    assert refused(sdk, paid(sdk), **change) == code


def test_the_list_of_refunds_filters_and_lags(box: Running, sdk: Square):
    payment = paid(sdk)
    one, two = (give_back(sdk, payment, amount_money={"amount": 5, "currency": "USD"})
                for _ in range(2))  # fmt: skip
    assert [each.id for each in sdk.refunds.list(sort_order="ASC", limit=1)] == [one.id, two.id]
    act(box, "fail_refund", one.id)
    assert [each.id for each in sdk.refunds.list(status="FAILED")] == [one.id]
    lag = {"list_lag_seconds": {"square": 3600}}
    httpx.post(f"{box.base_url}/_sandbox/settings", json=lag, trust_env=False)
    assert list(sdk.refunds.list()) == []


def test_a_part_is_captured_by_lowering_the_amount(box: Running, sdk: Square):
    held = paid(sdk, order="part", autocomplete=False)
    change: Any = {"amount_money": DOLLARS, "version_token": held.version_token}
    lowered = sdk.payments.update(held.id, idempotency_key="lower", payment=change).payment
    assert lowered is not None
    assert lowered.total_money is not None
    assert (lowered.status, lowered.total_money.amount) == ("APPROVED", 600)
    assert sdk.payments.update(held.id, idempotency_key="lower", payment=change).payment == lowered
    with pytest.raises(ApiError):
        sdk.payments.update(held.id, idempotency_key="stale", payment=change)
    more: Any = {"amount_money": {"amount": 1001, "currency": "USD"}}
    with pytest.raises(ApiError) as caught:
        sdk.payments.update(held.id, idempotency_key="more", payment=more)
    assert caught.value.errors[0].code == "AMOUNT_TOO_HIGH"
    sdk.payments.complete(held.id, version_token=lowered.version_token)
    [fact] = truth(box.base_url, reference="part")
    assert (fact["status"], fact["amount_minor"]) == ("succeeded", 600)


@pytest.mark.parametrize(
    ("given", "days", "status"),
    [
        ({}, 6, "APPROVED"),
        ({}, 7, "CANCELED"),
        ({"delay_duration": "PT36H"}, 2, "CANCELED"),
        ({"delay_duration": "P1D", "delay_action": "COMPLETE"}, 1, "COMPLETED"),
    ],
)
def test_an_authorization_ends_by_itself(
    box: Running, sdk: Square, given: Any, days: int, status: str
):
    held = paid(sdk, autocomplete=False, **given)
    pass_time(box, days=days, advance_seconds=1)
    after = sdk.payments.get(held.id).payment
    assert after is not None
    assert after.status == status


@pytest.mark.parametrize("duration", ["P", "PT", "PT59S", "P8D", "7 days", "P1Y"])
def test_a_delay_that_makes_no_sense(box: Running, sdk: Square, duration: str):
    with pytest.raises(ApiError) as caught:
        paid(sdk, autocomplete=False, delay_duration=duration)
    assert caught.value.errors[0].field == "delay_duration"


@pytest.mark.parametrize(
    ("action", "autocomplete", "status"),
    [
        ("approve_review", True, "COMPLETED"),
        ("approve_review", False, "APPROVED"),
        ("refuse_review", True, "FAILED"),
    ],
)
def test_a_review_is_decided_by_hand(
    box: Running, sdk: Square, action: str, autocomplete: bool, status: str
):
    money = {"amount": 4444, "currency": "USD"}
    asked = paid(sdk, amount_money=money, autocomplete=autocomplete)
    assert asked.status == "PENDING"
    assert asked.risk_evaluation.risk_level == "PENDING"
    assert act(box, action, asked.id) == 200
    after = sdk.payments.get(asked.id).payment
    assert after is not None
    assert after.status == status


def test_a_review_ends_by_itself(box: Running, sdk: Square):
    asked = paid(sdk, amount_money={"amount": 4444, "currency": "USD"})
    pass_time(box, hours=2)
    after = sdk.payments.get(asked.id).payment
    assert after is not None
    assert after.status == "COMPLETED"


@pytest.mark.parametrize("listened", [True, False])
def test_the_fee_comes_a_minute_after_the_money(box: Running, sdk: Square, listened: bool):
    if listened:
        hook = {"psp": "square", "url": "http://127.0.0.1:9/hook", "secret": "s"}
        httpx.post(f"{box.base_url}/_sandbox/webhooks", json=hook, trust_env=False)
    payment = paid(sdk)
    assert payment.processing_fee is None
    pass_time(box, advance_seconds=61)
    after = sdk.payments.get(payment.id).payment
    assert after is not None
    assert after.processing_fee is not None
    [fee] = after.processing_fee
    assert fee.amount_money is not None
    assert (fee.type, fee.amount_money.amount) == ("INITIAL", 59)
    assert [each.processing_fee for each in sdk.payments.list()] == [after.processing_fee]
