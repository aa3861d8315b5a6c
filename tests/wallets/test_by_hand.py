"""Maturing by hand: a sale whose settlement never comes, once, with a reason that is kept."""

from uuid import UUID

import pytest
from tests.ledger.books import MOMENT, succeeded
from tests.wallets.days import DAY, Town, refund, settled

from clearhouse.kernel.errors import ConfigurationError, Conflict, NotFound
from clearhouse.kernel.money import Money
from clearhouse.messaging.events import PaymentOrderSucceeded
from clearhouse.postgres.connection import Pool
from clearhouse.wallets.maturing.by_hand import MaturedByHand, MaturingDesk
from clearhouse.wallets.maturing.model import Matures, Terms

SETTLED = Terms(Matures.WHEN_SETTLED)


def desk_of(town: Town) -> MaturingDesk:
    return MaturingDesk(town.pool, town.clock, town.ids, town.maturing)


def sale(name: str = "order-1") -> PaymentOrderSucceeded:
    return succeeded(name, seller="ann", amount=100, fee=0, at=MOMENT)


async def test_what_waits_for_its_settlement_matures_at_once(pool: Pool) -> None:
    town, one = Town(pool, SETTLED), sale()
    await town.tell(one, refund(one, 30))
    assert await town.mature(400) == 0
    done = await desk_of(town).mature(one.aggregate_id, by="eve", reason="a letter of the PSP")
    assert done == MaturedByHand("order-1", "ann", Money(70, "USD"))
    assert await town.wallet() == (0, 70, 0)
    [deed] = await pool.fetch("select actor, action, target, reason from access.audit_log")
    assert tuple(deed) == ("eve", "wallets.mature", "sale order-1 of ann", "a letter of the PSP")
    # The settlement comes after all: nothing moves any more.
    await town.settle(settled(one, days=500))
    assert await town.mature(200) == 0
    assert await town.wallet() == (0, 70, 0)


async def test_a_reserve_is_kept_of_it_as_ever(pool: Pool) -> None:
    town, one = (
        Town(pool, Terms(Matures.WHEN_SETTLED, reserve_basis_points=1_000, reserve_days=9)),
        sale(),
    )
    await town.tell(one)
    await desk_of(town).mature(one.aggregate_id, by="eve", reason="a letter")
    assert await town.wallet() == (0, 90, 10)


async def test_what_matures_by_itself_or_has_is_left_alone(pool: Pool) -> None:
    town, one = Town(pool), sale()
    desk = desk_of(town)
    await town.tell(one)
    with pytest.raises(Conflict, match=f"by itself at {MOMENT + 7 * DAY:%Y-%m-%d}"):
        await desk.mature(one.aggregate_id, by="eve", reason="a letter")
    await town.mature(8)
    with pytest.raises(Conflict, match="has matured"):
        await desk.mature(one.aggregate_id, by="eve", reason="a letter")
    with pytest.raises(NotFound):
        await desk.mature(UUID(int=5), by="eve", reason="a letter")
    with pytest.raises(ConfigurationError):
        await desk.mature(one.aggregate_id, by="eve", reason=" ")
    assert await pool.fetchval("select count(*) from access.audit_log") == 0


async def test_it_matures_once_however_often_it_is_asked(pool: Pool) -> None:
    town, one = Town(pool, SETTLED), sale()
    await town.tell(one)
    desk = desk_of(town)
    await desk.mature(one.aggregate_id, by="eve", reason="a letter")
    with pytest.raises(Conflict):
        await desk.mature(one.aggregate_id, by="eve", reason="a letter")
    assert await town.wallet() == (0, 100, 0)
