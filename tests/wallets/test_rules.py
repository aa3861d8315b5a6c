"""What events mean for a wallet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, succeeded

from clearhouse.kernel.money import MAX_MINOR, Money
from clearhouse.messaging.events import PaymentEventDone
from clearhouse.wallets.model import Movement, WalletBalance
from clearhouse.wallets.rules import movement_for, sale

# fmt: off
SALES = [
    # amount    fee        pending
    (10_000,    300,       9_700),
    (10_000,    0,         10_000),
    (30,        30,        0),
    (1,         0,         1),
    (MAX_MINOR, MAX_MINOR, 0),
    (MAX_MINOR, 0,         MAX_MINOR),
]
# fmt: on


@pytest.mark.parametrize(("amount", "fee", "pending"), SALES)
def test_a_sale_credits_the_amount_less_the_fee(amount: int, fee: int, pending: int) -> None:
    event = succeeded("order-1", seller="ann", amount=amount, fee=fee, currency="KWD")
    assert sale(event) == Movement(
        kind="sale",
        source_id=event.aggregate_id,
        reference="order-1",
        seller_account="ann",
        currency="KWD",
        event_at=MOMENT,
        pending_minor=pending,
        available_minor=0,
        reserved_minor=0,
    )


@pytest.mark.parametrize(("amount", "fee"), [(100, 101), (100, -1), (0, 1)])
def test_a_sale_that_makes_no_sense_credits_nobody(amount: int, fee: int) -> None:
    with pytest.raises(ValueError, match="cannot be taken from a sale"):
        sale(succeeded(amount=amount, fee=fee))


@given(st.integers(1, MAX_MINOR).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_seller_and_platform_share_what_the_buyer_paid(amount_and_fee: tuple[int, int]) -> None:
    amount, fee = amount_and_fee
    movement = sale(succeeded(amount=amount, fee=fee))
    assert movement.pending_minor >= 0
    assert movement.pending_minor + fee == amount


def test_other_events_move_no_wallet() -> None:
    done = PaymentEventDone(aggregate_id=IDS.new(), version=1, occurred_at=MOMENT, checkout_id="c")
    assert movement_for(done) is None


def test_a_balance_is_money_in_three_parts() -> None:
    balance = WalletBalance("ann", "USD", 100, 20, 3)
    assert balance.pending == Money(100, "USD")
    assert balance.available == Money(20, "USD")
    assert balance.reserved == Money(3, "USD")
    assert balance.total == Money(123, "USD")
