"""kill -9 of everything, at random, under load and with PSPs that fail: nothing is ever wrong.

A round sells, kills each kind of process at a random point of the selling, and waits until
every order is final. Then `verify` finds nothing, here and at the PSPs; the sandbox's truth
and the books are one to one; and what was acknowledged is there, once.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.customers import Customers
from tests.chaos.house import POSTMASTER, House, servers_in

from clearhouse.kernel.randomness import SeededRandomness

SEED = 20
QUICK = (POSTMASTER, "database")
"""How PostgreSQL dies in each quick round: by itself, or by its keeper."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="clearhouse-chaos-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path.resolve()


def plan(seed: int, baskets: int, victims: tuple[str, ...]) -> list[tuple[int, str]]:
    """After how many answers who is killed: a random order, at random points."""
    randomness = SeededRandomness(seed)
    drawn = sorted((randomness.uniform(0, 1), victim) for victim in victims)
    points = sorted(int(randomness.uniform(1, baskets)) for _ in victims)
    return [(point, victim) for point, (_, victim) in zip(points, drawn, strict=True)]


async def one_round(house: House, name: str, seed: int, baskets: int, *victims: str) -> str:
    """Sell, kill and prove; returns the round's figures in one line."""
    customers = house.customers(name, seed)
    kills: asyncio.Queue[str] = asyncio.Queue()
    waiting = plan(seed, baskets, victims)

    def answered(count: int) -> None:
        while waiting and waiting[0][0] <= count:
            kills.put_nowait(waiting.pop(0)[1])

    async def kill() -> None:
        for _ in victims:
            await house.kill(await kills.get())

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        group.create_task(customers.buy(baskets, answered))
    await house.settled()

    assert customers.refused == []
    assert len(customers.answers) == baskets
    await everything_acknowledged_is_there_once(house, customers)
    for first, now, replayed in await customers.ask_again(10):
        assert (now, replayed) == (first, True)
    succeeded = await the_books_hold(house)
    assert house.orphans() == []
    return (
        f"{name}: {' '.join(victims)} killed; {baskets} checkouts, {customers.hung_up} hung up,"
        f" {customers.repeats} repeats; {succeeded} charges in all, each booked once"
    )


async def everything_acknowledged_is_there_once(house: House, customers: Customers) -> None:
    checkouts, orders = await house.stored(customers.name)
    assert sorted(checkouts) == sorted(one.checkout_id for one in customers.purchases)
    assert sorted(orders) == sorted(name for one in customers.purchases for name in one.orders)


async def the_books_hold(house: House) -> int:
    """Nothing is wrong, here or at the PSPs; returns how many orders are charged and booked."""
    verdict = await house.verdict()
    assert verdict.holds, [one for one in verdict.results if one.violations]
    assert {reading.psp for reading in verdict.psps if reading.asked} == {
        "braintree",
        "square",
        "stripe",
    }
    assert verdict.unfinished.total == 0
    comparison = await house.comparison()
    assert comparison.same, comparison
    async with house.books() as books:
        progress = await books.progress()
    assert progress.open == 0
    assert len(comparison.agreed) == progress.of("SUCCESS") > 0
    return len(comparison.agreed)


@pytest.mark.timeout(900)
async def test_two_rounds(directory: Path) -> None:
    async with House.open(directory, SEED) as house:
        for number, postgres in enumerate(QUICK):
            victims = ("api", "executor", "books", postgres)
            await one_round(house, f"quick-{number}", SEED + number, 60, *victims)
        for victim, kills in house.kills.items():
            if victim != POSTMASTER:
                assert house.group.restarts_of(victim) >= kills
    assert servers_in(directory) == []


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_twenty_rounds(directory: Path) -> None:
    randomness = SeededRandomness(SEED)
    async with House.open(directory, SEED) as house:
        for number in range(20):
            postgres = QUICK[randomness.uniform(0, 1) < 0.5]
            more = sorted(("api", "executor", "books"), key=lambda _: randomness.uniform(0, 1))
            victims = ("api", "executor", "books", postgres, more[0])
            print(
                await one_round(house, f"r{number:02d}", 1000 + number, 250, *victims), flush=True
            )
        print(f"killed: {house.kills}")
        assert sum(house.kills.values()) == 100
    assert servers_in(directory) == []
