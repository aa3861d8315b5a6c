"""On what terms an operation may be done: tables, and what holds for all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.errors import NotCapturable, NotRefundable, RefundExceedsCapture
from clearhouse.kernel.money import Money
from clearhouse.payments.model import OrderStatus, StatusReason
from clearhouse.payments.operations.model import Kind
from clearhouse.payments.operations.terms import ChargedOrder, FeePolicy, Terms, terms_of

SOLD = ChargedOrder(
    status=OrderStatus.SUCCESS,
    reason=None,
    amount=Money(100, "USD"),
    captured_minor=100,
    refunded_minor=0,
    disputed_minor=0,
    fee_minor=10,
    fee_returned_minor=0,
    reversed=False,
    ending=False,
)
HELD = replace(
    SOLD,
    status=OrderStatus.EXECUTING,
    reason=StatusReason.AUTHORIZED,
    captured_minor=0,
    fee_minor=0,
)

# fmt: off
GRANTED = [
    # kind         order                                              asked  amount fee back
    (Kind.REFUND,  SOLD,                                              None,  100,   10),
    (Kind.REFUND,  SOLD,                                              60,    60,    6),
    (Kind.REFUND,  replace(SOLD, refunded_minor=60, fee_returned_minor=6), None, 40, 4),
    (Kind.REFUND,  replace(SOLD, refunded_minor=60, fee_returned_minor=6), 1, 1,   0),
    (Kind.REFUND,  replace(SOLD, disputed_minor=30),                  None,  70,    7),
    (Kind.REFUND,  replace(SOLD, captured_minor=50, fee_minor=5),     50,    50,    5),
    (Kind.CAPTURE, HELD,                                              None,  100,   0),
    (Kind.CAPTURE, HELD,                                              70,    70,    0),
    (Kind.VOID,    HELD,                                              None,  100,   0),
]
REFUSED = [
    # kind         order                                              asked  error
    (Kind.REFUND,  SOLD,                                              101,   RefundExceedsCapture),
    (Kind.REFUND,  replace(SOLD, refunded_minor=60),                  60,    RefundExceedsCapture),
    (Kind.REFUND,  replace(SOLD, refunded_minor=100),                 None,  RefundExceedsCapture),
    (Kind.REFUND,  replace(SOLD, refunded_minor=50, disputed_minor=50), 1,   RefundExceedsCapture),
    (Kind.REFUND,  replace(SOLD, reversed=True),                      1,     NotRefundable),
    (Kind.REFUND,  HELD,                                              1,     NotRefundable),
    (Kind.REFUND,  replace(SOLD, status=OrderStatus.FAILED),          1,     NotRefundable),
    (Kind.CAPTURE, SOLD,                                              1,     NotCapturable),
    (Kind.CAPTURE, HELD,                                              101,   NotCapturable),
    (Kind.CAPTURE, replace(HELD, ending=True),                        1,     NotCapturable),
    (Kind.VOID,    replace(HELD, ending=True),                        None,  NotCapturable),
    (Kind.VOID,    replace(HELD, reason=StatusReason.PROCESSING),     None,  NotCapturable),
]
# fmt: on


@pytest.mark.parametrize(("kind", "order", "asked", "amount", "fee"), GRANTED)
def test_what_may_be_done(
    kind: Kind, order: ChargedOrder, asked: int | None, amount: int, fee: int
) -> None:
    whole = order.amount.minor if order is HELD else order.captured_minor
    assert terms_of(kind, order, asked, FeePolicy.RETURN) == Terms(amount, whole, fee)
    assert terms_of(kind, order, asked, FeePolicy.KEEP).fee_returned_minor == 0


@pytest.mark.parametrize(("kind", "order", "asked", "error"), REFUSED)
def test_what_may_not(
    kind: Kind, order: ChargedOrder, asked: int | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        terms_of(kind, order, asked, FeePolicy.KEEP)


def test_the_refusal_says_what_is_left() -> None:
    order = replace(SOLD, refunded_minor=60, disputed_minor=30)
    with pytest.raises(RefundExceedsCapture) as caught:
        terms_of(Kind.REFUND, order, 60, FeePolicy.KEEP)
    assert caught.value.message == (
        "Of 1.00 USD captured, 0.60 USD is refunded and 0.30 USD is under dispute or was lost in"
        " one; 0.10 USD is left to refund."
    )


@given(
    st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.lists(st.integers(1, 10**9), max_size=8),
)
def test_parts_return_exactly_the_fee_in_the_end(sale: tuple[int, int], parts: list[int]) -> None:
    captured, fee = sale
    order = replace(SOLD, amount=Money(captured, "USD"), captured_minor=captured, fee_minor=fee)
    for part in [*parts, captured]:
        wanted = min(part, order.left_minor)
        if not wanted:
            break
        terms = terms_of(Kind.REFUND, order, wanted, FeePolicy.RETURN)
        assert 0 <= terms.fee_returned_minor <= terms.amount_minor
        order = replace(
            order,
            refunded_minor=order.refunded_minor + terms.amount_minor,
            fee_returned_minor=order.fee_returned_minor + terms.fee_returned_minor,
        )
        assert order.fee_returned_minor <= fee
    assert order.fee_returned_minor == fee
