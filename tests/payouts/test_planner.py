"""Payouts by schedule: each seller once a period, whoever runs it and however often."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
from tests.ledger.books import IDS
from tests.payouts.house import POLICY, assert_sound, desk, earn, left, seller, told
from tests.wallets.days import Days

from clearhouse.messaging.events import PayoutCreated
from clearhouse.postgres.connection import Pool
from clearhouse.wallets.maturing.model import OwnTerms
from clearhouse.wallets.maturing.store import set_terms
from clearhouse.wallets.payouts.model import Payout, PayoutFilter, PayoutStatus
from clearhouse.wallets.payouts.planner import NO_DETAILS, PayoutPlanner, Planned
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule
from clearhouse.wallets.payouts.timetable import StoredSchedule, Timetable
from clearhouse.wallets.service import WalletService

DAILY = Schedule(Rhythm.DAILY)
TUESDAY = datetime(2027, 3, 2, 5, tzinfo=UTC)
"""An hour before runs are due."""


@dataclass
class Office:
    """A planner and a timetable at a time of their own."""

    pool: Pool
    clock: Days
    default: Schedule | None = None

    def planner(self) -> PayoutPlanner:
        wallets = WalletService(self.pool, IDS, self.clock)
        return PayoutPlanner(self.pool, self.clock, IDS, wallets, POLICY, default=self.default)

    async def schedule(
        self, name: str = "ann", schedule: Schedule = DAILY, *, is_paused: bool = False
    ) -> StoredSchedule:
        timetable = Timetable(self.pool, self.clock)
        return await timetable.put(name, "EUR", schedule, "key:office", is_paused=is_paused)

    async def run(self, **passed: float) -> Planned:
        """All that is due once so much time has passed."""
        self.clock.pass_days(timedelta(**passed) / timedelta(days=1))
        return await self.planner().step()

    async def payouts(self) -> list[Payout]:
        return list((await desk(self.pool).list_payouts(PayoutFilter(), None, 100)).payouts)


@pytest.fixture
def office(pool: Pool) -> Office:
    return Office(pool, Days(TUESDAY))


async def test_a_seller_is_paid_once_a_period(office: Office, pool: Pool) -> None:
    await seller(pool)
    stored = await office.schedule()
    assert (stored.next_due_at, stored.last_period) == (TUESDAY.replace(hour=6), "2027-03-01")
    assert await office.run() == Planned()
    planned = await office.run(hours=1)
    [made] = planned.payouts
    assert (made.amount.minor, made.period, made.created_by) == (5_000, "2027-03-02", "schedule")
    assert made.status is PayoutStatus.APPROVED
    assert await left(pool) == 0
    [event] = await told(pool, made.payout_id)
    assert isinstance(event, PayoutCreated)
    await earn(pool, "ann", 700)
    assert await office.run(hours=3) == Planned()
    assert [one.amount.minor for one in (await office.run(days=1)).payouts] == [700]
    assert (await office.run(days=1)).withheld == Counter(nothing=1)
    await assert_sound(pool)


async def test_ten_planners_at_once_pay_once(office: Office, pool: Pool) -> None:
    names = [await seller(pool, f"seller-{n}", 1_000) for n in range(30)]
    for name in names:
        await office.schedule(name)
    office.clock.pass_days(0.1)
    planned = await asyncio.gather(*(office.planner().step(7) for _ in range(10)))
    while sum(one.due for one in planned) < len(names):
        planned.append(await office.planner().step(7))
    assert sum(len(one.payouts) for one in planned) == len(names)
    paid = Counter(one.seller_account for one in await office.payouts())
    assert paid == Counter(names)
    assert await office.run() == Planned()
    await assert_sound(pool)


# fmt: off
WITHHELD = [
    # available  threshold  why nothing is paid
    (0,          None,      "nothing"),
    (-5,         None,      "debt"),
    (99,         None,      "below_minimum"),
    (4_999,      5_000,     "below_minimum"),
]
# fmt: on


@pytest.mark.parametrize(("available", "threshold", "why"), WITHHELD)
async def test_what_may_not_be_paid_carries_over(
    office: Office, pool: Pool, available: int, threshold: int | None, why: str
) -> None:
    await seller(pool, available=available)
    rhythm = Rhythm.DAILY if threshold is None else Rhythm.THRESHOLD
    await office.schedule(schedule=Schedule(rhythm, threshold_minor=threshold))
    assert (await office.run(hours=1)).withheld == Counter({why: 1})
    await earn(pool, "ann", 10_000)
    [made] = (await office.run(days=1)).payouts
    assert made.amount.minor == available + 10_000
    await assert_sound(pool)


async def test_who_has_no_bank_details_is_not_paid(office: Office, pool: Pool) -> None:
    await earn(pool, "ann", 5_000)
    await office.schedule()
    assert (await office.run(hours=1)).withheld == Counter({NO_DETAILS: 1})


async def test_above_the_limit_somebody_approves_what_the_schedule_made(
    office: Office, pool: Pool
) -> None:
    await seller(pool, available=60_000)
    await office.schedule()
    [made] = (await office.run(hours=1)).payouts
    assert (made.amount.minor, made.status) == (50_000, PayoutStatus.CREATED)
    assert (await desk(pool).approve(made.public_id, "key:treasurer")).status == "approved"


async def test_a_paused_schedule_pays_nothing_until_it_goes_on(office: Office, pool: Pool) -> None:
    await seller(pool)
    await office.schedule(is_paused=True)
    assert await office.run(days=3) == Planned()
    await office.schedule()
    assert await office.run() == Planned()
    assert len((await office.run(days=1)).payouts) == 1


async def test_a_new_schedule_makes_up_for_nothing(office: Office, pool: Pool) -> None:
    await seller(pool)
    stored = await office.schedule(schedule=Schedule(Rhythm.MONTHLY, day=1, at=time(9)))
    assert stored.next_due_at == datetime(2027, 4, 1, 9, tzinfo=UTC)
    assert await office.run(days=20) == Planned()
    assert [one.period for one in (await office.run(days=11)).payouts] == ["2027-04-01"]
    [kept] = await Timetable(pool, office.clock).of("ann")
    assert kept.last_period == "2027-04-01"


async def test_after_an_outage_one_payout_takes_all(office: Office, pool: Pool) -> None:
    await seller(pool)
    await office.schedule()
    [made] = (await office.run(days=9)).payouts
    assert made.period == "2027-03-10", "the period is that of the newest run that is due"
    assert await office.run() == Planned()


async def test_the_default_schedule_is_for_all_who_have_none(office: Office, pool: Pool) -> None:
    assert await office.planner().adopt() == 0
    for name in ("ann", "ben", "own"):
        await seller(pool, name)
    await office.schedule("own", Schedule(Rhythm.WEEKLY, weekday=4))
    office.default = DAILY
    assert await office.planner().adopt() == 2
    assert await office.planner().adopt() == 0
    assert await office.planner().next_due() == TUESDAY.replace(hour=6)
    planned = await office.run(hours=1)
    assert sorted(one.seller_account for one in planned.payouts) == ["ann", "ben"]


async def test_a_batch_takes_the_same_number_of_statements(office: Office, pool: Pool) -> None:
    counts: list[int] = []
    for size in (3, 40):
        for n in range(size):
            await office.schedule(await seller(pool, f"s{size}-{n}"))
        office.clock.pass_days(1)
        seen: list[str] = []
        async with pool.acquire() as connection, connection.transaction():
            with connection.query_logger(lambda record, seen=seen: seen.append(record.query)):
                planned = await office.planner().run(connection)
        assert len(planned.payouts) == size
        counts.append(len([query for query in seen if "/* " in query]))
    assert counts[0] == counts[1] > 5


async def test_what_always_stays_by_a_sellers_terms_is_not_paid(office: Office, pool: Pool) -> None:
    await seller(pool)
    await office.schedule()
    since = TUESDAY - timedelta(days=1)
    terms = OwnTerms(IDS.new(), "ann", "EUR", since, since, "eve", "a deposit", keep_minor=1_000)
    async with pool.acquire() as connection:
        await set_terms(connection, terms)
    [made] = (await office.run(hours=1)).payouts
    assert made.amount.minor == 4_000
    assert await left(pool) == 1_000
    assert (await office.run(days=1)).withheld == Counter(nothing=1)
    await assert_sound(pool)
