"""The one door: what is learnt about orders from all sides, over a real database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.payments.rooms import LIMITS, POLICY, an_intake, intake_service, settlement

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.messaging.events import decode, type_of
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays, StrayCharges
from clearhouse.payments.learnt import Learnt, Source, StrayCharge
from clearhouse.payments.lifecycle import Effect, Transition
from clearhouse.payments.model import (
    CaptureMode,
    ClaimedOrder,
    OrderStatus,
    PaymentOrder,
    Settled,
    StatusReason,
)
from clearhouse.payments.patience import RetryPolicy
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import Connection, PlainConnection, Pool
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)

FEE = DefaultFee(290, {"USD": 30})
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEN = Money(1000, "USD")
PAID = Succeeded("pi_1", TEN)
BACK = Reversed("pi_1", TEN, "settlement_declined")
SOFT = Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.SOFT, "51")
USED_UP = Declined(DeclineReason.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "token_used")
STEP_UP = Pending(PendingReason.REQUIRES_ACTION, "pi_1", "https://bank.example/3ds")
WORKING = Pending(PendingReason.PROCESSING, "pi_1")
HELD = Pending(PendingReason.AUTHORIZED, "pi_1", expires_at=NOON + timedelta(days=7))


class Strays:
    """Remembers what it is told to give back."""

    def __init__(self) -> None:
        self.got: list[StrayCharge] = []

    async def give_back(self, connection: Connection, strays: Sequence[StrayCharge]) -> None:
        self.got += strays


class World:
    """Payments with one order each, an executor's service and the door."""

    def __init__(
        self, pool: Pool, policy: RetryPolicy = POLICY, strays: StrayCharges | None = None
    ) -> None:
        clock, randomness = SystemClock(), SystemRandomness()
        self.pool, self.strays = pool, Strays()
        self.execution = ExecutionService(
            pool, clock, randomness, lease=timedelta(seconds=30), policy=policy,
            default_fee=FEE, strays=self.strays,
        )  # fmt: skip
        self.learning = LearningService(
            clock, randomness, policy=policy, default_fee=FEE, strays=strays or self.strays
        )
        self.intake = intake_service(pool)
        self.payments = PaymentService(pool, self.intake)

    async def order(self, name: str, **changes: Any) -> ClaimedOrder:
        """An order that an executor holds."""
        intake = an_intake(self.intake, name, orders=1)
        payment = replace(intake.payment, **changes)
        intake = replace(intake, payment=payment, event=self.intake.prepare(payment))
        await self.intake.accept(intake)
        [claimed] = await self.execution.claim("stripe", LIMITS, 1)
        return claimed

    async def learn(self, *facts: Learnt) -> list[Transition]:
        async with self.pool.acquire() as connection, connection.transaction():
            return await self.learning.learn(connection, facts)

    async def hear(self, order_id: UUID, *outcomes: PspOutcome, **more: Any) -> list[Transition]:
        return await self.learn(
            *(Learnt(order_id, one, Source.WEBHOOK, **more) for one in outcomes)
        )

    async def stored(self, name: str) -> PaymentOrder:
        return (await self.payments.order(f"{name}-0"))[0]

    async def events(self, order_id: UUID) -> list[str]:
        rows = await self.pool.fetch(
            "select version, payload from payments.outbox where aggregate_id = $1 order by version",
            order_id,
        )
        assert [row["version"] for row in rows] == list(range(2, 2 + len(rows)))
        return [type_of(decode(row["payload"])).split(".")[1] for row in rows]


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def test_a_webhook_may_be_faster_than_the_reply(world: World, owner: PlainConnection) -> None:
    held = await world.order("one")
    [transition] = await world.hear(held.order_id, PAID)
    assert transition.effect is Effect.SUCCEED
    assert await owner.fetchval("select count(*) from payments.work") == 0
    assert await world.execution.settle(settlement(held, PAID)) == Settled(OrderStatus.SUCCESS)
    stored = await world.stored("one")
    assert (stored.status, stored.psp_reference, stored.captured_minor) == (
        OrderStatus.SUCCESS, "pi_1", 1000,
    )  # fmt: skip
    assert await world.events(held.order_id) == ["executing", "succeeded"]


async def test_the_buyer_is_told_what_to_do_until_it_is_done(world: World) -> None:
    held = await world.order("one", return_url="https://shop.example/back")
    assert held.return_url == "https://shop.example/back"
    await world.execution.settle(settlement(held, STEP_UP))
    stored = await world.stored("one")
    assert (stored.status_reason, stored.action_url) == (
        StatusReason.REQUIRES_ACTION, "https://bank.example/3ds",
    )  # fmt: skip
    await world.hear(held.order_id, STEP_UP, Unknown("timeout"))
    assert (await world.stored("one")).action_url == "https://bank.example/3ds"
    await world.hear(held.order_id, WORKING)
    assert (await world.stored("one")).action_url is None
    await world.hear(held.order_id, PAID)
    assert await world.events(held.order_id) == ["executing", "action_required", "succeeded"]


async def test_a_success_that_is_taken_back_is_told_as_both(world: World) -> None:
    first, second = await world.order("one"), await world.order("two")
    await world.hear(first.order_id, PAID, BACK, BACK, PAID)
    await world.hear(second.order_id, BACK, PAID, BACK)
    for name, held in (("one", first), ("two", second)):
        stored = await world.stored(name)
        assert (stored.status, stored.status_reason) == (
            OrderStatus.SUCCESS, StatusReason.REVERSED,
        )  # fmt: skip
        assert stored.reversed_at is not None
        assert await world.events(held.order_id) == ["executing", "succeeded", "reversed"]


async def test_what_is_older_than_what_is_known_changes_nothing(world: World) -> None:
    held = await world.order("one")
    hear = world.hear
    await hear(held.order_id, WORKING, as_of=NOON)
    await hear(held.order_id, STEP_UP, as_of=NOON - timedelta(seconds=1))
    assert (await world.stored("one")).status_reason is StatusReason.PROCESSING
    await hear(held.order_id, HELD, version=7)
    await hear(held.order_id, STEP_UP, version=6)
    stored = await world.stored("one")
    assert (stored.status_reason, stored.expires_at) == (StatusReason.AUTHORIZED, HELD.expires_at)


async def test_a_soft_decline_is_tried_again_within_the_rules(
    pool: Pool, owner: PlainConnection
) -> None:
    world = World(pool, replace(POLICY, soft_declines=2, decline_first=timedelta(0)))
    held = await world.order("one")
    keys = [held.idempotency_key]
    for number in (1, 2):
        assert await world.execution.settle(settlement(held, SOFT)) == Settled(
            OrderStatus.EXECUTING
        )
        assert (await world.stored("one")).status_reason is StatusReason.RETRY_SCHEDULED
        [held] = await world.execution.claim("stripe", LIMITS, 1)
        assert (held.attempt, held.tries) == (number + 1, 1)
        keys.append(held.idempotency_key)
    assert len(set(keys)) == 3
    assert await world.execution.settle(settlement(held, USED_UP)) == Settled(OrderStatus.FAILED)
    assert (await world.stored("one")).failure_code == "insufficient_funds"
    _, attempts = await world.payments.order("one-0")
    assert [(a.number, a.outcome) for a in attempts] == [
        (1, "declined"), (2, "declined"), (3, "declined"),
    ]  # fmt: skip
    assert await owner.fetchval("select count(*) from payments.declined_methods") == 2


async def test_a_card_that_was_declined_too_often_is_left_alone(pool: Pool) -> None:
    patient = replace(POLICY, soft_declines=5, card_declines=3, decline_first=timedelta(0))
    world = World(pool, patient)
    ends = []
    for number in range(4):
        held = await world.order(f"o{number}")
        ends.append(await world.execution.settle(settlement(held, SOFT)))
        await pool.execute("update payments.work set next_at = now() + interval '1 day'")
    assert ends == [Settled(OrderStatus.EXECUTING)] * 2 + [Settled(OrderStatus.FAILED)] * 2
    other = await world.order("another-card", payment_method="pm_other")
    assert await world.execution.settle(settlement(other, SOFT)) == Settled(OrderStatus.EXECUTING)


async def test_a_decline_told_by_webhook_fences_off_who_is_calling(pool: Pool) -> None:
    world = World(pool, replace(POLICY, soft_declines=1, decline_first=timedelta(0)))
    held = await world.order("one")
    await world.hear(held.order_id, SOFT, attempt=1)
    assert await world.execution.settle(settlement(held, SOFT)) is None
    [again] = await world.execution.claim("stripe", LIMITS, 1)
    assert (again.attempt, again.idempotency_key != held.idempotency_key) == (2, True)
    # The first attempt's decline comes once more, and means nothing for the second.
    [transition] = await world.hear(held.order_id, SOFT, attempt=1)
    assert transition.effect is Effect.NOTHING


async def test_money_taken_for_nothing_is_given_back(world: World) -> None:
    held = await world.order("one")
    await world.hear(held.order_id, replace(SOFT, retry=Retry.HARD), PAID)
    [stray] = world.strays.got
    assert (stray.psp_reference, stray.amount, stray.payment_order_id) == ("pi_1", TEN, "one-0")
    second = await world.order("two")
    await world.hear(second.order_id, Succeeded("pi_2", TEN), Succeeded("pi_3", TEN))
    assert [one.psp_reference for one in world.strays.got] == ["pi_1", "pi_3"]
    assert (await world.stored("two")).psp_reference == "pi_2"
    late = settlement(second, Succeeded("pi_4", TEN))
    assert await world.execution.settle(late) == Settled(OrderStatus.SUCCESS)
    assert world.strays.got[-1].psp_reference == "pi_4"


async def test_where_nobody_can_give_it_back_a_person_is_told(
    pool: Pool, owner: PlainConnection
) -> None:
    world = World(pool, strays=RaisedStrays())
    held = await world.order("one")
    await world.hear(held.order_id, PAID, Succeeded("pi_2", TEN), Succeeded("pi_2", TEN))
    [letter] = await owner.fetch("select * from payments.dead_letters")
    assert (letter["consumer"], letter["payload"]) == ("stray_charge", "stripe pi_2")


async def test_who_waits_too_long_is_put_before_a_person_once(
    world: World, owner: PlainConnection
) -> None:
    held = await world.order("one")
    await world.execution.settle(settlement(held, STEP_UP))
    await owner.execute(
        "update payments.payment_orders set reason_since = now() - interval '2 days'"
    )
    for _ in range(2):
        await owner.execute("update payments.work set next_at = now()")
        [held] = await world.execution.claim("stripe", LIMITS, 1)
        await world.execution.settle(settlement(held, STEP_UP))
    [letter] = await owner.fetch("select * from payments.dead_letters")
    assert letter["consumer"] == "time_limit.requires_action"
    assert "longer than it may" in letter["error"]
    assert (await world.stored("one")).status_reason is StatusReason.REQUIRES_ACTION


async def test_part_of_an_authorization_may_be_captured(world: World) -> None:
    held = await world.order("one", capture_mode=CaptureMode.MANUAL)
    assert not held.capture
    await world.hear(held.order_id, HELD, Succeeded("pi_1", Money(400, "USD")))
    stored = await world.stored("one")
    assert (stored.status, stored.captured_minor, stored.fee_minor) == (
        OrderStatus.SUCCESS, 400, 42,
    )  # fmt: skip
    assert await world.events(held.order_id) == ["executing", "authorized", "succeeded"]


async def test_a_psp_s_words_lead_to_the_order(world: World, pool: Pool) -> None:
    held = await world.order("one")
    await world.hear(held.order_id, WORKING)
    async with pool.acquire() as connection:
        found = await world.learning.find_orders(
            connection, "stripe", ["pi_1", "pi_9"], ["one-0", "nobody"]
        )
        elsewhere = await world.learning.find_orders(connection, "square", ["pi_1"])
    assert {word: [one.order_id for one in orders] for word, orders in found.items()} == {
        "pi_1": [held.order_id],
        "one-0": [held.order_id],
    }
    assert elsewhere == {}


async def test_an_order_can_be_asked_about_at_once(world: World, pool: Pool) -> None:
    held = await world.order("one")
    await world.execution.settle(settlement(held, replace(WORKING)))
    await pool.execute("update payments.work set next_at = now() + interval '1 day'")
    assert await world.execution.claim("stripe", LIMITS, 1) == []
    async with pool.acquire() as connection:
        await world.learning.ask_now(connection, [held.order_id])
    [again] = await world.execution.claim("stripe", LIMITS, 1)
    assert again.order_id == held.order_id


async def test_nobody_learns_about_an_order_that_is_not_there(world: World) -> None:
    with pytest.raises(ValueError, match="no such order"):
        await world.hear(UUID(int=7), PAID)


_numbers = count(1)
HISTORIES: list[list[PspOutcome]] = [
    [WORKING, PAID],
    [STEP_UP, WORKING, PAID, BACK],
    [STEP_UP, replace(SOFT, retry=Retry.HARD)],
    [HELD, Declined(DeclineReason.EXPIRED, Retry.HARD, "canceled:automatic", "pi_1")],
]


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.sampled_from(HISTORIES), st.data())
async def test_any_order_and_number_of_webhooks_ends_alike(
    world: World, history: list[PspOutcome], data: st.DataObject
) -> None:
    repeats = st.lists(st.integers(0, len(history) - 1), max_size=50 - len(history))
    places = data.draw(st.permutations([*range(len(history)), *data.draw(repeats)]))
    names = [f"history-{next(_numbers)}" for _ in range(2)]
    straight, shuffled = await world.order(names[0]), await world.order(names[1])
    await world.hear(straight.order_id, *history)
    for place in places:
        as_of = NOON + timedelta(seconds=place)
        await world.hear(shuffled.order_id, history[place], as_of=as_of)
    ends = [await world.stored(name) for name in names]
    assert ends[0].status is ends[1].status
    assert ends[0].status_reason is ends[1].status_reason
    # What the seller is told in the end is the same, whatever was heard on the way.
    told = [(await world.events(order.order_id))[-1] for order in (straight, shuffled)]
    assert told[0] == told[1]
    assert world.strays.got == []
