"""The maturer: works while there is something due, and waits for the next."""

import asyncio

import pytest
from tests.ledger.books import MOMENT, succeeded
from tests.wallets.days import DAY, Days, Town

from clearhouse.postgres.connection import Pool
from clearhouse.workers.maturing import Maturer


class Patient(Days):
    """Notes how long somebody waits, and ends the third wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) == 3:
            raise asyncio.CancelledError


async def test_it_matures_what_is_due_and_waits_for_the_next(pool: Pool) -> None:
    town = Town(pool)
    maturer = Maturer(town.maturing, town.clock)
    assert await maturer.turn() == 1.0
    await town.tell(succeeded("order-1", seller="ann", amount=100, fee=0))
    late = succeeded("order-2", seller="ann", amount=50, fee=0, at=MOMENT + DAY / 86400 / 4)
    await town.tell(late)
    assert await maturer.turn() == 1.0
    town.clock.pass_days(7)
    assert await maturer.turn() == 0
    assert await town.wallet() == (50, 100, 0)
    assert await maturer.turn() == 0.25
    town.clock.pass_days(1)
    assert [await maturer.turn(), await maturer.turn()] == [0, 1.0]


async def test_trouble_with_the_database_is_waited_for(pool: Pool) -> None:
    town = Town(pool)
    clock = Patient()
    town.maturing.step = broken  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await Maturer(town.maturing, clock).run()
    assert clock.waits == [0.5, 0.5, 0.5]


async def broken(limit: int = 0) -> int:
    raise ConnectionResetError(limit)
