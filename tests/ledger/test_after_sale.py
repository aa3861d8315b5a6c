"""What follows a sale, in money: each event as the lines it books."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, succeeded
from tests.ledger.test_chart import changes

from clearhouse.kernel.money import MAX_MINOR
from clearhouse.ledger.model import JournalEntry
from clearhouse.ledger.rules import entry_for
from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
    Event,
    PaymentOrderReversed,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    StrayChargeFound,
)

PSP = "psp_receivable:stripe:USD"
SELLER = "seller_payable:ann:USD"
TRANSIT = "refunds_in_transit:stripe:USD"
FEE = "platform_fee_revenue:USD"


def created(amount: int = 100, fee: int = 3, *, refund: UUID | None = None) -> RefundCreated:
    return RefundCreated(
        aggregate_id=refund or IDS.new(), version=1, occurred_at=MOMENT, refund_id="re_1",
        order_id=IDS.new(), payment_order_id="tea", seller_account="ann", amount_minor=amount,
        fee_returned_minor=fee, currency="USD", psp="stripe", reason="",
    )  # fmt: skip


def refunded(amount: int = 100) -> RefundSucceeded:
    return RefundSucceeded(
        aggregate_id=IDS.new(), version=2, occurred_at=MOMENT, refund_id="re_1",
        order_id=IDS.new(), payment_order_id="tea", seller_account="ann", amount_minor=amount,
        currency="USD", psp="stripe", psp_reference="rf_1",
    )  # fmt: skip


def failed(
    amount: int = 100, fee: int = 3, *, late: bool = False, seller: str = "ann"
) -> RefundFailed:
    return RefundFailed(
        aggregate_id=IDS.new(), version=2, occurred_at=MOMENT, refund_id="re_1",
        order_id=IDS.new(), payment_order_id="tea", seller_account=seller, amount_minor=amount,
        fee_returned_minor=fee, currency="USD", psp="stripe", reason="too_old", had_succeeded=late,
    )  # fmt: skip


def taken_back(amount: int = 100, fee: int = 3) -> PaymentOrderReversed:
    return PaymentOrderReversed(
        aggregate_id=IDS.new(), version=4, occurred_at=MOMENT, payment_order_id="tea",
        checkout_id="cart", seller_account="ann", amount_minor=amount, fee_minor=fee,
        currency="USD", psp="stripe", reason="settlement_declined",
    )  # fmt: skip


def stray(amount: int = 100) -> StrayChargeFound:
    return StrayChargeFound(
        aggregate_id=IDS.new(), version=1, occurred_at=MOMENT, refund_id="stray_1",
        order_id=IDS.new(), payment_order_id="tea", amount_minor=amount, currency="USD",
        psp="stripe", psp_reference="pi_2",
    )  # fmt: skip


# fmt: off
ENTRIES: list[tuple[Event, str, list[tuple[str, str, int]]]] = [
    (taken_back(),              "sale_reversal",   [(SELLER, PSP, 100), (FEE, SELLER, 3)]),
    (taken_back(fee=0),         "sale_reversal",   [(SELLER, PSP, 100)]),
    (created(),                 "refund",          [(SELLER, TRANSIT, 100), (FEE, SELLER, 3)]),
    (created(fee=0),            "refund",          [(SELLER, TRANSIT, 100)]),
    (created(fee=100),          "refund",          [(SELLER, TRANSIT, 100), (FEE, SELLER, 100)]),
    (refunded(),                "refund_settled",  [(TRANSIT, PSP, 100)]),
    (failed(),                  "refund_reversal", [(TRANSIT, SELLER, 100), (SELLER, FEE, 3)]),
    (failed(fee=0, late=True),  "refund_reversal", [(PSP, TRANSIT, 100), (TRANSIT, SELLER, 100)]),
    (failed(fee=0, late=True, seller=""), "refund_reversal", [(PSP, TRANSIT, 100)]),
    (stray(),                   "stray_charge",    [(PSP, TRANSIT, 100)]),
]
# fmt: on


@pytest.mark.parametrize(("event", "kind", "lines"), ENTRIES)
def test_what_is_booked(event: Event, kind: str, lines: list[tuple[str, str, int]]) -> None:
    entry = entry_for(event)
    assert entry is not None
    found = [(line.debit.code, line.credit.code, line.amount_minor) for line in entry.lines]
    assert (entry.kind, found) == (kind, lines)
    assert (entry.source_id, entry.event_at) == (event.aggregate_id, MOMENT)


def test_a_stray_charge_that_was_never_given_back_stays_owed() -> None:
    assert entry_for(failed(seller="")) is None


@pytest.mark.parametrize("event", [created(100, 101), created(100, -1), taken_back(100, 101)])
def test_what_makes_no_sense_is_not_booked(event: Event) -> None:
    with pytest.raises(ValueError, match="cannot be a part"):
        entry_for(event)


def together(*entries: JournalEntry | None) -> dict[str, int]:
    total: dict[str, int] = {}
    for entry in entries:
        for code, change in changes(entry).items() if entry else ():
            total[code] = total.get(code, 0) + change
    return {code: change for code, change in total.items() if change}


SALE = st.integers(1, MAX_MINOR).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(SALE, st.booleans())
def test_what_fails_leaves_nothing_behind(refund: tuple[int, int], late: bool) -> None:
    amount, fee = refund
    steps: list[Any] = [created(amount, fee)]
    if late:
        steps.append(refunded(amount))
    steps.append(failed(amount, fee, late=late))
    assert together(*map(entry_for, steps)) == {}


@given(SALE)
def test_a_sale_that_is_given_back_whole_or_taken_back_leaves_nothing(
    sale: tuple[int, int],
) -> None:
    amount, fee = sale
    sold = entry_for(succeeded(seller="ann", amount=amount, fee=fee))
    given_back = [entry_for(created(amount, fee)), entry_for(refunded(amount))]
    assert together(sold, *given_back) == {}
    assert together(sold, entry_for(taken_back(amount, fee))) == {}


def test_a_stray_charge_given_back_leaves_nothing() -> None:
    assert together(entry_for(stray()), entry_for(refunded())) == {}


# Disputes.

HELD = "disputes_receivable:stripe:USD"
RESERVE = "seller_reserve:ann:USD"
LOST = "losses:USD"


def opened(seller: int = 100, *, version: int = 1) -> DisputeOpened:
    return DisputeOpened(
        aggregate_id=IDS.new(), version=version, occurred_at=MOMENT, dispute_id="dp_1",
        order_id=IDS.new(), payment_order_id="tea", seller_account="ann", amount_minor=100,
        seller_minor=seller, currency="USD", psp="stripe", psp_reference="du_1", reason="fraud",
    )  # fmt: skip


def closed(
    seller: int = 100, *, won: bool, was_taken: bool = False, version: int = 2
) -> DisputeClosed:
    return DisputeClosed(
        aggregate_id=IDS.new(), version=version, occurred_at=MOMENT, dispute_id="dp_1",
        order_id=IDS.new(), payment_order_id="tea", seller_account="ann", amount_minor=100,
        seller_minor=seller, currency="USD", psp="stripe", stage="won" if won else "lost", won=won,
        was_taken=was_taken,
    )  # fmt: skip


# fmt: off
DISPUTED: list[tuple[Event, str, list[tuple[str, str, int]]]] = [
    (opened(),                 "dispute_opened.1", [(HELD, PSP, 100), (SELLER, RESERVE, 100)]),
    (opened(40, version=3),    "dispute_opened.3", [(HELD, PSP, 100), (SELLER, RESERVE, 40)]),
    (opened(0),                "dispute_opened.1", [(HELD, PSP, 100)]),
    (closed(won=True),         "dispute_won.2",    [(PSP, HELD, 100), (RESERVE, SELLER, 100)]),
    (closed(won=False),        "dispute_lost.2",   [(RESERVE, HELD, 100)]),
    (closed(40, won=False),    "dispute_lost.2",   [(RESERVE, HELD, 40), (LOST, HELD, 60)]),
    (closed(0, won=False),     "dispute_lost.2",   [(LOST, HELD, 100)]),
    (closed(40, won=True, was_taken=True, version=4),
                               "dispute_won.4",    [(PSP, SELLER, 40), (PSP, LOST, 60)]),
]
# fmt: on


@pytest.mark.parametrize(("event", "kind", "lines"), DISPUTED)
def test_what_a_dispute_books(event: Event, kind: str, lines: list[tuple[str, str, int]]) -> None:
    entry = entry_for(event)
    assert entry is not None
    found = [(line.debit.code, line.credit.code, line.amount_minor) for line in entry.lines]
    assert (entry.kind, found) == (kind, lines)


@given(st.integers(0, 100), st.booleans())
def test_a_dispute_that_is_won_leaves_nothing_behind(seller: int, lost_first: bool) -> None:
    steps: list[Event] = [opened(seller)]
    if lost_first:
        steps.append(closed(seller, won=False))
    steps.append(closed(seller, won=True, was_taken=lost_first, version=3))
    assert together(*map(entry_for, steps)) == {}
