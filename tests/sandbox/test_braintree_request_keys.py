"""``api_request_key``: one intent, one transaction, however often and however hard it is asked."""

from collections import Counter
from datetime import timedelta

import pytest
from tests.sandbox.braintree_world import World, at_once, codes, world

from clearhouse.sandbox.faults import Latency


@pytest.fixture
def shop():
    with world() as each:
        yield each


def test_the_same_request_gets_the_same_transaction(shop: World):
    first = shop.sale(api_request_key="k")
    again = shop.sale(api_request_key="k")
    assert first.is_success
    assert again.is_success
    assert again.transaction.id == first.transaction.id
    [charge] = shop.truth()
    assert (charge.idempotency_key, charge.status) == ("k", "succeeded")


def test_other_keys_make_other_transactions_of_the_same_data(shop: World):
    ids = {shop.sale(api_request_key=key).transaction.id for key in ("k1", "k2", "k3")}
    assert len(ids) == 3
    assert Counter(each.status for each in shop.truth()) == {"succeeded": 3}


@pytest.mark.parametrize(
    "other",
    [{"amount": "10.01"}, {"order_id": "order-2"}, {"options": {}}, {"channel": "market"}],
)
def test_another_request_is_refused(shop: World, other):
    shop.sale(api_request_key="k")
    assert codes(shop.sale(**other, api_request_key="k")) == ["915232"]
    assert len(shop.truth()) == 1


def test_the_order_of_the_fields_is_no_difference(shop: World):
    fields = {"customer": {"first_name": "Ada", "last_name": "L"}, "channel": "market"}
    turned = {"channel": "market", "customer": {"last_name": "L", "first_name": "Ada"}}
    first = shop.sale(**fields, api_request_key="k").transaction
    assert shop.sale(**turned, api_request_key="k").transaction.id == first.id


def test_a_repeat_tells_the_current_state(shop: World):
    made = shop.sale(api_request_key="k").transaction
    shop.gateway.transaction.void(made.id)
    again = shop.sale(api_request_key="k")
    assert (again.is_success, again.transaction.id) == (True, made.id)
    assert again.transaction.status == "voided"


@pytest.mark.parametrize(
    ("amount", "status"),
    [("2000.00", "processor_declined"), ("3000.00", "failed"), ("5001.00", "gateway_rejected")],
)
def test_a_refusal_is_repeated_and_not_tried_again(shop: World, amount, status):
    first, again = (shop.sale(amount, api_request_key="k") for _ in range(2))
    assert again.transaction.id == first.transaction.id
    assert (again.is_success, again.transaction.status) == (False, status)
    assert again.message == first.message
    assert len(shop.truth()) == 1


def test_a_key_whose_request_broke_a_rule_is_used_up(shop: World):
    assert codes(shop.sale("x", api_request_key="k")) == ["81503"]
    assert codes(shop.sale("x", api_request_key="k")) == ["915234"]
    assert codes(shop.sale("10.00", api_request_key="k")) == ["915232"]
    assert shop.truth() == []


def test_a_key_that_is_too_long(shop: World):
    assert shop.sale(api_request_key="k" * 255).is_success
    assert codes(shop.sale(api_request_key="k" * 256)) == ["915230"]


def test_a_merchant_without_the_feature(shop: World):
    gateway = shop.connect(merchant="small-without-request-keys")
    request = {"amount": "10.00", "payment_method_nonce": "fake-valid-nonce"}
    refused = gateway.transaction.sale(request | {"api_request_key": "k"})
    assert codes(refused) == ["915231"]
    assert gateway.transaction.sale(dict(request)).is_success


def test_a_key_store_that_fails(shop: World):
    result = shop.sale(api_request_key="fake-request-key-server-error-1")
    assert codes(result) == ["915235"]
    assert shop.truth() == []


def test_keys_are_forgotten_after_thirty_days(shop: World):
    first = shop.sale(api_request_key="k").transaction
    shop.clock.shift = timedelta(days=29, hours=23)
    assert shop.sale(api_request_key="k").transaction.id == first.id
    shop.clock.shift = timedelta(days=30, seconds=5)
    second = shop.sale(api_request_key="k").transaction
    assert second.id != first.id
    assert shop.sale(api_request_key="k").transaction.id == second.id
    assert len(shop.truth()) == 2


def test_merchants_do_not_share_keys(shop: World):
    mine = shop.sale(api_request_key="k").transaction
    request = {"amount": "11.00", "payment_method_nonce": "fake-valid-nonce"}
    other = shop.connect(merchant="another").transaction.sale(request | {"api_request_key": "k"})
    assert other.is_success
    assert other.transaction.id != mine.id


def test_an_answer_in_flight(shop: World):
    """The others see 915233; whoever gets a transaction gets the same one."""
    shop.core.settings.latency["braintree"] = Latency(median_ms=500, p99_ms=500)
    results = at_once(8, lambda _: shop.sale(api_request_key="k"))
    good = [each.transaction.id for each in results if each.is_success]
    refused = [code for each in results if not each.is_success for code in codes(each)]
    assert len(set(good)) == 1
    assert len(good) + len(refused) == 8
    assert set(refused) == {"915233"}
    shop.core.settings.latency.clear()
    assert shop.sale(api_request_key="k").transaction.id == good[0]
    assert [each.status for each in shop.truth()] == ["succeeded"]


def test_another_request_while_one_is_in_flight(shop: World):
    shop.core.settings.latency["braintree"] = Latency(median_ms=500, p99_ms=500)
    results = at_once(2, lambda number: shop.sale(f"1{number}.00", api_request_key="k"))
    assert sorted(each.is_success for each in results) == [False, True]
    assert [codes(each) for each in results if not each.is_success] == [["915232"]]
    assert len(shop.truth()) == 1


def test_a_hundred_at_once_charge_once(shop: World):
    results = at_once(100, lambda _: shop.sale(api_request_key="k"))
    ids = {each.transaction.id for each in results if each.is_success}
    refused = {code for each in results if not each.is_success for code in codes(each)}
    assert len(ids) == 1
    assert refused <= {"915233"}
    assert len(shop.truth()) == 1


def test_many_keys_at_once_charge_once_each(shop: World):
    results = at_once(
        40, lambda n: shop.sale(order_id=f"o-{n % 10}", api_request_key=f"k-{n % 10}")
    )
    for each in results:
        assert each.is_success or codes(each) == ["915233"]
    assert sorted(each.reference or "" for each in shop.truth()) == [f"o-{n}" for n in range(10)]


def test_operations_take_keys_too(shop: World):
    made = shop.sale(options={}).transaction
    gateway = shop.gateway.transaction
    captured = [
        gateway.submit_for_settlement(made.id, "7.00", {"api_request_key": "c"}) for _ in range(2)
    ]
    assert [each.transaction.status for each in captured] == ["submitted_for_settlement"] * 2
    assert codes(gateway.submit_for_settlement(made.id, "6.00", {"api_request_key": "c"})) == [
        "915232"
    ]
    shop.gateway.testing.settle_transaction(made.id)
    refunds = [gateway.refund(made.id, {"amount": "3.00", "api_request_key": "r"}) for _ in "ab"]
    assert refunds[0].transaction.id == refunds[1].transaction.id
    assert gateway.find(made.id).refund_ids == [refunds[0].transaction.id]
    assert codes(gateway.void(made.id, {"api_request_key": "v"})) == ["91504"]
    assert codes(gateway.void(made.id, {"api_request_key": "v"})) == ["915234"]
