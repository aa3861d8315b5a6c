"""The drawn lifecycle of operations: whole, without dead ends, and true of a real database."""

from collections import deque
from dataclasses import replace
from uuid import UUID

import pytest
from tests.operations.desk import CLOCK, SOLD, Desk, RefundingPsp
from tests.proof.flow import consume, pay
from tests.proof.test_money_back import findings

from clearhouse.kernel.atlas import Arrow, Place
from clearhouse.payments.operations.atlas import FACTS, MOVERS, Fact, arrows, sections
from clearhouse.payments.operations.model import Kind, OperationReason, OperationStatus
from clearhouse.payments.operations.outcomes import Told
from clearhouse.payments.operations.store import QUERIES
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.operations import Done, Waiting

ARROWS = list(arrows())
CREATED, ASKED = Place("CREATED"), Place("SUBMITTED")
OPEN = [place for place in MOVERS if place.status in {"CREATED", "SUBMITTED"}]
BY_WORDS = {fact.words: fact for fact in FACTS}


def ways_on(start: Place, every: list[Arrow]) -> dict[Place, list[Fact]]:
    """The fewest facts that lead from one place to each that can be reached."""
    found: dict[Place, list[Fact]] = {start: []}
    todo = deque([start])
    while todo:
        here = todo.popleft()
        for arrow in every:
            if arrow.before == here and arrow.after not in found:
                found[arrow.after] = [*found[here], BY_WORDS[arrow.words]]
                todo.append(arrow.after)
    return found


def test_every_status_and_every_reason_is_a_place_with_somebody_who_moves_it() -> None:
    assert {place.status for place in MOVERS} == {*OperationStatus}
    assert {place.reason for place in OPEN} == {None, *OperationReason}
    assert all(MOVERS.values())
    assert all(place.status in sections()["operation diagram"] for place in MOVERS)


@pytest.mark.parametrize("kind", list(Kind))
def test_no_place_is_a_dead_end_and_none_is_left_out(kind: Kind) -> None:
    every = list(arrows(kind))
    assert {arrow.after for arrow in every} <= MOVERS.keys()
    assert ways_on(ASKED, every).keys() == MOVERS.keys() - {CREATED}
    for place in OPEN:
        assert {"SUCCEEDED", "FAILED"} <= {there.status for there in ways_on(place, every)}


def test_only_what_gives_money_back_can_fail_after_it_was_done() -> None:
    for kind in Kind:
        left = {one.after.status for one in arrows(kind) if one.before == Place("SUCCEEDED")}
        assert left == ({"SUCCEEDED", "FAILED"} if kind.gives_back else {"SUCCEEDED"})
        back = {one.after.status for one in arrows(kind) if one.before.status == "FAILED"}
        assert back == {"FAILED"}


async def refunds(pool: Pool, desk: Desk, name: str, count: int) -> list[UUID]:
    """So many refunds that nobody has claimed."""
    names = [f"{name}{n}" for n in range((count + 1) // 2)]
    await pay(pool, names)
    orders = [f"{name}-{n}" for name in names for n in (0, 1)][:count]
    made = [await desk.refund(order, SOLD) for order in orders]
    return [one.operation_id for one in made]


async def learn(pool: Pool, desk: Desk, facts: dict[UUID, Fact]) -> None:
    async def work(connection: Connection) -> None:
        rows = await connection.fetch(QUERIES["lock_operations"], [*facts])
        told: list[Told] = []
        for row in rows:
            fact = facts[row["operation_id"]]
            outcome = fact.outcome
            if isinstance(outcome, Done | Waiting):
                outcome = replace(outcome, psp_reference=f"rf_{row['public_id']}")
            told.append(Told(row, outcome, 1, fact.ask, fact.proven, fact.key_expired))
        await desk.outcomes.store(connection, told)

    await in_transaction(pool, CLOCK, work)


async def test_every_arrow_is_driven_through_the_one_door(pool: Pool, database: str) -> None:
    desk = Desk(pool)
    unasked = [arrow for arrow in ARROWS if arrow.before == CREATED]
    asked = [arrow for arrow in ARROWS if arrow.before != CREATED]
    ids = await refunds(pool, desk, "asked", len(asked))
    await desk.execution.claim("stripe", RefundingPsp().capabilities, 1000)
    paths = ways_on(ASKED, ARROWS)
    chosen = dict(zip(ids, asked, strict=True))
    for step in range(max(map(len, paths.values()))):
        ways = {i: paths[arrow.before] for i, arrow in chosen.items()}
        await learn(pool, desk, {i: way[step] for i, way in ways.items() if len(way) > step})
    created = await refunds(pool, desk, "created", len(unasked))
    chosen |= dict(zip(created, unasked, strict=True))
    await learn(pool, desk, {i: BY_WORDS[arrow.words] for i, arrow in chosen.items()})
    rows = await pool.fetch("select operation_id, status, reason from payments.operations")
    assert len(rows) == len(ARROWS)
    for row in rows:
        arrow = chosen[row["operation_id"]]
        reason = row["reason"]
        if row["status"] == "FAILED" and reason != "rejected_by_bank":
            reason = "wrong_state"
        assert Place(row["status"], reason) == arrow.after, arrow
    await consume(pool)
    assert set(await findings(database)) <= {"proof.letters"}
