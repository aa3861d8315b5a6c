"""Whatever way a day's lines come in, they say the same: shuffled, split, repeated, in any size."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.reconciliation.days import PLAN, Told, report, sold, store
from tests.reconciliation.planting import plant
from tests.reconciliation.test_nights import Office

from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.settlements import LineKind, SettlementLine
from clearhouse.reconciliation.matching import (
    FACT_KINDS,
    Cause,
    Fact,
    FeePlan,
    judge,
    judge_alone,
)

DAY_PLANTED = plant(sold(60), 52, seed=4)
LINES = DAY_PLANTED.lines
CUTS = st.lists(st.integers(0, len(LINES)), max_size=3).map(sorted)
AGAIN = st.lists(st.integers(0, len(LINES) - 1), max_size=8)
FORGET = """
    truncate reconciliation.files, reconciliation.breaks, reconciliation.totals,
        reconciliation.runs, reconciliation.corrections cascade
"""


async def forget(owner: PlainConnection) -> None:
    """As if no file had ever been read."""
    await owner.execute(FORGET)
    months = await owner.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = 'reconciliation.lines'::regclass"
    )
    for month in months:
        is_default = month["name"].endswith("default")
        await owner.execute(f"{'truncate' if is_default else 'drop table'} {month['name']}")


def plainly(lines: Sequence[Told]) -> dict[str, str]:
    """What each line is, by the planted truth."""
    return {
        line.key: cause.word if (cause := DAY_PLANTED.causes.get(line.key)) else "matched"
        for line in lines
    }


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(LINES))),
    cuts=CUTS,
    again=AGAIN,
    large=st.lists(st.booleans(), min_size=6, max_size=6),
    nights=st.lists(st.booleans(), min_size=6, max_size=6),
)
async def test_shuffled_split_and_repeated_lines_say_the_same(
    pool: Pool,
    owner: PlainConnection,
    tmp_path: Path,
    order: Sequence[int],
    cuts: Sequence[int],
    again: Sequence[int],
    large: Sequence[bool],
    nights: Sequence[bool],
) -> None:
    if not await owner.fetchval("select exists (select from payments.payment_orders)"):
        await store(owner, DAY_PLANTED.orders, books=False)
    await forget(owner)
    office = Office(pool, tmp_path / "vault")
    lines = [LINES[place] for place in order]
    files = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    files += [[LINES[place] for place in again], files[0]]
    for file, is_large, night in zip(files, large, nights, strict=False):
        office.large = is_large
        await office.read_bytes(report(file))
        if night:
            await office.night(books=False)
    await office.night(books=False)
    causes = {name: cause.word for name, cause in DAY_PLANTED.causes.items()}
    assert await office.breaks() == causes
    rows = await pool.fetch("select line_key, verdict from reconciliation.lines")
    assert {row["line_key"]: row["verdict"] for row in rows} == plainly(LINES)
    repeated = await office.night(books=False)
    assert (repeated.new_breaks, repeated.closed_breaks) == (0, 0)


LINE = st.builds(
    SettlementLine,
    *(st.just("l1"), st.sampled_from(LineKind), st.just("r1"), st.just(""), st.just("")),
    *(st.sampled_from(["USD", "EUR"]), st.sampled_from([-1000, 999, 1000, 1001])),
    *(st.sampled_from([0, 58, 59, 60, 61]), st.just("2026-11-21"), st.just(""), st.just("")),
)
FACT = st.none() | st.tuples(st.sampled_from(["USD", "EUR"]), st.just(1000), st.booleans())
VERDICT = "select reconciliation.verdict_of($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=LINE, beside=FACT, plan=st.none() | st.just(FeePlan(*PLAN)))
async def test_the_database_judges_as_the_rules_do(
    pool: Pool, line: SettlementLine, beside: tuple[str, int, bool] | None, plan: FeePlan | None
) -> None:
    numbers = (plan.basis_points, plan.fixed_minor, plan.tolerance_minor) if plan else [None] * 3
    told = await pool.fetchval(VERDICT, line.kind, *line[5:8], *(beside or [None] * 3), *numbers)
    kind = FACT_KINDS.get(line.kind)
    if kind is None:
        cause = judge_alone(line, None, charge_is_known=False)
        assert told == (cause.word if cause else "stands_alone")
    elif beside is None:
        assert told == "unmatched"
    else:
        currency, minor, is_reversed = beside
        cause = judge(line, Fact(kind, "r1", minor, currency, is_reversed), plan)
        assert told == (cause.word if cause else "matched")


def test_the_planted_day_has_what_can_be_planted() -> None:
    assert len(set(DAY_PLANTED.causes.values())) > 12
    assert Cause.SETTLED_TWICE in DAY_PLANTED.causes.values()
