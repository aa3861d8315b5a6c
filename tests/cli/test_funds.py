"""``clearhouse funds`` as people run it, after sales, refunds, strays and disputes."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.disputes.rooms import learn, told
from tests.operations.desk import FEE, SOLD, Desk, RefundingPsp, sold
from tests.proof.flow import consume
from tests.proof.test_money_back import found_stray

from clearhouse.postgres.connection import PlainConnection, Pool


@pytest.fixture
def settings(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        "CLEARHOUSE_DATABASE_URL": database,
        "CLEARHOUSE_DATA_DIRECTORY": str(tmp_path / "data"),
    }


def test_nothing_is_booked_yet(settings: dict[str, str]) -> None:
    told = run("funds", settings=settings)
    assert (told.returncode, told.stdout, told.stderr) == (0, "Nothing is booked yet.\n", "")


async def test_every_cent_is_accounted_for_and_one_that_is_lost_is_seen(
    pool: Pool, owner: PlainConnection, settings: dict[str, str]
) -> None:
    desk, order = Desk(pool), await sold(pool)
    await desk.refund(order, 400)
    await desk.settled(RefundingPsp())
    await found_stray(pool)
    await learn(pool, told("needs_response", amount=600), told("lost", 1, amount=600))
    await consume(pool)
    shown = run("funds", settings=settings)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Every cent of USD is accounted for." in shown.stdout
    [usd] = json.loads(run("funds", "--json", settings=settings).stdout)
    second = await pool.fetchval("select max(amount_minor) from payments.payment_orders")
    assert usd["agree"]
    assert usd["moved"] == {
        "total": usd["held"]["total"],
        "paid by buyers": SOLD + second + SOLD,
        "given back to buyers": -400,
        "taken by disputes": -600,
    }
    assert usd["owned"]["less what sellers owe"] == -FEE
    assert usd["owned"]["buyers, refunds under way"] == SOLD
    await owner.execute("set session_replication_role = replica")
    await owner.execute("update ledger.accounts set balance_minor = balance_minor - 1"
        " where code = 'platform_fee_revenue:USD'")  # fmt: skip
    bad = run("funds", "--currency", "usd", settings=settings)
    assert bad.returncode == 1
    assert "The sums are 0.01 USD apart" in bad.stdout
    assert run("funds", "--currency", "EUR", settings=settings).returncode == 0
