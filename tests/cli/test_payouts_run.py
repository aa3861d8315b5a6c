"""``clearhouse payouts run`` as people run it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.ledger.books import CLOCK
from tests.payouts.house import desk, seller

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.wallets.payouts.model import PayoutFilter
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule
from clearhouse.wallets.payouts.timetable import Timetable


@pytest.fixture
def settings(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        "CLEARHOUSE_DATABASE_URL": database,
        "CLEARHOUSE_DATA_DIRECTORY": str(tmp_path / "data"),
        "CLEARHOUSE_PAYOUTS_APPROVAL_ABOVE": "EUR=100.00",
    }


async def test_who_is_due_is_paid_once_and_the_rest_explained(
    pool: Pool, owner: PlainConnection, settings: dict[str, str]
) -> None:
    assert run("payouts", "run", settings=settings).stdout == "Nothing is due.\n"
    for name, available in (("ann", 5_000), ("ben", 20_000), ("cay", 0)):
        await seller(pool, name, available)
        await Timetable(pool, CLOCK).put(name, "EUR", Schedule(Rhythm.THRESHOLD, threshold_minor=1),
            "key:office")  # fmt: skip
    # As if each had been set long ago.
    await owner.execute("set session_replication_role = replica")
    await owner.execute(
        "update wallets.payout_schedules set last_period = null, next_due_at = $1",
        CLOCK.now() - timedelta(days=1),
    )
    told = run("payouts", "run", settings=settings)
    assert (told.returncode, told.stderr) == (0, "")
    [_, euros, why] = [line.split() for line in told.stdout.splitlines()]
    assert euros == ["EUR", "2", "250.00", "1"]
    assert " ".join(why) == "1 not paid: nothing is available."
    again = json.loads(run("payouts", "run", "--json", settings=settings).stdout)
    assert again == {"due": 0, "payouts": [], "withheld": {}}
    made = (await desk(pool).list_payouts(PayoutFilter(), None, 10)).payouts
    assert sorted(one.seller_account for one in made) == ["ann", "ben"]


async def test_the_default_schedule_is_a_setting(settings: dict[str, str]) -> None:
    for name, value, words in (
        ("CLEARHOUSE_PAYOUTS_SCHEDULE", "yearly", "none, daily, weekly, monthly"),
        ("CLEARHOUSE_PAYOUTS_TIME_ZONE", "Mars", "a time zone such as Europe/Berlin"),
    ):
        told = run("payouts", "run", settings=settings | {name: value})
        assert told.returncode == 2
        assert words in told.stderr
