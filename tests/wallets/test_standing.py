"""A wallet as people ask for it: what is owed either way, on its way, held, and what comes next."""

import pytest
from tests.ledger.books import MOMENT, succeeded
from tests.payouts.house import earn
from tests.wallets.days import DAY, Town, refund

from clearhouse.kernel.errors import NotFound
from clearhouse.postgres.connection import Pool
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.maturing.model import Matures, Terms
from clearhouse.wallets.model import WalletStanding


async def test_every_part_of_every_wallet(pool: Pool) -> None:
    town = Town(pool)
    one = succeeded("order-1", seller="ann", amount=100, fee=20, at=MOMENT)
    await town.tell(one)
    await town.mature(7)
    later = succeeded("order-2", seller="ann", amount=40, fee=0, at=town.clock.now())
    await town.tell(later, refund(one, 100), refund(later, 40))
    await earn(pool, "ann", 500)
    await pool.execute(
        "insert into wallets.payouts (payout_id, seller_account, currency, amount_minor, status,"
        " needs_approval, created_by, version, created_at, updated_at)"
        " select gen_random_uuid(), 'ann', c, m, s, s = 'created', 'test', 1, now(), now()"
        " from (values ('EUR', 70, 'approved'), ('EUR', 5, 'created'), ('USD', 9, 'approved'))"
        " as p (c, m, s)"
    )
    hold = HoldDesk(pool, town.clock, town.ids)
    placed = await hold.place("ann", by="eve", reason="a call", currency="EUR")
    euros, dollars = await town.wallets.standing("ann")
    assert (euros.currency, euros.available_minor, euros.in_transit_minor) == ("EUR", 500, 75)
    assert (euros.is_held, euros.debt_minor, euros.is_waiting) == (True, 0, False)
    assert dollars == WalletStanding(
        seller_account="ann",
        currency="USD",
        pending_minor=0,
        available_minor=0,
        reserved_minor=0,
        in_transit_minor=9,
        debt_minor=20,
        is_held=False,
        is_waiting=True,
        next_matures_at=later.occurred_at + 7 * DAY,
    )
    await hold.release(placed.hold_id, by="eve", reason="called")
    await hold.place("ann", by="eve", reason="all of them")
    assert [one.is_held for one in await town.wallets.standing("ann")] == [True, True]
    with pytest.raises(NotFound):
        await town.wallets.standing("nobody")


async def test_what_waits_for_a_settlement_has_no_time(pool: Pool) -> None:
    town = Town(pool, Terms(Matures.WHEN_SETTLED))
    await town.tell(succeeded("order-1", seller="ann", at=MOMENT))
    [one] = await town.wallets.standing("ann")
    assert (one.is_waiting, one.next_matures_at) == (True, None)
