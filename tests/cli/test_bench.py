"""The bench: every figure beside its yardstick, and a report that says what was measured.

What it measures is nobody's promise, so no test here looks at how fast anything is.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clearhouse.cli.bench.command import put_between_markers
from clearhouse.cli.bench.load import Load
from clearhouse.cli.bench.report import Row, markdown
from clearhouse.cli.bench.stored import fill
from clearhouse.cli.bench.world import CARDS, baskets
from clearhouse.postgres.connection import PlainConnection
from clearhouse.postgres.embedded import EmbeddedPostgres


def row(*, reach: float | None = 2.0, at_most: bool = False) -> Row:
    return Row("posting", "pgbench", "/s", reach, at_most, [30.0, 10.0, 50.0], [10.0, 10.0, 10.0])


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    assert row().ratio == 3.0
    assert row().reached is True
    assert row(reach=4).reached is False
    assert row(reach=4, at_most=True).reached is True
    assert row(reach=None).reached is None
    assert (row().goal, row(reach=3, at_most=True).goal) == ("≥ 2 ×", "≤ 3 ×")


def test_the_table_goes_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    put_between_markers(page, markdown([row()], "a machine", "2026-11-23"))
    text = page.read_text()
    assert text.startswith("before\n<!-- figures -->")
    assert text.endswith("<!-- end of figures -->\nafter\n")
    assert "old" not in text
    assert "| posting | 30 /s | `pgbench` | 10 /s | 3.00 × | ≥ 2 × |" in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="lacks the markers"):
        put_between_markers(page, "x")


def test_percentiles_of_a_load() -> None:
    load = Load(1.0, [n / 1000 for n in range(1, 101)])
    assert (load.percentile(0.5), load.percentile(1.0)) == (51.0, 100.0)
    assert Load(0.0, []).percentile(0.5) == 0.0


def test_baskets_never_repeat_an_id() -> None:
    body = baskets("b", CARDS)
    made = [json.loads(body()) for _ in range(30)]
    ids = {o["payment_order_id"] for one in made for o in one["payment_orders"]}
    assert len(ids) == 60
    assert {one["credit_card_info"]["psp"] for one in made} == {"stripe", "braintree", "square"}


async def test_stored_orders_are_whole_lives(database: str, owner: PlainConnection) -> None:
    told: list[int] = []
    await fill(database, 2_000, told.append)
    assert told == [2_000]
    for table, rows in (
        ("payments.payment_events", 1_000),
        ("payments.payment_orders", 2_000),
        ("payments.order_keys", 2_000),
        ("ledger.journal_entries", 2_000),
        ("wallets.movements", 2_000),
    ):
        assert await owner.fetchval(f"select count(*) from {table}") == rows
    old = "select count(*) from payments.payment_orders where created_at < now() - interval '1 day'"
    assert await owner.fetchval(old) > 1_900
    assert await owner.fetchval("select count(*) from payments.payment_orders_default") == 0


@pytest.mark.whole_group
def test_a_short_run_prints_every_row_and_leaves_nothing() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "clearhouse", "bench", "--rounds", "1", "--seconds", "1"),
            *("--lines", "6000", "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = {one["name"]: one for one in report["rows"]}
    assert set(rows) == {
        "intake, 64 connections",
        "one lone client's POST",
        "posting, spread, 64 producers",
        "posting, one hot account, 64 producers",
        "posting in bulk of 1,000",
        "whole life, orders",
        "whole life over the wire, orders",
        "payouts planned, 12,500 due at once",
        "reconciling 6,000 lines",
    }
    assert all(len(one["ours"]) == len(one["theirs"]) == 1 for one in rows.values())
    # On a busy machine no whole life may come to its end within the one second.
    steps = [one for name, one in rows.items() if not name.startswith("whole life")]
    assert all(one["ours"][0] > 0 for one in steps)
    assert all(one["ours"][0] >= 0 for one in rows.values())


def test_the_server_says_where_its_programs_find_it(postgres_server: EmbeddedPostgres) -> None:
    assert (postgres_server.sockets / ".s.PGSQL.5432").exists()
