"""Where sellers are paid: sealed, shown by its end, and changed with a wait and a notice."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from tests.ledger.books import CLOCK
from tests.payouts.house import CIPHER, IBAN, KEY, POLICY, an_account, details_desk, told

from clearhouse.access.encryption import NotOpened
from clearhouse.kernel.errors import InvalidRequest, NotFound
from clearhouse.messaging.events import BankDetailsChanged
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.rails import ConnectedAccount, UsAccount
from clearhouse.wallets.payouts import accounts
from clearhouse.wallets.payouts.details import place_of

OTHER = "FR1420041010050500013M02606"


async def test_an_account_is_sealed_and_shown_by_its_end(
    pool: Pool, owner: PlainConnection
) -> None:
    made = await details_desk(pool).put("ann", "EUR", an_account(), "key:office")
    assert (made.kind, made.rail, made.last_four) == ("iban", "sepa", "3000")
    assert made.usable_from <= CLOCK.now()
    assert await details_desk(pool).of("ann") == [made]
    row = await owner.fetchrow("select * from wallets.bank_details")
    assert row is not None
    assert IBAN not in str(dict(row))
    assert accounts.unpack(CIPHER.open(row["sealed"], place_of(made.details_id))) == an_account()
    with pytest.raises(NotOpened):
        CIPHER.open(row["sealed"], place_of(KEY))
    [event] = await told(pool)
    assert isinstance(event, BankDetailsChanged)
    assert (event.last_four, event.was_known, event.rail) == ("3000", False, "sepa")
    assert IBAN not in repr(event)


async def test_a_change_waits_and_is_told(pool: Pool) -> None:
    await details_desk(pool).put("ann", "EUR", an_account(), "key:office")
    begun = CLOCK.now()
    changed = await details_desk(pool).put("ann", "EUR", an_account("Ann", OTHER), "key:other")
    assert changed.usable_from >= begun + POLICY.details_wait
    assert await details_desk(pool).of("ann") == [changed]
    events = await told(pool)
    assert [isinstance(e, BankDetailsChanged) and e.was_known for e in events] == [False, True]
    # Back to the first is a change like any other.
    back = await details_desk(pool).put("ann", "EUR", an_account(), "key:office")
    assert back.usable_from > changed.usable_from


async def test_the_same_again_changes_nothing(pool: Pool) -> None:
    first = await details_desk(pool).put("ann", "EUR", an_account(), "key:office")
    assert await details_desk(pool).put("ann", "EUR", an_account(), "key:other") == first
    assert len(await told(pool)) == 1


async def test_two_first_accounts_at_once_cannot_go_round_the_wait(pool: Pool) -> None:
    made = await asyncio.gather(
        *(
            details_desk(pool).put("ann", "EUR", an_account("Ann", iban), "key:office")
            for iban in (IBAN, OTHER)
        )
    )
    waits = sorted(one.usable_from - one.created_at for one in made)
    assert waits == [timedelta(0), POLICY.details_wait]
    assert len(await told(pool)) == 2


async def test_each_currency_has_its_own(pool: Pool) -> None:
    desk = details_desk(pool)
    await desk.put("ann", "EUR", an_account(), "key:office")
    await desk.put("ann", "USD", UsAccount("021000021", "12345678", "Ann"), "key:office")
    await desk.put("ann", "GBP", ConnectedAccount("acct_1QxYzAbCdEfGhIjK"), "key:office")
    assert [(one.currency, one.rail) for one in await desk.of("ann")] == [
        ("EUR", "sepa"), ("GBP", "stripe"), ("USD", "nacha"),
    ]  # fmt: skip


async def test_a_currency_that_such_accounts_are_not_paid_is_refused(pool: Pool) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await details_desk(pool).put("ann", "USD", an_account(), "key:office")
    assert [fault.pointer for fault in caught.value.faults] == ["/currency"]
    with pytest.raises(NotFound):
        await details_desk(pool).of("ann")


async def test_what_was_once_given_stays(pool: Pool, owner: PlainConnection) -> None:
    await details_desk(pool).put("ann", "EUR", an_account(), "key:office")
    for statement in (
        "update wallets.bank_details set sealed = 'x'",
        "delete from wallets.bank_details",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
