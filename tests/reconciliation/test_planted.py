"""Planted days: every difference is found with its cause, and none is invented."""

import os
import random
from itertools import groupby
from pathlib import Path

import pytest
from tests.psp.banks.test_statements import write
from tests.reconciliation.days import DAY, report, sold, store
from tests.reconciliation.mixture import LATE, TODAY, agreed, keep, pieces
from tests.reconciliation.planting import plant
from tests.reconciliation.test_nights import Noon, Office
from tests.reconciliation.test_office import House

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.matching import Cause

LINES = int(os.environ.get("LINES", "1000000"))
SIZES = [(1_200, 600, 400), pytest.param(LINES, 20_000, LINES // 100, marks=pytest.mark.soak)]


@pytest.mark.parametrize(("lines", "size", "faults"), SIZES)
@pytest.mark.timeout(0)
async def test_what_differs_in_lines_books_and_bank_is_found_and_nothing_else(
    pool: Pool, owner: PlainConnection, tmp_path: Path, lines: int, size: int, faults: int
) -> None:
    """Every cause there is, mixed and overlapping, in all three comparisons at once."""
    house = House(pool, tmp_path, Noon(TODAY))
    planted: dict[str, Cause] = {}
    for piece in pieces(lines, faults, size=size, seed=5):
        agreed(piece)
        await keep(owner, piece)
        await house.read(piece.lines)
        entries = sorted(piece.entries, key=lambda one: one.currency)
        for _, same in groupby(entries, lambda one: one.currency):
            await house.read_bytes(write("camt", list(same)), "xml")
        planted |= piece.causes
    assert set(planted.values()) == set(Cause)
    for _ in range(2):
        for day in (DAY, LATE.date()):
            await house.office.day("stripe", day)
        await house.bank()
        rows = await pool.fetch("select subject, cause from reconciliation.breaks")
        found = {row["subject"]: row["cause"] for row in rows}
        assert found == {subject: cause.word for subject, cause in planted.items()}


@pytest.mark.parametrize("seed", [1])
async def test_all_that_is_planted_is_found_and_nothing_else(
    pool: Pool, owner: PlainConnection, tmp_path: Path, seed: int
) -> None:
    """Precision and recall are both whole: the breaks are the planted ones, cause by cause."""
    chance = random.Random(seed)
    day = plant(sold(4_000, seed=seed), 600, seed=seed)
    await store(owner, day.orders)
    office = Office(pool, tmp_path / "vault")
    third = len(day.lines) // 3
    pieces = [day.lines[:third], day.lines[third:], chance.sample(day.lines, third)]
    chance.shuffle(pieces)
    for piece in pieces:
        await office.read_bytes(report(piece))
    night = await office.night()
    assert await office.breaks() == {name: cause.word for name, cause in day.causes.items()}
    assert night.new_breaks == len(day.causes)
    assert set(day.causes.values()) >= set(Cause) - {
        # What is no matter of a PSP's lines, or of time.
        *(Cause.NOT_SETTLED_YET, Cause.STATUS_DIFFERS, Cause.ORDER_WITHOUT_LEDGER),
        *(Cause.LEDGER_WITHOUT_ORDER, Cause.WALLET_DIFFERS, Cause.ATTEMPT_DIFFERS),
        *(Cause.BANK_SHORT, Cause.BANK_OVER, Cause.NOT_AT_BANK),
    }
    again = await office.night()
    assert (again.new_breaks, again.closed_breaks) == (0, 0)
