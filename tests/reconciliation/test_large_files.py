"""Large files: a partition of their own where that can be, and read like any other where not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.reconciliation.days import DAY, Told, charge_of, report, sold, store
from tests.reconciliation.test_nights import Office, planted

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.settlements import LineBlock, SettlementLine, Trouble
from clearhouse.psp.stripe.reports import read_blocks
from clearhouse.reconciliation.model import FileState

PART = f"lines_{DAY:%Y%m%d}_stripe"
PARTS = "select relname from pg_class where relname like 'lines\\_%' and relkind = 'r' order by 1"


@pytest.fixture
def office(pool: Pool, tmp_path: Path) -> Office:
    return Office(pool, tmp_path / "vault", large=True)


async def tables(owner: PlainConnection) -> list[str]:
    return [row["relname"] for row in await owner.fetch(PARTS)]


async def test_a_large_day_is_a_partition_and_every_cause_is_found_in_it(
    office: Office, owner: PlainConnection
) -> None:
    orders, lines, causes = planted(sold(60))
    await store(owner, orders)
    read = await office.read(lines)
    assert (read.state, read.lines, read.new) == (FileState.READ, len(lines), len(lines))
    assert (read.first, read.last) == (DAY, DAY)
    night = await office.night()
    assert await office.breaks() == {name: cause.word for name, cause in causes.items()}
    assert night.new_breaks == len(causes)
    assert PART in await tables(owner)
    assert await owner.fetchval(f"select count(*) from reconciliation.{PART}") == len(lines)


async def test_nobody_reaches_a_partition_but_through_its_table(
    office: Office, owner: PlainConnection
) -> None:
    await office.read([charge_of(order) for order in sold(3)])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.pool.execute(f"update reconciliation.{PART} set verdict = 'matched'")
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(
            "insert into reconciliation.lines select * from reconciliation.lines limit 1"
        )


@pytest.mark.parametrize("large", [True, False])
async def test_a_later_file_of_the_day_adds_and_corrects(
    office: Office, owner: PlainConnection, large: bool
) -> None:
    orders = sold(6)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await office.read([replace(lines[0], gross=lines[0].gross + 100), *lines[1:5]])
    office.large = large
    read = await office.read(lines)
    assert (read.lines, read.new, read.changed) == (6, 1, 1)
    assert (await office.night()).open_breaks == ()
    assert len([name for name in await tables(owner) if name.startswith("lines_0")]) == 0


# fmt: off
UNFIT = [
    # what is in the file                            lines  new
    (lambda lines: [*lines, lines[0]],               4,     3),
    (lambda lines: [*lines[:2], replace(lines[2], at=lines[2].at + timedelta(days=1))], 3, 3),
    (lambda _: [],                                   0,     0),
]
# fmt: on


@pytest.mark.parametrize(("change", "count", "new"), UNFIT)
async def test_what_cannot_be_a_partition_is_read_like_any_other_file(
    office: Office,
    owner: PlainConnection,
    change: Callable[[list[Told]], list[Told]],
    count: int,
    new: int,
) -> None:
    orders = sold(3)
    await store(owner, orders)
    read = await office.read(change([charge_of(order) for order in orders]))
    assert (read.lines, read.new, read.changed) == (count, new, 0)
    assert await office.pool.fetchval("select count(*) from reconciliation.lines") == new
    names = await tables(owner)
    assert PART not in names
    assert not [name for name in names if len(name) > len(PART) + 8]


async def test_a_month_that_is_not_divided_takes_a_large_file_line_by_line(
    office: Office, owner: PlainConnection
) -> None:
    start = DAY.replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    await owner.execute(
        f"create table reconciliation.lines_{DAY:%Y%m} partition of reconciliation.lines"
        f" for values from ('{start}') to ('{end}')"
    )
    orders = sold(3)
    await store(owner, orders)
    read = await office.read([charge_of(order) for order in orders])
    assert (read.new, PART in await tables(owner)) == (3, False)
    assert (await office.night()).open_breaks == ()


async def test_a_reader_that_dies_leaves_nothing_and_the_next_one_reads_all(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(20)
    await store(owner, orders)
    day = report([charge_of(order) for order in orders])

    def dying(content: Iterable[bytes]) -> Iterator[LineBlock | SettlementLine | Trouble]:
        yield from read_blocks(content)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        await office.read_bytes(day, dying)
    assert await owner.fetchval("select count(*) from reconciliation.files") == 0
    assert all(len(name) < len("lines_") + 32 for name in await tables(owner))
    read = await office.read_bytes(day)
    assert (read.state, read.new) == (FileState.READ, 20)
    assert (await office.read_bytes(day)).state is FileState.KNOWN


async def test_another_psp_of_the_same_day_has_its_own(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(3)
    await store(owner, orders)
    lines = report([charge_of(order) for order in orders])
    for psp in ("stripe", "other"):
        await office.loaders[True].load(psp, "day.csv", [lines], read_blocks)
    assert {PART, f"lines_{DAY:%Y%m%d}_other"} <= set(await tables(owner))
    assert await owner.fetchval("select count(*) from reconciliation.lines") == 6
