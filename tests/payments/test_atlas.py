"""The drawn lifecycle: whole, without dead ends, and true of a real database arrow by arrow."""

from collections import deque
from dataclasses import replace
from uuid import UUID

import pytest
from tests.payments.rooms import LIMITS, POLICY, an_intake, execution_service, intake_service

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.atlas import MOVERS, Arrow, Fact, Place, arrows, sections, ways_on
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import ENDING
from clearhouse.payments.model import FINAL, CaptureMode, OrderStatus, StatusReason
from clearhouse.postgres.connection import Pool

ARROWS = list(arrows())
ASKED = Place(OrderStatus.EXECUTING)
WITH_A_PAGE = Place(OrderStatus.EXECUTING, StatusReason.AWAITING_BUYER)


def test_every_status_and_every_reason_is_a_place_with_somebody_who_moves_it() -> None:
    assert {place.status for place in MOVERS} == {*OrderStatus}
    assert {place.reason for place in MOVERS} == {None, *StatusReason}
    assert all(MOVERS.values())


def test_every_arrow_ends_in_a_known_place() -> None:
    assert {arrow.after for arrow in ARROWS} <= MOVERS.keys()


def test_every_place_is_reached_once_the_psp_is_asked() -> None:
    assert {*ways_on(ASKED)} == MOVERS.keys() - {Place(OrderStatus.NOT_STARTED), WITH_A_PAGE}


@pytest.mark.parametrize("place", [p for p in MOVERS if p.status is OrderStatus.EXECUTING])
def test_no_place_is_a_dead_end(place: Place) -> None:
    ends = {there.status for there in ways_on(place)}
    assert {OrderStatus.SUCCESS, OrderStatus.FAILED} <= ends


def test_a_final_status_is_never_left() -> None:
    for arrow in ARROWS:
        if arrow.before.status in FINAL:
            assert arrow.after.status is arrow.before.status
            assert arrow.effect not in ENDING


def test_the_diagram_names_every_place() -> None:
    assert all(place.node in sections()["diagram"] for place in MOVERS)


def path_to(goal: Place) -> list[Fact]:
    """The fewest facts that lead an order that was asked for to a place."""
    todo = deque([(ASKED, list[Fact]())])
    seen = {ASKED}
    while todo:
        here, path = todo.popleft()
        if here == goal:
            return path
        for arrow in ARROWS:
            if arrow.before == here and arrow.after not in seen:
                seen.add(arrow.after)
                todo.append((arrow.after, [*path, arrow.fact]))
    raise AssertionError(f"nothing leads to {goal}")


def learnt(order_id: UUID, fact: Fact) -> Learnt:
    source = Source.REPLY if fact.elsewhere else Source.POLL
    return Learnt(order_id, fact.outcome, source, proves_no_charge=fact.proven)


class _Drive:
    """Orders that can be captured in part, one for each arrow, driven through the one door."""

    def __init__(self, pool: Pool) -> None:
        policy = replace(POLICY, soft_declines=1_000, card_declines=100_000, failover_tries=1)
        self.pool = pool
        self.learning = LearningService(
            SystemClock(),
            SystemRandomness(),
            policy=policy,
            default_fee=DefaultFee(290, {"USD": 30}),
            strays=RaisedStrays(),
        )

    async def orders(self, name: str, count: int, *, claimed: bool) -> list[UUID]:
        intake = intake_service(self.pool)
        request = an_intake(intake, name, orders=count)
        orders = tuple(
            replace(order, amount=replace(order.amount, minor=1000))
            for order in request.payment.orders
        )
        payment = replace(request.payment, orders=orders, capture_mode=CaptureMode.MANUAL)
        request = replace(request, payment=payment, event=intake.prepare(payment))
        await intake.accept(request)
        if claimed:
            # Those of earlier rounds may be due again, and are claimed with them.
            await execution_service(self.pool).claim("stripe", LIMITS, 1_000)
        return [order.order_id for order in request.event.orders]

    async def offer(self, elsewhere: dict[UUID, int]) -> None:
        """Give each order so many other PSPs, and attempts that were called once each."""
        ids = [order_id for order_id, count in elsewhere.items() if count]
        counts = [count for count in elsewhere.values() if count]
        await self.pool.execute(
            "update payments.payment_orders o set route = (array['b', 'c', 'd', 'e'])[1:n]"
            " from unnest($1::uuid[], $2::int[]) g (order_id, n) where o.order_id = g.order_id",
            ids,
            counts,
        )
        await self.pool.execute(
            "insert into payments.alternatives select distinct o.event_id, v.psp, 'token'"
            " from payments.payment_orders o, unnest(array['stripe', 'b', 'c', 'd', 'e']) v (psp)"
            " where o.order_id = any($1::uuid[])",
            ids,
        )
        await self.pool.execute(
            "insert into payments.attempts (order_id, attempt, psp, idempotency_key, calls,"
            " started_at, charged_at, finished_at)"
            " select order_id, a, 'b', order_id::text || a, 1, now(), now(),"
            " case when a > 1 then now() end"
            " from unnest($1::uuid[], $2::int[]) g (order_id, n), generate_series(1, n + 1) a"
            " on conflict do nothing",
            ids,
            counts,
        )

    async def drive(self, order_ids: list[UUID], chosen: list[Arrow]) -> None:
        """Bring each order to the beginning of its arrow, along it, and see where it is."""
        ways: list[Learnt] = []
        ends: list[Learnt] = []
        elsewhere: dict[UUID, int] = {}
        for order_id, arrow in zip(order_ids, chosen, strict=True):
            start = arrow.before
            way = [] if start.status is OrderStatus.NOT_STARTED else path_to(start)
            ways += [learnt(order_id, fact) for fact in way]
            ends.append(learnt(order_id, arrow.fact))
            elsewhere[order_id] = sum(fact.elsewhere for fact in [*way, arrow.fact])
        await self.offer(elsewhere)
        async with self.pool.acquire() as connection, connection.transaction():
            await self.learning.learn(connection, ways)
            # As a claim by the next PSP's executor would count.
            await connection.execute("update payments.work set tries = greatest(tries, 1)")
            made = await self.learning.learn(connection, ends)
        rows = await self.pool.fetch(
            "select order_id, status, status_reason from payments.payment_orders"
        )
        stored = {row["order_id"]: (row["status"], row["status_reason"]) for row in rows}
        for order_id, arrow, transition in zip(order_ids, chosen, made, strict=True):
            after = arrow.after.reason
            assert stored[order_id] == (arrow.after.status, after), arrow
            assert transition.effect is arrow.effect, arrow


async def test_every_arrow_is_driven_through_the_one_door(pool: Pool) -> None:
    drive = _Drive(pool)
    unasked = [a for a in ARROWS if a.before.status is OrderStatus.NOT_STARTED]
    asked = [a for a in ARROWS if a not in unasked and a.before != WITH_A_PAGE]
    for start in range(0, len(asked), 100):
        chosen = asked[start : start + 100]
        ids = await drive.orders(f"asked-{start}", len(chosen), claimed=True)
        await drive.drive(ids, chosen)
    await drive.drive(await drive.orders("unasked", len(unasked), claimed=False), unasked)
    # Each version of an order has its one event.
    gaps = await pool.fetchval(
        "select count(*) from payments.payment_orders o where o.version <>"
        " 1 + (select count(*) from payments.outbox x where x.aggregate_id = o.order_id"
        " and x.type <> 'payment_order.accepted')"
    )
    assert gaps == 0
