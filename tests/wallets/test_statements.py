"""Statements: opening plus lines is closing, for any time and whatever moved."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, succeeded
from tests.wallets.days import DAY, Town, refund

from clearhouse.kernel.errors import Archived, NotFound
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.statements import service
from clearhouse.wallets.statements.model import Parts, Statement, StatementLine
from clearhouse.wallets.statements.service import latest_lines, statement

SECOND = timedelta(seconds=1)


async def lines_of(one: Statement) -> list[StatementLine]:
    return [line async for page in one.pages() for line in page]


async def a_fortnight(town: Town) -> None:
    """A sale on day 0, which matures on day 7; another on day 3, refunded in part on day 9."""
    first = succeeded("order-1", seller="ann", amount=1_000, fee=0)
    await town.tell(first)
    town.clock.pass_days(3)
    second = succeeded("order-2", seller="ann", amount=500, fee=0, at=town.clock.now())
    await town.tell(second, succeeded("order-3", seller="bob", amount=7, fee=0))
    await town.mature(4)
    town.clock.pass_days(2)
    await town.tell(refund(second, 200))


# fmt: off
PERIODS: list[tuple[float, float, Parts, list[str], Parts]] = [
    # days       opening            lines                             closing
    (-5,  0,     Parts(),           [],                               Parts()),
    (0,   1,     Parts(),           ["sale"],                         Parts(1_000)),
    (1,   3,     Parts(1_000),      [],                               Parts(1_000)),
    (1,   8,     Parts(1_000),      ["sale", "matured"],              Parts(500, 1_000)),
    (7,   9.5,   Parts(1_500),      ["matured", "refund"],            Parts(300, 1_000)),
    (0,   99,    Parts(),           ["sale", "sale", "matured", "refund"], Parts(300, 1_000)),
    (50,  99,    Parts(300, 1_000), [],                               Parts(300, 1_000)),
]
# fmt: on


@pytest.mark.parametrize(("begins", "ends", "opening", "kinds", "closing"), PERIODS)
async def test_what_is_on_a_statement(
    pool: Pool, begins: float, ends: float, opening: Parts, kinds: list[str], closing: Parts
) -> None:
    await a_fortnight(Town(pool))
    found = await statement(pool, "ann", "USD", MOMENT + begins * DAY, MOMENT + ends * DAY)
    assert (found.opening, found.closing, found.count) == (opening, closing, len(kinds))
    lines = await lines_of(found)
    assert [line.kind for line in lines] == kinds
    assert [line.after for line in lines[-1:]] == [closing][: len(lines)]


async def test_what_moves_meanwhile_is_not_on_it(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAGE", 2)
    town = Town(pool)
    await a_fortnight(town)
    found = await statement(pool, "ann", "USD", MOMENT, MOMENT + 99 * DAY)
    pages: list[Sequence[StatementLine]] = []
    async for page in found.pages():
        pages.append(page)
        await town.tell(succeeded(f"order-{IDS.new()}", seller="ann", amount=9, fee=0))
    assert [len(page) for page in pages] == [2, 2]
    assert found.count == 4
    assert pages[-1][-1].after == found.closing


async def test_the_last_movements_of_a_wallet(pool: Pool) -> None:
    await a_fortnight(Town(pool))
    assert [line.sequence for line in await latest_lines(pool, "ann", "USD", 3)] == [4, 3, 2]
    with pytest.raises(NotFound, match="JPY"):
        await latest_lines(pool, "ann", "JPY", 3)


async def test_a_wallet_that_is_not_there(pool: Pool) -> None:
    with pytest.raises(NotFound, match="'ann'"):
        await statement(pool, "ann", "USD", MOMENT, MOMENT + DAY)


async def test_what_was_archived_is_told(pool: Pool, owner: PlainConnection) -> None:
    await a_fortnight(Town(pool))
    await owner.execute("alter table wallets.movements disable trigger user")
    await owner.execute(
        "insert into wallets.archived_movements select wallet_id, 1, 1, 1000, 0, 0, 1000, 0, 0,"
        " $1, $1, uuidv7() from wallets.wallets where seller_account = 'ann'",
        MOMENT,
    )
    await owner.execute("delete from wallets.movements where sequence = 1 and pending_minor = 1000")
    with pytest.raises(Archived):
        await statement(pool, "ann", "USD", MOMENT, MOMENT + 99 * DAY)
    found = await statement(pool, "ann", "USD", MOMENT + SECOND, MOMENT + 99 * DAY)
    assert (found.opening, found.count) == (Parts(1_000), 3)
    assert sum((line.change for line in await lines_of(found)), found.opening) == found.closing


STEP = st.sampled_from(["sell", "refund", "mature", "release", "wait"])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(STEP, max_size=14),
    st.lists(st.integers(-2, 40), min_size=2, max_size=6, unique=True),
)
async def test_opening_plus_lines_is_closing_and_periods_meet(
    pool: Pool, steps: Sequence[str], days: list[int]
) -> None:
    town = Town(pool, Terms(delay=DAY, reserve_basis_points=700, reserve_days=3))
    seller = f"seller-{IDS.new()}"
    sales = [succeeded("order-0", seller=seller, amount=991, fee=7)]
    await town.tell(sales[0])
    for number, step in enumerate(steps):
        match step:
            case "sell":
                at = town.clock.now()
                sales.append(succeeded(f"o-{number}", seller=seller, amount=50, fee=3, at=at))
                await town.tell(sales[-1])
            case "refund":
                await town.tell(refund(sales[number % len(sales)], 40 + number))
            case "mature":
                await town.mature(1)
            case "release":
                await town.maturing.release()
            case _:
                town.clock.pass_days(1)
    ends = sorted(days)
    closing: Parts | None = None
    for begins, end in pairwise(ends):
        found = await statement(pool, seller, "USD", MOMENT + begins * DAY, MOMENT + end * DAY)
        lines = await lines_of(found)
        assert closing is None or closing == found.opening
        assert sum((line.change for line in lines), found.opening) == found.closing
        assert len(lines) == found.count
        numbers = [line.sequence for line in lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        closing = found.closing
