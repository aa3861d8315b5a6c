"""Duplicate checking: 30 seconds, same amount, order and instrument; off with a request key."""

from datetime import timedelta

import pytest
from tests.sandbox.braintree_world import World, at_once, world


@pytest.fixture
def shop():
    with world() as each:
        yield each


def test_the_second_of_two_equal_sales_is_rejected(shop: World):
    first, second = shop.sale(), shop.sale()
    assert first.is_success
    assert second.transaction.status == "gateway_rejected"
    assert second.transaction.gateway_rejection_reason == "duplicate"
    assert second.message == "Gateway Rejected: duplicate"
    assert second.transaction.processor_response_code == ""
    assert [each.status for each in shop.truth()] == ["succeeded", "declined"]


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "10.01"},
        {"order_id": "order-2"},
        {"order_id": None},
        {"payment_method_nonce": "fake-valid-mastercard-nonce"},
        {"payment_method_nonce": "fake-paypal-one-time-nonce"},
        {"merchant_account_id": "eur"},
    ],
)
def test_what_differs_is_no_duplicate(shop: World, other):
    assert shop.sale().is_success
    assert shop.sale(**other).is_success


def test_without_order_ids_amount_and_card_decide(shop: World):
    assert shop.sale(order_id=None).is_success
    assert shop.sale(order_id=None).transaction.gateway_rejection_reason == "duplicate"


def test_after_thirty_seconds_it_is_a_new_sale(shop: World):
    assert shop.sale().is_success
    shop.clock.shift = timedelta(seconds=29)
    assert not shop.sale().is_success
    shop.clock.shift = timedelta(seconds=61)
    assert shop.sale().is_success


def test_a_refused_or_voided_sale_has_no_duplicates(shop: World):
    assert not shop.sale("2000.00").is_success
    assert shop.sale("2000.00").transaction.status == "processor_declined"
    made = shop.sale("20.00").transaction
    shop.gateway.transaction.void(made.id)
    assert shop.sale("20.00").is_success


def test_request_keys_switch_it_off(shop: World):
    assert shop.sale().is_success
    assert shop.sale(api_request_key="k").is_success


def test_of_many_at_once_one_is_charged(shop: World):
    results = at_once(20, lambda _: shop.sale())
    assert sum(each.is_success for each in results) == 1
    reasons = {each.transaction.gateway_rejection_reason for each in results if not each.is_success}
    assert reasons == {"duplicate"}
    assert sorted(each.status for each in shop.truth()) == ["declined"] * 19 + ["succeeded"]
