"""Refunds on a real PostgreSQL: each key once, each cent at most once, whoever races."""

import asyncio
import random
from datetime import timedelta

import asyncpg
import pytest
from tests.operations.desk import CLOCK, FEE, SOLD, Desk, RefundingPsp, a_refund, minor, sold
from tests.proof.flow import pay

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import (
    Conflict,
    IdempotencyMismatch,
    NotFound,
    NotRefundable,
    RefundExceedsCapture,
)
from clearhouse.messaging.events import RefundCreated, RefundFailed, RefundSucceeded, decode
from clearhouse.payments.operations.model import (
    ClaimedOperation,
    Operation,
    OperationSettlement,
    OperationStatus,
)
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.proof.verify import verify
from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)
from clearhouse.workers.operator import Operator


async def events_of(pool: Pool, refund: Operation) -> list[object]:
    rows = await pool.fetch(
        "select payload from payments.outbox where aggregate_id = $1 order by version",
        refund.operation_id,
    )
    return [decode(row["payload"]) for row in rows]


async def test_a_refund_is_made_once_and_told(pool: Pool) -> None:
    desk, order = Desk(pool, FeePolicy.RETURN), await sold(pool)
    refund = await desk.refund(order, 400)
    assert (refund.status, refund.amount.minor) == (OperationStatus.CREATED, 400)
    assert await minor(pool, order) == 400
    psp = RefundingPsp()
    await desk.settled(psp)
    assert await desk.status_of(refund) == (OperationStatus.SUCCEEDED, None)
    assert psp.calls == [("refund", refund.public_id)]
    created, succeeded = await events_of(pool, refund)
    assert isinstance(created, RefundCreated)
    assert (created.amount_minor, created.fee_returned_minor) == (400, round(FEE * 0.4))
    assert isinstance(succeeded, RefundSucceeded)
    assert succeeded.psp_reference == f"rf_{refund.public_id}"
    rest = await desk.refund(order)
    assert (rest.amount.minor, rest.fee_returned_minor) == (600, FEE - round(FEE * 0.4))


async def test_two_refunds_of_60_on_a_capture_of_100_never_both_pass(pool: Pool) -> None:
    for round_ in range(5):
        order = await sold(pool, f"cart{round_}")
        desks = [Desk(pool) for _ in range(4)]  # as many processes, no gathering between them
        answers = await asyncio.gather(
            *(desk.service.accept(a_refund(order, 600)) for desk in desks), return_exceptions=True
        )
        passed = [answer for answer in answers if isinstance(answer, IntakeAnswer)]
        refused = [answer for answer in answers if isinstance(answer, RefundExceedsCapture)]
        assert (len(passed), len(refused)) == (1, 3)
        assert await minor(pool, order) == 600


async def test_two_in_one_batch_see_each_other(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    answers = await asyncio.gather(
        *(desk.service.accept(a_refund(order, 600)) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(answer, IntakeAnswer) for answer in answers) == 1
    assert await minor(pool, order) == 600


async def test_the_database_itself_keeps_the_ceiling(pool: Pool, owner: PlainConnection) -> None:
    order = await sold(pool)
    for amounts in ["refunded_minor = 1001", "refunded_minor = 600, disputed_minor = 401"]:
        with pytest.raises(asyncpg.CheckViolationError, match="never_more_than_captured"):
            await owner.execute(
                f"update payments.payment_orders set {amounts} where payment_order_id = $1", order
            )


async def test_random_refunds_from_many_sides_keep_the_ceiling(pool: Pool) -> None:
    chance = random.Random(7)
    orders = [await sold(pool, f"cart{n}") for n in range(3)]
    desks = [Desk(pool) for _ in range(3)]
    wanted = [
        (chance.choice(desks), chance.choice(orders), chance.randint(1, 400)) for _ in range(60)
    ]
    answers = await asyncio.gather(
        *(desk.service.accept(a_refund(order, amount)) for desk, order, amount in wanted),
        return_exceptions=True,
    )
    taken = dict.fromkeys(orders, 0)
    for (_, order, amount), answer in zip(wanted, answers, strict=True):
        assert isinstance(answer, IntakeAnswer | RefundExceedsCapture)
        taken[order] += amount * isinstance(answer, IntakeAnswer)
    assert {order: await minor(pool, order) for order in orders} == taken
    assert all(amount <= SOLD for amount in taken.values())
    psp = RefundingPsp()
    await desks[0].settled(psp)
    assert all(left >= 0 for left in psp.left.values())
    assert await pool.fetchval("select bool_and(status = 'SUCCEEDED') from payments.operations")


async def test_the_same_key_replays_byte_for_byte(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    first = await desk.service.accept(a_refund(order, 100, key="h:one"))
    again = await Desk(pool).service.accept(a_refund(order, 100, key="h:one"))
    assert (again.body, again.replayed) == (first.body, True)
    with pytest.raises(IdempotencyMismatch):
        await desk.service.accept(a_refund(order, 200, key="h:one", body=b"y" * 32))
    assert await minor(pool, order) == 100
    raced = await asyncio.gather(
        *(Desk(pool).service.accept(a_refund(order, 50, key="h:two")) for _ in range(5)),
        return_exceptions=True,
    )
    assert {a.body for a in raced if isinstance(a, IntakeAnswer)} != set()
    assert await minor(pool, order) == 150


async def test_a_refund_id_is_used_once(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    assert (await desk.refund(order, 1, refund_id="return-1")).public_id == "return-1"
    for one in (desk, Desk(pool)):
        with pytest.raises(Conflict):
            await one.service.accept(a_refund(order, 1, refund_id="return-1"))
    both = await asyncio.gather(
        *(Desk(pool).service.accept(a_refund(order, 1, refund_id="return-2")) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, IntakeAnswer) for answer in both) == 1


async def test_what_cannot_be_refunded_is_refused_in_words(pool: Pool) -> None:
    desk = Desk(pool)
    with pytest.raises(NotFound):
        await desk.refund("nobody")
    await pay(pool, ["poor"], declined=frozenset({"poor"}))
    with pytest.raises(NotRefundable):
        await desk.refund("poor-0")


async def test_a_lost_answer_is_asked_again_with_the_same_key(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order)
    psp = RefundingPsp(lambda _, call: Unknown("timeout") if call == 1 else None)
    await desk.settled(psp)
    assert [kind for kind, _ in psp.calls] == ["refund", "find"]
    assert len({key for _, key in psp.calls}) == 1
    assert await desk.status_of(refund) == (OperationStatus.SUCCEEDED, None)
    assert psp.left["pi_cart-0"] == 0


async def test_a_lost_request_is_sent_again(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    await desk.refund(order, 300)
    psp = RefundingPsp(arrives=lambda call: call > 3)
    await desk.settled(psp)
    assert psp.left["pi_cart-0"] == 700
    assert len(psp.done) == 1


async def test_past_the_keys_lifetime_a_new_key_comes_only_after_proof(
    pool: Pool, owner: PlainConnection
) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 300)
    psp = RefundingPsp(arrives=lambda call: call > 1, lifetime=timedelta(microseconds=1))
    await desk.settled(psp)
    kinds, keys = [kind for kind, _ in psp.calls], [key for _, key in psp.calls]
    assert kinds == ["refund", "find", "refund"]
    assert keys[0] == keys[1] == refund.public_id
    assert keys[2] != keys[0]
    assert psp.left["pi_cart-0"] == 700


async def test_a_refused_refund_gives_its_money_back_to_the_ceiling(pool: Pool) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 400)
    no = Refused(RefusalReason.INSUFFICIENT_BALANCE, "balance_insufficient")
    await desk.settled(RefundingPsp(lambda *_: no))
    assert await desk.status_of(refund) == (OperationStatus.FAILED, "insufficient_balance")
    assert await minor(pool, order) == 0
    _, failed = await events_of(pool, refund)
    assert isinstance(failed, RefundFailed)
    assert not failed.had_succeeded
    assert (await desk.refund(order)).amount.minor == SOLD


class MutePsp(RefundingPsp):
    """A PSP that never answers."""

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        return Unknown(f"no answer for {request.operation_id}")

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        return Unknown(f"no answer for {request.operation_id}")


async def test_what_nobody_knows_for_too_long_is_put_before_a_person_once(
    pool: Pool, owner: PlainConnection
) -> None:
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 400)
    operator = Operator(desk.execution, MutePsp(), CLOCK, concurrency=1)
    letters = "select consumer from payments.dead_letters where resolved_at is null"
    await operator.round()
    assert await pool.fetch(letters) == []
    verdict = await verify(pool)
    assert (verdict.unfinished.operations, verdict.holds) == (1, True)
    await owner.execute("alter table payments.operations disable trigger user")
    await owner.execute(
        "update payments.operations set submitted_at = submitted_at - interval '2 hours'"
    )
    for _ in range(3):
        await owner.execute("update payments.operation_work set next_at = now()")
        await operator.round()
    assert [row["consumer"] for row in await pool.fetch(letters)] == [
        "time_limit.operation.unknown_outcome"
    ]
    assert await desk.status_of(refund) == (OperationStatus.SUBMITTED, "unknown_outcome")
    await desk.settled(RefundingPsp())
    assert await desk.status_of(refund) == (OperationStatus.SUCCEEDED, None)


async def test_an_operator_that_died_is_followed_and_cannot_write(pool: Pool) -> None:
    hasty, order = Desk(pool, lease=timedelta(0)), await sold(pool)
    refund = await hasty.refund(order, 100)
    psp = RefundingPsp()
    [dead] = await hasty.execution.claim("stripe", psp.capabilities, 5)
    [heir] = await Desk(pool).execution.claim("stripe", psp.capabilities, 5)
    assert (heir.idempotency_key, heir.fence) == (dead.idempotency_key, dead.fence + 1)
    late = OperationSettlement(dead.operation_id, dead.fence, NotDone("late"), dead.ask)
    assert await hasty.execution.settle(late) is None
    assert await desk_settles(Desk(pool), heir) is OperationStatus.SUCCEEDED
    assert await Desk(pool).status_of(refund) == (OperationStatus.SUCCEEDED, None)


async def desk_settles(desk: Desk, claimed: ClaimedOperation) -> OperationStatus | None:
    done = Done("rf_1", claimed.amount)
    return await desk.execution.settle(
        OperationSettlement(claimed.operation_id, claimed.fence, done, claimed.ask)
    )


async def test_a_claim_is_shared_by_nobody(pool: Pool) -> None:
    desk = Desk(pool)
    for n in range(6):
        await desk.refund(await sold(pool, f"cart{n}"))
    limits = RefundingPsp().capabilities
    batches = await asyncio.gather(
        *(Desk(pool).execution.claim("stripe", limits, 4) for _ in "123")
    )
    ids = [one.operation_id for batch in batches for one in batch]
    assert len(ids) == len(set(ids)) == 6
    assert await desk.execution.claim("square", limits, 4) == []


async def test_one_that_was_lost_and_is_refused_ever_after_fails_once_that_is_proven(
    pool: Pool,
) -> None:
    # Each repeat would make a search prove nothing for a while, so there must be an end of them.
    desk, order = Desk(pool), await sold(pool)
    refund = await desk.refund(order, 400)
    disputed = Refused(RefusalReason.WRONG_STATE, "charge_disputed")
    psp = RefundingPsp(
        lambda _, call: Unknown("lost") if call == 1 else disputed,
        arrives=lambda call: call > 1,
        proves_after=timedelta(seconds=0.2),
    )
    psp.left["pi_cart-0"] = 0
    await desk.settled(psp, rounds=1000)
    assert await desk.status_of(refund) == (OperationStatus.FAILED, "wrong_state")
    assert await minor(pool, order) == 0
