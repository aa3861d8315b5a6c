"""`clearhouse simulate`: a marketplace's life in days, and that a missing cent would be found."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from tests.cli.command import run as run_command

from clearhouse.cli.simulate.checking import Findings, check
from clearhouse.cli.simulate.people import CURRENCIES, SELLERS
from clearhouse.cli.simulate.psp import RefundState, SimulatedPsp
from clearhouse.cli.simulate.rail import Fate
from clearhouse.cli.simulate.run import run
from clearhouse.cli.simulate.screen import where_it_went
from clearhouse.cli.simulate.tally import tally_of
from clearhouse.cli.simulate.time import DAY, Luck, MovedClock
from clearhouse.cli.simulate.town import Town, open_town
from clearhouse.cli.simulate.year import Year
from clearhouse.kernel.money import Money
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.psp.contract import ChargeRequest
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.operations import OperationKind, OperationRequest
from clearhouse.wallets.payouts.schedule import Rhythm

BEGINS = date(2026, 1, 1)
FEW_DAYS = 24
"""Enough for both bankruptcies, and for payouts that come back."""


@dataclass
class Lived:
    """A town after its days, and how to look at all of its books."""

    town: Town
    year: Year
    scans: Pool

    async def look(self) -> Findings:
        return await check(self.town, self.year, self.scans)


@asynccontextmanager
async def live(database: str, directory: Path, days: int) -> AsyncIterator[Lived]:
    scans = await open_pool(database, size=1, name="verify", scans=True)
    async with open_town(database, directory, seed=7, begins=BEGINS) as town:
        year = Year(town, BEGINS, days)
        await year.open()
        for number in range(days):
            await year.live(BEGINS + number * DAY)
        yield Lived(town, year, scans)
    scans.terminate()


async def test_a_short_life_of_a_marketplace_loses_no_cent(
    database: str, owner: PlainConnection, tmp_path: Path
) -> None:
    async with live(database, tmp_path, FEW_DAYS) as lived:
        found = await lived.look()
        assert found.faults == ()
        assert [one.currency for one in found.funds] == list(CURRENCIES)
        for funds in found.funds:
            paid, *parts = where_it_went(funds).values()
            assert paid == sum(parts) > 0
        assert [seller for seller, _ in lived.year.counts.written_off] == [
            one.name for one in SELLERS if one.fails_after
        ]
        stages = {one.stage for psp in lived.town.psps.values() for one in psp.disputes.values()}
        fates = {one.fate for rail in lived.town.rails.values() for one in rail.transfers.values()}
        assert DisputeStage.LOST in stages
        assert fates >= {Fate.PAID, Fate.RETURNED}
        assert lived.year.counts.refunds > 0
        await _plant(lived, owner)


async def _plant(lived: Lived, owner: PlainConnection) -> None:
    """Every cent that is missing anywhere is found, and nothing else is said of it."""
    town = lived.town
    charge = next(one for one in town.psps["stripe"].charges.values() if one.seller)
    refund = next(
        one
        for psp in town.psps.values()
        for one in psp.refunds.values()
        if one.state is RefundState.DONE
    )
    sepa = town.rails["sepa"]
    paid = next(one for one in sepa.transfers.values() if one.fate is Fate.PAID)
    one_more = replace(charge, amount=Money(charge.amount.minor + 1, charge.amount.currency))
    faults: list[tuple[Callable[[], object], Callable[[], object], str]] = [
        (
            lambda: town.psps["stripe"].charges.update({charge.order: one_more}),
            lambda: town.psps["stripe"].charges.update({charge.order: charge}),
            "paid by buyers",
        ),
        (
            lambda: setattr(refund, "state", RefundState.FAILED),
            lambda: setattr(refund, "state", RefundState.DONE),
            "given back",
        ),
        (
            lambda: sepa.transfers.update({"paid twice": replace(paid, key="paid twice")}),
            lambda: sepa.transfers.pop("paid twice"),
            "no payout of ours",
        ),
        (
            lambda: setattr(paid, "fate", Fate.RETURNED),
            lambda: setattr(paid, "fate", Fate.PAID),
            "as returned",
        ),
    ]
    for plant, mend, words in faults:
        plant()
        told = (await lived.look()).faults
        assert any(words in fault for fault in told), (words, told)
        mend()
    await owner.execute("set session_replication_role = replica")
    await owner.execute("update wallets.movements set available_minor = 1 where kind = 'write_off'")
    assert any("written off" in fault for fault in (await lived.look()).faults)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2026, 2027])
async def test_a_whole_year_loses_no_cent(database: str, tmp_path: Path, seed: int) -> None:
    outcome = await run(database, tmp_path, begins=BEGINS, days=365, seed=seed)
    assert outcome.faults == []
    assert len(outcome.months) == 12
    assert len(outcome.written_off) == 2
    last = outcome.months[-1]
    assert min(last.payments, last.refunds, last.disputes, last.payouts, last.came_back) > 50


def test_the_command_tells_it_to_machines() -> None:
    done = run_command("simulate", "--days", "1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["days"], told["faults"], len(told["months"])) == (1, [], 1)
    assert all(funds["agree"] for funds in told["funds"])
    for parts in told["where_it_went"].values():
        paid = parts.pop("Paid by buyers")
        assert paid == sum(parts.values())


def test_luck_is_the_same_in_whatever_order_it_is_asked() -> None:
    first, second = Luck(1), Luck(1)
    asked = [("a", 1), ("b", 2), ("a", 2)]
    forwards = [first.whole(0, 10**6, *of) for of in asked]
    assert forwards == [second.whole(0, 10**6, *of) for of in reversed(asked)][::-1]
    assert forwards != [Luck(2).whole(0, 10**6, *of) for of in asked]
    assert all(0 <= first.share(n) < 1 for n in range(100))
    assert {first.whole(2, 4, n) for n in range(100)} == {2, 3, 4}


async def test_the_clock_only_goes_on() -> None:
    clock = MovedClock(BEGINS)
    clock.move_to(BEGINS, 18)
    clock.move_to(BEGINS, 5)
    assert (clock.now().hour, clock.monotonic()) == (18, 18 * 3600)
    await clock.sleep(10**6)
    assert clock.now().hour == 18


def test_sellers_differ_in_all_that_is_decided_about_payouts() -> None:
    assert {one.schedule.rhythm for one in SELLERS if one.schedule} == set(Rhythm)
    assert any(one.schedule is None for one in SELLERS)
    assert {one.currency for one in SELLERS} == {"EUR", "JPY", "USD"}
    assert len([one for one in SELLERS if one.fails_after]) == 2
    assert len({one.schedule.time_zone for one in SELLERS if one.schedule}) > 5


async def test_a_charge_is_given_back_whole_or_in_part_and_disputed_for_the_rest() -> None:
    psp = SimulatedPsp("stripe", Luck(3), MovedClock(BEGINS))
    now = MovedClock(BEGINS).now()
    for number in range(200):
        await psp.charge(ChargeRequest(f"o-{number}", "k", Money(900, "EUR"), "card", "ann", now))
    order, charge = next(iter(psp.charges.items()))
    again = psp.charge_again(order)
    asked = OperationRequest(
        OperationKind.REFUND, "re_1", "k1", order, charge.reference, charge.amount,
        Money(300, "EUR"), now,
    )  # fmt: skip
    first = await psp.refund(asked)
    assert await psp.refund(asked) == first == await psp.find_refund(asked)
    assert (psp.left_of(charge), psp.left_of(again)) == (600, 900)
    assert psp.dispute(order).facts.amount == Money(600, "EUR")
    given_back = replace(asked, idempotency_key="k2", charge_reference=again.reference)
    await psp.refund(replace(given_back, amount=again.amount))
    tally = tally_of([psp], [], {"EUR": (250, 25)}, [], returns_fees=True)
    sold = len(psp.charges)
    assert tally.paid["EUR"] == 900 * (sold + 1)
    assert tally.refunded["EUR"] + tally.refunds_under_way["EUR"] == 1_200
    # A fee of 0.48, of which a third goes back with the refund of a third.
    assert tally.fees["EUR"] == 48 * sold - 16
    assert tally.owed["ann", "EUR"] == (900 - 48) * sold - (300 - 16)
    charge.is_reversed = True
    record = await psp.record(charge.reference)
    assert record is not None
    assert not record.is_charged
