"""What persons do about breaks: decided within a limit, or by two of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from tests.reconciliation.days import DAY, Told, charge_of, sold, store
from tests.reconciliation.test_office import House

from clearhouse.kernel.errors import (
    Conflict,
    InvalidRequest,
    NotDecidable,
    NotFound,
    SecondPersonNeeded,
)
from clearhouse.ledger.rules import entry_for
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.deciding import Way, proposal_of
from clearhouse.reconciliation.matching import Cause
from clearhouse.reconciliation.model import Area, Break
from clearhouse.reconciliation.queue import Filters

Dearer = Callable[[int], Awaitable[UUID]]


@pytest.fixture
def house(pool: Pool, tmp_path: Path) -> House:
    return House(pool, tmp_path)


@pytest.fixture
def dearer(house: House, owner: PlainConnection) -> Dearer:
    """A break of a charge that the PSP took so much more for."""

    async def make(minor: int) -> UUID:
        orders = [replace(order, currency="USD") for order in sold(3)]
        await store(owner, orders)
        lines = [charge_of(order) for order in orders]
        more = lines[0].gross + minor
        changed: Told = replace(lines[0], gross=more, fee=(more * 290 + 30 * 10_000) // 10_000)
        await house.read([changed, *lines[1:]])
        await house.day()
        [found] = await house.queue.list(Filters(), 10)
        return found.break_id

    return make


def found(cause: Cause, ours: int | None, theirs: int | None, area: Area = Area.PSP) -> Break:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    subject = "bank:line:DE:02:b7" if area is Area.BANK else "stripe:line:t1"
    return Break(
        UUID(int=1), cause, area, subject, "stripe", DAY, None, "t1", "r1", "USD", ours, theirs, 5,
        "", "open", "", at, None, None, 1,
    )  # fmt: skip


# fmt: off
WAYS = [
    # cause                        area       ours   theirs  what is booked       how much
    (Cause.AMOUNT_DIFFERS,         Area.PSP,  1000,  1100,   Way.RECEIVABLE,      100),
    (Cause.MISSING_AT_PSP,         Area.PSP,  1000,  None,   Way.RECEIVABLE,    -1000),
    (Cause.MISSING_AT_PSP,         Area.PSP,  -500,  None,   Way.RECEIVABLE,      500),
    (Cause.UNKNOWN_CHARGE,         Area.PSP,  None,   700,   Way.RECEIVABLE,      700),
    (Cause.REFUND_WITHOUT_ORDER,   Area.PSP,  None,  -700,   Way.RECEIVABLE,     -700),
    (Cause.FEE_DIFFERS,            Area.PSP,    59,    61,   Way.NOTHING,           0),
    (Cause.PAYOUT_RETURNED,        Area.PSP,  None,   900,   Way.NOTHING,           0),
    (Cause.BANK_SHORT,             Area.BANK, 1000,   975,   Way.TRANSIT,         -25),
    (Cause.NOT_AT_BANK,            Area.BANK, 1000,  None,   Way.TRANSIT,       -1000),
    (Cause.UNEXPLAINED,            Area.BANK, None,   300,   Way.BANK,            300),
    (Cause.WALLET_DIFFERS,         Area.BOOKS,  10,    11,   Way.BY_ITSELF,         0),
    (Cause.CURRENCY_DIFFERS,       Area.PSP,    10,    11,   Way.BY_ITSELF,         0),
    (Cause.NOT_SETTLED_YET,        Area.PSP,    10,  None,   Way.BY_ITSELF,         0),
]
# fmt: on


@pytest.mark.parametrize(("cause", "area", "ours", "theirs", "way", "minor"), WAYS)
def test_what_a_decision_books(
    cause: Cause, area: Area, ours: int | None, theirs: int | None, way: Way, minor: int
) -> None:
    proposal = proposal_of(found(cause, ours, theirs, area))
    assert (proposal.way, proposal.amount_minor) == (way, minor)
    assert proposal.bank_account == ("DE:02" if way is Way.BANK else "")


async def test_a_small_difference_is_accepted_by_one_and_is_in_the_books(
    house: House, dearer: Dearer
) -> None:
    name = await dearer(250)
    detail = await house.queue.show(name)
    assert detail.proposed is not None
    entry = entry_for(detail.proposed)
    assert entry is not None
    [line] = entry.lines
    assert (line.debit.code, line.credit.code, line.amount_minor) == (
        *("psp_receivable:stripe:USD", "adjustments:USD"),
        250,
    )
    await house.settle()
    before = (await house.balances())["psp_receivable:USD"]
    closed = await house.queue.decide(name, "accept", "ada", "tip on the terminal")
    await house.settle()
    after = (await house.balances())["psp_receivable:USD"]
    assert (closed.state, after) == ("mended", before + 250)
    assert (await house.day()).open_breaks == ()
    with pytest.raises(NotDecidable, match="mended already"):
        await house.queue.decide(name, "write_off", "ada", "again")


async def test_more_than_the_limit_needs_a_second_person(house: House, dearer: Dearer) -> None:
    name = await dearer(250_00)
    asked = await house.queue.decide(name, "write_off", "ada", "too dear to chase")
    detail = await house.queue.show(name)
    assert (asked.state, detail.asked and detail.asked.asked_by) == ("open", "ada")
    with pytest.raises(SecondPersonNeeded, match="ada asked for this"):
        await house.queue.decide(name, "write_off", "ada", "really")
    other = await house.queue.decide(name, "accept", "bob", "it is ours")
    assert other.state == "open"
    done = await house.queue.decide(name, "accept", "ada", "agreed")
    assert done.state == "mended"
    deeds = [one.deed for one in (await house.queue.show(name)).history]
    assert deeds == ["opened", "asked", "asked", "accept"]


async def test_another_amount_can_be_booked_and_reopening_takes_it_back(
    house: House, dearer: Dearer, owner: PlainConnection
) -> None:
    name = await dearer(500)
    await house.queue.decide(name, "accept", "ada", "half of it", amount_minor=200)
    opened = await house.queue.reopen(name, "bob", "the other half came")
    assert opened.state == "open"
    sums = "select sum(amount_minor) from reconciliation.bookings where break_id = $1"
    assert await owner.fetchval(sums, name) == 0
    with pytest.raises(Conflict, match="is open"):
        await house.queue.reopen(name, "bob", "again")


async def test_breaks_are_given_to_somebody_and_talked_about(house: House, dearer: Dearer) -> None:
    name = await dearer(500)
    await house.queue.assign(name, "ada", "bob")
    await house.queue.comment(name, "ada", "asked Stripe")
    assert [one.break_id for one in await house.queue.list(Filters(owner="ada"), 5)] == [name]
    assert await house.queue.list(Filters(owner="bob"), 5) == []
    history = (await house.queue.show(name)).history
    assert [(one.actor, one.deed, one.note) for one in history[1:]] == [
        ("bob", "assigned", "ada"),
        ("ada", "commented", "asked Stripe"),
    ]
    with pytest.raises(InvalidRequest, match="a reason are needed"):
        await house.queue.comment(name, "ada", " ")
    with pytest.raises(NotFound):
        await house.queue.comment(UUID(int=9), "ada", "hello")
    with pytest.raises(InvalidRequest, match="no cause"):
        await house.queue.list(Filters(cause="witchcraft"), 5)


async def test_what_could_be_the_other_half_stands_near(
    house: House, owner: PlainConnection
) -> None:
    orders = sold(4)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    lines[0] = replace(lines[0], intent="pi_strange", hint="")
    house.clock.days = 9
    await house.read(lines)
    await house.day()
    [missing] = await house.queue.list(Filters(cause="missing_at_psp"), 5)
    detail = await house.queue.show(missing.break_id)
    assert [(near.found.cause, near.confidence) for near in detail.near] == [
        (Cause.UNKNOWN_CHARGE, 60)
    ]
