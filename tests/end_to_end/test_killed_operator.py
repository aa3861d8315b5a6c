"""kill -9 of a worker around its call to the PSP: done once, and nothing is left hanging."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests import forked
from tests.disputes.rooms import an_answer, execution, service
from tests.end_to_end.dying import LEASE, work_until_death
from tests.end_to_end.test_disputes import books_hold, disputed
from tests.operations.desk import CLOCK, Desk, a_refund
from tests.proof.flow import consume
from tests.proof.shops import adapter_of, own_credentials, reference_of, sell
from tests.psp.conformance.profiles import PROFILES

from clearhouse.payments.disputes.answering import AnswerKind
from clearhouse.payments.model import CaptureMode
from clearhouse.payments.operations.model import Kind
from clearhouse.postgres.connection import Pool
from clearhouse.sandbox.server import Running, running
from clearhouse.workers.disputes import DisputeWorker
from clearhouse.workers.operator import Operator

HELD = (Kind.CAPTURE, Kind.VOID)
ANSWERS = (AnswerKind.EVIDENCE, AnswerKind.ACCEPTANCE)
UNDER_WAY = (
    "select (select count(*) from payments.operations where finalized_at is null)"
    " + (select count(*) from payments.dispute_answers where finalized_at is null)"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@dataclass
class Shop:
    """One PSP with one order, about which something is to be done."""

    pool: Pool
    psp: Any
    credentials: Mapping[str, str]
    sandbox: Running

    async def ask(self, kind: Kind | AnswerKind) -> str:
        """Have it asked for; the charge that it is about."""
        if isinstance(kind, AnswerKind):
            found = await disputed(self.pool, self.psp)
            await service(self.pool).answer(an_answer(found.public_id, kind))
            return await reference_of(self.pool, "lamp")
        good = PROFILES[self.psp.name].good
        mode = CaptureMode.MANUAL if kind in HELD else CaptureMode.AUTOMATIC
        await sell(self.pool, self.psp, {"lamp": good}, mode=mode)
        reference = await reference_of(self.pool, "lamp")
        settle = PROFILES[self.psp.name].settle
        if kind is Kind.REFUND and settle is not None:
            await asyncio.to_thread(settle, self.sandbox.base_url, reference)
        amount = 400 if kind is Kind.REFUND else None
        await Desk(self.pool).service.accept(a_refund("lamp", amount, kind=kind))
        return reference

    async def worker_dies(self, database: str, moment: str) -> None:
        """Start one, and see it killed."""
        told = {
            "database": database,
            "psp": self.psp.name,
            "credentials": dict(self.credentials),
            "base_url": self.sandbox.base_url,
            "moment": moment,
        }
        process = forked.start(work_until_death, told)
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == -signal.SIGKILL

    async def others_take_over(self) -> None:
        """Two of each kind of worker, until nothing is under way; waits are cut short."""
        async with httpx.AsyncClient(trust_env=False) as hand:
            clock = f"{self.sandbox.base_url}/_sandbox/clock"
            (await hand.post(clock, json={"days": 1 / 24})).raise_for_status()
        desk = Desk(self.pool)
        workers = [
            worker
            for _ in range(2)
            for worker in (
                Operator(desk.execution, self.psp, CLOCK, concurrency=4),
                DisputeWorker(execution(self.pool), self.psp, CLOCK),
            )
        ]
        async with asyncio.timeout(60):
            while await self.pool.fetchval(UNDER_WAY):
                await asyncio.gather(*(worker.round() for worker in workers))
                for table in ("operation_work", "dispute_work"):
                    await self.pool.execute(
                        f"update payments.{table} set next_at = now() where next_at > now()"
                    )
        await consume(self.pool)


@pytest.fixture
async def shop(request: pytest.FixtureRequest, pool: Pool, sandbox: Running) -> AsyncIterator[Shop]:
    credentials = own_credentials(request.param)
    async with adapter_of(request.param, sandbox.base_url, credentials) as psp:
        yield Shop(pool, psp, credentials, sandbox)


def refunded(sandbox: Running, reference: str) -> list[int]:
    """The amounts that the PSP gave back of a charge."""
    return [one.amount_minor for one in sandbox.core.truth.refunds(charge_id=reference)]


CASES = [
    *(("stripe", kind, moment) for kind in (Kind.REFUND, *HELD, *ANSWERS)
      for moment in ("before", "after")),
    *((psp, kind, "after") for psp in ("braintree", "square")
      for kind in (Kind.REFUND, AnswerKind.EVIDENCE)),
]  # fmt: skip


@pytest.mark.parametrize(("shop", "kind", "moment"), CASES, indirect=["shop"])
async def test_what_a_dead_worker_began_is_done_once(
    shop: Shop, database: str, sandbox: Running, kind: Kind | AnswerKind, moment: str
) -> None:
    reference = await shop.ask(kind)
    await shop.worker_dies(database, moment)
    assert await shop.pool.fetchval(UNDER_WAY) == 1
    await asyncio.sleep(LEASE.total_seconds())
    await shop.others_take_over()
    assert refunded(sandbox, reference) == ([400] if kind is Kind.REFUND else [])
    rows = await shop.pool.fetch(
        "select status from payments.operations union all"
        " select status from payments.dispute_answers"
    )
    assert [row["status"] for row in rows] == ["SUCCEEDED"]
    assert await shop.pool.fetchval("select count(*) from payments.dead_letters") == 0
    if not isinstance(kind, AnswerKind) or kind is AnswerKind.ACCEPTANCE:
        await books_hold(database, shop.psp)
