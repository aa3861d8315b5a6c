"""Debts that nobody will pay: written off once, by as many persons as it needs, and booked."""

import asyncio
from dataclasses import dataclass

import pytest
from tests.ledger.books import MOMENT, kept, succeeded
from tests.proof.flow import consume
from tests.proof.test_money_back import findings
from tests.wallets.days import Town, failed, refund

from clearhouse.kernel.errors import Conflict, InvalidRequest, NotFound, SecondPersonNeeded
from clearhouse.ledger import store as ledger
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.proof.verify import CHECKS
from clearhouse.wallets.write_offs.model import AskedWriteOff, WriteOff
from clearhouse.wallets.write_offs.service import WriteOffDesk

WHY = "bankrupt"


@dataclass
class Office:
    """A seller who was paid out and owes what went back, and who may let that go."""

    town: Town
    desk: WriteOffDesk

    async def write_off(
        self, by: str = "ada", minor: int | None = None
    ) -> WriteOff | AskedWriteOff:
        return await self.desk.write_off("ann", "USD", by=by, reason=WHY, amount_minor=minor)


async def office(pool: Pool, debt: int = 600, *, limit: int = 1_000) -> Office:
    town = Town(pool)
    desk = WriteOffDesk(pool, town.clock, town.ids, town.wallets, {"USD": limit})
    sale = succeeded(seller="ann", amount=1_000, fee=0, at=MOMENT)
    await town.tell(sale, booked=False)
    await town.tell(refund(sale, 1_000 + debt), booked=False)
    assert await town.wallet() == (0, -debt, 0)
    return Office(town, desk)


async def test_a_debt_becomes_a_loss(pool: Pool) -> None:
    one = await office(pool)
    done = await one.write_off()
    assert isinstance(done, WriteOff)
    assert (done.amount.minor, done.decided_by, done.asked_by) == (600, "ada", None)
    assert await one.town.wallet() == (0, 0, 0)
    assert await one.desk.of("ann") == [done]
    await consume(pool)
    books = await kept(pool)
    assert books == {"losses:USD": 600, "seller_payable:ann:USD": 600}
    deeds = await pool.fetch("select actor, action, target, reason from access.audit_log")
    assert [tuple(deed) for deed in deeds] == [
        ("ada", "wallets.write_off", "debt of ann in USD: 6.00 USD", WHY)
    ]


# limit, then who decides what: (by, amount) -> what becomes of it
# fmt: off
DECISIONS: list[tuple[int, list[tuple[str, int | None, object]]]] = [
    (600, [("ada", None, 600)]),
    (600, [("ada", 200, 200), ("ada", None, 400)]),
    (599, [("ada", None, "asked"), ("bob", None, 600)]),
    (599, [("ada", None, "asked"), ("bob", 600, 600)]),
    (599, [("ada", None, "asked"), ("ada", None, SecondPersonNeeded)]),
    (0,   [("ada", 500, "asked"), ("bob", 400, "asked"), ("ada", None, 400)]),
    (0,   [("ada", 500, "asked"), ("bob", None, 500), ("bob", None, "asked")]),
    (600, [("ada", 601, InvalidRequest), ("ada", 0, InvalidRequest), ("ada", -1, InvalidRequest)]),
    (600, [("ada", None, 600), ("ada", None, Conflict)]),
]
# fmt: on


@pytest.mark.parametrize(("limit", "steps"), DECISIONS)
async def test_who_may_decide_what(
    pool: Pool, limit: int, steps: list[tuple[str, int | None, object]]
) -> None:
    one = await office(pool, limit=limit)
    left = 600
    for by, minor, expected in steps:
        if isinstance(expected, type):
            with pytest.raises(expected):  # pyright: ignore[reportUnknownArgumentType, reportCallIssue, reportArgumentType]
                await one.write_off(by, minor)
            continue
        made = await one.write_off(by, minor)
        if isinstance(expected, int):
            assert isinstance(made, WriteOff)
            assert made.amount.minor == expected
            left -= expected
        else:
            assert isinstance(made, AskedWriteOff)
        assert await one.town.wallet() == (0, -left, 0)


async def test_what_is_to_come_pays_a_debt_first(pool: Pool) -> None:
    one = await office(pool)
    await one.town.tell(succeeded("more", seller="ann", amount=250, fee=0, at=MOMENT), booked=False)
    assert await one.town.wallet() == (250, -600, 0)
    done = await one.write_off()
    assert done.amount.minor == 350
    await one.town.mature(7)
    assert await one.town.wallet() == (0, 0, 0)


async def test_who_owes_nothing_has_no_debt(pool: Pool) -> None:
    one = await office(pool)
    with pytest.raises(NotFound):
        await one.desk.write_off("ann", "EUR", by="ada", reason=WHY)
    with pytest.raises(InvalidRequest, match="why"):
        await one.desk.write_off("ann", "USD", by="ada", reason=" ")
    await one.town.tell(succeeded("more", seller="ann", amount=600, fee=0, at=MOMENT), booked=False)
    with pytest.raises(Conflict, match="owes nothing"):
        await one.write_off()


async def test_two_who_decide_at_once_write_off_once(pool: Pool) -> None:
    one = await office(pool)
    answers = await asyncio.gather(
        *(one.write_off(f"person {n}") for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(answer, WriteOff) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 5
    assert await one.town.wallet() == (0, 0, 0)


async def test_a_refund_that_fails_after_it_is_owed_to_the_seller(pool: Pool) -> None:
    town = Town(pool)
    desk = WriteOffDesk(pool, town.clock, town.ids, town.wallets, {"USD": 1_000})
    sale = succeeded(seller="ann", amount=1_000, fee=0, at=MOMENT)
    back = refund(sale, 1_600)
    await town.tell(sale, back, booked=False)
    await desk.write_off("ann", "USD", by="ada", reason=WHY)
    await town.tell(failed(back), booked=False)
    assert await town.wallet() == (1_000, 600, 0)


# fmt: off
_LINES = "update ledger.journal_lines set amount_minor = 1 where kind = 'write_off'"
_CODES = "update ledger.accounts set code = 'bank:x:USD' where code = 'losses:USD'"
_MOVES = "update wallets.movements set available_minor = 1 where kind = 'write_off'"
_ALONE = (
    "insert into wallets.write_offs"
    " values (gen_random_uuid(), 'ann', 'USD', 1, 'x', 'ada', now(), 'ada')"
)
FAULTS: list[tuple[str, str]] = [
    ("wallets.write_offs", "update wallets.write_offs set amount_minor = 1"),
    ("wallets.write_offs", "update wallets.write_offs set seller_account = 'bob'"),
    ("wallets.write_offs", "delete from wallets.write_offs"),
    ("wallets.write_offs", _MOVES),
    ("proof.write_offs",   "update wallets.write_offs set currency = 'EUR'"),
    ("proof.write_offs",   "delete from wallets.write_offs"),
    ("proof.write_offs",   "delete from ledger.journal_entries where kind = 'write_off'"),
    ("proof.write_offs",   _LINES),
    ("proof.write_offs",   _CODES),
]
# fmt: on


async def test_verify_finds_what_is_planted(
    pool: Pool, owner: PlainConnection, database: str
) -> None:
    one = await office(pool)
    await one.write_off()
    on_its_way = await findings(database)
    await consume(pool)
    clean = await findings(database)
    assert not [name for name in [*on_its_way, *clean] if "write_offs" in name]
    await owner.execute("set session_replication_role = replica")
    for check, tampering in FAULTS:
        work = owner.transaction()
        await work.start()
        await owner.execute(tampering)
        [wanted] = [one for one in CHECKS if one.name == check]
        assert (await run_check(owner, wanted)).violations > 0, (check, tampering)
        await work.rollback()


async def test_funds_tell_the_loss(pool: Pool) -> None:
    town = Town(pool)
    desk = WriteOffDesk(pool, town.clock, town.ids, town.wallets, {"USD": 1_000})
    sale = succeeded(seller="ann", amount=1_000, fee=0, at=MOMENT)
    await town.tell(sale, refund(sale, 1_600))
    await desk.write_off("ann", "USD", by="ada", reason=WHY)
    await consume(pool)
    async with pool.acquire() as connection:
        [funds] = await ledger.funds(connection)
    assert funds.agree
    assert {str(name): minor for name, minor in funds.owned.items()} == {
        "buyers, refunds under way": 1_600, "less losses": -600,
    }  # fmt: skip


async def test_the_walls_of_the_database(pool: Pool, owner: PlainConnection) -> None:
    one = await office(pool, limit=0)
    await one.write_off("ada")
    await one.write_off("bob")
    for statement, wall in (
        ("update wallets.write_offs set amount_minor = 1", "append-only"),
        ("delete from wallets.write_offs", "append-only"),
        (_ALONE, "check constraint"),
    ):
        with pytest.raises(Exception, match=wall):
            await owner.execute(statement)
