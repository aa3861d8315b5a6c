"""Disputes through all the books: any order ends alike, and nobody pays twice."""

import asyncio
import random
from dataclasses import replace

import pytest
from tests.disputes.rooms import learn, only, service, told
from tests.operations.desk import FEE, Desk, RefundingPsp, minor, sold
from tests.proof.flow import consume
from tests.proof.test_money_back import balances, findings

from clearhouse.kernel.errors import RefundExceedsCapture
from clearhouse.kernel.money import Money
from clearhouse.payments.disputes.model import BorneBy, DisputeMoney
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.disputes import DisputeStage
from clearhouse.wallets import store as wallets

NET = 1000 - FEE


async def wallet(pool: Pool) -> tuple[int, int, int]:
    [found] = await wallets.balances(pool, "seller-0")
    return found.pending_minor, found.available_minor, found.reserved_minor


async def letters(pool: Pool) -> list[str]:
    rows = await pool.fetch("select error from payments.dead_letters order by id")
    return [row["error"] for row in rows]


# fmt: off
ENDS = [
    # told in this order                     borne by  money      wallet                waits lost
    (["inquiry"],                            "seller", "none",     (NET, 0, 0),          0,    0),
    (["inquiry", "inquiry_closed"],          "seller", "none",     (NET, 0, 0),          0,    0),
    (["needs_response"],                     "seller", "held",     (0, NET - 1000, 1000), 1000, 0),
    (["needs_response"],                     "platform", "held",   (NET, 0, 0),          1000, 0),
    (["needs_response", "under_review", "won"], "seller", "returned", (NET, 0, 0),       0,    0),
    (["needs_response", "lost"],             "seller", "taken",    (0, NET - 1000, 0),   0,    0),
    (["needs_response", "lost"],             "platform", "taken",  (NET, 0, 0),          0, 1000),
    (["prevented"],                          "seller", "taken",    (0, NET - 1000, 0),   0,    0),
    (["needs_response", "lost", "won"],      "seller", "returned", (NET, 0, 0),          0,    0),
    (["lost", "won"],                        "platform", "returned", (NET, 0, 0),        0,    0),
    (["needs_response", "won", "needs_response", "lost"],
                                             "seller", "taken",    (0, NET - 1000, 0),   0,    0),
    (["won"],                                "seller", "none",     (NET, 0, 0),          0,    0),
]
# fmt: on


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("stages", "borne_by", "money", "parts", "waits", "lost"), ENDS)
async def test_a_dispute_goes_through_all_books(
    pool: Pool,
    database: str,
    stages: list[str],
    borne_by: str,
    money: str,
    parts: tuple[int, int, int],
    waits: int,
    lost: int,
    at_once: bool,
) -> None:
    order = await sold(pool)
    await consume(pool)
    facts = [told(stage, hour) for hour, stage in enumerate(stages)]
    for batch in [facts] if at_once else [[fact] for fact in facts]:
        assert await learn(pool, *batch, borne_by=BorneBy(borne_by)) == [True] * len(batch)
    await consume(pool)
    found = await only(pool)
    assert (found.stage, found.money) == (stages[-1], money)
    assert await wallet(pool) == parts
    now = await balances(pool)
    assert (now.get("disputes_receivable:stripe", 0), now.get("losses", 0)) == (waits, lost)
    assert await minor(pool, order, "disputed_minor") == 1000 * (money in {"held", "taken"})
    assert await findings(database) == {}
    assert await letters(pool) == []


@pytest.mark.parametrize("seed", range(4))
async def test_any_permutation_and_repetition_ends_alike(
    pool: Pool, database: str, seed: int
) -> None:
    chance = random.Random(seed)
    await sold(pool)
    stages = ["inquiry", "needs_response", "under_review", "lost", "under_review", "won"]
    facts = [told(stage, hour) for hour, stage in enumerate(stages)]
    shuffled = chance.sample([*facts, *facts], 2 * len(facts))
    while shuffled:
        size = chance.randint(1, 4)
        await learn(pool, *shuffled[:size])
        shuffled = shuffled[size:]
    await consume(pool)
    found = await only(pool)
    assert found.stage is DisputeStage.WON
    assert found.money in {DisputeMoney.RETURNED, DisputeMoney.NONE}
    assert await wallet(pool) == (NET, 0, 0)
    assert await findings(database) == {}


async def test_many_tell_of_the_same_at_once(pool: Pool, database: str) -> None:
    await sold(pool)
    facts = [told("needs_response", 0), told("lost", 1)]
    await asyncio.gather(*(learn(pool, fact) for fact in facts * 4))
    await consume(pool)
    assert (await only(pool)).money is DisputeMoney.TAKEN
    assert await findings(database) == {}


async def test_a_refund_and_a_chargeback_never_cost_the_seller_twice(
    pool: Pool, database: str
) -> None:
    desk, order = Desk(pool), await sold(pool)
    await desk.refund(order, 700)
    await desk.settled(RefundingPsp())
    await learn(pool, told("needs_response", 0))
    found = await only(pool)
    assert (found.counted_minor, found.seller_minor) == (300, 300)
    [letter] = await letters(pool)
    assert "7.00 USD was given back already" in letter
    assert "submit the refund as evidence" in letter
    with pytest.raises(RefundExceedsCapture, match="under dispute"):
        await desk.refund(order, 1)
    await learn(pool, told("lost", 1))
    await consume(pool)
    pending, available, reserved = await wallet(pool)
    assert (pending + available, reserved) == (NET - 1000, 0)
    assert (await balances(pool))["losses"] == 700
    wrong = await findings(database)
    assert list(wrong) == ["proof.letters"]


async def test_a_refund_and_a_dispute_that_race_keep_the_ceiling(pool: Pool, database: str) -> None:
    for n in range(4):
        order = await sold(pool, f"cart{n}")
        dispute = told("needs_response", 0, reference=f"du_{n}", charge=f"pi_{order}")
        await asyncio.gather(
            Desk(pool).refund(order, 600), learn(pool, dispute), return_exceptions=True
        )
        refunded = await minor(pool, order)
        disputed = await minor(pool, order, "disputed_minor")
        assert (refunded, disputed) in {(600, 400), (0, 1000)}
    await Desk(pool).settled(RefundingPsp())
    await consume(pool)
    assert set(await findings(database)) <= {"proof.letters"}


async def test_what_is_not_known_is_to_be_told_again(pool: Pool) -> None:
    await sold(pool)
    other = replace(told("lost", 0), psp="square")
    assert await learn(pool, told("lost", 0, charge="pi_nobody"), other) == [False, False]
    assert (await service(pool).list_disputes(None, None, 10)).disputes == []


async def test_a_dispute_in_another_currency_is_put_before_a_person(pool: Pool) -> None:
    await sold(pool)
    fact = told("lost", 0)
    strange = replace(fact, facts=replace(fact.facts, amount=Money(1000, "EUR")))
    assert await learn(pool, strange) == [True]
    assert await learn(pool, strange) == [True]
    assert len(await letters(pool)) == 1


_LINE = "update ledger.journal_lines set amount_minor = 1 where kind = 'dispute_opened.1'"
# fmt: off
FAULTS = [
    ("payments.disputes", "update payments.disputes set counted_minor = 999, seller_minor = 999"),
    ("payments.disputes", "update payments.disputes set version = version + 1"),
    ("proof.disputes",    "update payments.disputes set money = 'taken'"),
    ("proof.disputes",    "delete from ledger.journal_lines where kind = 'dispute_opened.1'"),
    ("proof.disputes",    _LINE),
]
# fmt: on


@pytest.mark.parametrize(("check", "fault"), FAULTS)
async def test_every_fault_planted_is_found(
    pool: Pool, owner: PlainConnection, database: str, check: str, fault: str
) -> None:
    await sold(pool)
    await learn(pool, told("needs_response", 0))
    await consume(pool)
    await owner.execute("set session_replication_role = replica")
    await owner.execute(fault)
    assert check in await findings(database)
