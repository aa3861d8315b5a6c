"""Archiving: what is closed goes, what is open stays, and the books agree at every moment."""

import gzip
import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.payments.rooms import LIMITS
from tests.upkeep.years import (
    Then,
    accept,
    archive,
    book,
    charge,
    executing,
    holds,
    make_partitions,
    sell,
    verdict_on,
)

from clearhouse.kernel.errors import Archived, ConfigurationError
from clearhouse.kernel.ids import floor_of
from clearhouse.ledger.store import balance_as_happened, balance_as_of
from clearhouse.payments import store
from clearhouse.postgres.archive import Partition, Table, find_ranges, overlapping
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.proof.prove import trail_of
from clearhouse.upkeep import archive as module
from clearhouse.upkeep.archive import drop_exported
from clearhouse.upkeep.closed import FINALITY

OLD, OLDER, OLDEST = 60, 90, 120
PAYABLE = "seller_payable:seller-0:USD"


# A shop that sold once each of three weeks long gone, and sells today.
SOLD = {
    OLDEST: [f"sold-{OLDEST}"],
    OLDER: [f"sold-{OLDER}"],
    OLD: [f"sold-{OLD}"],
    0: ["sold-today"],
}


async def count(owner: PlainConnection, table: str) -> int:
    return int(await owner.fetchval(f"select count(*) from {table}"))


async def test_a_dry_run_tells_and_changes_nothing(
    database: str, owner: PlainConnection, shop: Pool
) -> None:
    outcomes = await archive(owner, shop, None)
    assert [one.reasons for one in outcomes] == [(), (), ()]
    assert [one.range.starts_at for one in outcomes] == sorted(
        one.range.starts_at for one in outcomes
    )
    assert all(one.exported is None and one.rows > 0 and one.bytes > 0 for one in outcomes)
    assert await count(owner, "payments.payment_orders") == 8
    assert await count(owner, "pg_trigger where tgname = 'sealed'") == 0
    await holds(database)


async def test_what_is_closed_leaves_every_table_and_the_books_still_hold(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    before = {one.name: one.examined for one in (await verdict_on(database)).results}
    outcomes = await archive(owner, shop, tmp_path)
    assert all(one.exported is not None and not one.stays for one in outcomes)
    verdict = await verdict_on(database)
    assert verdict.holds, verdict
    after = {one.name: one.examined for one in verdict.results}
    assert after["ledger.balances"] == before["ledger.balances"]
    assert after["payments.orders"] == 2
    for table in ("payments.payment_events", "ledger.journal_entries", "wallets.movements"):
        assert await count(owner, table) == 2 - (table == "payments.payment_events")
    for table in ("payments.outbox", "ledger.outbox", "wallets.outbox", "payments.attempts"):
        horizon = await owner.fetchval("select clearhouse.archive_horizon()")
        key = "order_id" if table == "payments.attempts" else "aggregate_id"
        assert await count(owner, f"{table} where {key} < '{horizon}'") == 0
    assert horizon == outcomes[-1].range.upper
    detached = await owner.fetchval(
        "select count(*) from pg_tables where starts_with(schemaname, 'archive_')"
    )
    assert detached == sum(len(one.range.partitions) for one in outcomes)
    # A second run has nothing left to do, and today's shop goes on.
    assert await archive(owner, shop, tmp_path) == []
    await sell(shop, ["sold-later"])
    await holds(database)


async def test_files_hold_every_row_and_can_be_read_back_into_a_table(
    owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    held = await owner.fetch("select * from payments.payment_orders order by order_id limit 2")
    outcome = (await archive(owner, shop, tmp_path))[0]
    folder = tmp_path / outcome.range.label
    manifest = json.loads((folder / "manifest.json").read_text())
    assert datetime.fromisoformat(manifest["starts_at"]) == outcome.range.starts_at
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    book = {
        row["file"]: row["sha256"]
        for row in await owner.fetch("select file, sha256 from clearhouse.archived_tables")
    }
    for table in manifest["tables"]:
        content = (folder / table["file"]).read_bytes()
        digest = sha256(content).hexdigest()
        assert digest == table["sha256"] == listed[table["file"]]
        assert digest == book[f"{outcome.range.label}/{table['file']}"]
        assert gzip.decompress(content).count(b"\n") == table["rows"] + 1
    orders = next(one for one in manifest["tables"] if one["table"] == "payments.payment_orders")
    await owner.execute("create table restored (like payments.payment_orders)")
    text = tmp_path / "orders.txt"
    text.write_bytes(gzip.decompress((folder / orders["file"]).read_bytes()))
    await owner.copy_to_table("restored", source=text, format="text", header=True)
    assert await owner.fetch("select * from restored order by order_id") == held


OPEN = [
    # what somebody or something leaves open in the oldest week, and how it is told
    (
        (
            "insert into payments.work (order_id, psp) select order_id, psp"
            " from payments.payment_orders where payment_order_id = 'sold-120-0'"
        ),
        "orders that an executor has to do something about: 1",
    ),
    (
        "update payments.payment_orders set wallet_updated = false where checkout_id = 'sold-120'",
        "orders that are not final and booked: 2",
    ),
    (
        (
            "update payments.payment_events set open_orders = 1, done_at = null"
            " where checkout_id = 'sold-120'"
        ),
        "checkouts that are not done: 1",
    ),
    (
        "update payments.payment_orders set event_id = uuidv7() where checkout_id = 'sold-120'",
        "orders apart from their checkout: 2",
    ),
    (
        "delete from wallets.movements where reference = 'sold-120-0'",
        "amounts that only one of ledger and wallet knows: 1",
    ),
    (
        (
            "insert into ledger.dead_letters"
            " (consumer, type, aggregate_id, version, payload, error)"
            " select 'c', 't', order_id, 1, '{}', 'e' from payments.payment_orders"
            " where payment_order_id = 'sold-120-1'"
        ),
        "dead letters of ledger that nobody has resolved: 1",
    ),
    ("delete from wallets.positions", "events of payments unread by wallets.payments"),
    (
        (
            "insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)"
            " values (clearhouse.uuid7_floor('2020-01-01Z'), 1, 't', now(), '{}')"
        ),
        "rows of payments.outbox in its default partition: 1",
    ),
    (
        (
            "create table payments.parcels (parcel_id uuid primary key)"
            " partition by range (parcel_id);"
            "create table payments.parcels_old partition of payments.parcels default;"
            "insert into payments.parcels"
            " select min(order_id::text)::uuid from payments.payment_orders;"
            "grant update on payments.parcels to clearhouse_app"
        ),
        "rows of payments.parcels, of which nobody has said when they are final: 1",
    ),
]


@pytest.mark.parametrize(("statement", "reason"), OPEN)
async def test_what_is_open_keeps_its_week_and_all_younger_ones(
    owner: PlainConnection, shop: Pool, tmp_path: Path, statement: str, reason: str
) -> None:
    await owner.execute("set session_replication_role = replica")  # past every trigger
    await owner.execute(statement)
    outcomes = await archive(owner, shop, tmp_path)
    assert any(reason in one for one in outcomes[0].reasons), outcomes[0].reasons
    assert all("an older range stays" in one.reasons[0] for one in outcomes[1:])
    assert list(tmp_path.iterdir()) == []
    assert await count(owner, "pg_trigger where tgname = 'sealed'") == 0
    assert await count(owner, "clearhouse.archived_tables") == 0


async def test_an_order_that_is_opened_while_its_week_is_weighed_keeps_it(
    owner: PlainConnection, shop: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weigh, seal = module.open_reasons, module.seal

    async def late(connection: Any, clock: Any, one: Any, **options: Any) -> None:
        await owner.execute(
            "update payments.payment_events set open_orders = 1, done_at = null"
            " where checkout_id = 'sold-120'"
        )
        await seal(connection, clock, one, **options)

    monkeypatch.setattr(module, "seal", late)
    outcomes = await archive(owner, shop, tmp_path)
    assert outcomes[0].reasons == ("checkouts that are not done: 1",)
    assert weigh is module.open_reasons
    # It is unsealed again, so it can still be closed, and then it goes.
    await owner.execute(
        "update payments.payment_events set open_orders = 0, done_at = now()"
        " where checkout_id = 'sold-120'"
    )
    monkeypatch.setattr(module, "seal", seal)
    assert not any(one.stays for one in await archive(owner, shop, tmp_path))


async def test_what_was_archived_cannot_come_again(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    """A consumer that begins anew meets the wall, and not a double booking."""
    event = await owner.fetchrow(
        "select * from payments.outbox where type = 'payment_order.succeeded' order by position"
    )
    assert event is not None
    await archive(owner, shop, tmp_path)
    again = (event["aggregate_id"], event["version"], event["type"], event["payload"])
    with pytest.raises(asyncpg.CheckViolationError, match="not_archived"):
        await owner.execute(
            "insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)"
            " values ($1, $2, $3, now(), $4)",
            *again,
        )
    # As if the event lay in the part of the outbox that stays.
    await owner.execute("alter table payments.outbox_default drop constraint not_archived")
    await owner.execute(
        "insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)"
        " values ($1, $2, $3, now(), $4)",
        *again,
    )
    await book(shop)
    for service in ("ledger", "wallets"):
        errors = await owner.fetch(f"select error from {service}.dead_letters")
        assert ["not_archived" in row["error"] for row in errors] == [True]
    broken = {one.name for one in (await verdict_on(database)).results if one.violations}
    assert broken == {"proof.letters"}


async def test_a_payment_that_is_gone_says_so(
    owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    await archive(owner, shop, tmp_path)
    with pytest.raises(Archived, match="lies in the archive"):
        await store.order_by_key(shop, "sold-60-0")
    with pytest.raises(Archived, match="lies in the archive"):
        await store.checkout(shop, "sold-120")
    with pytest.raises(Archived):
        await trail_of(shop, "sold-60-0", {})
    assert await store.order_by_key(shop, "never-sold") is None
    assert await store.checkout(shop, "never-sold") is None
    assert await store.order_by_key(shop, "sold-today-0") is not None


async def test_balances_of_the_past_are_told_where_they_are_known(
    owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    now, asked = Then(0).now(), Then(OLD + 15).now()
    asked_as_posted = await balance_as_of(shop, PAYABLE, asked)
    assert asked_as_posted == await balance_as_happened(shop, PAYABLE, asked)
    latest = await balance_as_of(shop, PAYABLE, now)
    await archive(owner, shop, tmp_path, days=OLD + 20)
    assert await balance_as_of(shop, PAYABLE, now) == latest
    assert await balance_as_of(shop, PAYABLE, asked) == asked_as_posted
    assert await balance_as_happened(shop, PAYABLE, asked) == asked_as_posted
    with pytest.raises(Archived, match="are archived"):
        await balance_as_happened(shop, PAYABLE, Then(OLDEST + 5).now())


async def test_a_moment_in_the_midst_of_archived_postings_is_refused(
    owner: PlainConnection, pool: Pool, tmp_path: Path
) -> None:
    await make_partitions(owner, OLD)
    await sell(pool, ["first"], days=OLD)
    between = Then(OLD).now()
    await sell(pool, ["second"], days=OLD)
    assert (await balance_as_of(pool, PAYABLE, between)).minor > 0
    await archive(owner, pool, tmp_path)
    with pytest.raises(Archived):
        await balance_as_of(pool, PAYABLE, between)
    assert (await balance_as_of(pool, PAYABLE, Then(OLD - 1).now())).minor > 0


async def test_late_bookings_leave_runs_and_the_chain_of_balances_holds(
    database: str, owner: PlainConnection, pool: Pool, tmp_path: Path
) -> None:
    """Orders of one week, booked between those of the next."""
    for days in (OLDER, OLD):
        await make_partitions(owner, days)
    await accept(pool, ["early-1", "early-2"], days=OLDER)
    await accept(pool, ["late-1", "late-2"], days=OLD)
    service = executing(pool, OLD)
    claimed = {order.payment_order_id: order for order in await service.claim("stripe", LIMITS, 9)}
    for name in ("early-1-0", "late-1-0", "early-1-1", "late-2-1", "early-2-0"):
        await charge(service, claimed.pop(name))
    for order in claimed.values():
        await charge(service, order)
    await book(pool, days=OLD)
    await archive(owner, pool, tmp_path, days=OLDER - 10)
    await holds(database)
    await archive(owner, pool, tmp_path)
    await holds(database)
    assert await count(owner, "ledger.journal_lines") == 0
    assert await count(owner, "ledger.archived_postings") > 2 * await count(
        owner, "ledger.accounts"
    )


TAMPERING = [
    # what somebody does to the sums, and the checks that must notice
    (
        "update ledger.archived_postings set change_minor = change_minor + 1",
        {"ledger.archived", "ledger.balances", "ledger.running"},
    ),
    (
        "delete from ledger.archived_postings where account_id = 1",
        {"ledger.archived", "ledger.balances", "ledger.running"},
    ),
    (
        "update wallets.archived_movements set pending_minor = pending_minor + 1",
        {"wallets.balances", "wallets.running", "proof.wallets"},
    ),
    ("delete from wallets.archived_movements", {"wallets.balances", "proof.wallets"}),
]


@pytest.mark.parametrize(("statement", "noticed"), TAMPERING)
async def test_tampering_with_the_sums_is_refused_and_noticed(
    database: str,
    owner: PlainConnection,
    shop: Pool,
    tmp_path: Path,
    statement: str,
    noticed: set[str],
) -> None:
    await archive(owner, shop, tmp_path)
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute(statement)
    await owner.execute("set session_replication_role = replica")
    await owner.execute(statement)
    broken = {one.name for one in (await verdict_on(database)).results if one.violations}
    assert noticed <= broken, broken


async def test_tables_are_dropped_only_where_the_files_are_as_they_were_written(
    database: str, owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    outcomes = await archive(owner, shop, tmp_path)
    files = [tmp_path / file.file for one in outcomes for file in one.exported or ()]
    files[0].write_bytes(files[0].read_bytes() + b"x")
    files[1].unlink()
    kept = [one for one in await drop_exported(owner, tmp_path) if one.reason]
    assert [one.reason.split(" ", 1)[1] for one in kept] == [
        "is not what was exported",
        "cannot be read: No such file or directory",
    ]
    left = await count(owner, "pg_tables where starts_with(schemaname, 'archive_')")
    assert left == 2
    # What is gone is not asked for again.
    assert len(await drop_exported(owner, tmp_path)) == 2
    await holds(database)


async def test_a_directory_that_cannot_be_written_touches_no_table(
    owner: PlainConnection, shop: Pool, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await archive(owner, shop, tmp_path / "file")
    assert await count(owner, "pg_trigger where tgname = 'sealed'") == 0
    assert not any(one.stays for one in await archive(owner, shop, tmp_path))


async def test_of_every_table_that_changes_it_is_said_when_a_row_is_final(
    owner: PlainConnection,
) -> None:
    """A new one needs a line in ``upkeep/closed.py``, or its weeks are never archived."""
    tables = {
        table.label: table.changes
        for one in await find_ranges(owner, floor_of(Then(-1000).now()))
        for table in one.tables
    }
    changing = {name for name, changes in tables.items() if changes}
    assert changing - set(FINALITY) == set()
    for name in changing:
        await owner.fetch(f"select * from {name} where not ({FINALITY[name].condition})")


UUIDS = [UUID(int=n) for n in range(10)]
TABLES = {name: Table("s", name, "id", None, False) for name in "abc"}
GROUPS = [
    # partitions as table, lower, upper; and which go together
    ([], []),
    ([("a", 0, 1), ("b", 0, 1)], [["a", "b"]]),
    ([("a", 1, 2), ("a", 0, 1)], [["a"], ["a"]]),
    ([("a", 0, 2), ("a", 2, 4), ("b", 0, 4)], [["a", "b", "a"]]),
    ([("a", 0, 2), ("b", 1, 3), ("c", 3, 4)], [["a", "b"], ["c"]]),
    ([("a", 0, 5), ("b", 1, 2), ("c", 4, 6)], [["a", "b", "c"]]),
    ([("a", 0, 1), ("b", 3, 4)], [["a"], ["b"]]),
]


@pytest.mark.parametrize(("partitions", "groups"), GROUPS)
def test_partitions_that_share_a_moment_go_together(
    partitions: list[tuple[str, int, int]], groups: list[list[str]]
) -> None:
    made = [
        Partition(TABLES[name], f"{name}_{lower}", UUIDS[lower], UUIDS[upper])
        for name, lower, upper in partitions
    ]
    found = [[one.table.name for one in group] for group in overlapping(made)]
    assert found == groups
