"""A dispute from the buyer's complaint to its end, over the wire at each PSP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.disputes.rooms import an_answer, execution, learn, only, service
from tests.operations.desk import CLOCK
from tests.proof.flow import consume
from tests.proof.shops import adapter_of, fault, findings, reference_of, sell, verdict_with
from tests.psp.conformance.profiles import PROFILES, Disputed

from clearhouse.payments.disputes.answering import AnswerKind
from clearhouse.payments.disputes.model import Dispute, DisputeMoney, LearntDispute
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.postgres.connection import Pool
from clearhouse.psp.disputes import DisputeStage
from clearhouse.sandbox.server import Running, running
from clearhouse.workers.disputes import DisputeWorker

PSPS = sorted(PROFILES)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
async def psp(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[Any]:
    async with adapter_of(request.param, sandbox.base_url) as adapter:
        yield adapter


def profile_of(psp: Any) -> Disputed:
    profile = PROFILES[psp.name].disputed
    assert profile is not None
    return profile


async def disputed(pool: Pool, psp: Any) -> Dispute:
    """A sale whose buyer went to the bank, as the PSP tells it."""
    profile = profile_of(psp)
    await sell(pool, psp, {"lamp": profile.method}, profile.amount)
    reference = await reference_of(pool, "lamp")
    for _ in range(400):
        facts = await psp.disputes_of(reference)
        if facts:
            assert await learn(pool, LearntDispute(psp.name, facts[0], datetime.now(UTC))) == [True]
            await consume(pool)
            return await only(pool)
        await asyncio.sleep(0.05)
    raise AssertionError("nobody disputed it")


async def until(pool: Pool, psp: Any, stage: DisputeStage) -> None:
    """Let a worker call until the dispute is there."""
    worker = DisputeWorker(execution(pool), psp, CLOCK)
    for _ in range(200):
        await pool.execute("update payments.dispute_work set next_at = least(next_at, now())")
        await worker.round()
        if (await only(pool)).stage is stage:
            await consume(pool)
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never {stage}, but {(await only(pool)).stage}")


async def answered(pool: Pool, psp: Any, dispute: Dispute) -> OperationStatus:
    """How its one answer ends."""
    worker = DisputeWorker(execution(pool), psp, CLOCK)
    for _ in range(500):
        [answer] = await service(pool).answers_of(dispute.public_id)
        if answer.is_final:
            return answer.status
        await worker.round()
        await asyncio.sleep(0.01)
    raise AssertionError("it was never answered")


async def books_hold(database: str, psp: Any) -> None:
    verdict = await verdict_with(database, {psp.name: psp})
    assert verdict.holds, findings(verdict)
    assert verdict.unfinished.total == 0


@pytest.mark.parametrize("psp", PSPS, indirect=True)
async def test_evidence_wins_though_answers_are_lost_and_no_webhook_comes(
    pool: Pool, database: str, psp: Any, sandbox: Running
) -> None:
    found = await disputed(pool, psp)
    await service(pool).answer(an_answer(found.public_id))
    with fault(sandbox, psp=psp.name, operation="dispute", fault="lost-answer", times=1):
        await until(pool, psp, DisputeStage.UNDER_REVIEW)
    assert await answered(pool, psp, found) is OperationStatus.SUCCEEDED
    call = {"psp": psp.name, "id": found.psp_reference, "action": profile_of(psp).win}
    async with httpx.AsyncClient(trust_env=False) as hand:
        (await hand.post(f"{sandbox.base_url}/_sandbox/actions", json=call)).raise_for_status()
    await until(pool, psp, DisputeStage.WON)
    assert (await only(pool)).money is DisputeMoney.RETURNED
    await books_hold(database, psp)


@pytest.mark.parametrize("psp", PSPS, indirect=True)
async def test_giving_in_costs_the_seller_the_sale(pool: Pool, database: str, psp: Any) -> None:
    found = await disputed(pool, psp)
    await service(pool).answer(an_answer(found.public_id, AnswerKind.ACCEPTANCE))
    assert await answered(pool, psp, found) is OperationStatus.SUCCEEDED
    await consume(pool)
    after = await only(pool)
    assert after.stage in {DisputeStage.ACCEPTED, DisputeStage.LOST}
    assert after.money is DisputeMoney.TAKEN
    await books_hold(database, psp)
