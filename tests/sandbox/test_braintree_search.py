"""The two-step search of the SDK: order ids, time ranges, ids, statuses, amounts."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from braintree import TransactionSearch as By
from braintree.exceptions.unexpected_error import UnexpectedError
from tests.sandbox.braintree_world import World, world


@pytest.fixture
def shop():
    with world() as each:
        yield each


LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - the SDK wants naive UTC


def ids(found) -> list[str]:
    return [each.id for each in found]


def test_an_order_is_found_with_all_its_transactions(shop: World):
    made = [shop.sale(amount).transaction.id for amount in ("10.00", "2000.00", "12.00")]
    shop.sale(order_id="order-2")
    found = shop.gateway.transaction.search(By.order_id == "order-1")
    assert ids(found) == made[::-1]
    assert found.maximum_size == 3
    assert found.first.id == made[-1]
    assert ids(shop.gateway.transaction.search(By.order_id == "order-3")) == []


def test_a_found_transaction_is_complete(shop: World):
    made = shop.sale().transaction
    [found] = shop.gateway.transaction.search(By.order_id == "order-1")
    one = shop.gateway.transaction.find(made.id)
    for each in (found, one):
        assert (each.amount, each.status) == (Decimal("10.00"), "submitted_for_settlement")
        assert (each.order_id, each.created_at) == ("order-1", made.created_at)
        assert [event.status for event in each.status_history] == [
            "authorized",
            "submitted_for_settlement",
        ]
        assert each.is_disbursed is False


def test_created_at_ranges(shop: World):
    made: list[tuple[str, datetime]] = []
    for hour in range(4):
        shop.clock.shift = timedelta(hours=hour)
        transaction = shop.sale(order_id=f"order-{hour}").transaction
        made.append((transaction.id, transaction.created_at))
    search = shop.gateway.transaction.search
    newest_first = [identifier for identifier, _ in made][::-1]
    second, third = made[1][1], made[2][1]
    assert ids(search(By.created_at.between(second, third))) == newest_first[1:3]
    assert ids(search(By.created_at >= third)) == newest_first[:2]
    assert ids(search(By.created_at <= second)) == newest_first[2:]
    assert ids(search(By.created_at == second)) == [newest_first[2]]
    early = second - timedelta(minutes=30)
    assert ids(search(By.created_at.between(early, early + timedelta(seconds=1)))) == []


def test_more_than_a_page_is_found_whole(shop: World):
    made = [shop.sale(order_id=f"order-{number}").transaction.id for number in range(120)]
    start = LONG_AGO
    found = shop.gateway.transaction.search(By.created_at >= start)
    assert found.maximum_size == 120
    assert ids(found) == made[::-1]


def test_criteria_work_together(shop: World):
    for number, amount in enumerate(("5.00", "15.00", "25.00", "2000.00")):
        shop.sale(amount, f"order-{number}")
    yen = shop.sale("15", "order-yen", merchant_account_id="jpy").transaction.id
    search = shop.gateway.transaction.search
    orders = lambda *criteria: sorted(each.order_id for each in search(*criteria))  # noqa: E731
    assert orders(By.amount.between("10.00", "20.00")) == ["order-1", "order-yen"]
    assert orders(By.amount == "25.00") == ["order-2"]
    assert orders(By.amount >= "2000.00") == ["order-3"]
    assert orders(By.status.in_list(["processor_declined", "failed"])) == ["order-3"]
    assert orders(By.merchant_account_id == "jpy") == ["order-yen"]
    assert orders(By.currency == "JPY", By.amount <= "15") == ["order-yen"]
    assert orders(By.ids.in_list([yen, "unknown"])) == ["order-yen"]
    assert orders(By.id == yen) == ["order-yen"]
    assert orders(By.id == "unknown") == []
    assert orders(By.order_id.starts_with("ORDER-Y")) == ["order-yen"]
    assert orders(By.order_id.ends_with("-1"), By.type == "sale") == ["order-1"]
    assert orders(By.order_id.contains("der-2")) == ["order-2"]
    assert "order-1" not in orders(By.order_id != "order-1")
    assert orders(By.order_id == "order-1", By.status == "voided") == []
    assert orders(By.order_id == "ORDER-1") == []


def test_a_status_has_its_time(shop: World):
    made = shop.sale().transaction
    shop.clock.shift = timedelta(hours=2)
    shop.gateway.transaction.void(made.id)
    search = shop.gateway.transaction.search
    late = made.created_at + timedelta(hours=1)
    assert ids(search(By.voided_at >= late)) == [made.id]
    assert ids(search(By.voided_at <= late)) == []
    assert ids(search(By.authorized_at <= late)) == [made.id]
    assert ids(search(By.processor_declined_at >= LONG_AGO)) == []


def test_refunds_are_told_apart(shop: World):
    sale = shop.sale().transaction
    shop.gateway.testing.settle_transaction(sale.id)
    refund = shop.gateway.transaction.refund(sale.id).transaction
    search = shop.gateway.transaction.search
    assert ids(search(By.refund == True)) == [refund.id]  # noqa: E712 - the SDK's own language
    assert ids(search(By.type == "credit")) == [refund.id]
    assert ids(search(By.settlement_batch_id.contains("_usd_"))) == [sale.id]


def test_who_bought_is_found(shop: World):
    made = shop.sale(customer={"email": "ada@example.com", "last_name": "Lovelace"}).transaction
    search = shop.gateway.transaction.search
    assert ids(search(By.customer_email == "ada@example.com")) == [made.id]
    assert ids(search(By.customer_last_name.starts_with("love"))) == [made.id]
    assert ids(search(By.credit_card_card_type == "Visa")) == [made.id]
    assert ids(search(By.credit_card_number.ends_with("1881"))) == [made.id]


def test_an_unknown_criterion_is_not_ignored(shop: World):
    shop.sale()
    with pytest.raises(UnexpectedError):
        shop.gateway.transaction.search(By.paypal_payment_id == "x")


def test_a_search_can_lag_behind(shop: World):
    shop.core.settings.list_lag_seconds["braintree"] = 60
    made = shop.sale().transaction
    assert shop.found("order-1") == []
    assert shop.gateway.transaction.find(made.id).id == made.id
    shop.clock.shift = timedelta(seconds=61)
    assert shop.found("order-1") == [made.id]
