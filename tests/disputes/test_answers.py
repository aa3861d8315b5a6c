"""Disputes answered: taken in once, sent until the PSP has it, and asked after until decided."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from tests.disputes.rooms import (
    DELIVERED,
    MOMENT,
    DisputedBank,
    an_answer,
    execution,
    learn,
    only,
    service,
    told,
)
from tests.operations.desk import CLOCK, sold
from tests.payments.rooms import POLICY
from tests.proof.flow import consume
from tests.proof.test_money_back import checked, findings

from clearhouse.kernel.errors import IdempotencyMismatch, NotAnswerable, NotFound
from clearhouse.payments.disputes.answering import (
    AnswerKind,
    AnswerTransition,
    apply,
    check_answerable,
    next_wait,
)
from clearhouse.payments.disputes.model import DisputeMoney
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)
from clearhouse.workers.disputes import DisputeWorker

CLOSED = Refused(RefusalReason.WRONG_STATE, "dispute_closed")
SUBMITTED, SUCCEEDED = OperationStatus.SUBMITTED, OperationStatus.SUCCEEDED
FAILED = OperationStatus.FAILED

# fmt: off
APPLIED: list[tuple[OperationOutcome, OperationStatus, str | None, bool]] = [
    # outcome                                    status     reason             raised when overdue
    (Done("du_1"),                               SUCCEEDED, None,              False),
    (CLOSED,                                     FAILED,    "wrong_state",     True),
    (Waiting("du_1"),                            SUBMITTED, "processing",      False),
    (NotDone("busy"),                            SUBMITTED, "psp_unavailable", True),
    (Unknown("lost"),                            SUBMITTED, "unknown_outcome", True),
]
# fmt: on


@pytest.mark.parametrize(("outcome", "status", "reason", "raised"), APPLIED)
def test_what_an_outcome_makes_of_an_answer(
    outcome: OperationOutcome, status: OperationStatus, reason: str | None, raised: bool
) -> None:
    late = apply(outcome, POLICY, waited=timedelta(hours=2))
    assert (late.status, late.reason, late.raised) == (status, reason, raised)
    soon = apply(outcome, POLICY, waited=timedelta(0))
    assert (soon.status, soon.raised) == (status, status is FAILED)


# fmt: off
WAITS = [
    # stage              the answer's status   unchanged for  asked again after
    ("needs_response",   SUBMITTED,            100,           "as a call"),
    ("accepted",         SUBMITTED,            100,           "as a call"),
    ("needs_response",   SUCCEEDED,            100,           "half"),
    ("needs_response",   None,                 100,           "half"),
    ("inquiry",          None,                 100,           "half"),
    ("under_review",     FAILED,               100,           "half"),
    ("under_review",     None,                 999_999,       "longest"),
    ("won",              None,                 100,           "never"),
    ("lost",             SUCCEEDED,            100,           "never"),
    ("accepted",         None,                 100,           "never"),
    ("prevented",        None,                 100,           "never"),
    ("inquiry_closed",   FAILED,               100,           "never"),
]
# fmt: on


@pytest.mark.parametrize(("stage", "status", "unchanged", "after"), WAITS)
def test_when_the_psp_is_called_again(
    stage: str, status: OperationStatus | None, unchanged: int, after: str
) -> None:
    told_of = None if status is None else AnswerTransition(status, None, "")
    wait = next_wait(
        DisputeStage(stage),
        told_of,
        POLICY,
        tries=2,
        unchanged_for=timedelta(seconds=unchanged),
        jitter=1,
    )
    expected = {
        "as a call": POLICY.wait(2, 1),
        "half": timedelta(seconds=unchanged / 2),
        "longest": POLICY.poll_longest,
        "never": None,
    }
    assert wait == expected[after]


async def test_who_may_answer(pool: Pool) -> None:
    await sold(pool)
    await learn(pool, told("needs_response", due=MOMENT))
    dispute, late = await only(pool), MOMENT + timedelta(seconds=1)
    evidence, acceptance = AnswerKind.EVIDENCE, AnswerKind.ACCEPTANCE
    check_answerable(dispute, evidence, MOMENT, is_answered=False)
    check_answerable(dispute, acceptance, late, is_answered=False)
    with pytest.raises(NotAnswerable, match="due by 2026-01-01 00:00 UTC"):
        check_answerable(dispute, evidence, late, is_answered=False)
    with pytest.raises(NotAnswerable, match="answered already"):
        check_answerable(dispute, acceptance, MOMENT, is_answered=True)
    for stage in DisputeStage:
        if stage not in {DisputeStage.INQUIRY, DisputeStage.NEEDS_RESPONSE}:
            with pytest.raises(NotAnswerable, match=stage.value.replace("_", " ")):
                check_answerable(
                    replace(dispute, stage=stage), acceptance, MOMENT, is_answered=False
                )


async def ended(pool: Pool, bank: DisputedBank, rounds: int = 60) -> None:
    """Let a worker call until no answer is under way."""
    worker = DisputeWorker(execution(pool), bank, CLOCK)
    for _ in range(rounds):
        await worker.round()
        if not await pool.fetchval(
            "select count(*) from payments.dispute_answers where finalized_at is null"
        ):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("some answers never became final")


async def due(pool: Pool) -> None:
    await pool.execute("update payments.dispute_work set next_at = now()")


async def disputed(pool: Pool) -> str:
    """A dispute that needs a response; its id."""
    await sold(pool)
    await learn(pool, told("needs_response"))
    return (await only(pool)).public_id


async def test_evidence_is_taken_in_once_sent_and_the_review_learnt(
    pool: Pool, database: str
) -> None:
    dispute_id, bank = await disputed(pool), DisputedBank()
    wanted = an_answer(dispute_id, key="h:one")
    first = await service(pool).answer(wanted)
    assert (await service(pool).answer(wanted)).body == first.body
    with pytest.raises(IdempotencyMismatch):
        await service(pool).answer(an_answer(dispute_id, key="h:one", body=b"y" * 32))
    with pytest.raises(NotAnswerable, match="answered already"):
        await service(pool).answer(an_answer(dispute_id, AnswerKind.ACCEPTANCE))
    assert (await checked(database)).unfinished.operations == 1
    await ended(pool, bank)
    [answer] = await service(pool).answers_of(dispute_id)
    assert (answer.status, answer.public_id.encode()) == (SUCCEEDED, first.body)
    assert bank.sent == [DELIVERED]
    assert (await only(pool)).stage is DisputeStage.UNDER_REVIEW
    with pytest.raises(NotAnswerable, match="under review"):
        await service(pool).answer(an_answer(dispute_id))
    assert (await checked(database)).unfinished.operations == 0


async def test_giving_in_takes_the_money(pool: Pool, database: str) -> None:
    dispute_id, bank = await disputed(pool), DisputedBank()
    await service(pool).answer(an_answer(dispute_id, AnswerKind.ACCEPTANCE))
    await ended(pool, bank)
    await consume(pool)
    found = await only(pool)
    assert (found.stage, found.money) == (DisputeStage.ACCEPTED, DisputeMoney.TAKEN)
    assert bank.sent == [None]
    assert await pool.fetchval("select count(*) from payments.dispute_work") == 0
    assert await findings(database) == {}


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("says", [Unknown("lost"), NotDone("busy")])
async def test_a_lost_answer_is_sent_again_until_the_psp_has_it(
    pool: Pool, says: OperationOutcome, arrives: bool
) -> None:
    dispute_id = await disputed(pool)
    bank = DisputedBank(
        says=lambda call: says if call < 4 else None, arrives=lambda call: arrives or call > 2
    )
    await service(pool).answer(an_answer(dispute_id))
    await ended(pool, bank)
    assert (bank.calls, bank.sent) == (4, [DELIVERED])
    [answer] = await service(pool).answers_of(dispute_id)
    assert (answer.status, answer.reason) == (SUCCEEDED, None)


async def test_one_that_is_refused_is_told_to_a_person_and_may_be_given_again(
    pool: Pool, owner: PlainConnection
) -> None:
    dispute_id = await disputed(pool)
    await service(pool).answer(an_answer(dispute_id))
    await ended(pool, DisputedBank(says=lambda _: CLOSED, arrives=lambda _: False))
    [failed] = await service(pool).answers_of(dispute_id)
    assert (failed.status, failed.reason) == (FAILED, "wrong_state")
    [letter] = await owner.fetch("select * from payments.dead_letters")
    assert letter["error"] == f"evidence {failed.public_id}: wrong_state dispute_closed"
    await service(pool).answer(an_answer(dispute_id))
    await ended(pool, DisputedBank())
    assert [one.status for one in await service(pool).answers_of(dispute_id)] == [FAILED, SUCCEEDED]


async def test_one_that_waits_too_long_is_told_to_a_person_once(
    pool: Pool, owner: PlainConnection
) -> None:
    dispute_id = await disputed(pool)
    await service(pool).answer(an_answer(dispute_id))
    await owner.execute("update payments.dispute_answers set created_at = now() - interval '1 day'")
    worker = DisputeWorker(
        execution(pool),
        DisputedBank(says=lambda _: Unknown("lost"), arrives=lambda _: False),
        CLOCK,
    )
    for _ in range(3):
        await due(pool)
        assert await worker.round() == 1
    [letter] = await owner.fetch("select * from payments.dead_letters")
    assert "unknown_outcome lost" in letter["error"]


async def test_a_lost_webhook_is_found_out_by_asking(pool: Pool, database: str) -> None:
    await disputed(pool)
    bank = DisputedBank()
    worker = DisputeWorker(execution(pool), bank, CLOCK)
    assert await worker.round() == 0, "its webhooks get a minute"
    for stage in (DisputeStage.UNDER_REVIEW, DisputeStage.WON):
        bank.decide(stage)
        await due(pool)
        assert await worker.round() == 1
        assert (await only(pool)).stage is stage
    await consume(pool)
    assert await pool.fetchval("select count(*) from payments.dispute_work") == 0
    # What was opened again is asked about again.
    await learn(pool, told("needs_response", 9_000))
    assert await pool.fetchval("select count(*) from payments.dispute_work") == 1
    await consume(pool)
    assert await findings(database) == {}


async def test_what_was_read_before_the_latest_news_is_none(pool: Pool) -> None:
    await disputed(pool)
    await due(pool)
    service_, bank = execution(pool), DisputedBank()
    [claimed] = await service_.claim("stripe", 5)
    await learn(pool, told("under_review", 1))
    stale = told("needs_response").facts
    worker = DisputeWorker(service_, replace(bank, facts=stale), CLOCK)
    await worker._call(claimed)  # pyright: ignore[reportPrivateUsage]
    assert (await only(pool)).stage is DisputeStage.UNDER_REVIEW


async def test_a_psp_that_cannot_be_read_changes_nothing(pool: Pool) -> None:
    await disputed(pool)
    await due(pool)
    bank = DisputedBank(unreadable=True)
    assert await DisputeWorker(execution(pool), bank, CLOCK).round() == 1
    assert (await only(pool)).stage is DisputeStage.NEEDS_RESPONSE
    assert await pool.fetchval("select count(*) from payments.dispute_work") == 1


async def test_a_hundred_answers_at_once_are_one(pool: Pool) -> None:
    dispute_id = await disputed(pool)
    answers = await asyncio.gather(
        *(service(pool).answer(an_answer(dispute_id)) for _ in range(100)), return_exceptions=True
    )
    taken = [one for one in answers if not isinstance(one, BaseException)]
    assert len(taken) == 1
    assert {type(one) for one in answers if isinstance(one, BaseException)} == {NotAnswerable}
    assert len(await service(pool).answers_of(dispute_id)) == 1


async def test_two_workers_send_it_once_and_a_dead_one_is_followed(pool: Pool) -> None:
    dispute_id, bank = await disputed(pool), DisputedBank()
    await service(pool).answer(an_answer(dispute_id))
    dead = execution(pool, lease=timedelta(milliseconds=1))
    [held] = await dead.claim("stripe", 5)
    await asyncio.sleep(0.01)
    await asyncio.gather(*(ended(pool, bank) for _ in range(3)))
    assert bank.calls == 1
    worker = DisputeWorker(dead, bank, CLOCK)
    await worker._call(held)  # pyright: ignore[reportPrivateUsage]
    [answer] = await service(pool).answers_of(dispute_id)
    assert answer.status is SUCCEEDED
    assert bank.sent == [DELIVERED]


async def test_the_database_refuses_what_cannot_be(pool: Pool, owner: PlainConnection) -> None:
    dispute_id, bank = await disputed(pool), DisputedBank()
    await service(pool).answer(an_answer(dispute_id))
    await ended(pool, bank)
    for change in (
        "status = 'CREATED', finalized_at = null",
        "body = 'other'",
        "status = 'FAILED'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"update payments.dispute_answers set {change}")
    with pytest.raises(NotFound):
        await service(pool).answer(an_answer("dp_" + "0" * 32))
    with pytest.raises(NotFound):
        await service(pool).answer(an_answer("nobody"))
