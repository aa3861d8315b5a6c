"""A day from its report to the books: what follows from what was matched."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.psp.banks.test_statements import entry, write
from tests.reconciliation.days import DAY, NOON, Told, charge_of, report, sold, store
from tests.reconciliation.test_nights import Noon

from clearhouse.bootstrap import Role, consumers
from clearhouse.bootstrap.reconciliation import break_queue, collector_of, office_of
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.ledger import audit as ledger_audit
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.large import LARGE_BYTES
from clearhouse.reconciliation.model import BankNight, Night
from clearhouse.reconciliation.queue import Filters
from clearhouse.settings import load

FEES = "stripe USD 2.9% + 0.30, stripe EUR 2.9% + 0.30"


class House:
    """Reconciliation, and those who hear of it."""

    def __init__(self, pool: Pool, folder: Path, clock: Noon | None = None) -> None:
        self.pool = pool
        self.folder = folder
        self.clock = clock or Noon()
        randomness = SeededRandomness(11)
        self.runtime = Runtime(pool, self.clock, Ids(self.clock, randomness), randomness)
        told = {"CLEARHOUSE_RECONCILIATION_FEES": FEES, "CLEARHOUSE_DATA_DIRECTORY": str(folder)}
        self.settings = load(told).settings
        self.office = office_of(self.runtime, self.settings)
        self.collector = collector_of(self.runtime, self.settings)
        self.queue = break_queue(self.runtime, self.settings)
        self._files = 0

    async def read(self, lines: Sequence[Told]) -> None:
        await self.read_bytes(report(lines), "csv")

    async def read_bytes(self, content: bytes, suffix: str) -> None:
        self._files += 1
        file = self.folder / f"file-{self._files}.{suffix}"
        file.write_bytes(content)
        await self.collector.read(file, lambda _lines: None)

    async def day(self) -> Night:
        return await self.office.day("stripe", DAY)

    async def bank(self) -> BankNight:
        return await self.office.bank()

    async def settle(self) -> None:
        """Let everybody hear everything."""
        for _ in range(6):
            for consumer in consumers(self.runtime, Role, self.settings):
                while await consumer.step():
                    pass

    async def balances(self) -> dict[str, int]:
        rows = await self.pool.fetch("select * from ledger.clearing_balances")
        return {f"{row['family']}:{row['currency']}": row["balance_minor"] for row in rows}

    async def causes(self) -> dict[str, str]:
        return {one.reference: one.cause.word for one in await self.queue.list(Filters(), 100)}


@pytest.fixture
def house(pool: Pool, tmp_path: Path) -> House:
    return House(pool, tmp_path)


def payout_of(lines: Sequence[Told], currency: str = "USD") -> Told:
    """What is left of a day is sent to the bank."""
    net = sum(line.gross - line.fee for line in lines if line.currency == currency)
    name = f"po_{currency.lower()}1234"
    return Told(f"txn_{name}", "payout", name, "", "", currency, -net, 0, NOON)


async def test_fees_and_payouts_are_booked_once_until_all_clearing_accounts_are_empty(
    house: House, owner: PlainConnection
) -> None:
    orders = [replace(order, currency="USD") for order in sold(30)]
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    payout = payout_of(lines)
    await house.read([*lines, payout])
    for _ in range(2):
        await house.day()
        await house.bank()
    await house.settle()
    assert await house.balances() == {
        "psp_receivable:USD": 0,
        "psp_fee_expense:USD": sum(line.fee for line in lines),
        "cash_in_transit:USD": -payout.gross,
    }
    booked = [entry(1, -payout.gross, payout.source, "STRIPE", "USD")]
    await house.read_bytes(write("camt", booked), "xml")
    for _ in range(2):
        night = await house.bank()
    await house.settle()
    assert (night.matched, night.open_breaks) == (1, ())
    found = await house.balances()
    assert (found["psp_receivable:USD"], found["cash_in_transit:USD"]) == (0, 0)
    assert found["bank:USD"] == -payout.gross
    for check in ledger_audit.CHECKS:
        assert (await run_check(owner, check)).violations == 0


async def test_a_corrected_fee_is_booked_as_the_difference(
    house: House, owner: PlainConnection
) -> None:
    orders = [replace(order, currency="USD") for order in sold(3)]
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await house.read([replace(lines[0], fee=lines[0].fee + 500), *lines[1:]])
    await house.day()
    await house.read(lines)
    await house.day()
    await house.settle()
    assert (await house.balances())["psp_fee_expense:USD"] == sum(line.fee for line in lines)
    rows = await owner.fetch("select amount_minor from reconciliation.bookings order by booking_id")
    assert [row["amount_minor"] for row in rows] == [sum(line.fee for line in lines) + 500, -500]


@pytest.mark.parametrize("large_bytes", [LARGE_BYTES, 0])
async def test_sales_that_are_settled_are_told_once(
    house: House, owner: PlainConnection, large_bytes: int
) -> None:
    house.collector = collector_of(house.runtime, house.settings, large_bytes=large_bytes)
    orders = sold(20)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    await house.read(lines[:12])
    await house.day()
    await house.read(lines)
    await house.day()
    await house.day()
    rows = await owner.fetch(
        "select aggregate_id, payload::json->>'psp_fee_minor' as fee from reconciliation.outbox"
        " where type = 'payment_order.settled'"
    )
    assert {row["aggregate_id"]: int(row["fee"]) for row in rows} == {
        order.order_id: line.fee for order, line in zip(orders, lines, strict=True)
    }
    assert len(rows) == 20


async def test_a_payout_that_is_short_late_or_not_there_is_a_break(
    house: House, owner: PlainConnection
) -> None:
    orders = [replace(order, currency="USD") for order in sold(10)]
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    payout = payout_of(lines)
    await house.read([*lines, payout])
    await house.day()
    house.clock.days = 2
    assert [one.cause.word for one in (await house.bank()).open_breaks] == ["not_settled_yet"]
    house.clock.days = 9
    assert [one.cause.word for one in (await house.bank()).open_breaks] == ["not_at_bank"]
    booked = [entry(1, -payout.gross - 25, payout.source, "STRIPE", "USD")]
    await house.read_bytes(write("camt", booked), "xml")
    night = await house.bank()
    [short] = night.open_breaks
    assert (short.cause.word, short.at_stake_minor, night.booked) == ("bank_short", 25, 1)
    await house.settle()
    assert (await house.balances())["cash_in_transit:USD"] == 25


async def test_our_own_books_are_compared_too(house: House, owner: PlainConnection) -> None:
    orders = sold(6)
    await store(owner, orders[1:])
    await store(owner, orders[:1], books=False)
    await owner.execute("set session_replication_role = replica")
    await owner.execute(
        "update wallets.movements set pending_minor = pending_minor + 1 where source_id = $1",
        orders[2].order_id,
    )
    await owner.execute(
        "delete from payments.payment_orders where order_id = $1", orders[3].order_id
    )
    await owner.execute("delete from payments.order_keys where order_id = $1", orders[3].order_id)
    await owner.execute("set session_replication_role = origin")
    await house.read([charge_of(order) for order in orders])
    await house.day()
    assert await house.causes() == {
        orders[0].payment_order_id: "order_without_ledger",
        orders[2].payment_order_id: "wallet_differs",
        orders[3].payment_order_id: "ledger_without_order",
        orders[3].reference: "unknown_charge",
    }


async def test_what_lines_prove_is_mended_by_payments_itself(
    house: House, owner: PlainConnection
) -> None:
    """An open order, a failed one, a second charge, and a charge that was taken back."""
    orders = sold(8)
    made = [
        replace(orders[0], status="EXECUTING"),
        replace(orders[1], status="FAILED"),
        *orders[2:],
    ]
    await store(owner, made)
    lines = [charge_of(order) for order in orders]
    second = replace(lines[2], key="txn_second", intent="pi_second")
    back = replace(
        lines[3], key="txn_back", category="charge_failure", gross=-lines[3].gross, fee=0
    )
    await house.read([*lines, second, back])
    night = await house.day()
    assert {one.cause.word for one in night.open_breaks} == {
        *("charged_but_open", "charged_but_failed", "duplicate_charge", "settlement_declined"),
    }
    await house.settle()
    again = await house.day()
    await house.settle()
    assert (again.open_breaks, again.closed_breaks) == ((), 4)
    states = {
        row["payment_order_id"]: row["status"]
        for row in await owner.fetch("select payment_order_id, status from payments.payment_orders")
    }
    assert states[orders[0].payment_order_id] == "SUCCESS"
    strays = await owner.fetch(
        "select charge_reference from payments.operations where kind = 'stray_refund'"
    )
    assert {row["charge_reference"] for row in strays} == {orders[1].reference, "pi_second"}
    assert await owner.fetchval(
        "select reversed_at is not null from payments.payment_orders where order_id = $1",
        orders[3].order_id,
    )
    deeds = await owner.fetch("select deed, count(*) from reconciliation.break_history group by 1")
    assert {row["deed"]: row["count"] for row in deeds} == {"opened": 4, "told": 4, "settled": 4}
    assert (await house.day()).new_breaks == 0


async def test_a_refund_made_at_the_psp_is_taken_in(house: House, owner: PlainConnection) -> None:
    orders = sold(2)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    refund = replace(
        lines[0], key="txn_refund", category="refund", source="re_1", gross=-50, fee=0,
        at=NOON + timedelta(hours=1),
    )  # fmt: skip
    await house.read([*lines, refund])
    night = await house.day()
    assert [one.cause.word for one in night.open_breaks] == ["unknown_refund"]
    await house.settle()
    assert (await house.day()).open_breaks == ()
    assert await owner.fetchval("select amount_minor from payments.operations") == 50
