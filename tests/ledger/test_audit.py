"""The ledger's audits find what they are for: each tampering is named by its check."""

from tests.ledger.books import post, succeeded

from clearhouse.ledger.audit import CHECKS
from clearhouse.ledger.chart import sale
from clearhouse.postgres.audit import CheckResult, run_check
from clearhouse.postgres.connection import Connection, PlainConnection, Pool

SHED = "seller_payable:garden-shed:USD"
STOLEN = "(select account_id from ledger.accounts where code = 'seller_payable:thief:USD')"
SHED_ID = f"(select account_id from ledger.accounts where code = '{SHED}')"

# fmt: off
TAMPERINGS = [
    # what somebody with the owner's password did, and the checks that must tell
    (f"update ledger.accounts set balance_minor = balance_minor + 1 where code = '{SHED}'",
        {"ledger.balances", "ledger.trial"}),
    (f"update ledger.accounts set posting_count = posting_count - 1 where code = '{SHED}'",
        {"ledger.balances"}),
    ("update ledger.journal_lines set amount_minor = amount_minor + 1 where line = 1",
        {"ledger.balances", "ledger.running"}),
    ("update ledger.journal_lines set debit_balance_after = debit_balance_after + 1 where line = 1",
        {"ledger.running"}),
    ("update ledger.journal_lines set credit_sequence = credit_sequence + 100 where line = 1",
        {"ledger.running"}),
    ("delete from ledger.journal_lines where line = 2",
        {"ledger.balances", "ledger.running"}),
    ("delete from ledger.journal_lines where line = 1",
        {"ledger.lines", "ledger.balances", "ledger.running"}),
    ("delete from ledger.journal_lines",
        {"ledger.lines", "ledger.balances"}),
    ("delete from ledger.journal_entries",
        {"ledger.lines"}),
    (f"update ledger.journal_lines set credit_account = {STOLEN} where credit_account = {SHED_ID}",
        {"ledger.balances", "ledger.running"}),
    ("update ledger.journal_lines set credit_account = 4711 where line = 2",
        {"ledger.entries", "ledger.lines", "ledger.balances"}),
    ("update ledger.accounts set currency = 'EUR' where code = 'platform_fee_revenue:USD'",
        {"ledger.entries", "ledger.trial"}),
]
# fmt: on


async def audit(connection: Connection) -> dict[str, CheckResult]:
    return {check.name: await run_check(connection, check) for check in CHECKS}


async def test_sound_books_pass_every_check(pool: Pool) -> None:
    async with pool.acquire() as connection:
        empty = await audit(connection)
        assert list(empty) == [check.name for check in CHECKS]
        assert {(one.examined, one.violations) for one in empty.values()} == {(0, 0)}
        await post(pool, [sale(succeeded(f"order-{n}", amount=100, fee=n % 2)) for n in range(10)])
        found = await audit(connection)
    assert {name: (one.examined, one.violations) for name, one in found.items()} == {
        "ledger.entries": (10, 0),
        "ledger.lines": (15, 0),
        "ledger.balances": (3, 0),
        "ledger.running": (30, 0),
        "ledger.archived": (0, 0),
        "ledger.trial": (1, 0),
    }
    assert all(one.offenders == [] and one.title for one in found.values())


async def test_tampering_is_found_and_named(pool: Pool, owner: PlainConnection) -> None:
    await post(
        pool,
        [
            sale(succeeded("order-1", amount=10_000, fee=300)),
            sale(succeeded("order-2", amount=5_000, fee=150)),
            sale(succeeded("order-3", seller="thief", amount=1, fee=0)),
        ],
    )
    for table in ("journal_entries", "journal_lines"):
        await owner.execute(f"alter table ledger.{table} disable trigger user")
    for tampering, caught in TAMPERINGS:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(tampering)
        found = await audit(owner)
        await transaction.rollback()
        assert (tampering, {name for name, one in found.items() if one.violations}) == (
            tampering,
            caught,
        )
        for name in caught:
            assert len(found[name].offenders) == min(found[name].violations, 20)
            assert all(offender.strip() for offender in found[name].offenders)
    assert not any(one.violations for one in (await audit(owner)).values())


async def test_only_the_first_offenders_are_named_but_all_are_counted(
    pool: Pool, owner: PlainConnection
) -> None:
    await post(pool, [sale(succeeded(seller=f"seller-{n}", fee=0)) for n in range(50)])
    await owner.execute(
        "update ledger.accounts set balance_minor = 1 where code like 'seller_payable:%'"
    )
    found = (await audit(owner))["ledger.balances"]
    assert (found.violations, len(found.offenders)) == (50, 20)
    assert "keeps 1 after 1 postings, but its 1 postings sum to 10000" in found.offenders[0]
