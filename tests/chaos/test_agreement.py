"""The comparison that the chaos rounds trust, with every kind of difference planted."""

from typing import Any

import pytest
from tests.chaos.agreement import BookedCharge, BookedDispute, BookedRefund, differences, disputed


def charge(identifier: str, order: str, amount: int = 100, status: str = "succeeded") -> Any:
    return {
        "psp": "stripe", "psp_id": identifier, "reference": order, "amount_minor": amount,
        "currency": "USD", "status": status,
    }  # fmt: skip


def refund(identifier: str, of: str, amount: int, status: str = "succeeded") -> Any:
    return {
        "psp": "stripe", "psp_id": identifier, "charge_id": of, "amount_minor": amount,
        "currency": "USD", "status": status,
    }  # fmt: skip


def sold(order: str, captured: int = 100) -> BookedCharge:
    return BookedCharge("stripe", order, captured, "USD")


def back(identifier: str, of: str, amount: int, *, stray: bool = False) -> BookedRefund:
    return BookedRefund("stripe", identifier, of, amount, "USD", stray)


@pytest.mark.parametrize(
    ("charges", "refunds", "orders", "booked", "said"),
    [
        ([charge("a", "o")], [], [sold("o")], [], []),
        ([charge("a", "o", 60)], [], [sold("o", 60)], [], []),
        ([charge("a", "o", status="declined")], [], [sold("o", 0)], [], []),
        ([charge("a", "o")], [refund("r", "a", 40)], [sold("o")], [back("r", "a", 40)], []),
        ([charge("a", "o")], [refund("r", "a", 40, "failed")], [sold("o")], [], []),
        (
            [charge("a", "o"), charge("b", "o")], [refund("r", "b", 100)],
            [sold("o")], [back("r", "b", 100, stray=True)], [],
        ),
        ([charge("a", "o"), charge("b", "o")], [], [sold("o")], [], ["charges of"]),
        ([charge("a", "o")], [], [sold("o", 0)], [], ["charges of"]),
        ([], [], [sold("o")], [], ["charges of"]),
        ([charge("a", "o", 99)], [], [sold("o")], [], ["charges of"]),
        ([charge("a", "o")], [refund("r", "a", 40)], [sold("o")], [], ["refund"]),
        ([charge("a", "o")], [], [sold("o")], [back("r", "a", 40)], ["refund"]),
        (
            [charge("a", "o")], [refund("r", "a", 40)],
            [sold("o")], [back("r", "a", 41)], ["refund"],
        ),
        (
            [charge("a", "o")], [refund("r", "a", 40)],
            [sold("o")], [back("r", "a", 40)] * 2, ["refund"],
        ),
        (
            [charge("a", "o")], [refund("r", "a", 60), refund("s", "a", 60)],
            [sold("o")], [back("r", "a", 60), back("s", "a", 60)], ["charge"],
        ),
        ([], [refund("r", "a", 60)], [], [back("r", "a", 60)], ["charge"]),
    ],
)  # fmt: skip
def test_only_what_is_one_to_one_passes(
    charges: list[Any],
    refunds: list[Any],
    orders: list[BookedCharge],
    booked: list[BookedRefund],
    said: list[str],
) -> None:
    told = differences(charges, refunds, orders, booked)
    assert [line.split(" ")[0] for line in told] == [word.split(" ")[0] for word in said]


@pytest.mark.parametrize(
    ("status", "amount", "booked", "same"),
    [
        ("won", 100, [("dp", 100, "returned")], True),
        ("lost", 100, [("dp", 100, "taken")], True),
        ("open", 100, [("dp", 100, "held")], True),
        ("inquiry", 100, [("dp", 100, "none")], True),
        ("closed", 100, [], True),
        ("won", 100, [("dp", 100, "taken")], False),
        ("lost", 100, [], False),
        ("lost", 90, [("dp", 100, "taken")], False),
        ("closed", 100, [("dp", 100, "held")], False),
        ("lost", 100, [("other", 100, "taken")], False),
    ],
)
def test_disputes_end_alike(
    status: str, amount: int, booked: list[tuple[str, int, str]], same: bool
) -> None:
    fought = [{**refund("dp", "a", amount), "status": status}]
    books = [BookedDispute("stripe", one, minor, "USD", money) for one, minor, money in booked]
    assert (disputed(fought, books) == []) == same
