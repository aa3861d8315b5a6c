"""kill -9 of everything, at random, under load and with PSPs that fail: nothing is ever wrong.

A round sells, kills each kind of process at a random point of the selling, the PSPs among them,
while buyers are challenged, and the shop captures, voids and gives back, too much and all at once.
Once nothing is unknown any more, faults stop, weeks pass at the PSPs, and every order and refund
becomes final. Then `verify` finds nothing, here and at the PSPs; the sandbox's truth and the books
are one to one; and what was acknowledged is there, once.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import in_memory
from tests.chaos.customers import Customers
from tests.chaos.hands import Hands
from tests.chaos.house import FAULTS, MISCHIEF, POSTMASTER, House, servers_in
from tests.chaos.shop import Shop

from clearhouse.kernel.randomness import SeededRandomness

SEED = 20
WEEKS = 5
"""How long the PSPs are left to themselves: longer than any authorization stands."""
QUICK = (POSTMASTER, "database")
"""How PostgreSQL dies in each quick round: by itself, or by its keeper."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with in_memory.new_folder("clearhouse-chaos-") as path:
        yield path


def plan(seed: int, baskets: int, victims: tuple[str, ...]) -> list[tuple[int, str]]:
    """After how many answers who is killed: a random order, at random points."""
    randomness = SeededRandomness(seed)
    drawn = sorted((randomness.uniform(0, 1), victim) for victim in victims)
    points = sorted(int(randomness.uniform(1, baskets)) for _ in victims)
    return [(point, victim) for point, (_, victim) in zip(points, drawn, strict=True)]


async def one_round(house: House, name: str, seed: int, baskets: int, *victims: str) -> str:
    """Sell, kill and prove; returns the round's figures in one line."""
    customers, shop = house.customers(name, seed), house.shop(seed)
    kills: asyncio.Queue[str] = asyncio.Queue()
    waiting = plan(seed, baskets, victims)

    def answered(count: int) -> None:
        shop.sold(customers.newest().orders)
        while waiting and waiting[0][0] <= count:
            kills.put_nowait(waiting.pop(0)[1])

    async def kill() -> None:
        for _ in victims:
            await house.kill(await kills.get())

    hands = house.hands(seed)
    await hands.wild(FAULTS, MISCHIEF)
    deciding = asyncio.create_task(hands.work())
    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        group.create_task(customers.buy(baskets, answered))
    deciding.cancel()
    await asyncio.gather(deciding, return_exceptions=True)
    await everything_becomes_final(house, shop, hands)

    assert (customers.refused, shop.odd) == ([], [])
    assert len(customers.answers) == baskets
    await everything_acknowledged_is_there_once(house, customers)
    assert sorted(await house.refunds(name)) == sorted(shop.granted.values())
    assert all(len(accepted) <= 1 for accepted in shop.ended.values()), shop.ended
    for first, now, replayed in await customers.ask_again(10):
        assert (now, replayed) == (first, True)
    succeeded = await the_books_hold(house)
    assert house.orphans() == []
    return (
        f"{name}: {' '.join(victims)} killed; {baskets} checkouts, {customers.hung_up} hung up,"
        f" {customers.repeats} repeats; {succeeded} charges in all, each booked once;"
        f" {len(shop.ended)} holds, {len(shop.granted)} refunds, {len(shop.refused)} refused;"
        f" {hands.pressed}"
    )


async def everything_becomes_final(house: House, shop: Shop, hands: Hands) -> None:
    """All that waits for somebody is decided, faults stop, and then weeks pass at the PSPs.

    The one thing that is written to a person is read: which disputes are about money that was
    given back before. Any other letter makes the books not hold.

    The weeks do not pass before, since a PSP forgets a key after a day of its own time, and what
    is still unknown would be charged again.
    """

    async def decide() -> None:
        await hands.decide(all_of_it=True)

    await house.quiet(decide, resting=True)
    await shop.served()
    await house.quiet(decide, resting=True)
    await hands.calm()
    for _ in range(WEEKS):
        await hands.move_clock(days=7)
        await house.hurry()
        await house.quiet(decide, resting=True)
    await house.quiet(decide, resting=False)
    await house.read_letters()


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
    assert await house.differences() == []
    async with house.books() as books:
        progress = await books.progress()
    assert progress.open == 0
    assert progress.of("SUCCESS") > 0
    return progress.of("SUCCESS")


async def round_in(directory: Path, data: Path, seed: int, baskets: int, *victims: str) -> None:
    """One round in a house of its own, since in its PSPs weeks have passed when it ends."""
    in_memory.begin_with(data, directory)
    async with House.open(directory, seed) as house:
        print(await one_round(house, directory.name, seed, baskets, *victims), flush=True)
        assert sum(house.kills.values()) == len(victims)
        for victim, kills in house.kills.items():
            if victim != POSTMASTER:
                assert house.group.restarts_of(victim) >= kills
    assert servers_in(directory) == []


@pytest.mark.whole_group
@pytest.mark.timeout(900)
async def test_two_rounds(directory: Path, migrated_data: Path) -> None:
    for number, postgres in enumerate(QUICK):
        victims = ("api", "executor", "books", "sandbox", postgres)
        await round_in(directory / f"quick-{number}", migrated_data, SEED + number, 60, *victims)


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_twenty_rounds(directory: Path, migrated_data: Path) -> None:
    randomness = SeededRandomness(SEED)
    for number in range(20):
        postgres = QUICK[randomness.uniform(0, 1) < 0.5]
        more = sorted(("api", "executor", "books"), key=lambda _: randomness.uniform(0, 1))
        victims = ("api", "executor", "books", "sandbox", postgres, more[0])
        await round_in(directory / f"r{number:02d}", migrated_data, 1000 + number, 250, *victims)
