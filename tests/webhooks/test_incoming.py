"""Incoming webhooks: authenticated, stored once, taken up, parked until their subject is there."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.payments.rooms import LIMITS, POLICY, an_intake, execution_service, intake_service

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.model import OrderStatus, PaymentOrder
from clearhouse.payments.notices import NoticeService
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.contract import Pending, PendingReason, PspOutcome, Reversed, Succeeded, Unknown
from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.notices import (
    AskAgain,
    ChargeNotice,
    DisputeNotice,
    NotAuthentic,
    Notice,
    Notification,
    NotReadable,
    RawWebhook,
    Received,
)
from clearhouse.webhooks.incoming.door import WebhookDoor
from clearhouse.webhooks.incoming.model import PATIENCE, parking_time
from clearhouse.webhooks.incoming.service import Inbox
from clearhouse.workers.notices import NoticeTaker

CLOCK, RANDOM = SystemClock(), SystemRandomness()
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEN = Money(1000, "USD")
GOOD = {"signature": "good"}


class PlainPsp:
    """Signs with a word, and says in JSON what is to be heard."""

    def receive(self, webhook: RawWebhook, now: datetime) -> Received:
        if webhook.headers.get("signature") != "good":
            raise NotAuthentic("The signature does not hold.")
        assert webhook.url == "https://pay.example/v1/webhooks/stripe"
        return Received(json.loads(webhook.body)["id"], "charge")

    def read(self, body: bytes) -> Notification:
        said = json.loads(body)
        if said["says"] == "nonsense":
            raise NotReadable("The webhook has no kind.")
        if said["says"] == "bug":
            raise RuntimeError("a bug")
        order, reference = said.get("order"), said.get("charge", "pi_1")
        outcomes: Mapping[str, PspOutcome] = {
            "processing": Pending(PendingReason.PROCESSING, reference),
            "action": Pending(PendingReason.REQUIRES_ACTION, reference, "https://bank.example"),
            "paid": Succeeded(reference, TEN),
            "reversed": Reversed(reference, TEN, "settlement_declined"),
            "unknown": Unknown("?"),
        }
        notices: tuple[Notice, ...] = ()
        if said["says"] in outcomes:
            notices = (ChargeNotice(reference, outcomes[said["says"]], order, order),)
        elif said["says"] == "ask":
            notices = (AskAgain(payment_order_id=order),)
        elif said["says"] == "dispute":
            facts = DisputeFacts("dp_1", reference, TEN, DisputeStage.NEEDS_RESPONSE, "fraud")
            notices = (DisputeNotice(facts),)
        return Notification(notices, NOON + timedelta(seconds=said.get("at", 0)))


class World:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.inbox = Inbox(pool, CLOCK, Ids(CLOCK, RANDOM), lease=timedelta(seconds=30))
        self.psp = PlainPsp()

        async def adapters(name: str) -> object | None:
            return self.psp if name == "stripe" else None

        self.door = WebhookDoor(self.inbox, CLOCK, adapters, "https://pay.example/")
        learning = LearningService(
            CLOCK, RANDOM, policy=POLICY, default_fee=DefaultFee(290, {}), strays=RaisedStrays()
        )
        self.taker = NoticeTaker(
            pool, CLOCK, self.inbox, NoticeService(learning), "stripe", self.psp
        )
        self.intake = intake_service(pool)

    async def send(self, event: str, says: str, **more: Any) -> bool:
        body = json.dumps({"id": event, "says": says, **more}).encode()
        return await self.door.receive("stripe", GOOD, body)

    async def order(self, name: str) -> None:
        """An order that an executor is calling for."""
        await self.intake.accept(an_intake(self.intake, name, orders=1))
        await execution_service(self.pool).claim("stripe", LIMITS, 10)

    async def stored(self, name: str) -> PaymentOrder:
        return (await PaymentService(self.pool, self.intake).order(f"{name}-0"))[0]

    async def states(self) -> dict[str, str]:
        rows = await self.pool.fetch("select key, state from webhooks.received")
        return {row["key"]: row["state"] for row in rows}

    async def again(self) -> int:
        """Let what is parked be due, and take it up."""
        await self.pool.execute("update webhooks.received_work set next_at = now()")
        return await self.taker.step()


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def test_a_webhook_is_stored_once_and_moves_its_order(world: World) -> None:
    await world.order("one")
    assert await world.send("evt_1", "paid", order="one-0")
    assert not await world.send("evt_1", "paid", order="one-0")
    assert [await world.taker.step(), await world.taker.step()] == [1, 0]
    assert (await world.stored("one")).status is OrderStatus.SUCCESS
    assert await world.states() == {"evt_1": "handled"}


async def test_a_hundred_at_once_are_each_stored_once(world: World) -> None:
    sent = [world.send(f"evt_{n % 50}", "ask", order="nobody") for n in range(100)]
    assert sorted(await asyncio.gather(*sent)) == [False] * 50 + [True] * 50
    assert len(await world.states()) == 50


@pytest.mark.parametrize("headers", [{}, {"signature": ""}, {"signature": "bad"}])
async def test_nothing_is_stored_of_what_is_not_authentic(
    world: World, headers: dict[str, str]
) -> None:
    with pytest.raises(NotAuthentic):
        await world.door.receive("stripe", headers, b'{"id": "evt_1", "says": "paid"}')
    assert await world.states() == {}


async def test_other_psps_send_nothing_here(world: World) -> None:
    with pytest.raises(NotFound):
        await world.door.receive("paypal", GOOD, b"{}")
    with pytest.raises(NotFound):
        await world.door.challenge("stripe", {})


async def test_a_webhook_that_is_faster_than_its_order_is_parked(world: World) -> None:
    await world.send("evt_1", "paid", order="one-0")
    await world.taker.step()
    assert await world.states() == {"evt_1": "parked"}
    await world.order("one")
    assert await world.again() == 1
    assert (await world.stored("one")).status is OrderStatus.SUCCESS
    assert await world.states() == {"evt_1": "handled"}


async def test_what_never_comes_is_given_up_and_what_is_not_ours_ignored(
    world: World, owner: PlainConnection
) -> None:
    await world.send("evt_1", "paid", order="nobody-0")
    await world.send("evt_2", "paid", charge="pi_of_another_shop")
    await world.taker.step()
    await owner.execute(
        "update webhooks.received set received_at = received_at - $1::interval", PATIENCE
    )
    assert await world.again() == 2
    assert await world.states() == {"evt_1": "given_up", "evt_2": "ignored"}
    [letter] = await owner.fetch("select * from webhooks.dead_letters")
    assert (letter["payload"], letter["type"]) == ("stripe evt_1", "stripe:charge")


async def test_one_that_cannot_be_read_harms_no_other(world: World, owner: PlainConnection) -> None:
    await world.order("one")
    await world.send("evt_1", "nonsense")
    await world.send("evt_2", "bug")
    await world.send("evt_3", "paid", order="one-0")
    assert await world.taker.step() == 3
    assert await world.states() == {
        "evt_1": "given_up", "evt_2": "given_up", "evt_3": "handled",
    }  # fmt: skip
    assert await owner.fetchval("select count(*) from webhooks.dead_letters") == 2


async def test_an_event_of_nothing_is_handled(world: World) -> None:
    await world.send("evt_1", "nothing")
    await world.taker.step()
    assert await world.states() == {"evt_1": "handled"}


async def test_what_says_too_little_has_the_psp_asked_at_once(world: World, pool: Pool) -> None:
    await world.order("one")
    await pool.execute("update payments.work set next_at = now() + interval '1 hour'")
    await world.send("evt_1", "ask", order="one-0")
    await world.taker.step()
    [due] = await execution_service(pool).claim("stripe", LIMITS, 10)
    assert due.payment_order_id == "one-0"
    await pool.execute("update payments.work set next_at = now() + interval '1 hour'")
    await world.send("evt_2", "unknown", order="one-0")
    await world.taker.step()
    assert len(await execution_service(pool).claim("stripe", LIMITS, 10)) == 1


async def test_a_dispute_that_nobody_can_take_waits(world: World) -> None:
    await world.order("one")
    await world.send("evt_1", "paid", order="one-0")
    await world.taker.step()
    await world.send("evt_2", "dispute", charge="pi_1")
    await world.taker.step()
    assert await world.states() == {"evt_1": "handled", "evt_2": "parked"}


async def test_a_taker_that_died_is_followed_by_another(world: World) -> None:
    await world.order("one")
    await world.send("evt_1", "paid", order="one-0")
    await world.inbox.claim("stripe", 10)
    assert await world.taker.step() == 0
    assert await world.again() == 1
    assert await world.states() == {"evt_1": "handled"}


def test_parking_takes_ever_longer() -> None:
    waits = [parking_time(n) for n in range(40)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=10)


HISTORIES = [
    ["processing", "paid"],
    ["action", "processing", "paid", "reversed"],
    ["action", "paid"],
]


@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.sampled_from(HISTORIES), st.data())
async def test_any_order_and_number_of_webhooks_ends_alike(
    world: World, history: list[str], data: st.DataObject
) -> None:
    repeats = st.lists(st.integers(0, len(history) - 1), max_size=50 - len(history))
    places = data.draw(st.permutations([*range(len(history)), *data.draw(repeats)]))
    number = await world.pool.fetchval("select count(*) from payments.payment_orders")
    for name, sequence in ((f"a{number}", range(len(history))), (f"b{number}", places)):
        await world.order(name)
        for step, place in enumerate(sequence):
            said = {"order": f"{name}-0", "charge": f"pi_{name}", "at": place}
            await world.send(f"{name}-{step}", history[place], **said)
            if step % 7 == 0:
                await world.taker.step()
        while await world.taker.step():
            pass
    straight, shuffled = [await world.stored(f"{n}{number}") for n in ("a", "b")]
    assert (straight.status, straight.status_reason) == (shuffled.status, shuffled.status_reason)
    assert straight.status is OrderStatus.SUCCESS
