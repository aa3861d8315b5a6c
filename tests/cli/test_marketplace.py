"""The demo's marketplace: believable, repeatable, and always acceptable to the API."""

import re
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from clearhouse.cli.demo.marketplace import Basket, Marketplace
from clearhouse.kernel.money import parse_charge
from clearhouse.kernel.randomness import SeededRandomness


def baskets(seed: int, count: int) -> list[Basket]:
    return list(islice(Marketplace(SeededRandomness(seed)).baskets(), count))


@given(st.integers(0, 2**31))
def test_every_basket_is_a_payment_that_the_api_takes(seed: int) -> None:
    for basket in baskets(seed, 20):
        orders = basket.body["payment_orders"]
        assert 1 <= basket.orders == len(orders) <= 5
        assert len({order["seller_account"] for order in orders}) == len(orders)
        assert len({order["currency"] for order in orders}) == 1
        for order in orders:
            money = parse_charge(order["amount"], order["currency"])
            if basket.body["credit_card_info"]["psp"] == "stripe" and money.currency == "KWD":
                assert money.minor % 10 == 0
            # Square keeps no longer reference.
            assert len(order["payment_order_id"]) <= 40


def test_the_same_seed_brings_the_same_buyers_and_another_seed_brings_others() -> None:
    assert baskets(1, 50) == baskets(1, 50)
    assert baskets(1, 50) != baskets(2, 50)


def test_there_are_dozens_of_sellers_all_psps_five_currencies_and_some_declines() -> None:
    many = baskets(3, 2_000)
    orders = [order for basket in many for order in basket.body["payment_orders"]]
    cards = [basket.body["credit_card_info"] for basket in many]
    assert len({order["seller_account"] for order in orders}) == 48
    assert {order["currency"] for order in orders} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert {card["psp"] for card in cards} == {"stripe", "braintree", "square"}
    declined = sum(bool(re.search(r"[Dd]eclined|rejected", str(card))) for card in cards)
    assert 0.02 < declined / len(many) < 0.10
    assert 1.8 < len(orders) / len(many) < 2.6
    ids = [order["payment_order_id"] for order in orders]
    assert len(set(ids)) == len(ids)


def test_buyers_come_at_the_rate_that_was_asked_for() -> None:
    marketplace = Marketplace(SeededRandomness(4))
    gaps = [marketplace.gap_seconds(20.0) for _ in range(20_000)]
    assert all(gap >= 0 for gap in gaps)
    assert 0.048 < sum(gaps) / len(gaps) < 0.052
