"""Planted days: every difference is found with its cause, and none is invented."""

import random
from pathlib import Path

import pytest
from tests.reconciliation.days import report, sold, store
from tests.reconciliation.planting import plant
from tests.reconciliation.test_nights import Office

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.matching import Cause


@pytest.mark.parametrize("seed", [1, 2])
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
