"""Rolling reserves: kept back of what matures, released in time or for a debt, and booked."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, kept, succeeded
from tests.wallets.days import DAY, Town, refund, violated

from clearhouse.ledger.service import LedgerService
from clearhouse.messaging.consumer import Consumer
from clearhouse.messaging.events import PaymentOrderSucceeded
from clearhouse.messaging.outbox import OutboxStream
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.proof.verify import CHECKS, verify
from clearhouse.wallets.maturing.model import Terms

TENTH = Terms(delay=7 * DAY, reserve_basis_points=1_000, reserve_days=30)


def sale(amount: int = 100, *, name: str = "order-1", seller: str = "ann") -> PaymentOrderSucceeded:
    return succeeded(name, seller=seller, amount=amount, fee=0)


async def book(town: Town) -> None:
    """What the wallets told reaches the ledger."""
    payments, wallets = (OutboxStream(town.pool, name) for name in ("payments", "wallets"))
    for one in LedgerService(town.ids, town.clock).subscriptions(payments, wallets):
        while await Consumer(town.pool, town.clock, one).step():
            pass


async def failing(database: str) -> set[str]:
    """Checks of wallets, ledger and both together that do not hold."""
    wanted = [
        check
        for check in CHECKS
        if check.name.startswith(("wallets.", "ledger.")) or "reserves" in check.name
    ]
    wanted += [check for check in CHECKS if check.name == "proof.wallets"]
    scans = await open_pool(database, size=1, name="verify", scans=True)
    try:
        verdict = await verify(scans, checks=wanted)
    finally:
        await scans.close()
    return {result.name for result in verdict.results if result.violations}


async def test_a_part_is_kept_back_and_released(pool: Pool, database: str) -> None:
    town = Town(pool, TENTH)
    await town.tell(sale(1_000), sale(50, name="order-2"))
    assert await town.mature(7) == 2
    assert await town.wallet() == (0, 945, 105)
    assert await town.maturing.next_due() == MOMENT + 37 * DAY
    await book(town)
    books = await kept(pool)
    assert (books["seller_payable:ann:USD"], books["seller_reserve:ann:USD"]) == (945, 105)
    assert await failing(database) == set()
    town.clock.pass_days(29.9)
    assert await town.maturing.release() == 0
    town.clock.pass_days(0.1)
    assert [await town.maturing.release(1) for _ in range(3)] == [1, 1, 0]
    assert await town.wallet() == (0, 1_050, 0)
    await book(town)
    books = await kept(pool)
    assert (books["seller_payable:ann:USD"], books["seller_reserve:ann:USD"]) == (1_050, 0)
    assert await failing(database) == set()
    assert await town.maturing.next_due() is None


async def test_what_is_on_its_way_to_the_ledger_is_no_violation(pool: Pool, database: str) -> None:
    town = Town(pool, TENTH)
    await town.tell(sale(1_000))
    await town.mature(7)
    assert await failing(database) == set()


async def test_reserves_are_released_once_however_many_work(pool: Pool) -> None:
    town = Town(pool, TENTH)
    sales = [sale(100, name=f"order-{n}", seller=f"seller-{n % 3}") for n in range(60)]
    await town.tell(*sales)
    assert await town.mature(7) == 60
    town.clock.pass_days(30)

    async def all_of_it() -> int:
        total = 0
        while count := await town.maturing.release(7):
            total += count
        return total

    assert sum(await asyncio.gather(*(all_of_it() for _ in range(4)))) == 60
    assert [await town.wallet(f"seller-{n}") for n in range(3)] == [(0, 2_000, 0)] * 3


async def test_a_debt_is_paid_from_the_oldest_reserves(pool: Pool, database: str) -> None:
    town = Town(pool, TENTH)
    first, second, third = (sale(1_000, name=f"order-{n}") for n in range(3))
    await town.tell(first)
    await town.mature(7)
    town.clock.pass_days(-6)
    await town.tell(second)
    await town.tell(third)
    await town.mature(6)
    assert await town.wallet() == (0, 2_700, 300)
    # The seller was paid out in between, and owes what goes back now.
    await town.tell(refund(first, 1_000), refund(second, 1_000), refund(third, 750))
    assert await town.wallet() == (0, 50, 200)
    await town.tell(refund(third, 240))
    assert await town.wallet() == (0, 10, 0)
    await town.tell(refund(third, 10))
    assert await town.wallet() == (0, 0, 0)
    await book(town)
    assert await failing(database) == set()
    town.clock.pass_days(60)
    assert await town.maturing.release() == 0


async def test_nothing_is_kept_back_of_a_debt(pool: Pool) -> None:
    town = Town(pool, TENTH)
    first, second = sale(500, name="order-1"), sale(100, name="order-2")
    await town.tell(first)
    await town.mature(7)
    await town.tell(refund(first, 500), second)
    assert await town.wallet() == (100, 0, 0)
    await town.mature(7)
    assert await town.wallet() == (0, 90, 10)


TAMPERED = [
    # what somebody does, and which checks find it
    ("update wallets.reserves set released_at = kept_at", "wallets.reserves"),
    ("update wallets.reserves set amount_minor = amount_minor + 1", "wallets.reserves"),
    ("delete from wallets.reserves", "wallets.reserves"),
    ("delete from ledger.journal_lines where kind = 'reserve'", "proof.reserves"),
    ("update ledger.journal_lines set amount_minor = 1 where kind = 'reserve'", "proof.wallets"),
]


@pytest.mark.parametrize(("deed", "check"), TAMPERED)
async def test_verify_finds_what_does_not_add_up(
    pool: Pool, owner: PlainConnection, database: str, deed: str, check: str
) -> None:
    town = Town(pool, TENTH)
    await town.tell(sale(1_000))
    await town.mature(7)
    await book(town)
    await owner.execute("alter table ledger.journal_lines disable trigger user")
    for part in await owner.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = 'ledger.journal_lines'::regclass"
    ):
        await owner.execute(f"alter table {part['name']} disable trigger user")
    await owner.execute(deed)
    assert check in await failing(database)


STEP = st.sampled_from(["sell", "refund", "mature", "release"])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=14), st.integers(0, 10_000))
async def test_wallet_and_ledger_agree_whatever_happens(
    pool: Pool, steps: Sequence[str], share: int
) -> None:
    town = Town(pool, Terms(delay=DAY, reserve_basis_points=share, reserve_days=2))
    seller = f"seller-{IDS.new()}"
    sales = [sale(997, seller=seller)]
    owed = 997
    await town.tell(sales[0])
    for number, step in enumerate(steps):
        match step:
            case "sell":
                sales.append(sale(331, name=f"order-{number}", seller=seller))
                await town.tell(sales[-1])
                owed += 331
            case "refund":
                await town.tell(refund(sales[number % len(sales)], 100 + number))
                owed -= 100 + number
            case "mature":
                await town.mature(1)
            case _:
                town.clock.pass_days(1)
                await town.maturing.release()
        pending, available, reserved = await town.wallet(seller)
        assert pending + available + reserved == owed
        assert available >= 0 or reserved == 0
    await book(town)
    books = await kept(pool)
    _, _, reserved = await town.wallet(seller)
    assert books[f"seller_payable:{seller}:USD"] == owed - reserved
    assert books.get(f"seller_reserve:{seller}:USD", 0) == reserved
    assert await violated(pool) == {}
