"""Holds as they are stored: one open hold for each subject, released once."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from tests.ledger.books import CLOCK, IDS, MOMENT

from clearhouse.postgres.connection import Connection, PlainConnection, Pool, in_transaction
from clearhouse.wallets.holds import store
from clearhouse.wallets.holds.model import Hold, HoldKind, Release

DAY = timedelta(days=1)
RELEASE = Release("eve", MOMENT + DAY, "all is well")


def hold(
    seller: str = "ann",
    *,
    kind: HoldKind = HoldKind.PERSON,
    subject: str = "",
    days: int | None = None,
    currency: str | None = None,
) -> Hold:
    return Hold(
        hold_id=IDS.new(),
        seller_account=seller,
        currency=currency,
        kind=kind,
        subject=subject,
        reason="goods that never came",
        placed_by="eve",
        since=MOMENT,
        until=None if days is None else MOMENT + days * DAY,
    )


async def place(pool: Pool, *holds: Hold) -> list[bool]:
    async def work(connection: Connection) -> list[bool]:
        placed = await store.place(connection, holds)
        return [one.hold_id in placed for one in holds]

    return await in_transaction(pool, CLOCK, work)


async def release(pool: Pool, one: Hold, how: Release = RELEASE) -> Hold | None:
    return await in_transaction(
        pool, CLOCK, lambda connection: store.release(connection, one.hold_id, how)
    )


async def stopped(pool: Pool, days: int = 0) -> list[str]:
    found = await store.stopping(pool, ["ann", "bob"], MOMENT + days * DAY)
    return [one.seller_account for one in found]


async def test_a_hold_stops_until_it_is_released(pool: Pool) -> None:
    one = hold()
    assert await place(pool, one) == [True]
    assert await store.hold(pool, one.hold_id) == one
    assert await stopped(pool) == await stopped(pool, 99) == ["ann"]
    released = await release(pool, one)
    assert released == replace(
        one, released_at=RELEASE.at, released_by="eve", release_reason="all is well"
    )
    assert await release(pool, one) is None
    assert await stopped(pool, 99) == []
    assert await store.hold(pool, IDS.new()) is None


async def test_a_hold_with_an_end_ends_by_itself(pool: Pool) -> None:
    one = hold(days=3, kind=HoldKind.BANK_DETAILS, subject="account-1")
    await place(pool, one, hold("bob"))
    assert [await stopped(pool, days) for days in (-1, 0, 2, 3)] == [
        [], ["ann", "bob"], ["ann", "bob"], ["bob"],
    ]  # fmt: skip
    assert [one.stops_at(MOMENT + days * DAY) for days in (-1, 0, 2, 3)] == [
        False, True, True, False,
    ]  # fmt: skip


async def test_a_subject_has_one_open_hold(pool: Pool) -> None:
    first, again = (hold(kind=HoldKind.DISPUTE, subject="dp_1") for _ in range(2))
    assert await place(pool, first, again) == [True, False]
    assert await place(pool, again, hold(), hold()) == [False, True, True]

    async def decide(connection: Connection) -> None:
        subjects = {"dp_1": RELEASE, "dp_2": RELEASE}
        await store.release_subjects(connection, HoldKind.DISPUTE, subjects)
        await store.release_subjects(connection, HoldKind.DISPUTE, {})

    await in_transaction(pool, CLOCK, decide)
    assert await place(pool, again) == [True]
    assert len(await stopped(pool)) == 3


async def test_holds_are_listed_the_newest_first(pool: Pool) -> None:
    ids = IDS.consecutive(MOMENT, 4)
    holds = [
        replace(one, hold_id=hold_id)
        for one, hold_id in zip(
            [hold(), hold(currency="USD"), hold(days=1), hold("bob")], ids, strict=True
        )
    ]
    await place(pool, *holds)
    await release(pool, holds[0])
    listed = await store.holds_of(pool, "ann", stopping_at=None, before=None, limit=2)
    assert [one.hold_id for one in listed] == [holds[2].hold_id, holds[1].hold_id]
    rest = await store.holds_of(pool, "ann", stopping_at=None, before=listed[-1].hold_id, limit=9)
    assert [one.hold_id for one in rest] == [holds[0].hold_id]
    now = await store.holds_of(pool, "ann", stopping_at=MOMENT + 2 * DAY, before=None, limit=9)
    assert [one.currency for one in now] == ["USD"]


async def test_a_hold_is_never_rewritten(pool: Pool, owner: PlainConnection) -> None:
    await place(pool, hold())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("update wallets.holds set reason = 'none'")
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("update wallets.holds set released_at = now()")
