"""Posting a batch: running balances, duplicates, floors and mismatches, all in one call."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.ledger.books import (
    MOMENT,
    assert_sound,
    asset,
    entry,
    kept,
    liability,
    outcomes,
    post,
    succeeded,
)

from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.money import Money
from clearhouse.ledger import store
from clearhouse.ledger.chart import sale
from clearhouse.ledger.model import AccountType, JournalEntry, Line, Outcome
from clearhouse.postgres.connection import Pool

POSTED, DUPLICATE = Outcome.POSTED, Outcome.DUPLICATE
OVERDRAWN, MISMATCHED = Outcome.OVERDRAWN, Outcome.MISMATCHED


async def test_a_sale_is_booked_with_the_balances_after_each_line(pool: Pool) -> None:
    event = succeeded(amount=10_000, fee=300)
    (answer,) = await post(pool, [sale(event)])
    assert answer.outcome is POSTED
    postings = await store.entries_of(pool, event.aggregate_id)
    # fmt: off
    found = [(p.line, p.side, p.account, p.amount.minor, p.balance_after.minor) for p in postings]
    assert found == [
        (1, "debit",  "psp_receivable:stripe:USD",      10_000, 10_000),
        (1, "credit", "seller_payable:garden-shed:USD", 10_000, 10_000),
        (2, "debit",  "seller_payable:garden-shed:USD", 300,    9_700),
        (2, "credit", "platform_fee_revenue:USD",       300,    300),
    ]
    # fmt: on
    assert {p.entry_id for p in postings} == {answer.entry_id}
    assert await kept(pool) == {
        "psp_receivable:stripe:USD": 10_000,
        "seller_payable:garden-shed:USD": 9_700,
        "platform_fee_revenue:USD": 300,
    }
    await assert_sound(pool)


async def test_a_batch_of_nothing_is_nothing(pool: Pool) -> None:
    assert await post(pool, []) == []
    assert await kept(pool) == {}


async def test_an_account_may_occur_on_both_sides_and_many_times(pool: Pool) -> None:
    cash, ann, bob = asset("cash"), liability("ann"), liability("bob")
    answers = await post(
        pool,
        [
            entry(Line(cash, ann, 100)),
            entry(Line(ann, bob, 30), Line(bob, ann, 5), Line(ann, bob, 1)),
            entry(Line(ann, cash, 50)),
        ],
    )
    assert outcomes(answers) == [POSTED] * 3
    seen = [p for answer in answers for p in await store.entries_of(pool, answer.entry.source_id)]
    assert [p.balance_after.minor for p in seen if p.account == "ann"] == [100, 70, 75, 74, 24]
    assert [p.balance_after.minor for p in seen if p.account == "bob"] == [30, 25, 26]
    assert [p.balance_after.minor for p in seen if p.account == "cash"] == [100, 50]
    assert await kept(pool) == {"ann": 24, "bob": 26, "cash": 50}
    await assert_sound(pool)


async def test_running_balances_go_on_from_batch_to_batch(pool: Pool) -> None:
    cash, ann = asset("cash"), liability("ann")
    for amount in (10, 20, 30):
        await post(pool, [entry(Line(cash, ann, amount)), entry(Line(cash, ann, 1))])
    (found,) = await store.balances(pool, ["ann"])
    assert (found.balance, found.posting_count) == (Money(63, "USD"), 6)
    assert (found.type, found.owner) == (AccountType.LIABILITY, "")
    await assert_sound(pool)


async def test_the_same_source_and_kind_is_booked_once(pool: Pool) -> None:
    first, second, third = (sale(succeeded(f"order-{n}", fee=0, amount=100)) for n in range(3))
    (original,) = await post(pool, [first])
    answers = await post(pool, [second, first, second, third])
    assert outcomes(answers) == [POSTED, DUPLICATE, DUPLICATE, POSTED]
    assert answers[1].entry_id == original.entry_id
    assert answers[2].entry_id == answers[0].entry_id
    assert (await kept(pool))["seller_payable:garden-shed:USD"] == 300
    again = await post(pool, [first, second, third])
    assert outcomes(again) == [DUPLICATE] * 3
    assert (await kept(pool))["seller_payable:garden-shed:USD"] == 300
    await assert_sound(pool)


async def test_one_source_may_have_entries_of_several_kinds(pool: Pool) -> None:
    booked = sale(succeeded(fee=0))
    line = booked.lines[0]
    back = replace(booked, kind="refund", lines=(Line(line.credit, line.debit, 400),))
    assert outcomes(await post(pool, [booked, back])) == [POSTED, POSTED]
    assert await kept(pool) == {
        "psp_receivable:stripe:USD": 9_600,
        "seller_payable:garden-shed:USD": 9_600,
    }


def spending(*amounts: int, floor: int = 0, name: str = "ann") -> list[JournalEntry]:
    """Positive amounts come into the account, negative ones leave it."""
    account, cash = liability(name, floor=floor), asset("cash")
    return [
        entry(Line(cash, account, amount) if amount > 0 else Line(account, cash, -amount))
        for amount in amounts
    ]


# fmt: off
FLOORS = [
    # floor, amounts, refused, balance
    (0,    [100, -100],                 set(),          0),
    (0,    [100, -101],                 {1},            100),
    (0,    [-1, 100],                   {0},            100),
    # Refused alone: its neighbours post, and find the money that it did not take.
    (0,    [100, -80, -30, -20],        {2},            0),
    (0,    [100, -200, -100, -1, 5],    {1, 3},         5),
    # Broken in between though the last balance is fine.
    (0,    [10, -20, 30],               {1},            40),
    (-50,  [-50, -1, 1, -1],            {1},            -50),
    (-50,  [-51],                       {0},            0),
    (0,    [-1] * 40 + [39] + [-1] * 40, {*range(40), 80},  0),
]
# fmt: on


async def test_an_entry_that_breaks_a_floor_is_refused_alone(pool: Pool) -> None:
    for case, (floor, amounts, refused, balance) in enumerate(FLOORS):
        name = f"account-{case}"
        answers = await post(pool, spending(*amounts, floor=floor, name=name))
        assert [n for n, found in enumerate(outcomes(answers)) if found is OVERDRAWN] == sorted(
            refused
        ), (floor, amounts)
        assert all((answer.entry_id is None) == (n in refused) for n, answer in enumerate(answers))
        assert (await kept(pool))[name] == balance
    await assert_sound(pool)


async def test_the_floor_is_judged_after_the_whole_entry(pool: Pool) -> None:
    ann, cash = liability("ann", floor=0), asset("cash")
    answers = await post(pool, [entry(Line(ann, cash, 40), Line(cash, ann, 100))])
    assert outcomes(answers) == [POSTED]
    assert (await kept(pool))["ann"] == 60


async def test_a_floor_holds_from_batch_to_batch(pool: Pool) -> None:
    await post(pool, spending(100))
    answers = await post(pool, spending(-60, -60, -40))
    assert outcomes(answers) == [POSTED, OVERDRAWN, POSTED]
    assert outcomes(await post(pool, spending(-1))) == [OVERDRAWN]
    assert (await kept(pool))["ann"] == 0
    await assert_sound(pool)


async def test_what_was_refused_may_be_posted_once_there_is_money(pool: Pool) -> None:
    (late,) = spending(-60)
    assert outcomes(await post(pool, [late, late])) == [OVERDRAWN, OVERDRAWN]
    await post(pool, spending(100))
    assert outcomes(await post(pool, [late, late])) == [POSTED, DUPLICATE]
    assert (await kept(pool))["ann"] == 40


async def test_an_asset_has_a_floor_too(pool: Pool) -> None:
    bank, ann = asset("bank", floor=0), liability("ann")
    answers = await post(pool, [entry(Line(bank, ann, 5)), entry(Line(ann, bank, 6))])
    assert outcomes(answers) == [POSTED, OVERDRAWN]


async def test_an_account_keeps_its_type_and_an_entry_that_errs_is_refused_alone(
    pool: Pool,
) -> None:
    cash, ann = asset("cash"), liability("ann")
    await post(pool, [entry(Line(cash, ann, 10))])
    wrong = entry(Line(liability("cash"), liability("bob"), 7))
    answers = await post(pool, [wrong])
    assert outcomes(answers) == [MISMATCHED]
    assert answers[0].entry_id is None
    other_currency = entry(Line(asset("cash", currency="EUR"), liability("eva", currency="EUR"), 7))
    right = entry(Line(asset("till"), liability("bob"), 7))
    assert outcomes(await post(pool, [right, other_currency])) == [POSTED, MISMATCHED]
    balances = await kept(pool)
    assert balances == {"ann": 10, "bob": 7, "cash": 10, "eva": 0, "till": 7}
    await assert_sound(pool)


async def test_large_amounts_stay_exact_and_an_overflow_is_refused(pool: Pool) -> None:
    cash, ann = asset("cash"), liability("ann")
    await post(pool, [entry(Line(cash, ann, 2**62)), entry(Line(cash, ann, 2**62 - 1))])
    assert (await kept(pool))["ann"] == 2**63 - 1
    with pytest.raises(Exception, match="bigint out of range"):
        await post(pool, [entry(Line(cash, ann, 1))])
    assert (await kept(pool))["ann"] == 2**63 - 1


async def test_the_trial_balance_agrees_in_every_currency(pool: Pool) -> None:
    events = [
        succeeded(f"order-{n}", currency=currency, amount=1_000 + n, fee=n, psp=psp)
        for n, (currency, psp) in enumerate(
            (c, p) for c in ("USD", "JPY", "KWD") for p in ("stripe", "square")
        )
    ]
    await post(pool, [sale(event) for event in events])
    lines = await store.trial_balance(pool)
    assert {line.currency for line in lines} == {"USD", "JPY", "KWD"}
    for currency in ("USD", "JPY", "KWD"):
        found = [line for line in lines if line.currency == currency]
        assert sum(line.debit_minor for line in found) == sum(line.credit_minor for line in found)
        assert sum(line.debit_minor for line in found) > 2_000


async def test_balances_as_posted_and_as_happened(pool: Pool) -> None:
    minute = timedelta(minutes=1)
    cash, ann = asset("cash"), liability("ann")
    steps = [  # (happened, learnt, amount), in minutes
        (0, 1, 100),
        (4, 5, 10),
        (2, 6, 1),  # learnt late
        (8, 8, 1_000),
    ]
    for happened, learnt, amount in steps:
        line = Line(cash, ann, amount)
        await post(pool, [entry(line, at=MOMENT + happened * minute)], at=MOMENT + learnt * minute)
    # fmt: off
    expected = [  # minute, as posted, as happened
        (-1, 0,     0),
        (0,  0,     100),
        (1,  100,   100),
        (2,  100,   101),
        (4,  100,   111),
        (5,  110,   111),
        (6,  111,   111),
        (8,  1_111, 1_111),
        (99, 1_111, 1_111),
    ]
    # fmt: on
    for code in ("ann", "cash"):
        for at, posted, happened in expected:
            moment = MOMENT + at * minute
            assert await store.balance_as_of(pool, code, moment) == Money(posted, "USD")
            assert await store.balance_as_happened(pool, code, moment) == Money(happened, "USD")


async def test_the_time_of_posting_never_goes_back_on_an_account(pool: Pool) -> None:
    cash, ann = asset("cash"), liability("ann")
    late, early = MOMENT + timedelta(hours=2), MOMENT + timedelta(hours=1)
    await post(pool, [entry(Line(cash, ann, 1))], at=late)
    (answer,) = await post(pool, [entry(Line(cash, ann, 2))], at=early)
    postings = await store.entries_of(pool, answer.entry.source_id)
    assert {posting.posted_at for posting in postings} == {late}
    assert {posting.event_at for posting in postings} == {MOMENT}
    (ahead,) = await post(pool, [entry(Line(cash, ann, 4), at=late + timedelta(hours=1))], at=late)
    (posting, _) = await store.entries_of(pool, ahead.entry.source_id)
    assert posting.posted_at == posting.event_at
    await assert_sound(pool)


async def test_an_account_never_used_has_no_balance(pool: Pool) -> None:
    assert await store.balances(pool, ["nothing:USD"]) == []
    with pytest.raises(NotFound, match="no account nothing:USD"):
        await store.balance_as_of(pool, "nothing:USD", MOMENT)
    with pytest.raises(NotFound, match="no account nothing:USD"):
        await store.balance_as_happened(pool, "nothing:USD", MOMENT)
