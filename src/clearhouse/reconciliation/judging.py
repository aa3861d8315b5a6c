"""The second look: lines that the great join left over, judged one by one by the pure rules.

A fact may be older than the days around a file, an order may have learnt its outcome since, and a
line may name an order by our own id only. These are few, so they are looked up by key.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from clearhouse.postgres.connection import Connection, affected
from clearhouse.psp.settlements import LineKind, SettlementLine
from clearhouse.reconciliation.matching import (
    FACT_KINDS,
    Fact,
    FeePlan,
    OrderState,
    judge,
    judge_alone,
)
from clearhouse.reconciliation.store import QUERIES

_BATCH: Final = 2_000
_STRAYS: Final = {"charge": "stray"}
"""A charge that no order stands for is known, too, once it is being given back."""


async def judge_again(
    connection: Connection, psp: str, first: date, last: date, plans: Mapping[str, FeePlan]
) -> int:
    """Judge what is not matched on some days, in the caller's transaction; says how many changed.

    In a constant number of statements for each two thousand lines.
    """
    changed = 0
    after: tuple[date, str] = (first, "")
    while True:
        rows = await connection.fetch(QUERIES["unmatched_lines"], psp, first, last, *after, _BATCH)
        if not rows:
            break
        changed += await _judge(connection, psp, rows, plans)
        after = (rows[-1]["occurred_on"], rows[-1]["line_key"])
    return changed + await _look_for_twice(connection, psp, first, last)


async def _look_for_twice(connection: Connection, psp: str, first: date, last: date) -> int:
    await connection.execute("set local enable_hashagg = off")
    rows = await connection.fetch(QUERIES["references_twice"], psp, first, last)
    await connection.execute("set local enable_hashagg = on")
    if not rows:
        return 0
    hashes = [row["hash"] for row in rows]
    await connection.execute(QUERIES["look_for_twice"], psp, first, last, hashes)
    await connection.execute(QUERIES["count_twice"])
    return affected(await connection.execute(QUERIES["settled_twice"], psp, first, last))


async def _judge(
    connection: Connection,
    psp: str,
    rows: Sequence[asyncpg.Record],
    plans: Mapping[str, FeePlan],
) -> int:
    lines = [_line(row) for row in rows]
    kinds = [FACT_KINDS.get(line.kind, "") for line in lines]
    references = [line.reference for line in lines]
    facts = await _facts(connection, psp, kinds, references)
    charges = await _facts(
        connection, psp, ["charge"] * len(lines), [line.charge_reference for line in lines]
    )
    strays = await _facts(connection, psp, [_STRAYS.get(kind, "") for kind in kinds], references)
    facts = {**strays, **facts}
    orders = await _orders(connection, [line.order_hint for line in lines])
    verdicts: list[tuple[Any, ...]] = []
    for place, (row, line) in enumerate(zip(rows, lines, strict=True)):
        fact, order = facts.get(place), orders.get(place)
        if fact is not None:
            cause = judge(line, fact[0], plans.get(line.currency))
            verdict = (
                cause.word if cause else "matched",
                fact[1],
                fact[0].amount_minor,
                "reference",
            )
        else:
            cause = judge_alone(line, order[0] if order else None, charge_is_known=place in charges)
            leads_to = order[1] if order else charges[place][1] if place in charges else None
            found = "order_hint" if order else None
            verdict = (cause.word if cause else "stands_alone", leads_to, None, found)
        verdicts.append((row["occurred_on"], row["line_key"], *verdict))
    columns = [list(column) for column in zip(*verdicts, strict=True)]
    told = await connection.execute(QUERIES["judge_lines"], psp, *columns)
    return affected(told)


async def _facts(
    connection: Connection, psp: str, kinds: Sequence[str], references: Sequence[str]
) -> Mapping[int, tuple[Fact, UUID]]:
    rows = await connection.fetch(QUERIES["facts_of"], psp, kinds, references)
    return {
        row["n"] - 1: (
            Fact(
                row["kind"],
                row["reference"],
                row["amount_minor"],
                row["currency"],
                row["is_reversed"],
            ),
            row["order_id"],
        )
        for row in rows
    }


async def _orders(
    connection: Connection, hints: Sequence[str]
) -> Mapping[int, tuple[OrderState, UUID]]:
    rows = await connection.fetch(QUERIES["orders_named"], hints)
    return {
        row["n"] - 1: (OrderState(row["status"], row["psp_reference"]), row["order_id"])
        for row in rows
    }


def _line(row: asyncpg.Record) -> SettlementLine:
    return SettlementLine(
        row["line_key"],
        LineKind(row["kind"]),
        row["reference"],
        row["charge_reference"],
        row["order_hint"],
        row["currency"],
        row["gross_minor"],
        row["fee_minor"],
        "",
        "",
        "",
    )
