"""A whole day of a million lines: beside the floor of a bare COPY and one join, and all planted
differences found. `make soak ARGS=tests/reconciliation` prints what it took.
"""

import csv
import io
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.reconciliation.days import DAY, PLAN, Sold, Told, report, sold, store
from tests.reconciliation.planting import plant
from tests.reconciliation.test_nights import Noon

from clearhouse.bootstrap import migrate_all
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.postgres.connection import PlainConnection, open_pool
from clearhouse.postgres.embedded import EmbeddedPostgres
from clearhouse.psp.stripe.reports import read_blocks
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.matching import FeePlan
from clearhouse.reconciliation.service import Nights
from clearhouse.reconciliation.vault import Vault, file_pieces

LINES = int(os.environ.get("LINES", "1000000"))
FLOOR = """
    create temporary table bare (line_key text, reference text, currency text, gross_minor bigint)
"""
JOIN = """
    select case when l.reference is null then 'missing_at_psp'
            when f.reference is null then 'unknown_charge'
            when f.currency <> l.currency then 'currency' when f.amount_minor <> l.gross_minor
            then 'amount' else 'matched' end as verdict, count(*)
    from bare l full join payments.psp_facts f on f.reference = l.reference
    group by 1
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL as `clearhouse up` runs it, with fsync on."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    made = EmbeddedPostgres(tmp_path / "data")
    made.start()
    yield made
    made.stop(immediately=True)


def write_report(path: Path, lines: list[Told]) -> None:
    with path.open("wb") as file:
        file.write(report(lines[:0]))
        for start in range(0, len(lines), 10_000):
            batch = "".join(f"{line.csv()}\n" for line in lines[start : start + 10_000])
            file.write(batch.encode())


async def fill(owner: PlainConnection, orders: list[Sold]) -> None:
    for start in range(0, len(orders), 20_000):
        await store(owner, orders[start : start + 20_000], books=False)
    await owner.execute("vacuum analyze")


async def floor(owner: PlainConnection, path: Path) -> float:
    """A bare COPY of the same rows, parsed the same way, and one classifying join."""
    started = time.perf_counter()
    await owner.execute(FLOOR)

    async def rows() -> AsyncIterator[bytes]:
        out: list[str] = []
        with path.open(newline="") as file:
            reader = csv.reader(file)
            names = next(reader)
            key, reference, currency, gross = (
                names.index(name)
                for name in ("balance_transaction_id", "payment_intent_id", "currency", "gross")
            )
            for row in reader:
                minor = row[gross].replace(".", "")
                out.append(f"{row[key]}\t{row[reference]}\t{row[currency].upper()}\t{minor}\n")
                if len(out) == 5_000:
                    yield "".join(out).encode()
                    out.clear()
        yield "".join(out).encode()

    await owner.copy_to_table("bare", source=rows(), format="text")
    await owner.fetch(JOIN)
    await owner.execute("drop table bare")
    return time.perf_counter() - started


@pytest.mark.soak
async def test_a_million_lines_beside_the_floor(
    server: EmbeddedPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await migrate_all(server.dsn())
    day = plant(sold(LINES), LINES // 100, seed=9)
    file = tmp_path / "day.csv"
    write_report(file, day.lines)
    owner = await asyncpg.connect(server.dsn())
    await fill(owner, day.orders)
    causes, lines = day.causes, len(day.lines)
    del day
    pool = await open_pool(server.dsn(), size=2, name="soak")
    clock = Noon()
    ids = Ids(clock, SeededRandomness(1))
    plans = {"stripe": {"USD": FeePlan(*PLAN), "EUR": FeePlan(*PLAN)}}
    loader = Loader(pool, clock, ids, Vault(tmp_path / "vault"), plans)
    nights = Nights(pool, clock, ids, plans, patience=3)
    before = await floor(owner, file)
    started = time.perf_counter()
    read = await loader.load("stripe", "day.csv", file_pieces(file), read_blocks)
    loaded = time.perf_counter() - started
    night = await nights.reconcile("stripe", DAY, books=False)
    took = time.perf_counter() - started
    after = await floor(owner, file)
    bare = (before + after) / 2
    rows = await pool.fetch(
        "select coalesce(line_key, reference) as name, cause from reconciliation.breaks"
    )
    assert read.lines == lines
    assert {row["name"]: row["cause"] for row in rows} == {
        name: cause.word for name, cause in causes.items()
    }
    assert night.new_breaks == len(causes)
    with capsys.disabled():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(
            f"\n{lines:,} lines: floor {bare:.1f} s; read {loaded:.1f} s, all stored {took:.1f} s:"
            f" {took / bare:.2f} x the floor; {len(causes):,} planted, {len(rows):,} found;"
            f" at most {peak} MB with the test's own data\n"
        )
    await pool.close()
    await owner.close()


def test_lines_are_written_as_the_report_has_them() -> None:
    text = report([]).decode()
    assert next(csv.reader(io.StringIO(text)))[0] == "balance_transaction_id"
