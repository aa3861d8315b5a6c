"""What happens after a sale: capture, void, refund, and Braintree's simulated settlement."""

from decimal import Decimal

import pytest
from braintree.exceptions.not_found_error import NotFoundError
from tests.sandbox.braintree_world import World, codes, world


@pytest.fixture(scope="module")
def shop():
    with world() as each:
        yield each


@pytest.fixture
def order(request) -> str:
    return request.node.name


def status_in_truth(shop: World, order: str) -> tuple[str, int]:
    [charge] = [each for each in shop.truth() if each.reference == order]
    return charge.status, charge.amount_minor


def test_an_authorization_is_captured(shop: World, order):
    made = shop.sale(order_id=order, options={}).transaction
    assert made.status == "authorized"
    assert status_in_truth(shop, order) == ("authorized", 1000)
    captured = shop.gateway.transaction.submit_for_settlement(made.id).transaction
    assert (captured.status, captured.amount) == ("submitted_for_settlement", Decimal("10.00"))
    assert status_in_truth(shop, order) == ("succeeded", 1000)


def test_less_can_be_captured_but_not_more(shop: World, order):
    made = shop.sale(order_id=order, options={}).transaction
    submit = shop.gateway.transaction.submit_for_settlement
    assert codes(submit(made.id, "10.01")) == ["91522"]
    assert codes(submit(made.id, "x")) == ["81503"]
    assert submit(made.id, "4.00").transaction.amount == Decimal("4.00")
    assert status_in_truth(shop, order) == ("succeeded", 400)
    assert codes(submit(made.id)) == ["91507"]


def test_a_void_gives_the_money_free(shop: World, order):
    for number, options in enumerate(({}, {"submit_for_settlement": True})):
        made = shop.sale(order_id=f"{order}-{number}", options=options).transaction
        assert shop.gateway.transaction.void(made.id).transaction.status == "voided"
        assert status_in_truth(shop, f"{order}-{number}") == (
            ("canceled", "succeeded")[number],
            1000,
        )
        assert codes(shop.gateway.transaction.void(made.id)) == ["91504"]


#  operation                             status                  code    truth
SETTLEMENTS = [
    ("settle_transaction", "settled", "", "succeeded"),
    ("settlement_confirm_transaction", "settlement_confirmed", "", "succeeded"),
    ("settlement_decline_transaction", "settlement_declined", "4001", "declined"),
    ("settlement_pending_transaction", "settlement_pending", "4002", "pending"),
]


@pytest.mark.parametrize(("operation", "status", "code", "truth"), SETTLEMENTS)
def test_settlement_on_demand(shop: World, order, operation, status, code, truth):
    made = shop.sale(order_id=order).transaction
    settled = getattr(shop.gateway.testing, operation)(made.id).transaction
    assert (settled.status, settled.processor_settlement_response_code) == (status, code)
    assert settled.settlement_batch_id.split("_")[1] == "usd"
    assert settled.status_history[-1].status == status
    assert status_in_truth(shop, order) == (truth, 1000)


def test_what_is_not_submitted_cannot_settle(shop: World, order):
    made = shop.sale(order_id=order, options={}).transaction
    assert codes(shop.gateway.testing.settle_transaction(made.id)) == ["91575"]


#  PayPal amount, status after settling
PAYPAL = [
    ("10.00", "settled"),
    ("4001.50", "settlement_declined"),
    ("4002.00", "settlement_pending"),
]


@pytest.mark.parametrize(("amount", "status"), PAYPAL)
def test_paypal_settles_by_amount(shop: World, order, amount, status):
    nonce = "fake-paypal-one-time-nonce"
    made = shop.sale(amount, order, payment_method_nonce=nonce).transaction
    assert made.status == "settling"
    assert shop.gateway.testing.settle_transaction(made.id).transaction.status == status


def test_refunds_never_exceed_the_sale(shop: World, order):
    made = shop.sale(order_id=order).transaction
    refund = shop.gateway.transaction.refund
    assert codes(refund(made.id)) == ["91506"]
    shop.gateway.testing.settle_transaction(made.id)
    part = refund(made.id, "6.00").transaction
    assert (part.type, part.amount) == ("credit", Decimal("6.00"))
    assert (part.refunded_transaction_id, part.order_id) == (made.id, order)
    assert codes(refund(made.id, "4.01")) == ["91521"]
    rest = refund(made.id).transaction
    assert rest.amount == Decimal("4.00")
    assert codes(refund(made.id)) == ["91512"]
    assert codes(refund(part.id)) == ["91505"]
    assert shop.gateway.transaction.find(made.id).refund_ids == [part.id, rest.id]
    assert status_in_truth(shop, order) == ("succeeded", 1000)


def test_a_voided_refund_leaves_the_money_to_refund(shop: World, order):
    made = shop.sale(order_id=order).transaction
    shop.gateway.testing.settle_transaction(made.id)
    whole = shop.gateway.transaction.refund(made.id).transaction
    shop.gateway.transaction.void(whole.id)
    again = shop.gateway.transaction.refund(made.id, {"amount": "10.00", "order_id": "back"})
    assert again.transaction.order_id == "back"


def test_reverse_voids_or_refunds(shop: World, order):
    early = shop.sale(order_id=f"{order}-early").transaction
    assert shop.gateway.transaction.reverse(early.id).transaction.status == "voided"
    late = shop.sale(order_id=f"{order}-late").transaction
    shop.gateway.testing.settle_transaction(late.id)
    back = shop.gateway.transaction.reverse(late.id).transaction
    assert (back.type, back.amount) == ("credit", Decimal("10.00"))


def test_a_credit_needs_no_sale_and_is_no_charge(shop: World, order):
    before = len(shop.truth())
    result = shop.gateway.transaction.credit(
        {"amount": "5.00", "order_id": order, "payment_method_nonce": "fake-valid-nonce"}
    )
    assert (result.transaction.type, result.transaction.processor_response_code) == (
        "credit",
        "1002",
    )
    assert len(shop.truth()) == before


@pytest.mark.parametrize("verb", ["find", "void", "refund", "submit_for_settlement", "reverse"])
def test_an_unknown_transaction_is_not_found(shop: World, verb):
    with pytest.raises(NotFoundError):
        getattr(shop.gateway.transaction, verb)("unknown")
