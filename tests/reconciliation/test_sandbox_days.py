"""The whole way with the sandbox's three PSPs and its bank: sold, reported, paid out, received.

At the end the sandbox's truth is what our books say, to the cent.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from tests.psp.conformance.world import World
from tests.reconciliation.days import Sold, store
from tests.reconciliation.test_nights import Noon
from tests.reconciliation.test_office import House
from tests.reconciliation.test_sandbox_bank import PSPS, call

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.ledger import audit as ledger_audit
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.sandbox.server import Running, running


class SandboxTime(Noon):
    """The sandbox's own clock."""

    def __init__(self, box: Running) -> None:
        super().__init__()
        self._box = box

    def now(self) -> datetime:
        return self._box.core.clock.now()


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


async def sell(box: Running, owner: PlainConnection, count: int) -> date:
    """So many sales at each PSP, in our books as well, and the time until all is at the bank."""
    now = box.core.clock.now()
    ids = Ids(SystemClock(), SeededRandomness(21))
    sold: list[Sold] = []
    for name in PSPS:
        world = World(name, box.base_url)
        adapter = world.adapter()
        for _ in range(count):
            request, reference = await world.paid(adapter)
            number = int(request.payment_order_id.rpartition("-")[2])
            sold.append(
                Sold(
                    ids.at(now),
                    number,
                    request.amount.minor,
                    request.amount.currency,
                    now,
                    psp=name,
                    charge=reference,
                )
            )
        await world.close()
    await store(owner, sold)
    for _ in range(8):
        call(box, "POST", "/_sandbox/clock", {"days": 1})
    return now.date()


async def reconcile(house: House, box: Running, first: date) -> dict[str, str]:
    """Fetch and compare all days, read the bank's statements; what differs, by its reference."""
    for name in PSPS:
        world = World(name, box.base_url)
        adapter = world.adapter()
        for number in range(7):
            day = first + timedelta(days=number)
            await house.collector.fetch(name, adapter, day, lambda _lines: None)
            await house.office.day(name, day)
        await world.close()
    for each in call(box, "GET", "/bank/documents")["documents"]:
        if each["name"].startswith("camt.053-"):
            await house.read_bytes(each["document"].encode(each["encoding"]), "xml")
    await house.bank()
    await house.settle()
    return await house.causes()


async def test_all_that_was_sold_is_at_the_bank_and_the_clearing_accounts_are_empty(
    sandbox: Running, pool: Pool, owner: PlainConnection, tmp_path: Path
) -> None:
    first = await sell(sandbox, owner, 3)
    house = House(pool, tmp_path, SandboxTime(sandbox))
    assert await reconcile(house, sandbox, first) == {}
    found = await house.balances()
    assert (found["psp_receivable:USD"], found["cash_in_transit:USD"]) == (0, 0)
    assert found["psp_fee_expense:USD"] > 0
    at_bank = await owner.fetchval("select sum(amount_minor) from reconciliation.bank_lines")
    in_books = await owner.fetchval(
        "select sum(balance_minor) from ledger.accounts where starts_with(code, 'bank:')"
    )
    assert in_books == at_bank > 0
    for check in ledger_audit.CHECKS:
        assert (await run_check(owner, check)).violations == 0


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("missing-line", "missing_at_psp"),
        ("wrong-amount", "amount_differs"),
        ("extra-line", "unknown_charge"),
    ],
)
async def test_what_is_spoilt_in_a_report_is_found(
    sandbox: Running, pool: Pool, owner: PlainConnection, tmp_path: Path, fault: str, cause: str
) -> None:
    call(sandbox, "POST", "/_sandbox/settlement-faults", {"fault": fault, "psp": "stripe"})
    first = await sell(sandbox, owner, 1)
    house = House(pool, tmp_path, SandboxTime(sandbox))
    assert cause in (await reconcile(house, sandbox, first)).values()
