"""Nights: every planted difference is found with its cause, and none is invented."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from tests.reconciliation.days import DAY, NOON, PLAN, Sold, Told, charge_of, report, sold, store

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.settlements import BlockReader
from clearhouse.psp.stripe.reports import read_blocks
from clearhouse.reconciliation.large import LARGE_BYTES
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.matching import Cause, FeePlan
from clearhouse.reconciliation.model import FileRead, FileState, Night
from clearhouse.reconciliation.service import Nights
from clearhouse.reconciliation.vault import Vault


class Noon(SystemClock):
    """Some days after the day that is reconciled."""

    def __init__(self, days: int = 5) -> None:
        self.days = days

    def now(self) -> datetime:
        return NOON + timedelta(days=self.days)


class Office:
    """Reads files and reconciles the day."""

    def __init__(self, pool: Pool, folder: Path, *, large: bool = False) -> None:
        self.pool = pool
        self.clock = Noon()
        ids = Ids(self.clock, SeededRandomness(7))
        plans = {"stripe": {"USD": FeePlan(*PLAN), "EUR": FeePlan(*PLAN)}}
        self.loaders = {
            is_large: Loader(
                pool,
                self.clock,
                ids,
                Vault(folder),
                plans,
                large_bytes=0 if is_large else LARGE_BYTES,
            )
            for is_large in (False, True)
        }
        self.large = large
        self.nights = Nights(pool, self.clock, ids, plans, patience=3)

    async def read(self, lines: Sequence[Told]) -> FileRead:
        return await self.read_bytes(report(lines))

    async def read_bytes(self, content: bytes, reader: BlockReader = read_blocks) -> FileRead:
        loader = self.loaders[self.large]
        return await loader.load("stripe", "day.csv", [content], reader)

    async def night(self, *, books: bool = True) -> Night:
        return await self.nights.reconcile("stripe", DAY, books=books)

    async def breaks(self) -> dict[str, str]:
        rows = await self.pool.fetch(
            "select coalesce(line_key, reference) as name, cause from reconciliation.breaks"
            " where state = 'open'"
        )
        return {row["name"]: row["cause"] for row in rows}


@pytest.fixture
def office(pool: Pool, tmp_path: Path) -> Office:
    return Office(pool, tmp_path / "vault")


def planted(orders: Sequence[Sold]) -> tuple[list[Sold], list[Told], dict[str, Cause]]:
    """The day with one difference of each cause, at known places; what they are, by name."""
    lines = {order.number: charge_of(order) for order in orders}
    stored = {order.number: order for order in orders}
    causes: dict[str, Cause] = {}

    def change(number: int, cause: Cause, **changes: object) -> None:
        lines[number] = replace(lines[number], **changes)  # pyright: ignore[reportArgumentType]
        causes[lines[number].key] = cause

    def add(like: int, key: str, cause: Cause | None, **changes: object) -> None:
        extra = replace(lines[like], key=key, **changes)  # pyright: ignore[reportArgumentType]
        lines[len(lines) + 10_000] = extra
        if cause:
            causes[key] = cause

    first = orders[0].number
    del lines[first]
    causes[orders[0].reference] = Cause.MISSING_AT_PSP
    change(first + 1, Cause.UNKNOWN_CHARGE, intent="pi_strange", hint="")
    stored[first + 2] = replace(orders[2], status="EXECUTING")
    causes[lines[first + 2].key] = Cause.CHARGED_BUT_OPEN
    stored[first + 3] = replace(orders[3], status="FAILED")
    causes[lines[first + 3].key] = Cause.CHARGED_BUT_FAILED
    add(first + 4, "txn_second", Cause.DUPLICATE_CHARGE, intent="pi_second")
    add(first + 5, "txn_twice", Cause.SETTLED_TWICE, at=orders[5].at + timedelta(seconds=1))
    change(first + 6, Cause.AMOUNT_DIFFERS, gross=orders[6].amount_minor + 1)
    change(first + 7, Cause.CURRENCY_DIFFERS, currency="GBP")
    change(first + 8, Cause.FEE_DIFFERS, fee=lines[first + 8].fee + 2)
    gross = orders[9].amount_minor
    add(
        first + 9,
        "txn_declined",
        Cause.SETTLEMENT_DECLINED,
        category="charge_failure",
        gross=-gross,
        fee=0,
    )
    add(
        first + 10,
        "txn_refund",
        Cause.UNKNOWN_REFUND,
        category="refund",
        source="re_1",
        gross=-50,
        fee=0,
    )
    add(
        first + 11,
        "txn_stray",
        Cause.REFUND_WITHOUT_ORDER,
        category="refund",
        source="re_2",
        intent="pi_other",
        gross=-50,
        fee=0,
    )
    add(
        first + 12,
        "txn_dispute",
        Cause.UNKNOWN_DISPUTE,
        category="dispute",
        source="dp_1",
        gross=-50,
        fee=0,
    )
    add(
        first + 13,
        "txn_odd",
        Cause.UNEXPLAINED,
        category="contribution",
        source="cx_1",
        gross=-50,
        fee=0,
    )
    add(
        first + 14,
        "txn_back",
        Cause.PAYOUT_RETURNED,
        category="payout_reversal",
        source="po_1",
        gross=50,
        fee=0,
    )
    add(first + 15, "txn_payout", None, category="payout", source="po_2", gross=-50, fee=0)
    causes[orders[1].reference] = Cause.MISSING_AT_PSP
    return list(stored.values()), list(lines.values()), causes


async def test_a_day_that_agrees_has_no_breaks(office: Office, owner: PlainConnection) -> None:
    orders = sold(50)
    await store(owner, orders)
    read = await office.read([charge_of(order) for order in orders])
    assert (read.state, read.lines, read.new, read.first) == (FileState.READ, 50, 50, DAY)
    night = await office.night()
    assert sum(one.count for one in night.matched) == 50
    assert sum(one.value_minor for one in night.matched) == sum(o.amount_minor for o in orders)
    assert (night.new_breaks, night.open_breaks) == (0, ())


async def test_every_cause_is_found_and_none_is_invented(
    office: Office, owner: PlainConnection
) -> None:
    orders, lines, causes = planted(sold(60))
    await store(owner, orders)
    await office.read(lines)
    night = await office.night()
    assert await office.breaks() == {name: cause.word for name, cause in causes.items()}
    assert night.new_breaks == len(causes)


@pytest.mark.parametrize("seed", range(6))
async def test_shuffled_split_and_repeated_files_say_the_same(
    office: Office, owner: PlainConnection, seed: int
) -> None:
    chance = random.Random(seed)
    orders, lines, causes = planted(sold(60))
    await store(owner, orders)
    chance.shuffle(lines)
    cuts = sorted(chance.sample(range(len(lines)), 3))
    pieces = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    pieces += [chance.sample(lines, 20), pieces[0]]
    for piece in chance.sample(pieces, len(pieces)):
        await office.read(piece)
        if chance.random() < 0.4:
            await office.night()
    await office.night()
    again = await office.night()
    assert await office.breaks() == {name: cause.word for name, cause in causes.items()}
    assert (again.new_breaks, again.closed_breaks) == (0, 0)


async def test_the_same_file_twice_is_known(office: Office, owner: PlainConnection) -> None:
    orders = sold(5)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await office.read(lines)
    again = await office.read(lines)
    assert (again.state, again.lines, again.new) == (FileState.KNOWN, 5, 0)


async def test_a_half_written_file_counts_and_the_whole_one_adds_the_rest(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(5)
    await store(owner, orders)
    content = report([charge_of(order) for order in orders])
    half = await office.read_bytes(content[:-30])
    assert (half.state, half.lines, half.trouble_count) == (FileState.READ_IN_PART, 4, 1)
    whole = await office.read_bytes(content)
    assert (whole.state, whole.lines, whole.new) == (FileState.READ, 5, 1)
    assert (await office.night()).open_breaks == ()


async def test_what_is_no_report_is_rejected_and_kept(office: Office, pool: Pool) -> None:
    read = await office.read_bytes(b"never,heard\n")
    assert (read.state, read.lines) == (FileState.REJECTED, 0)
    assert await pool.fetchval("select problem from reconciliation.troubles") is not None


async def test_a_late_correction_closes_its_break_and_keeps_what_was_said(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(3)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    wrong = replace(lines[0], gross=lines[0].gross + 100)
    await office.read([wrong, *lines[1:]])
    assert (await office.night()).new_breaks == 1
    read = await office.read(lines)
    assert (read.new, read.changed) == (0, 1)
    night = await office.night()
    assert (night.closed_breaks, night.open_breaks) == (1, ())
    assert await owner.fetchval("select gross_minor from reconciliation.corrections") == wrong.gross
    deeds = await owner.fetch("select deed from reconciliation.break_history order by version")
    assert [row["deed"] for row in deeds] == ["opened", "settled"]


async def test_what_is_late_is_awaited_and_then_missing(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(2)
    await store(owner, orders)
    office.clock.days = 1
    await office.night()
    assert set((await office.breaks()).values()) == {Cause.NOT_SETTLED_YET.word}
    office.clock.days = 9
    await office.read([charge_of(orders[0])])
    night = await office.night()
    assert await office.breaks() == {orders[1].reference: Cause.MISSING_AT_PSP.word}
    assert night.closed_breaks == 1


async def test_a_charge_of_another_day_is_matched_by_its_reference(
    office: Office, owner: PlainConnection
) -> None:
    orders = sold(2)
    await store(owner, orders)
    late = [charge_of(order, at=order.at + timedelta(days=30)) for order in orders]
    read = await office.read(late)
    assert read.last is not None
    await office.nights.reconcile("stripe", date(2026, 12, 1), read.last)
    assert (
        await office.pool.fetchval(
            "select count(*) from reconciliation.lines where verdict = 'matched'"
        )
        == 2
    )
