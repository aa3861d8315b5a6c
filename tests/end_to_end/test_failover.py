"""Two PSPs over the wire, one of them down: paid once at the other, never while nobody knows."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.rooms import an_intake, execution_service, intake_service
from tests.payments.test_failover import with_alternatives
from tests.proof.flow import consume
from tests.proof.shops import adapter_of, fault, findings, verdict_with
from tests.psp.conformance.profiles import PROFILES

from clearhouse.kernel.clock import SystemClock
from clearhouse.payments.model import Alternative
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.proof.prove import conclude, trail_of
from clearhouse.psp import registry
from clearhouse.psp.breaker import BreakerPolicy
from clearhouse.psp.contract import PspConfig
from clearhouse.sandbox.faults import Fault
from clearhouse.sandbox.server import Running, running
from clearhouse.workers.executor import Executor
from clearhouse.workers.metrics import FAILOVERS

FIRST, SECOND = "stripe", "square"
NOBODY = "http://127.0.0.1:9"
CLOSED = BreakerPolicy(least=1000, window=1000)
SOON_OPEN = BreakerPolicy(least=3, window=10, rest=timedelta(minutes=5))


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
async def psps(sandbox: Running) -> AsyncIterator[dict[str, Any]]:
    async with (
        adapter_of(FIRST, sandbox.base_url) as first,
        adapter_of(SECOND, sandbox.base_url) as second,
    ):
        yield {FIRST: first, SECOND: second}


async def accept(pool: Pool, orders: int) -> None:
    intake = intake_service(pool)
    given = with_alternatives(intake, "c", orders, FIRST, SECOND)
    tokens = tuple(Alternative(name, PROFILES[name].good) for name in (FIRST, SECOND))
    payment = replace(given.payment, alternatives=tokens)
    await intake.accept(replace(given, payment=payment, event=intake.prepare(payment)))


@asynccontextmanager
async def executors(pool: Pool, *psps: Any, breaker: BreakerPolicy = CLOSED) -> AsyncIterator[None]:
    """An executor for each PSP, two calls at once, as long as the block lasts."""
    stopping = asyncio.Event()
    running_now = [
        asyncio.create_task(
            Executor(
                execution_service(pool), psp, SystemClock(), concurrency=2, breaker=breaker
            ).run(stopping)
        )
        for psp in psps
    ]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*running_now), 30)


async def until(pool: Pool, question: str) -> None:
    for _ in range(3000):
        if await pool.fetchval(question):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came true: {question}")


ALL_FINAL = "select not exists (select from payments.work)"


async def proven(database: str, pool: Pool, psps: dict[str, Any], orders: int) -> list[str]:
    """Who holds the money of each order; every book agrees, and every trail holds."""
    await consume(pool)
    verdict = await verdict_with(database, psps)
    assert verdict.holds, findings(verdict)
    paid: list[str] = []
    for number in range(orders):
        trail = await trail_of(pool, f"c-{number}", psps)
        assert conclude(trail).holds
        assert trail.records is not None
        assert [record.is_charged for record in trail.records] == [True]
        paid.append(trail.order.psp)
    return paid


def charges(sandbox: Running, psp: str) -> int:
    found, _ = sandbox.core.truth.charges(psp, reference=None, status=None, after=0, limit=1000)
    return len(found)


def counted(why: str) -> float:
    [metric] = FAILOVERS.labels(FIRST, why).collect()
    return next(one.value for one in metric.samples if one.name.endswith("_total"))


async def test_a_psp_that_takes_nothing_is_left(
    database: str, pool: Pool, psps: dict[str, Any], sandbox: Running
) -> None:
    before = counted("unavailable")
    sandbox.core.faults.rates = {FIRST: {Fault.RATE_LIMITED: 1.0}}
    await accept(pool, 4)
    async with executors(pool, *psps.values()):
        await until(pool, ALL_FINAL)
    assert await proven(database, pool, psps, 4) == [SECOND] * 4
    assert (charges(sandbox, FIRST), charges(sandbox, SECOND)) == (0, 4)
    assert counted("unavailable") - before == 4


async def test_an_open_breaker_hands_on_what_was_never_sent_and_the_rest_is_left(
    database: str, pool: Pool, psps: dict[str, Any]
) -> None:
    before = counted("resting")
    config = PspConfig(PROFILES[FIRST].credentials, NOBODY, 5.0, 2)
    nobody_there: Any = registry.create(FIRST, config)
    await accept(pool, 12)
    async with executors(pool, nobody_there, psps[SECOND], breaker=SOON_OPEN):
        # What was asked once before the breaker opened waits for it; all others are paid.
        await until(
            pool,
            "select not exists (select from payments.payment_orders o where status <> 'SUCCESS'"
            " and not exists (select from payments.attempts a where a.order_id = o.order_id))",
        )
        assert counted("resting") > before
    async with executors(pool, psps[FIRST], psps[SECOND]):
        await until(pool, ALL_FINAL)
    await nobody_there.close()
    paid = await proven(database, pool, psps, 12)
    assert paid.count(SECOND) >= counted("resting") - before
    left = await pool.fetchval(
        "select count(*) from payments.payment_orders where psp = $1 and attempt = 1", SECOND
    )
    assert left == counted("resting") - before


async def test_a_lost_answer_holds_the_order_where_it_was_asked(
    database: str, pool: Pool, psps: dict[str, Any], sandbox: Running
) -> None:
    await accept(pool, 3)
    with fault(sandbox, fault="lost-answer", psp=FIRST, times=7):
        async with executors(pool, *psps.values()):
            await until(pool, ALL_FINAL)
    assert await proven(database, pool, psps, 3) == [FIRST] * 3
    assert charges(sandbox, SECOND) == 0


async def test_what_a_look_up_proves_to_be_uncharged_goes_to_the_next(
    database: str, pool: Pool, owner: PlainConnection, psps: dict[str, Any], sandbox: Running
) -> None:
    await accept(pool, 2)
    unknown = "select count(*) = 2 from payments.payment_orders where status_reason = $$"
    unknown = unknown.replace("$$", "'unknown_outcome'")
    with fault(sandbox, fault="lost-request", psp=FIRST, times=1000):
        async with executors(pool, *psps.values()):
            await until(pool, unknown)
            await asyncio.sleep(0.2)
        assert charges(sandbox, SECOND) == 0
        assert await pool.fetchval(unknown)
    # The key is too old to be sent again, and so the PSP is asked instead.
    await owner.execute(
        "update payments.attempts set started_at = started_at - interval '30 hours',"
        " charged_at = charged_at - interval '30 hours'"
    )
    async with executors(pool, *psps.values()):
        await until(pool, ALL_FINAL)
    assert await proven(database, pool, psps, 2) == [SECOND] * 2
    assert (charges(sandbox, FIRST), charges(sandbox, SECOND)) == (0, 2)


async def test_a_token_that_the_first_refuses_is_no_end(
    database: str, pool: Pool, psps: dict[str, Any]
) -> None:
    before = counted("declined")
    intake = intake_service(pool)
    given = an_intake(intake, "c", orders=1)
    tokens = (
        Alternative(FIRST, PROFILES[FIRST].invalid.method),
        Alternative(SECOND, PROFILES[SECOND].good),
    )
    payment = replace(given.payment, alternatives=tokens)
    await intake.accept(replace(given, payment=payment, event=intake.prepare(payment)))
    async with executors(pool, *psps.values()):
        await until(pool, ALL_FINAL)
    assert await proven(database, pool, psps, 1) == [SECOND]
    assert counted("declined") - before == 1
