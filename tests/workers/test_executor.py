"""The executor with a PSP of our own making: every outcome, restarts, bounds, and a clean stop."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.payments.rooms import LIMITS, an_intake, execution_service, intake_service

from clearhouse.kernel.clock import SystemClock
from clearhouse.payments.model import OrderFilter, OrderStatus, PaymentOrder
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.breaker import BreakerPolicy
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    NotCharged,
    PspOutcome,
    Succeeded,
    Unknown,
)
from clearhouse.workers.executor import Executor
from clearhouse.workers.maintenance import maintain
from clearhouse.workers.metrics import BREAKER_OPENINGS, DEAD_LETTERS

Answer = Callable[[ChargeRequest, int], PspOutcome]


NEVER_RESTS = BreakerPolicy(percent=100, least=50)
RESTS_SOON = BreakerPolicy(
    window=8, least=4, rest=timedelta(milliseconds=60), longest=timedelta(milliseconds=60), trials=1
)


class PlainPsp:
    """A PSP that charges each key once and answers as told, after a moment."""

    name = "stripe"

    def __init__(
        self,
        answer: Answer,
        *,
        lifetime: timedelta = timedelta(hours=24),
        proves_after: timedelta = timedelta(0),
    ) -> None:
        self.capabilities = Capabilities(
            255, lifetime, repeat_is_lookup=False, look_up_proves_after=proves_after
        )
        self.calls: list[tuple[str, str]] = []
        self.charged: set[str] = set()
        self.busy = self.busiest = 0
        self._answer = answer

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        return await self._call("charge", request)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        return await self._call("look_up", request)

    async def close(self) -> None:
        """Nothing to give back."""

    async def _call(self, kind: str, request: ChargeRequest) -> PspOutcome:
        self.calls.append((kind, request.idempotency_key))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0.001)
        self.busy -= 1
        outcome = self._answer(request, len(self.calls))
        if isinstance(outcome, Succeeded):
            self.charged.add(request.idempotency_key)
        return outcome


def pays(request: ChargeRequest, call: int) -> PspOutcome:
    return Succeeded(f"ch_{request.idempotency_key}", request.amount)


async def run_until_final(
    pool: Pool,
    psp: PlainPsp,
    checkouts: int,
    *,
    orders: int = 2,
    concurrency: int = 4,
    breaker: BreakerPolicy = NEVER_RESTS,
) -> list[PaymentOrder]:
    intake = intake_service(pool)
    for n in range(checkouts):
        await intake.accept(an_intake(intake, f"c{n}", orders=orders))
    payments = PaymentService(pool, intake)
    executor = Executor(
        execution_service(pool), psp, SystemClock(), concurrency=concurrency, breaker=breaker
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(executor.run(stopping))
    found: list[PaymentOrder] = []
    for _ in range(1000):
        found = list((await payments.list_orders(OrderFilter(), None, 200)).orders)
        if all(order.finalized_at for order in found):
            break
        await asyncio.sleep(0.01)
    stopping.set()
    await asyncio.wait_for(running, 10)
    return found


async def test_all_orders_are_paid_once_within_bounds(pool: Pool) -> None:
    psp = PlainPsp(pays)
    orders = await run_until_final(pool, psp, 15, concurrency=3)
    assert {order.status for order in orders} == {OrderStatus.SUCCESS}
    assert len(psp.calls) == len(set(psp.calls)) == 30
    assert psp.busiest <= 3


async def test_a_psp_that_is_down_is_rested_and_then_asked_on_trial(pool: Pool) -> None:

    def down_at_first(request: ChargeRequest, call: int) -> PspOutcome:
        return NotCharged("connection refused") if call <= 8 else pays(request, call)

    psp = PlainPsp(down_at_first)
    openings = _openings()
    orders = await run_until_final(pool, psp, 10, concurrency=4, breaker=RESTS_SOON)
    assert {order.status for order in orders} == {OrderStatus.SUCCESS}
    assert psp.charged == {order.payment_order_id for order in orders}
    # Once for the bad answers, and again for each bad trial.
    assert 2 <= _openings() - openings <= 5


def _openings() -> float:
    [metric] = BREAKER_OPENINGS.labels("stripe", "charge").collect()
    return next(one.value for one in metric.samples if one.name.endswith("_total"))


async def test_look_ups_that_rest_are_put_back_and_not_counted(pool: Pool) -> None:
    intake, service = intake_service(pool), execution_service(pool)
    await intake.accept(an_intake(intake, "c", orders=1))
    [order] = await service.claim("stripe", LIMITS, 1)
    await service.put_back([order], timedelta(0))
    [again] = await service.claim("stripe", LIMITS, 1)
    assert (again.tries, again.fence) == (1, order.fence + 1)
    # Whoever lost the lease puts nothing back.
    await service.put_back([order], timedelta(0))
    assert await service.claim("stripe", LIMITS, 1) == []
    [attempt] = (await PaymentService(pool, intake).order("c-0"))[1]
    assert attempt.calls == 1


async def test_lost_answers_and_broken_adapters_repeat_the_same_key(pool: Pool) -> None:
    def moody(request: ChargeRequest, call: int) -> PspOutcome:
        if call % 3 == 0:
            raise RuntimeError("a bug in the adapter")
        if call % 3 == 1:
            return Unknown("timeout")
        return pays(request, call)

    psp = PlainPsp(moody)
    orders = await run_until_final(pool, psp, 4)
    assert {order.status for order in orders} == {OrderStatus.SUCCESS}
    assert {key for _, key in psp.calls} == {order.payment_order_id for order in orders}
    assert {kind for kind, _ in psp.calls} == {"charge"}


async def test_past_a_keys_lifetime_it_looks_up_before_a_new_attempt(pool: Pool) -> None:
    def forgetful(request: ChargeRequest, call: int) -> PspOutcome:
        if call == 1:
            return Unknown("timeout")
        if call == 2:
            return NotCharged("no such charge")
        return pays(request, call)

    psp = PlainPsp(forgetful, lifetime=timedelta(microseconds=1))
    [order] = await run_until_final(pool, psp, 1, orders=1)
    assert (order.status, order.attempt) == (OrderStatus.SUCCESS, 2)
    kinds = [kind for kind, _ in psp.calls]
    keys = [key for _, key in psp.calls]
    assert kinds == ["charge", "look_up", "charge"]
    assert keys[0] == keys[1] == "c0-0"
    assert keys[2] != keys[0]


async def test_an_empty_look_up_is_no_proof_while_a_call_may_be_under_way(pool: Pool) -> None:
    def slow_to_show(request: ChargeRequest, call: int) -> PspOutcome:
        if call == 1:
            return Unknown("timeout")
        return NotCharged("no such charge") if call < 6 else pays(request, call)

    psp = PlainPsp(slow_to_show, lifetime=timedelta(0), proves_after=timedelta(hours=1))
    [order] = await run_until_final(pool, psp, 1, orders=1)
    assert (order.status, order.attempt) == (OrderStatus.SUCCESS, 1)
    assert {key for _, key in psp.calls} == {"c0-0"}
    assert [kind for kind, _ in psp.calls] == ["charge"] + ["look_up"] * 5


async def test_a_database_that_goes_away_loses_no_answer(
    pool: Pool, owner: PlainConnection
) -> None:
    async def cut_connections() -> None:
        for _ in range(10):
            await asyncio.sleep(0.02)
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    psp = PlainPsp(pays)
    intake = intake_service(pool)
    for n in range(20):
        await intake.accept(an_intake(intake, f"c{n}"))
    cutting = asyncio.create_task(cut_connections())
    executor = Executor(
        execution_service(pool, lease=timedelta(seconds=2)), psp, SystemClock(), concurrency=8
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(executor.run(stopping))
    await cutting
    for _ in range(1000):
        if await owner.fetchval("select count(*) from payments.work") == 0:
            break
        await asyncio.sleep(0.02)
    stopping.set()
    await asyncio.wait_for(running, 20)
    statuses = await owner.fetch("select distinct status from payments.payment_orders")
    assert [row["status"] for row in statuses] == ["SUCCESS"]
    assert len(psp.charged) == 40


async def test_stopping_settles_what_is_under_way(pool: Pool, owner: PlainConnection) -> None:
    entered = asyncio.Event()

    def note(request: ChargeRequest, call: int) -> PspOutcome:
        entered.set()
        return pays(request, call)

    psp = PlainPsp(note)
    intake = intake_service(pool)
    await intake.accept(an_intake(intake, "one", orders=6))
    stopping = asyncio.Event()
    executor = Executor(execution_service(pool), psp, SystemClock(), concurrency=2)
    running = asyncio.create_task(executor.run(stopping))
    await entered.wait()
    stopping.set()
    await asyncio.wait_for(running, 10)
    executing = await owner.fetchval(
        "select count(*) from payments.payment_orders where status = 'EXECUTING'"
    )
    assert executing == 0
    assert psp.busy == 0


async def test_housekeeping_forgets_expired_keys_only(pool: Pool, owner: PlainConnection) -> None:
    short = intake_service(pool, lifetime=timedelta(0))
    long = intake_service(pool)
    await short.accept(an_intake(short, "short"))
    await long.accept(an_intake(long, "long"))
    await owner.execute(
        "insert into wallets.idempotency_keys"
        " select gen_random_uuid(), k, sha256('a body'), 'an answer', now(), now() + more"
        " from (values ('c:short', interval '-1 s'), ('c:long', interval '1 h')) v (k, more)"
    )
    await maintain(pool)
    for schema in ("payments", "wallets"):
        rows = await owner.fetch(f"select idempotency_key from {schema}.idempotency_keys")
        assert [row["idempotency_key"] for row in rows] == ["c:long"]


@pytest.mark.parametrize("size", [1, 50])
async def test_concurrency_bounds_the_calls(pool: Pool, size: int) -> None:
    psp = PlainPsp(pays)
    await run_until_final(pool, psp, 30, concurrency=size)
    assert psp.busiest <= size


async def test_housekeeping_counts_the_dead_letters_that_wait(
    pool: Pool, owner: PlainConnection
) -> None:
    await owner.execute(
        "insert into ledger.dead_letters"
        " (consumer, type, aggregate_id, version, payload, error, resolved_at)"
        " select 'x', 'x', gen_random_uuid(), 1, '{}', 'e', done"
        " from unnest(array[null, null, now()]) as d (done)"
    )
    await maintain(pool)
    counts = {
        sample.labels["service"]: sample.value
        for metric in DEAD_LETTERS.collect()
        for sample in metric.samples
    }
    assert counts["ledger"] == 2
    assert counts["payments"] == counts["wallets"] == 0
