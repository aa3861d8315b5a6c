"""What the database refuses, whoever asks: changed pasts, impossible lines, wrong accounts."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.ledger.books import IDS, MOMENT, assert_sound, kept, post, succeeded

from clearhouse.ledger.chart import sale
from clearhouse.postgres.connection import PlainConnection, Pool

CHANGES = [
    "update ledger.journal_entries set description = 'nothing happened'",
    "delete from ledger.journal_entries",
    "truncate ledger.journal_entries",
    "update ledger.journal_lines set amount_minor = 1",
    "delete from ledger.journal_lines",
    "truncate ledger.journal_lines",
    "delete from ledger.accounts",
    "truncate ledger.accounts",
]
WRITES = [
    "insert into ledger.journal_entries select * from ledger.journal_entries",
    "insert into ledger.journal_lines select * from ledger.journal_lines",
    "insert into ledger.accounts (code, type, owner, currency) values ('a', 'asset', '', 'USD')",
    "update ledger.accounts set balance_minor = 0",
    "drop table ledger.journal_lines",
    "alter table ledger.journal_lines disable trigger append_only",
]


async def test_the_application_may_post_and_read_and_nothing_else(pool: Pool) -> None:
    await post(pool, [sale(succeeded())])
    for sql in [*CHANGES, *WRITES]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(sql)
    await assert_sound(pool)


async def test_not_even_the_owner_changes_the_past(pool: Pool, owner: PlainConnection) -> None:
    await post(pool, [sale(succeeded())])
    before = await kept(pool)
    # The triggers reach the partitions that hold the rows, too.
    partition = await owner.fetchval("select tableoid::regclass::text from ledger.journal_lines")
    assert partition.startswith("ledger.journal_lines_2")
    for sql in [*CHANGES, f"delete from {partition}", f"update {partition} set line = 9"]:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(sql)
    assert await kept(pool) == before
    await assert_sound(pool)


# fmt: off
IMPOSSIBLE_LINES = [
    # column           value             refused by
    ("amount_minor",   "0",              "amount_minor_check"),
    ("amount_minor",   "-100",           "amount_minor_check"),
    ("credit_account", "debit_account",  "two_accounts"),
    ("line",           "0",              "line_check"),
]
# fmt: on


async def test_the_tables_refuse_a_line_that_cannot_be(pool: Pool, owner: PlainConnection) -> None:
    await post(pool, [sale(succeeded())])
    names = await owner.fetch(
        "select attname from pg_attribute"
        " where attrelid = 'ledger.journal_lines'::regclass and attnum > 0 order by attnum"
    )
    for column, value, refused in IMPOSSIBLE_LINES:
        columns = {row["attname"]: row["attname"] for row in names}
        columns |= {"kind": "'other'", column: value}
        with pytest.raises(asyncpg.CheckViolationError, match=refused):
            await owner.execute(
                f"insert into ledger.journal_lines ({', '.join(columns)})"
                f" select {', '.join(columns.values())} from ledger.journal_lines"
            )


async def test_the_tables_refuse_a_second_entry_of_a_kind_for_a_source(
    pool: Pool, owner: PlainConnection
) -> None:
    await post(pool, [sale(succeeded())])
    for table in ("journal_entries", "journal_lines"):
        with pytest.raises(asyncpg.UniqueViolationError):
            await owner.execute(f"insert into ledger.{table} select * from ledger.{table}")


async def test_the_tables_refuse_an_entry_learnt_before_it_happened(
    owner: PlainConnection,
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="learnt_after_it_happened"):
        await owner.execute(
            "insert into ledger.journal_entries values ($1, 'sale', $1, 'r', $2, $3, 'd')",
            IDS.new(),
            MOMENT,
            MOMENT - timedelta(seconds=1),
        )


async def test_the_tables_refuse_a_balance_below_its_floor(owner: PlainConnection) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="not_overdrawn"):
        await owner.execute(
            "insert into ledger.accounts (code, type, owner, currency, debit_sign, floor_minor,"
            " balance_minor, posting_count) values ('a', 'asset', '', 'USD', 1, 0, -1, 1)"
        )


async def test_an_account_counts_in_the_normal_side_of_its_type(owner: PlainConnection) -> None:
    for kind, sign in (("asset", -1), ("liability", 1), ("income", 1), ("expense", -1)):
        with pytest.raises(asyncpg.CheckViolationError, match="sign_of_type"):
            await owner.execute(
                "insert into ledger.accounts (code, type, owner, currency, debit_sign)"
                " values ('a', $1, '', 'USD', $2)",
                kind,
                sign,
            )


async def open_account(pool: Pool, code: str, currency: str) -> int:
    rows = await pool.fetch(
        "select account_id from ledger.open_accounts($1, '{asset}', '{\"\"}', $2, '{null}')",
        [code],
        [currency],
    )
    return rows[0]["account_id"]


async def call_book(
    pool: Pool, accounts: list[int], codes: list[str], debit: int, credit: int
) -> str:
    """Call the database function itself, past all that Python would refuse."""
    rows = await pool.fetch(
        "select outcome from ledger.book($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
        " $14)",
        MOMENT,
        accounts,
        sha256("\n".join(codes).encode()).digest(),
        *([IDS.new()], ["test"], [IDS.new()], ["reference"], [MOMENT], ["description"]),
        *([1], [1], [debit], [credit], [100]),
    )
    return rows[0]["outcome"] if rows else "posted"


# fmt: off
CURRENCIES = [
    # debit    credit    outcome
    ("USD",    "USD",    "posted"),
    ("USD",    "EUR",    "mismatched"),
    ("EUR",    "USD",    "mismatched"),
    ("EUR",    "EUR",    "posted"),
]
# fmt: on


async def test_the_database_refuses_a_line_across_currencies(pool: Pool) -> None:
    for number, (first, second, outcome) in enumerate(CURRENCIES):
        debit = await open_account(pool, f"a{number}", first)
        credit = await open_account(pool, f"b{number}", second)
        answer = await call_book(pool, [debit, credit], [f"a{number}", f"b{number}"], 1, 2)
        assert (first, second, answer) == (first, second, outcome)
    assert await pool.fetchval("select count(*) from ledger.journal_lines") == 2
    await assert_sound(pool)


async def test_the_database_refuses_accounts_that_are_not_those_meant(pool: Pool) -> None:
    # Accounts are met by place: one in another's place would be booked on in its stead.
    a, b = await open_account(pool, "a", "USD"), await open_account(pool, "b", "USD")
    wrong: list[tuple[list[Any], list[str]]] = [
        ([b, a], ["b", "a"]),
        ([a, a], ["a", "a"]),
        ([a, b + 1000], ["a", "c"]),
        ([a, None], ["a", "b"]),
        ([a, b], ["a", "c"]),
        ([a, b], ["b", "a"]),
        ([a, b], ["a"]),
    ]
    for accounts, codes in wrong:
        with pytest.raises(asyncpg.InvalidParameterValueError, match="those meant"):
            await call_book(pool, accounts, codes, 1, 2)
    assert set((await kept(pool)).values()) == {0}
    assert await call_book(pool, [a, b], ["a", "b"], 1, 2) == "posted"


async def test_all_postings_sum_to_zero_per_entry_and_currency(pool: Pool) -> None:
    events = [
        succeeded(f"order-{n}", amount=100 + n, fee=n, currency=currency)
        for n, currency in enumerate(["USD", "JPY", "KWD", "EUR"])
    ]
    await post(pool, [sale(event) for event in events])
    rows = await pool.fetch(
        "select entry_id, currency, count(*) as postings, sum(debit_minus_credit) as total"
        " from ledger.postings group by entry_id, currency"
    )
    assert sorted(row["postings"] for row in rows) == [2, 4, 4, 4]
    assert {int(row["total"]) for row in rows} == {0}


async def test_what_is_older_than_every_partition_is_kept_all_the_same(pool: Pool) -> None:
    old = succeeded(order_id=UUID(int=0x7 << 76 | 0b10 << 62 | 5))
    await post(pool, [sale(old)])
    found = await pool.fetchval("select tableoid::regclass::text from ledger.journal_entries")
    assert found == "ledger.journal_entries_default"
    await assert_sound(pool)


@pytest.mark.parametrize("table", ["journal_entries", "journal_lines"])
async def test_not_even_one_partition_is_emptied_by_its_owner(
    owner: PlainConnection, table: str
) -> None:
    partitions = await owner.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = $1::text::regclass and inhrelid::regclass::text !~ '_default$'",
        f"ledger.{table}",
    )
    assert partitions
    for partition in partitions:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(f"truncate {partition['name']}")
