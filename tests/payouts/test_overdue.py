"""Payouts that wait too long: seen by a person once, on their way all the same, never guessed."""

import asyncio
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from tests.ledger.books import CLOCK, IDS
from tests.payouts.house import an_account, ask, desk, details_desk, left, seller, wanted
from tests.payouts.tills import Hands, Till
from tests.proof.flow import consume
from tests.proof.test_money_back import checked, findings

from clearhouse.access.audit_log import deeds_on
from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import Conflict, NotFound
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import Pool
from clearhouse.psp.rails import Corrected, PayoutNews
from clearhouse.upkeep.letters import DeadLetters
from clearhouse.wallets.holds.model import Hold, HoldKind
from clearhouse.wallets.holds.store import place
from clearhouse.wallets.payouts.model import PayoutFilter, PayoutStatus, SendingReason
from clearhouse.wallets.payouts.overdue import Bounds, OverdueWatch
from clearhouse.workers.overdue import OverduePayouts

P = PayoutStatus
BOUNDS = Bounds(doubt=timedelta(hours=6), answer=timedelta(days=10))
ADA = {"actor": "ada", "reason": "the bank was called"}


class Later(SystemClock):
    """The clock of a watcher who looks later."""

    def __init__(self, **later: float) -> None:
        self._later = timedelta(**later)

    def now(self) -> datetime:
        return super().now() + self._later


def watch(pool: Pool, **later: float) -> OverdueWatch:
    return OverdueWatch(pool, Later(**later), BOUNDS)


async def raised(pool: Pool, **later: float) -> list[str]:
    """Whose payouts are put before a person by one who looks then."""
    found = await watch(pool, **later).step()
    rows = await pool.fetch(
        "select seller_account from wallets.payouts where payout_id = any($1) order by 1",
        [one.payout_id for one in found],
    )
    return [row["seller_account"] for row in rows]


def letters_of(pool: Pool) -> DeadLetters:
    runtime = Runtime(pool, CLOCK, IDS, SystemRandomness())
    return DeadLetters(pool, CLOCK, IDS, [one.subscription for one in consumers(runtime, Role)])


async def in_every_place(pool: Pool) -> dict[str, str]:
    """Payouts by where they are: on the way, unknown, waiting for a rail, held, to be approved."""
    names: dict[str, str] = {}
    till = Till()
    for place_, fate in (("under way", "ok"), ("unknown", "lost before")):
        await seller(pool, place_, 5_000)
        names[place_] = (await ask(pool, wanted(place_))).public_id
        till.fates = [fate]
        await Hands(pool, till).rounds(1)
        await pool.execute(
            "update wallets.payout_batch_work set next_at = now() + interval '1 hour'"
        )
    for place_ in ("unsent", "held", "changed"):
        await seller(pool, place_, 5_000)
        names[place_] = (await ask(pool, wanted(place_))).public_id
    await seller(pool, "to approve", 50_000)
    names["to approve"] = (await ask(pool, wanted("to approve", 20_000))).public_id
    hold = Hold(
        IDS.new(), "held", None, HoldKind.PERSON, "", "odd", "ada", CLOCK.now() - timedelta(1)
    )
    async with pool.acquire() as connection:
        await place(connection, [hold])
    other = an_account("changed", "FR1420041010050500013M02606")
    await details_desk(pool).put("changed", "EUR", other, "key:office")
    return names


async def test_each_is_raised_once_when_its_time_is_over(pool: Pool) -> None:
    names = await in_every_place(pool)
    assert await raised(pool, hours=5.9) == []
    assert await raised(pool, hours=6.1) == ["unknown", "unsent"]
    assert await raised(pool, hours=7) == []
    # New details may be used after three days; from then on nobody sends it either.
    assert await raised(pool, days=3, hours=7) == ["changed"]
    assert await raised(pool, days=9.9) == []
    assert await raised(pool, days=10.1) == ["under way"]
    assert await raised(pool, days=300) == []
    rows = await pool.fetch("select consumer, payload, error from wallets.dead_letters order by id")
    assert {row["consumer"] for row in rows} == {"time_limit.payout"}
    told = {row["payload"]: row["error"] for row in rows}
    assert "may have been sent by sepa, and nobody knows," in told[names["unknown"]]
    assert "waits to be sent since" in told[names["unsent"]]
    assert "10.00 EUR is under way by sepa since" in told[names["under way"]]


async def test_time_decides_nothing(pool: Pool, database: str) -> None:
    names = await in_every_place(pool)
    before = [await desk(pool).payout(name) for name in names.values()]
    await raised(pool, days=300)
    assert [await desk(pool).payout(name) for name in names.values()] == before
    assert [await left(pool, place_) for place_ in ("under way", "unknown")] == [4_000, 4_000]
    await consume(pool)
    verdict = await checked(database)
    assert verdict.unfinished.payouts == 6
    assert list(await findings(database)) == ["proof.letters"]


async def test_many_watchers_raise_each_once(pool: Pool) -> None:
    await in_every_place(pool)
    answers = await asyncio.gather(*(raised(pool, days=300) for _ in range(4)))
    letters = await pool.fetchval("select count(*) from wallets.dead_letters")
    assert letters == 4
    assert {name for answer in answers for name in answer} == {
        "under way", "unknown", "unsent", "changed",
    }  # fmt: skip


async def test_the_worker_counts_what_is_stuck_until_it_has_arrived(pool: Pool) -> None:
    await seller(pool, "ann", 5_000)
    await ask(pool, wanted("ann"))
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    worker = OverduePayouts(watch(pool, days=11), Later(days=11))
    assert await worker.turn() == 60
    assert REGISTRY.get_sample_value("clearhouse_payouts_stuck", {"rail": "sepa"}) == 1
    page = await desk(pool).list_payouts(PayoutFilter(is_stuck=True), None, 10)
    assert [one.seller_account for one in page.payouts] == ["ann"]
    till.everything_arrives()
    await hands.rounds(2)
    await worker.turn()
    assert REGISTRY.get_sample_value("clearhouse_payouts_stuck", {"rail": "sepa"}) == 0
    assert (await desk(pool).list_payouts(PayoutFilter(is_stuck=True), None, 10)).payouts == ()


async def test_a_replay_has_the_rail_asked_at_once(pool: Pool) -> None:
    await seller(pool, "ann", 5_000)
    name = (await ask(pool, wanted("ann"))).public_id
    till = Till()
    till.fates = ["lost after"]
    await Hands(pool, till).rounds(1)
    await pool.execute("update wallets.payout_batch_work set next_at = now() + interval '1 hour'")
    await raised(pool, hours=7)
    letters = letters_of(pool)
    [letter] = await letters.list(resolved=False, limit=9)
    dry = await letters.replay(letter.name, **ADA, dry=True)
    assert "asked about the payout at once" in dry.effect
    await Hands(pool, till).rounds(2)
    assert (await desk(pool).payout(name)).reason is SendingReason.UNKNOWN_OUTCOME
    assert (await letters.replay(letter.name, **ADA, dry=False)).failure is None
    await Hands(pool, till).rounds(2)
    assert (await desk(pool).payout(name)).reason is SendingReason.UNDER_WAY
    assert await raised(pool, days=300) == []
    assert [deed.actor for deed in await deeds_on(pool, f"dead letter {letter.name}")] == ["ada"]


async def test_what_is_with_no_rail_cannot_be_asked_about(pool: Pool) -> None:
    names = await in_every_place(pool)
    await raised(pool, hours=7)
    letters = letters_of(pool)
    found = {one.payload: one.name for one in await letters.list(resolved=False, limit=9)}
    with pytest.raises(Conflict, match="no bank or PSP"):
        await letters.replay(found[names["unsent"]], **ADA, dry=False)
    gone = await letters.discard(found[names["unsent"]], **ADA)
    assert gone.payload == names["unsent"]


async def test_who_approves_and_cancels_stands_in_the_audit_log(pool: Pool) -> None:
    await seller(pool, "ann", 50_000)
    large = await ask(pool, wanted("ann", 20_000))
    for _ in range(2):
        await desk(pool).approve(large.public_id, "key:treasury")
    for _ in range(2):
        await desk(pool).cancel(large.public_id, "key:office", "")
    target = f"payout {large.public_id}: 200.00 EUR to ann"
    assert [(d.actor, d.action, d.reason) for d in await deeds_on(pool, target)] == [
        ("key:treasury", "payouts.approve", "approved"),
        ("key:office", "payouts.cancel", "no reason given"),
    ]


async def test_a_correction_is_read_by_who_says_why(pool: Pool) -> None:
    await seller(pool, "ann", 5_000)
    made = await ask(pool, wanted("ann"))
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    till.told.append(PayoutNews(made.payout_id.hex, Corrected("C01", "account 987654"), "file"))
    await hands.rounds(1)
    found = await details_desk(pool).correction(made.public_id, "ada", "calling the seller")
    assert (found.code, found.text, found.seller_account) == ("C01", "account 987654", "ann")
    assert "987654" not in repr(found)
    target = f"correction of {made.public_id}, of ann"
    assert [(d.actor, d.action, d.reason) for d in await deeds_on(pool, target)] == [
        ("ada", "payouts.correction", "calling the seller")
    ]
    for name in ("po_1", f"po_{IDS.new().hex}"):
        with pytest.raises(NotFound):
            await details_desk(pool).correction(name, "ada", "curious")
