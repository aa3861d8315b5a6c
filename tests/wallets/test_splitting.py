"""What refunds take from a wallet: the sale's own pending first, then available."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT
from tests.wallets.test_moving import assert_sound, move, movement, parts

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.wallets import store
from clearhouse.wallets.model import Movement


def takes(sale: UUID, minor: int, *, kind: str = "refund", source: UUID | None = None) -> Movement:
    return Movement(
        kind, source or IDS.new(), "re_1", "ann", "USD", MOMENT, sale_id=sale, take_minor=minor
    )


def undoes(taken: Movement) -> Movement:
    assert taken.sale_id is not None
    return Movement(
        f"{taken.kind}_reversal", taken.source_id, "re_1", "ann", "USD", MOMENT,
        sale_id=taken.sale_id, undoes=taken.kind,
    )  # fmt: skip


async def wallet(pool: Pool) -> tuple[int, int, int]:
    await assert_sound(pool)
    return (await parts(pool))["USD"]


# fmt: off
STEPS: list[tuple[list[int], tuple[int, int, int]]] = [
    # taken from a sale of 100, beside another of 50   pending available reserved
    ([40],                                             (110, 0, 0)),
    ([40, 60],                                         (50, 0, 0)),
    ([40, 70],                                         (50, -10, 0)),
    ([100, 30, 20],                                    (50, -50, 0)),
    ([0],                                              (150, 0, 0)),
]
# fmt: on


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(("taken", "left"), STEPS)
async def test_the_sales_own_pending_goes_first(
    pool: Pool, taken: list[int], left: tuple[int, int, int], apart: bool
) -> None:
    sale, other = movement(pending=100), movement(pending=50)
    batch = [sale, other, *(takes(sale.source_id, minor) for minor in taken)]
    if apart:
        for one in batch:
            await move(pool, [one])
    else:
        await move(pool, batch)
    assert await wallet(pool) == left


async def test_what_failed_gives_back_exactly_what_it_took(pool: Pool) -> None:
    sale = movement(pending=100)
    first, second = takes(sale.source_id, 80), takes(sale.source_id, 50)
    await move(pool, [sale, first])
    [moved] = await move(pool, [second])
    assert (moved.movement.pending_minor, moved.movement.available_minor) == (-20, -30)
    assert await wallet(pool) == (0, -30, 0)
    await move(pool, [undoes(second)])
    assert await wallet(pool) == (20, 0, 0)
    third = takes(sale.source_id, 20)
    await move(pool, [third, undoes(third), undoes(first)])
    assert await wallet(pool) == (100, 0, 0)


async def test_the_same_refund_takes_once(pool: Pool) -> None:
    sale = movement(pending=100)
    refund = takes(sale.source_id, 130)
    await move(pool, [sale, refund, refund])
    answers = await move(pool, [refund, undoes(refund), undoes(refund), sale])
    assert [answer.is_new for answer in answers] == [False, True, False, False]
    assert answers[0].movement.pending_minor == -100
    assert answers[0].movement.available_minor == -30
    assert await wallet(pool) == (100, 0, 0)
    [taken, given] = await store.movements_of(pool, refund.source_id)
    assert {taken.movement.kind, given.movement.kind} == {"refund", "refund_reversal"}


async def test_a_refund_that_comes_before_its_sale_takes_from_available(pool: Pool) -> None:
    sale = movement(pending=100)
    await move(pool, [takes(sale.source_id, 30), sale])
    assert await wallet(pool) == (100, -30, 0)


async def test_nothing_is_undone_that_was_never_done(pool: Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="never made"):
        await move(pool, [movement(), undoes(takes(IDS.new(), 5))])
    assert await parts(pool) == {}


async def test_available_may_be_owed_and_the_rest_may_not(
    pool: Pool, owner: PlainConnection
) -> None:
    await move(pool, [movement(pending=10, available=-5)])
    assert await wallet(pool) == (10, -5, 0)
    for column in ("pending_minor", "reserved_minor"):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"update wallets.wallets set {column} = -1")


STEP = st.tuples(st.integers(0, 2), st.integers(0, 150), st.booleans())


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=12), st.integers(1, 4))
async def test_any_sequence_in_any_batches_ends_alike(
    pool: Pool, steps: Sequence[tuple[int, int, bool]], size: int
) -> None:
    before = (await parts(pool)).get("USD", (0, 0, 0))
    sales = [movement(pending=100) for _ in range(3)]
    batch: list[Movement] = [*sales]
    owed = 300
    for which, minor, fails in steps:
        refund = takes(sales[which].source_id, minor)
        batch.append(refund)
        owed -= minor
        if fails:
            batch.append(undoes(refund))
            owed += minor
    for start in range(0, len(batch), size):
        await move(pool, batch[start : start + size])
    after = await wallet(pool)
    assert sum(after) - sum(before) == owed
    assert after[0] >= 0
