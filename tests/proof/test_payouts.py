"""Payouts through all the books: wallets equal the ledger, and verify finds what is planted."""

import pytest
from tests.payouts.house import ask, desk, earn, left, seller, wanted
from tests.proof.flow import consume, pay
from tests.proof.test_money_back import balances, checked, findings

from clearhouse.postgres.connection import PlainConnection, Pool


async def test_a_payout_goes_through_all_books(pool: Pool, database: str) -> None:
    await pay(pool, ["cart"])
    await seller(pool, "seller-0", 5_000)
    made = await ask(pool, wanted("seller-0", 3_000))
    gone = await ask(pool, wanted("seller-0", 500))
    assert (await checked(database)).unfinished.payouts == 2
    assert await findings(database) == {}
    await consume(pool)
    books = await ledger(pool)
    assert books["seller_payable:seller-0"] == -3_500
    assert books["payouts_in_transit:seller-0"] == 3_500
    assert await findings(database) == {}
    await desk(pool).cancel(gone.public_id, "key:office", "")
    assert await findings(database) == {}
    await consume(pool)
    books = await ledger(pool)
    assert books["payouts_in_transit:seller-0"] == made.amount.minor
    assert await left(pool, "seller-0") == 2_000
    assert await findings(database) == {}


async def ledger(pool: Pool) -> dict[str, int]:
    found = await balances(pool)
    return {code[:-4]: minor for code, minor in found.items() if code.endswith(":EUR")}


_PAYOUTS = "update wallets.payouts set {} where status = 'approved'"
_MOVES = "update wallets.movements set available_minor = 1 where kind = '{}'"
# fmt: off
FAULTS: list[tuple[str, str]] = [
    ("wallets.payouts", _PAYOUTS.format("amount_minor = amount_minor + 1")),
    ("wallets.payouts", _PAYOUTS.format("status = 'cancelled', finalized_at = now()")),
    ("wallets.payouts", _PAYOUTS.format("currency = 'USD'")),
    ("wallets.payouts", _MOVES.format("payout")),
    ("wallets.payouts", _MOVES.format("payout_reversal")),
    ("wallets.payouts", "delete from wallets.payouts where status = 'approved'"),
    ("wallets.sending", "delete from wallets.payouts_waiting"),
    ("wallets.sending", "update wallets.payouts_waiting set payout_id = gen_random_uuid()"),
    ("wallets.batches", _PAYOUTS.format("status = 'submitted', reason = 'sending', rail = 'sepa',"
        " batch_id = gen_random_uuid(), details_id = gen_random_uuid()")),
    ("proof.payouts",   _PAYOUTS.format("amount_minor = amount_minor + 1")),
    ("proof.payouts",   "delete from ledger.journal_entries where kind = 'payout'"),
    ("proof.payouts",   "delete from ledger.journal_entries where kind = 'payout_reversal'"),
    ("proof.payouts",   "update ledger.journal_lines set amount_minor = 1 where kind = 'payout'"),
    ("proof.payouts",   "delete from wallets.payouts where status = 'cancelled'"),
    ("proof.payouts",   _PAYOUTS.format("paid_at = now()")),
]
# fmt: on


@pytest.mark.parametrize(("check", "fault"), FAULTS)
async def test_every_fault_planted_is_found(
    pool: Pool, owner: PlainConnection, database: str, check: str, fault: str
) -> None:
    await seller(pool)
    await earn(pool, "bob", -100)
    await ask(pool, wanted(amount=700))
    gone = await ask(pool, wanted(amount=500))
    await desk(pool).cancel(gone.public_id, "key:office", "")
    await consume(pool)
    assert await findings(database) == {}
    await owner.execute("set session_replication_role = replica")
    await owner.execute(fault)
    assert check in await findings(database)
