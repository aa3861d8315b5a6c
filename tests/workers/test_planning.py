"""The planner's loop: it runs what is due, tells how much, and sleeps until more is."""

import pytest
from tests.payouts.house import left, seller
from tests.payouts.test_planner import DAILY, TUESDAY, Office
from tests.wallets.days import Days

from clearhouse.postgres.connection import Pool
from clearhouse.workers.metrics import PAYOUTS_WITHHELD
from clearhouse.workers.planning import Planner


@pytest.fixture
def office(pool: Pool) -> Office:
    return Office(pool, Days(TUESDAY))


async def test_it_pays_what_is_due_and_sleeps_until_the_next(office: Office, pool: Pool) -> None:
    worker = Planner(office.planner(), office.clock)
    assert await worker.turn() == 10.0
    await seller(pool)
    office.default = DAILY
    worker = Planner(office.planner(), office.clock)
    assert await worker.turn() == 10.0, "the seller was given the default schedule"
    office.clock.pass_days(3599 / 86_400)
    assert await worker.turn() == pytest.approx(1.0, abs=0.01)
    office.clock.pass_days(1 / 86_400)
    assert await worker.turn() == 0
    assert await left(pool) == 0
    before = PAYOUTS_WITHHELD.labels("nothing")._value.get()  # pyright: ignore[reportPrivateUsage]
    office.clock.pass_days(1)
    assert await worker.turn() == 0
    after = PAYOUTS_WITHHELD.labels("nothing")._value.get()  # pyright: ignore[reportPrivateUsage]
    assert after == before + 1
    assert await worker.turn() == 10.0
