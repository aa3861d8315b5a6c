"""A shop is told of real payments over real HTTP; the dispatcher is killed while it tells."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests import in_memory
from tests.webhooks.merchant import Got, Merchant

from clearhouse.cli.demo.command import development_in
from clearhouse.cli.demo.run import make_key
from clearhouse.cli.development import Development
from clearhouse.cli.embedded import database_url
from clearhouse.client import AsyncClient, Card, NewOrder, NewPayment, verify_webhook
from clearhouse.kernel.clock import SystemClock

KILLS = {1, 4}
"""At which of the requests that the shop gets its sender is killed, before it is answered."""


@pytest.fixture
def directory(migrated_data: Path) -> Iterator[Path]:
    with in_memory.new_folder("clearhouse-e2e-") as path:
        in_memory.begin_with(migrated_data, path)
        yield path


@asynccontextmanager
async def hurrying(development: Development) -> AsyncIterator[asyncpg.Connection]:
    """Leases and waits end at once, as long as the block lasts; it may read over another line."""
    url = database_url(development.settings)
    hand, books = await asyncpg.connect(url), await asyncpg.connect(url)

    async def hurry() -> None:
        while True:
            await hand.execute("update webhooks.dispatches set next_at = now()")
            await asyncio.sleep(1)

    hurried = asyncio.create_task(hurry())
    try:
        yield books
    finally:
        hurried.cancel()
        await asyncio.gather(hurried, return_exceptions=True)
        await hand.close()
        await books.close()


def order(name: str, amount: str) -> NewOrder:
    return NewOrder(
        payment_order_id=name, seller_account="tea-house", amount=amount, currency="USD"
    )


async def sell(client: AsyncClient) -> None:
    """Two payments and a refund, until all of it is done."""
    payment = NewPayment(
        checkout_id="cart-1",
        credit_card_info=Card("stripe", "pm_card_visa"),
        payment_orders=[order("cart-1-tea", "7.50"), order("cart-1-pot", "25.00")],
    )
    await client.payments.create(payment)
    done = await client.payments.wait("cart-1", timeout=90)
    assert {one.status for one in done.payment_orders} == {"SUCCESS"}
    await client.refunds.create("cart-1-tea", "1.00", refund_id="back-1")


EXPECTED = {
    ("payment_order.succeeded", "cart-1-tea"),
    ("payment_order.succeeded", "cart-1-pot"),
    ("payment_event.done", "cart-1"),
    ("refund.created", "back-1"),
    ("refund.succeeded", "back-1"),
}


def about(got: Got) -> tuple[str, str]:
    body = json.loads(got.body)
    data = body["data"]
    name = {"payment_order": "payment_order_id", "payment_event": "checkout_id"}
    return body["type"], data[name.get(body["type"].split(".")[0], "refund_id")]


async def until_told(merchant: Merchant) -> None:
    for _ in range(1200):
        if {about(got) for got in merchant.got} >= EXPECTED:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never told: {EXPECTED - {about(got) for got in merchant.got}}")


@pytest.mark.whole_group
async def test_killing_the_sender_loses_nothing_and_a_repeat_has_the_same_id(
    directory: Path,
) -> None:
    development = development_in(directory, seed=5)
    group = development.group(SystemClock(), lambda _: None)

    def killing(number: int) -> int:
        if number in KILLS:
            os.kill(group.pid_of("books"), signal.SIGKILL)
        return 204

    try:
        await development.start(group, lambda _: None)
        key = await make_key(development)
        async with (
            Merchant(answer=killing) as merchant,
            AsyncClient(development.api_url, key) as client,
            httpx.AsyncClient(
                base_url=development.api_url, headers={"Authorization": f"Bearer {key}"}
            ) as http,
            hurrying(development) as books,
        ):
            made = (await http.post("/v1/webhook-endpoints", json={"url": merchant.url})).json()
            await sell(client)
            await until_told(merchant)
            left = "select count(*) from webhooks.deliveries where state <> 'delivered'"
            for _ in range(400):
                if not await books.fetchval(left):
                    break
                await asyncio.sleep(0.05)
            here = f"/v1/webhook-endpoints/{made['endpoint_id']}/deliveries"
            log: Any = (await http.get(here)).json()["items"]
        assert group.restarts_of("books") >= 1
    finally:
        await development.stop(group)

    bodies: dict[str, set[str]] = {}
    newest: dict[str, int] = {}
    for got in merchant.got:
        told = verify_webhook(made["secret"], got.headers, got.body.encode())
        first = told.message_id not in bodies
        bodies.setdefault(told.message_id, set()).add(got.body)
        if first:
            # What is told for the first time is never older than what was told before.
            assert told.version > newest.get(about(got)[1], 0)
            newest[about(got)[1]] = told.version
    assert len(bodies) == len(EXPECTED)
    assert {len(same) for same in bodies.values()} == {1}
    assert len(merchant.got) > len(bodies)
    assert {one["state"] for one in log} == {"delivered"}
    assert {one["message_id"] for one in log} == set(bodies)
