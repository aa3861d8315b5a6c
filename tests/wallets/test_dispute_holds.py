"""Holds by disputes: placed where it is chosen, once, and ended with the dispute."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from tests.ledger.books import MOMENT, succeeded
from tests.wallets.days import Town
from tests.wallets.test_maturing import opened, won

from clearhouse.messaging.events import AnyEvent, DisputeClosed, DisputeOpened
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.holds.model import Hold, HoldKind
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.service import WalletService


@dataclass
class Court:
    """A sale of ann's that is disputed, and wallets that hold payouts by it, or not."""

    town: Town

    def __post_init__(self) -> None:
        self.sale = succeeded("order-1", seller="ann", amount=100, fee=0, at=MOMENT)
        self.opened: DisputeOpened = opened(self.sale)
        self.won: DisputeClosed = won(self.opened)

    async def tell(self, *events: AnyEvent, placing: bool = True) -> list[Hold]:
        """Tell the wallets; what stops ann's payouts then."""
        town = self.town
        wallets = WalletService(town.pool, town.ids, town.clock, disputes_hold_payouts=placing)

        async def work(connection: Connection) -> None:
            await wallets.handle(connection, events)

        await in_transaction(town.pool, town.clock, work)
        return await HoldDesk(town.pool, town.clock, town.ids).open_holds("ann")


@pytest.fixture
def court(pool: Pool) -> Court:
    return Court(Town(pool))


async def test_an_open_dispute_stops_payouts_in_its_currency(court: Court) -> None:
    [hold] = await court.tell(court.sale, court.opened)
    assert (hold.kind, hold.subject, hold.currency) == (HoldKind.DISPUTE, "dp_1", "USD")
    assert hold.reason == "a dispute about order-1 is open"
    assert await court.tell(court.opened) == [hold]
    assert await court.tell(court.won) == []


async def test_by_default_only_the_share_is_held(court: Court) -> None:
    assert await court.tell(court.sale, court.opened, placing=False) == []
    assert await court.town.wallet() == (0, 0, 100)


async def test_a_dispute_that_costs_the_seller_nothing_holds_nothing(court: Court) -> None:
    assert await court.tell(court.sale, replace(court.opened, seller_minor=0)) == []


async def test_it_ends_with_the_dispute_whatever_is_chosen_by_then(court: Court) -> None:
    assert len(await court.tell(court.sale, court.opened)) == 1
    assert await court.tell(court.won, placing=False) == []


async def test_what_is_opened_and_decided_at_once_holds_nothing(court: Court) -> None:
    assert await court.tell(court.sale, court.opened, court.won) == []


async def test_one_that_is_opened_again_holds_again(court: Court) -> None:
    again = replace(court.opened, version=3)
    [hold] = await court.tell(court.sale, court.opened)
    assert [one.hold_id for one in await court.tell(court.won, again)] == [hold.hold_id]
    assert await court.tell(replace(court.won, version=4, opened_version=3)) == []


async def test_a_person_may_release_it_before(court: Court) -> None:
    [hold] = await court.tell(court.sale, court.opened)
    desk = HoldDesk(court.town.pool, court.town.clock, court.town.ids)
    await desk.release(hold.hold_id, by="eve", reason="a trusted seller")
    assert await court.tell(court.won) == []
    assert (await desk.release(hold.hold_id, by="eve", reason="x")).released_by == "eve"
