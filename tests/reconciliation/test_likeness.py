"""Likeness: what a charge of nobody is taken for, and that SQL reads the very same table."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof.shops import adapter_of, sell
from tests.psp.conformance.profiles import PROFILES
from tests.reconciliation.days import charge_of, sold, store
from tests.reconciliation.test_office import House

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.likeness import TABLE, Likeness, Tail, confidence_of, shared
from clearhouse.reconciliation.queue import Filters
from clearhouse.sandbox.server import running

DOCS = Path("docs/reference/reconciliation.md")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

# fmt: off
CASES = [
    # apart                ours    theirs   percent
    (timedelta(0),         "4242", "4242",  96),
    (120 * SECOND,         "4242", "4242",  96),
    (121 * SECOND,         "4242", "4242",  90),
    (-121 * SECOND,        "4242", "4242",  90),
    (HOUR + SECOND,        "4242", "4242",  80),
    (25 * HOUR,            "4242", "4242",  60),
    (72 * HOUR + SECOND,   "4242", "4242",   0),
    (timedelta(0),         "4242", "1881",   0),
    (timedelta(0),         "4242", "",      80),
    (timedelta(0),         "",     "4242",  80),
    (timedelta(0),         "",     "",      80),
    (HOUR,                 "",     "",      60),
    (24 * HOUR,            "",     "",      40),
    (72 * HOUR,            "",     "",      20),
]
# fmt: on


@pytest.mark.parametrize(("apart", "ours", "theirs", "percent"), CASES)
def test_the_table_says_what_a_likeness_is_worth(
    apart: timedelta, ours: str, theirs: str, percent: int
) -> None:
    assert confidence_of(apart, ours, theirs) == percent


@given(st.lists(st.integers(0, 100), max_size=12))
def test_what_is_shared_is_never_more_than_there_was(confidences: list[int]) -> None:
    worth = shared(confidences)
    assert all(0 <= one <= whole for one, whole in zip(worth, confidences, strict=True))
    if confidences and confidences.count(max(confidences)) == 1:
        assert max(worth) == max(confidences)


def test_the_documentation_has_the_same_table() -> None:
    told = [int(percent) for percent in re.findall(r"\| (\d+) %", DOCS.read_text("utf-8"))]
    by_tail = [[row.confidence for row in TABLE if row.tail is tail] for tail in Tail]
    assert told == [percent for row in zip(*by_tail, strict=True) for percent in row]


def test_it_is_told_in_words() -> None:
    like = Likeness("order-7", "FAILED", 96, 40 * SECOND, Tail.SAME)
    assert like.words == (
        "looks like order order-7, 96 %: same amount, same card, 40 seconds apart"
    )
    assert replace(like, apart=5 * HOUR, tail=Tail.UNKNOWN).words.endswith("amount, 5 hours apart")


async def test_a_charge_of_nobody_is_shown_beside_the_orders_that_miss_one(
    pool: Pool, owner: PlainConnection, tmp_path: Path
) -> None:
    """One is sure by its card, two share, one has another card, and one fits nothing."""
    house = House(pool, tmp_path)
    base = sold(9)
    price = [700, 800, 800, 900, 1000, 1100, 700, 700, 1200]
    orders = [
        replace(order, currency="USD", amount_minor=minor, at=base[0].at + number * SECOND)
        for number, (order, minor) in enumerate(zip(base, price, strict=True))
    ]
    orders[3] = replace(orders[3], status="FAILED")
    orders[4] = replace(orders[4], status="EXECUTING")
    # A sale that has its own line, or is of another time, misses nothing that is found here.
    paid, old = orders[6], replace(orders[7], at=orders[7].at - timedelta(days=6))
    orders[7] = old
    await store(owner, orders)
    await owner.executemany(
        "insert into payments.attempts (order_id, attempt, psp, idempotency_key, started_at,"
        " charged_at, card_tail) values ($1, 1, 'stripe', $2, $3, $3, $4)",
        [
            (one.order_id, one.payment_order_id, one.at, tail)
            for one, tail in ((orders[0], "4242"), (orders[5], "1881"))
        ],
    )
    strange = [
        charge_of(one, key=f"txn_strange{one.number}", intent=f"pi_strange{one.number}", hint="")
        for one in (*orders[:2], *orders[3:6], replace(orders[8], amount_minor=1201))
    ]
    await house.read([charge_of(paid), charge_of(orders[8]), *strange])
    for _ in range(2):
        await house.day()
    found = await house.queue.list(Filters(cause="unknown_charge"), 10)
    likes = await house.queue.looks_like(found)
    told = {
        one.reference: [
            (like.payment_order_id, like.confidence, like.tail.value)
            for like in likes.get(one.break_id, ())
        ]
        for one in found
    }
    names = {order.number: order.payment_order_id for order in orders}
    assert told == {
        "pi_strange1": [(names[1], 96, "same")],
        "pi_strange2": [(names[2], 40, "unknown"), (names[3], 40, "unknown")],
        "pi_strange4": [(names[4], 80, "unknown")],
        "pi_strange5": [(names[5], 80, "unknown")],
        "pi_strange6": [],
        "pi_strange9": [],
    }
    [first] = [one for one in found if one.reference == "pi_strange1"]
    detail = await house.queue.show(first.break_id)
    assert [like.payment_order_id for like in detail.likes] == [names[1]]


async def test_what_is_decided_looks_like_nothing_any_more(
    pool: Pool, owner: PlainConnection, tmp_path: Path
) -> None:
    house = House(pool, tmp_path)
    [order] = [replace(one, status="FAILED", amount_minor=500) for one in sold(1)]
    await store(owner, [order])
    await house.read([charge_of(order, intent="pi_strange", hint="")])
    await house.day()
    [found] = await house.queue.list(Filters(cause="unknown_charge"), 10)
    assert len((await house.queue.looks_like([found]))[found.break_id]) == 1
    await house.queue.decide(found.break_id, "accept", "ada", "it is theirs")
    await house.day()
    assert await house.queue.looks_like([found]) == {}


@pytest.mark.parametrize(
    ("psp", "tail"), [("stripe", "4242"), ("square", "1111"), ("braintree", "1881")]
)
async def test_the_last_digits_are_kept_where_the_psp_tells_them(
    pool: Pool, psp: str, tail: str
) -> None:
    with running() as box:
        async with adapter_of(psp, box.base_url) as adapter:
            await sell(pool, adapter, {"lamp": PROFILES[psp].good})
    assert await pool.fetchval("select card_tail from payments.order_marks") == tail
