"""What PSPs tell long after a payment is done, over the wire: from their webhook to all books."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from tests.operations.desk import CLOCK, IDS, Desk
from tests.payments.rooms import intake_service
from tests.proof.flow import consume
from tests.proof.shops import (
    charge_behind_our_back,
    findings,
    reference_of,
    sell,
    verdict_with,
)
from tests.psp.conformance.mailbox import Mailbox
from tests.psp.conformance.profiles import TEN
from tests.psp.conformance.world import World

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.webhooks import inbox_of, notice_takers
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.model import OrderStatus, PaymentOrder, StatusReason
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import Pool
from clearhouse.sandbox.server import Running, running
from clearhouse.settings import load
from clearhouse.wallets import store as wallets
from clearhouse.webhooks.incoming.door import WebhookDoor
from clearhouse.workers.operator import Operator


class Post:
    """A PSP at the sandbox, and our own door for what it sends."""

    def __init__(self, pool: Pool, world: World, mailbox: Mailbox) -> None:
        self.pool, self.world, self.mailbox = pool, world, mailbox
        self.psp: Any = world.adapter()
        runtime = Runtime(pool, CLOCK, IDS, SystemRandomness())

        async def adapters(name: str) -> object | None:
            return self.psp if name == world.name else None

        # Square signs the address that it calls.
        public = mailbox.url.partition("/webhooks")[0]
        world.send_webhooks_to(f"{public}/v1/webhooks/{world.name}")
        self.door = WebhookDoor(inbox_of(runtime), CLOCK, adapters, public)
        [self.taker] = notice_takers(runtime, load({}).settings, {world.name: self.psp})
        self._brought = 0

    async def bring(self, times: int = 1) -> None:
        """Everything that lies in the mailbox, that often; taken up."""
        for webhook in self.mailbox.taken[self._brought :]:
            for _ in range(times):
                await self.door.receive(self.world.name, webhook.headers, webhook.body)
        self._brought = len(self.mailbox.taken)
        while await self.taker.step():
            pass

    async def given_back(self) -> None:
        """Operators work until the PSP has given everything back, which may take it an hour.

        On a busy machine a call or a webhook may come too late for who waits for it. Then both are
        made again, as they would be: the one by an operator, the other after the PSP's next hour.
        """
        operator = Operator(Desk(self.pool).execution, self.psp, CLOCK, concurrency=2)
        clock = f"{self.world.base_url}/_sandbox/clock"
        async with httpx.AsyncClient(trust_env=False) as hand:
            for look in range(400):
                if look % 40 == 0:
                    await operator.round()
                    (await hand.post(clock, json={"days": 1 / 24})).raise_for_status()
                await self.bring()
                if not await self.pool.fetch("select from payments.operation_work"):
                    return
                await asyncio.sleep(0.05)
        raise AssertionError("some operations never became final")

    async def order(self, name: str) -> PaymentOrder:
        return (await PaymentService(self.pool, intake_service(self.pool)).order(name))[0]

    async def books_hold(self, database: str) -> None:
        await consume(self.pool)
        verdict = await verdict_with(database, {self.world.name: self.psp})
        assert verdict.holds, findings(verdict)
        assert verdict.unfinished.total == 0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
async def post(request: pytest.FixtureRequest, pool: Pool, sandbox: Running) -> AsyncIterator[Post]:
    world = World(request.param, sandbox.base_url)
    async with Mailbox() as mailbox:
        yield Post(pool, world, mailbox)
        world.send_webhooks_nowhere()
    await world.close()


@pytest.mark.parametrize("post", ["braintree"], indirect=True)
async def test_a_success_that_is_taken_back_is_reversed_in_all_books(
    post: Post, pool: Pool, database: str
) -> None:
    await sell(pool, post.psp, {"lamp": post.world.profile.good})
    reference = await reference_of(pool, "lamp")
    post.world.act(reference, "decline_settlement")
    await post.mailbox.notice(post.psp, lambda one: one.psp_reference == reference)
    await post.bring(times=3)
    order = await post.order("lamp")
    assert (order.status, order.status_reason) == (OrderStatus.SUCCESS, StatusReason.REVERSED)
    assert order.reversed_at is not None
    await post.books_hold(database)
    [wallet] = await wallets.balances(pool, "seller-0")
    assert wallet.total.minor == 0


@pytest.mark.parametrize("post", ["square", "stripe"], indirect=True)
async def test_a_second_charge_that_only_a_webhook_tells_of_is_given_back_once(
    post: Post, pool: Pool, database: str
) -> None:
    await sell(pool, post.psp, {"lamp": post.world.profile.good})
    second = await charge_behind_our_back(post.psp, "lamp", attempt=2)
    await post.mailbox.notice(post.psp, lambda one: one.psp_reference == second)
    await post.bring(times=2)
    assert (await post.order("lamp")).status is OrderStatus.SUCCESS
    await post.given_back()
    assert [one["amount_minor"] for one in post.world.refunds(second)] == [TEN.minor]
    assert post.world.refunds(await reference_of(pool, "lamp")) == []
    await post.bring(times=2)
    await post.books_hold(database)
    [wallet] = await wallets.balances(pool, "seller-0")
    assert wallet.total.minor == await pool.fetchval(
        "select captured_minor - fee_minor from payments.payment_orders"
    )
