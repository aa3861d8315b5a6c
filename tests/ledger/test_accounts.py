"""Known accounts: remembered once they are in the books for good, and not a moment earlier."""

import asyncpg
import pytest
from tests.ledger.books import IDS, MOMENT, asset, entry, kept, liability, outcomes

from clearhouse.ledger import store
from clearhouse.ledger.accounts import KnownAccounts
from clearhouse.ledger.model import JournalEntry, Line, Outcome
from clearhouse.postgres.connection import PlainConnection, Pool

CASH, ANN = asset("cash"), liability("ann")


class Rollback(Exception):
    """Ends a transaction without its effect."""


async def post(pool: Pool, known: KnownAccounts, *entries: JournalEntry) -> list[Outcome]:
    async with pool.acquire() as connection, connection.transaction():
        ids = [IDS.new() for _ in entries]
        return outcomes(await store.post(connection, entries, ids, MOMENT, known))


def sale(amount: int = 100) -> JournalEntry:
    return entry(Line(CASH, ANN, amount))


async def test_an_account_that_was_rolled_back_is_made_again(pool: Pool) -> None:
    known = KnownAccounts()
    with pytest.raises(Rollback):
        async with pool.acquire() as connection, connection.transaction():
            await store.post(connection, [sale()], [IDS.new()], MOMENT, known)
            await store.post(connection, [sale()], [IDS.new()], MOMENT, known)
            raise Rollback
    assert await kept(pool) == {}
    assert await post(pool, known, sale()) == [Outcome.POSTED]
    assert (await kept(pool))["ann"] == 100


async def test_accounts_are_asked_for_until_they_are_there_for_good(pool: Pool) -> None:
    known = KnownAccounts()
    asked: list[str] = []
    for _ in range(4):
        async with pool.acquire() as connection, connection.transaction():
            with connection.query_logger(lambda seen: asked.append(seen.query)):
                await store.post(connection, [sale()], [IDS.new()], MOMENT, known)
    # Made, seen to be there, and from then on known.
    names = [query.split()[1] for query in asked if query.startswith("/* ")]
    assert names == ["open_accounts", "post", "open_accounts", "post", "post", "post"]


async def test_what_is_known_is_still_compared(pool: Pool) -> None:
    known = KnownAccounts()
    for _ in range(3):
        await post(pool, known, sale())
    other_type = entry(Line(asset("ann"), CASH, 5))
    other_currency = entry(Line(asset("cash", currency="EUR"), asset("x", currency="EUR"), 5))
    answers = await post(pool, known, other_type, sale(), other_currency, sale())
    assert answers == [Outcome.MISMATCHED, Outcome.POSTED, Outcome.MISMATCHED, Outcome.POSTED]
    assert await post(pool, known, other_type) == [Outcome.MISMATCHED]
    assert (await kept(pool))["ann"] == 500


async def test_an_id_that_became_another_account_is_never_booked_on(
    pool: Pool, owner: PlainConnection
) -> None:
    known = KnownAccounts()
    for _ in range(2):
        await post(pool, known, sale())
    await owner.execute("update ledger.accounts set code = 'bob' where code = 'ann'")
    with pytest.raises(asyncpg.InvalidParameterValueError, match="those meant"):
        await post(pool, known, sale())
    assert await post(pool, known, sale()) == [Outcome.POSTED]
    assert await kept(pool) == {"cash": 300, "bob": 200, "ann": 100}


async def test_a_database_that_forgot_its_accounts_is_asked_anew(
    pool: Pool, owner: PlainConnection
) -> None:
    """As after a restore to an earlier moment, with a process that lived on."""
    known = KnownAccounts()
    for _ in range(2):
        await post(pool, known, sale())
    await owner.execute("set session_replication_role = replica")
    await owner.execute(
        "delete from ledger.journal_lines; delete from ledger.journal_entries;"
        "delete from ledger.accounts"
    )
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await post(pool, known, sale())
    assert await post(pool, known, sale()) == [Outcome.POSTED]
    assert (await kept(pool))["ann"] == 100
