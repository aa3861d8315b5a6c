"""Charges that no line of a large day names are remembered, and stay right whatever comes later."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.reconciliation.days import DAY, charge_of, sold, store
from tests.reconciliation.test_nights import Noon, Office

from clearhouse.postgres.connection import PlainConnection, Pool

REMEMBERED = "select count(*) from reconciliation.large_days"
UNNAMED = "select reference from reconciliation.unnamed_charges order by 1"


@pytest.fixture
def office(pool: Pool, tmp_path: Path) -> Office:
    return Office(pool, tmp_path / "vault", large=True)


async def unnamed(owner: PlainConnection) -> list[str]:
    return [row["reference"] for row in await owner.fetch(UNNAMED)]


async def test_a_charge_without_a_line_is_missing_every_night_until_a_line_names_it(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(20)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await office.read(lines[1:])
    assert await unnamed(owner) == [orders[0].reference]
    for _ in range(2):
        await office.night()
        assert await office.breaks() == {orders[0].reference: "missing_at_psp"}
    office.large = False
    await office.read([replace(lines[0], at=lines[0].at + timedelta(days=1))])
    await office.night()
    assert await office.breaks() == {}


@pytest.mark.parametrize("days", [-2, 3])
async def test_a_line_of_another_day_that_was_there_before_names_it(
    office: Office, owner: PlainConnection, days: int
) -> None:
    orders = sold(20)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    office.large = False
    await office.read([replace(lines[0], at=lines[0].at + timedelta(days=days))])
    office.large = True
    await office.read(lines[1:])
    assert await owner.fetchval(REMEMBERED) == 1
    await office.night()
    assert await office.breaks() == {}


async def test_a_corrected_line_leaves_its_charge_without_one(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(20)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await office.read(lines)
    office.large = False
    read = await office.read([replace(lines[3], intent="pi_other", hint="")])
    assert read.changed == 1
    assert await owner.fetchval(REMEMBERED) == 0
    await office.night()
    assert await office.breaks() == {
        lines[3].key: "unknown_charge",
        orders[3].reference: "missing_at_psp",
    }


@pytest.mark.parametrize(
    ("after", "kept"), [(timedelta(0), 0), (timedelta(hours=12), 0), (timedelta(hours=14), 1)]
)
async def test_a_day_is_remembered_once_nothing_of_it_is_on_its_way(
    office: Office, owner: PlainConnection, after: timedelta, kept: int
) -> None:
    """The clock stands at noon of the day, and later."""
    orders = sold(20)
    await store(owner, orders)
    office.clock.days = 0
    now = Noon.now(office.clock)
    office.clock.now = lambda: now + after  # type: ignore[method-assign]
    await office.read([charge_of(order) for order in orders])
    assert await owner.fetchval(REMEMBERED) == kept


async def test_a_charge_that_is_booked_after_an_early_report_is_found(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(20)
    await store(owner, orders[1:])
    office.clock.days = 0
    await office.read([charge_of(order) for order in orders[1:]])
    await store(owner, orders[:1])
    office.clock.days = 5
    await office.night()
    assert await office.breaks() == {orders[0].reference: "missing_at_psp"}


async def test_half_a_report_is_not_remembered(office: Office, owner: PlainConnection) -> None:
    orders = sold(20)
    await store(owner, orders)
    await office.read([charge_of(order) for order in orders[:10]])
    assert (await owner.fetchval(REMEMBERED), await unnamed(owner)) == (0, [])
    await office.night()
    assert set(await office.breaks()) == {order.reference for order in orders[10:]}


async def test_charges_of_a_week_ago_are_found_where_most_are_and_by_their_key(
    office: Office, owner: PlainConnection
) -> None:
    """What a PSP settles days later, with one that is older than all of them."""
    orders = sold(40)
    earlier = [replace(order, at=order.at - timedelta(days=6)) for order in orders[:39]]
    oldest = replace(orders[39], at=orders[39].at - timedelta(days=40))
    await store(owner, [*earlier, oldest])
    await office.read([charge_of(order) for order in orders])
    night = await office.night(books=False)
    assert night.open_breaks == ()
    assert [one.count for one in night.matched] == [
        sum(order.currency == code for order in orders) for code in ("EUR", "USD")
    ]
    assert await owner.fetchval("select count(*) from reconciliation.lines") == 40
    assert await owner.fetchval(f"select count(*) from reconciliation.lines_{DAY:%Y%m%d}_stripe")
