"""What Braintree does by itself as time passes: settle, pay out, expire, send a refund back."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest
from tests.sandbox.braintree_world import World, world

PAYPAL = "fake-paypal-one-time-nonce"
HALF = timedelta(hours=12)
DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Iterator[World]:
    with world() as each:
        yield each


def passes(shop: World, by: timedelta) -> None:
    """Time goes by, and what is due is done."""
    seconds = by.total_seconds()
    answer = httpx.post(
        f"{shop.sandbox.base_url}/_sandbox/clock",
        json={"advance_seconds": seconds},
        trust_env=False,
    )
    answer.raise_for_status()


def act(shop: World, identifier: str, action: str) -> int:
    call = {"psp": "braintree", "id": identifier, "action": action}
    url = f"{shop.sandbox.base_url}/_sandbox/actions"
    return httpx.post(url, json=call, trust_env=False).status_code


def status(shop: World, identifier: str) -> str:
    return shop.gateway.transaction.find(identifier).status


def test_a_sale_settles_and_is_paid_out(shop: World):
    made = shop.sale().transaction
    assert made.disbursement_details.disbursement_date is None
    for seen in ("settling", "settled"):
        passes(shop, HALF)
        assert status(shop, made.id) == seen
    passes(shop, DAY)
    paid = shop.gateway.transaction.find(made.id)
    details = paid.disbursement_details
    assert (details.success, details.funds_held) == (True, False)
    assert (details.settlement_amount, details.settlement_currency_iso_code) == (
        Decimal("10.00"),
        "USD",
    )
    assert details.settlement_currency_exchange_rate == Decimal(1)
    assert isinstance(details.disbursement_date, date)
    assert paid.is_disbursed
    assert [event.status for event in paid.status_history] == [
        *("authorized", "submitted_for_settlement", "settling", "settled")
    ]


def test_an_authorization_that_nobody_captures_expires(shop: World):
    made = shop.sale(options={}).transaction
    passes(shop, timedelta(days=6, hours=23))
    assert status(shop, made.id) == "authorized"
    passes(shop, timedelta(hours=2))
    assert status(shop, made.id) == "authorization_expired"
    assert [charge.status for charge in shop.truth()] == ["canceled"]


def test_what_moved_on_is_left_alone(shop: World):
    captured = shop.sale(order_id="captured", options={}).transaction
    shop.gateway.transaction.submit_for_settlement(captured.id)
    voided = shop.sale(order_id="voided").transaction
    shop.gateway.transaction.void(voided.id)
    passes(shop, 8 * DAY)
    assert (status(shop, captured.id), status(shop, voided.id)) == ("settled", "voided")


#  amount      status after a day
AMOUNTS = [
    ("4001.50", "settlement_declined"),
    ("4002.50", "settlement_pending"),
    ("4500.00", "settlement_declined"),
    ("10.00",   "settled"),
]  # fmt: skip


@pytest.mark.parametrize(("amount", "after"), AMOUNTS)
def test_paypal_settles_by_its_amount(shop: World, amount: str, after: str):
    made = shop.sale(amount, payment_method_nonce=PAYPAL).transaction
    passes(shop, DAY)
    assert status(shop, made.id) == after


def test_a_refund_settles_too_and_both_are_paid_out_on_their_day(shop: World):
    made = shop.sale().transaction
    passes(shop, DAY)
    back = shop.gateway.transaction.refund(made.id, "4.00").transaction
    [given] = shop.core.truth.refunds("braintree", made.id)
    assert (given.psp_id, given.amount_minor, given.status) == (back.id, 400, "succeeded")
    passes(shop, 3 * DAY)
    assert status(shop, back.id) == "settled"
    assert shop.gateway.transaction.find(back.id).is_disbursed


def test_a_refund_that_is_declined_gives_nothing_back(shop: World):
    made = shop.sale("9000.00").transaction
    passes(shop, DAY)
    result = shop.gateway.transaction.refund(made.id, "2046.00")
    assert not result.is_success
    assert result.transaction.status == "processor_declined"
    assert result.transaction.processor_response_code == "2046"
    assert [each.status for each in shop.core.truth.refunds("braintree", made.id)] == ["failed"]
    assert shop.gateway.transaction.refund(made.id).transaction.amount == Decimal("9000.00")


def test_a_refund_that_comes_back_can_be_given_again(shop: World):
    made = shop.sale().transaction
    passes(shop, DAY)
    back = shop.gateway.transaction.refund(made.id).transaction
    passes(shop, DAY)
    assert act(shop, back.id, "fail_refund") == 200
    assert status(shop, back.id) == "settlement_declined"
    assert [each.status for each in shop.core.truth.refunds("braintree", made.id)] == ["failed"]
    assert shop.gateway.transaction.refund(made.id).is_success


def test_a_void_on_the_way_to_settlement_is_money_given_back(shop: World):
    made = shop.sale().transaction
    shop.gateway.transaction.void(made.id)
    [given] = shop.core.truth.refunds("braintree", made.id)
    assert (given.psp_id, given.amount_minor, given.status) == (made.id, 1000, "succeeded")


#  sale's options                    action                 possible, status after
BY_HAND = [
    ({},                              "settle",             400, "authorized"),
    ({},                              "expire",             200, "authorization_expired"),
    ({"submit_for_settlement": True}, "expire",             400, "submitted_for_settlement"),
    ({"submit_for_settlement": True}, "settle",             200, "settled"),
    ({"submit_for_settlement": True}, "decline_settlement", 200, "settlement_declined"),
    ({"submit_for_settlement": True}, "fail_refund",        400, "submitted_for_settlement"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "action", "code", "after"), BY_HAND)
def test_by_hand(shop: World, options: dict[str, bool], action: str, code: int, after: str):
    made = shop.sale(options=options).transaction
    assert act(shop, made.id, action) == code
    assert status(shop, made.id) == after
