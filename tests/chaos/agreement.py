"""The PSPs' truth against the books, cent by cent: charges, refunds and what is left of both.

Pure, so that a table of tests can plant each kind of difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class BookedCharge(NamedTuple):
    """What the books say of one order; ``captured`` is 0 unless it succeeded."""

    psp: str
    payment_order_id: str
    captured: int
    currency: str


class BookedRefund(NamedTuple):
    """A refund that succeeded by the books; ``stray`` gives back a charge without an order."""

    psp: str
    psp_reference: str
    charge_reference: str
    amount: int
    currency: str
    stray: bool


class BookedDispute(NamedTuple):
    """A dispute by the books; ``money`` is ``none``, ``held``, ``returned`` or ``taken``."""

    psp: str
    psp_reference: str
    amount: int
    currency: str
    money: str


_MONEY = {"open": "held", "won": "returned", "lost": "taken"}


def disputed(disputes: Iterable[Mapping[str, Any]], booked: Iterable[BookedDispute]) -> list[str]:
    """The disputes that are not one to one; those that never took money are passed over."""
    found = {
        (row["psp"], row["psp_id"]): (row["amount_minor"], row["currency"], _MONEY[row["status"]])
        for row in disputes
        if row["status"] in _MONEY
    }
    expected = {
        (one.psp, one.psp_reference): (one.amount, one.currency, one.money)
        for one in booked
        if one.money != "none"
    }
    return [
        f"dispute {key}: the PSP has {found.get(key)}, the books {expected.get(key)}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def differences(
    charges: Iterable[Mapping[str, Any]],
    refunds: Iterable[Mapping[str, Any]],
    orders: Iterable[BookedCharge],
    booked: Iterable[BookedRefund],
) -> list[str]:
    """All that is not one to one, in words; empty when the books tell the truth.

    ``charges`` and ``refunds`` are rows of the sandbox's truth, amounts are minor units.
    """
    booked = list(booked)
    taken = {(row["psp"], row["psp_id"]): row for row in charges if row["status"] == "succeeded"}
    given = {(row["psp"], row["psp_id"]): row for row in refunds if row["status"] == "succeeded"}
    return [
        *_charges(taken, orders, {(one.psp, one.charge_reference) for one in booked if one.stray}),
        *_refunds(given, booked),
        *_ceilings(taken, given),
    ]


def _charges(
    taken: Mapping[tuple[str, str], Mapping[str, Any]],
    orders: Iterable[BookedCharge],
    strays: set[tuple[str, str]],
) -> list[str]:
    found: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for key, row in taken.items():
        if key not in strays:
            found[row["psp"], str(row["reference"])].append((row["amount_minor"], row["currency"]))
    expected = {
        (one.psp, one.payment_order_id): [(one.captured, one.currency)]
        for one in orders
        if one.captured
    }
    return [
        f"charges of {key}: the PSP has {found.get(key, [])}, the books {expected.get(key, [])}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def _refunds(
    given: Mapping[tuple[str, str], Mapping[str, Any]], booked: Iterable[BookedRefund]
) -> list[str]:
    found = {
        key: [(row["charge_id"], row["amount_minor"], row["currency"])]
        for key, row in given.items()
    }
    expected: dict[tuple[str, str], list[tuple[str, int, str]]] = defaultdict(list)
    for one in booked:
        fact = (one.charge_reference, one.amount, one.currency)
        expected[one.psp, one.psp_reference].append(fact)
    return [
        f"refund {key}: the PSP has {found.get(key, [])}, the books {expected.get(key, [])}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def _ceilings(
    taken: Mapping[tuple[str, str], Mapping[str, Any]],
    given: Mapping[tuple[str, str], Mapping[str, Any]],
) -> list[str]:
    """No buyer got more back than was taken."""
    back: dict[tuple[str, str], int] = defaultdict(int)
    for row in given.values():
        back[row["psp"], row["charge_id"]] += row["amount_minor"]
    return [
        f"charge {key}: {amount} given back of {taken[key]['amount_minor'] if key in taken else 0}"
        for key, amount in sorted(back.items())
        if key not in taken or amount > taken[key]["amount_minor"]
    ]
