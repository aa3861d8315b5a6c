"""Verify: silent over books that hold, and loud over each way in which they can be broken."""

import pytest
from tests.proof.flow import consume, pay

from clearhouse.bootstrap import Role
from clearhouse.postgres.connection import PlainConnection, Pool, open_pool
from clearhouse.proof.verify import CHECKS, Verdict, verify


async def verdict_on(database: str) -> Verdict:
    pool = await open_pool(database, size=1, name="verify", scans=True)
    try:
        return await verify(pool)
    finally:
        await pool.close()


def broken(verdict: Verdict) -> set[str]:
    return {result.name for result in verdict.results if result.violations}


async def test_an_empty_house_holds(database: str) -> None:
    verdict = await verdict_on(database)
    assert verdict.holds
    assert len(verdict.results) == len(CHECKS)


async def test_books_hold_at_every_moment_of_a_payment(database: str, pool: Pool) -> None:
    assert (await verdict_on(database)).holds
    await pay(pool, ["a", "b", "c"], declined=frozenset({"b"}))
    verdict = await verdict_on(database)
    assert verdict.holds, verdict
    assert verdict.unfinished.booking == 4
    for role in (Role.LEDGER, Role.WALLETS, Role.PAYMENTS):
        await consume(pool, role)
        verdict = await verdict_on(database)
        assert verdict.holds, verdict
    assert verdict.unfinished.total == 0
    examined = {result.name: result.examined for result in verdict.results}
    assert examined["proof.booked"] == 4
    assert examined["payments.orders"] == 6


TAMPERING = [
    # what somebody or some bug does, and the checks that must notice
    (
        "update payments.payment_orders set psp_reference = 'pi_same'",
        {"payments.charges"},
    ),
    (
        (
            "insert into payments.attempts"
            " (order_id, attempt, psp, idempotency_key, started_at, charged_at)"
            " select order_id, 2, psp, 'fresh-key', now(), now() from payments.attempts limit 1"
        ),
        {"payments.orders"},
    ),
    (
        "update payments.attempts set idempotency_key = 'one-key-for-all'",
        {"payments.charges"},
    ),
    (
        "delete from payments.outbox where type = 'payment_order.executing'",
        {"payments.events"},
    ),
    (
        "delete from payments.outbox where type = 'payment_order.succeeded'",
        {"payments.events", "payments.outcomes"},
    ),
    (
        "update payments.payment_events set open_orders = 1, done_at = null",
        {"payments.checkouts"},
    ),
    (
        "delete from ledger.journal_lines; delete from ledger.journal_entries",
        {"proof.booked", "ledger.balances"},
    ),
    (
        "update ledger.journal_lines set amount_minor = amount_minor + 1",
        {"proof.booked", "ledger.balances", "ledger.running"},
    ),
    (
        "update ledger.accounts set balance_minor = balance_minor + 1",
        {"ledger.balances"},
    ),
    (
        "delete from wallets.movements",
        {"proof.credited", "wallets.balances"},
    ),
    (
        "update wallets.movements set pending_minor = pending_minor + 1",
        {"proof.credited", "proof.wallets", "wallets.balances", "wallets.running"},
    ),
    (
        "update wallets.wallets set pending_minor = pending_minor + 1",
        {"wallets.balances"},
    ),
    (
        "update payments.payment_orders set seller_account = 'thief'",
        {"proof.credited"},
    ),
    (
        (
            "insert into ledger.dead_letters"
            " (consumer, type, aggregate_id, version, payload, error)"
            " select 'ledger.payments', 'x', order_id, 1, '{}', 'e' from payments.payment_orders"
        ),
        {"proof.letters"},
    ),
]


@pytest.mark.parametrize(("statement", "noticed"), TAMPERING)
async def test_tampering_is_noticed(
    database: str, pool: Pool, owner: PlainConnection, statement: str, noticed: set[str]
) -> None:
    await pay(pool, ["a", "b"])
    await consume(pool)
    assert (await verdict_on(database)).holds
    await owner.execute("set session_replication_role = replica")  # past every trigger
    await owner.execute(statement)
    verdict = await verdict_on(database)
    assert noticed <= broken(verdict), broken(verdict)
    offenders = [name for result in verdict.results for name in result.offenders]
    assert all(offenders)


async def test_a_double_posting_is_noticed(
    database: str, pool: Pool, owner: PlainConnection
) -> None:
    await pay(pool, ["a"])
    await consume(pool)
    await owner.execute("set session_replication_role = replica")
    await owner.execute(
        "with twin as (insert into ledger.journal_entries"
        " select gen_random_uuid(), kind, uuidv7(), reference, event_at, posted_at, description"
        " from ledger.journal_entries where reference = 'a-0' returning source_id, kind)"
        " insert into ledger.journal_lines select twin.source_id, twin.kind, l.line, l.currency,"
        " l.amount_minor, l.debit_account, l.credit_account, l.debit_balance_after,"
        " l.credit_balance_after, l.debit_sequence, l.credit_sequence, l.posted_at"
        " from twin, ledger.journal_lines l join ledger.journal_entries e using (source_id)"
        " where e.reference = 'a-0'"
    )
    assert {"proof.booked", "ledger.balances"} <= broken(await verdict_on(database))
