"""Messages reach merchants once each, in order, signed, and never where they must not go."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook
from tests.webhooks.merchant import (
    CLOCK,
    IDS,
    Merchant,
    add,
    delivery_log,
    delivery_service,
    dispatcher,
    endpoint_service,
    make_due,
    tell,
)

from clearhouse.kernel.errors import EndpointDisabled, InvalidRequest, NotFound
from clearhouse.messaging.events import Event, PaymentOrderSucceeded, RefundCreated, RefundSucceeded
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.webhooks.outgoing.announcing import Announcer
from clearhouse.webhooks.outgoing.lifecycle import Answer, DeliveryState, EndpointState
from clearhouse.webhooks.outgoing.model import Delivery, DeliveryKey, NewEndpoint, Sent, Wanted

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def new_id() -> UUID:
    return IDS.new()


async def sent_to(pool: Pool, made: NewEndpoint) -> tuple[Delivery, ...]:
    """What was laid out for an endpoint, newest first."""
    return (await delivery_log(pool).deliveries(made.endpoint.endpoint_id)).deliveries


def success(order: str, aggregate: UUID, version: int = 3) -> PaymentOrderSucceeded:
    return PaymentOrderSucceeded(
        aggregate_id=aggregate, version=version, occurred_at=NOON, payment_order_id=order,
        checkout_id="c", seller_account="lamps", amount_minor=1000, fee_minor=29, currency="USD",
        psp="stripe", psp_reference="pi_1",
    )  # fmt: skip


def refund(version: int, aggregate: UUID) -> Event:
    common = {
        "aggregate_id": aggregate, "version": version, "occurred_at": NOON, "refund_id": "r-1",
        "order_id": aggregate, "payment_order_id": "o-1", "seller_account": "lamps",
        "amount_minor": 500, "currency": "USD", "psp": "stripe",
    }  # fmt: skip
    if version == 1:
        return RefundCreated(**common, fee_returned_minor=0, reason="")
    return RefundSucceeded(**common, psp_reference="re_1")


async def test_a_message_is_delivered_once_and_its_signature_holds(pool: Pool) -> None:
    async with Merchant() as merchant:
        made = await add(pool, merchant.url)
        order = new_id()
        await tell(pool, success("o-1", order))
        sending = dispatcher(pool)
        assert [await sending.step(), await sending.step()] == [1, 0]
        [got] = merchant.got
        payload = Webhook(made.secret).verify(got.body, got.headers)
        assert payload["data"]["amount"] == "10.00"
        assert got.headers["webhook-id"] == f"msg_{order.hex}_3"
        [delivery] = await sent_to(pool, made)
        assert (delivery.state, delivery.tries, delivery.last_status) == (
            DeliveryState.DELIVERED, 1, 204,
        )  # fmt: skip


async def test_what_was_told_before_is_not_told_again(pool: Pool) -> None:
    async with Merchant() as merchant:
        await add(pool, merchant.url)
        order = new_id()
        await tell(pool, success("o-1", order))
        await dispatcher(pool).step()
        async with pool.acquire() as connection:
            await Announcer(CLOCK).handle(connection, [success("o-1", order)])
        assert await dispatcher(pool).step() == 0
        assert len(merchant.got) == 1


async def test_filters_and_several_endpoints(pool: Pool) -> None:
    async with Merchant() as all_of_it, Merchant() as refunds:
        await add(pool, all_of_it.url)
        await add(pool, refunds.url, "refund.*")
        await tell(pool, success("o-1", new_id()), refund(1, new_id()))
        while await dispatcher(pool).step():
            pass
        assert len(all_of_it.got) == 2
        assert [json.loads(got.body)["type"] for got in refunds.got] == ["refund.created"]


async def test_the_versions_of_one_object_arrive_in_order_though_the_first_fails(
    pool: Pool,
) -> None:
    async with Merchant(answer=lambda n: 500 if n <= 2 else 200) as merchant:
        await add(pool, merchant.url)
        mine = new_id()
        await tell(pool, refund(1, mine), refund(2, mine))
        sending = dispatcher(pool)
        for _ in range(4):
            assert await sending.step() == 1
            await make_due(pool)
        versions = [json.loads(got.body)["data"]["version"] for got in merchant.got]
        assert versions == [1, 1, 1, 2]
        assert len({got.headers["webhook-id"] for got in merchant.got}) == 2


async def test_after_its_last_try_a_delivery_has_failed_and_can_be_sent_again(pool: Pool) -> None:
    async with Merchant(answer=lambda n: 500 if n <= 11 else 200) as merchant:
        made = await add(pool, merchant.url)
        order = new_id()
        await tell(pool, success("o-1", order))
        sending = dispatcher(pool)
        while await sending.step():
            await make_due(pool)
        key = DeliveryKey(order, 3, made.endpoint.endpoint_id)
        delivery, tries = await delivery_log(pool).delivery(key)
        assert (delivery.state, len(tries), len(merchant.got)) == (DeliveryState.FAILED, 11, 11)
        await delivery_log(pool).resend("tests", key)
        assert await sending.step() == 1
        delivery, tries = await delivery_log(pool).delivery(key)
        assert (delivery.state, len(tries)) == (DeliveryState.DELIVERED, 12)
        assert [one.number for one in tries] == list(range(1, 13))


async def test_gone_switches_the_endpoint_off_and_what_waits_can_be_sent_later(pool: Pool) -> None:
    async with Merchant(answer=lambda n: 410 if n == 1 else 200) as merchant:
        service = endpoint_service(pool)
        made = await add(pool, merchant.url)
        here = made.endpoint.endpoint_id
        first, second = new_id(), new_id()
        await tell(pool, success("o-1", first))
        await dispatcher(pool).step()
        endpoint = await service.endpoint(here)
        assert endpoint.state is EndpointState.DISABLED
        assert endpoint.disabled_reason == "it answered 410 Gone"
        await tell(pool, success("o-2", second))
        assert await dispatcher(pool).step() == 0
        with pytest.raises(EndpointDisabled, match="switched off"):
            await delivery_log(pool).resend("tests", DeliveryKey(first, 3, here))
        assert (await service.enable("tests", here, "mended")).disabled_reason is None
        await delivery_log(pool).resend("tests", DeliveryKey(first, 3, here))
        assert await dispatcher(pool).step() == 1
        with pytest.raises(NotFound):
            await delivery_log(pool).resend("tests", DeliveryKey(second, 3, here))


async def test_an_endpoint_that_takes_nothing_for_days_is_switched_off(
    pool: Pool, owner: PlainConnection
) -> None:
    async with Merchant(answer=lambda _: 500) as merchant:
        service = endpoint_service(pool)
        made = await add(pool, merchant.url)
        await tell(pool, success("o-1", new_id()))
        await dispatcher(pool).step()
        assert (await service.endpoint(made.endpoint.endpoint_id)).failing_since is not None
        await owner.execute(
            "update webhooks.endpoints set failing_since = failing_since - interval '6 days'"
        )
        await make_due(pool)
        await dispatcher(pool).step()
        endpoint = await service.endpoint(made.endpoint.endpoint_id)
        assert endpoint.state is EndpointState.DISABLED
        assert (endpoint.disabled_reason or "").startswith("it has taken nothing since")
        [delivery] = await sent_to(pool, made)
        assert delivery.state is DeliveryState.FAILED


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_while(
    pool: Pool, owner: PlainConnection
) -> None:
    async with Merchant() as merchant:
        service = endpoint_service(pool)
        made = await add(pool, merchant.url)
        here = made.endpoint.endpoint_id
        newer = (await service.rotate("tests", here, timedelta(hours=1))).secret
        await tell(pool, success("o-1", new_id()))
        await dispatcher(pool).step()
        for secret in (made.secret, newer):
            Webhook(secret).verify(merchant.got[0].body, merchant.got[0].headers)
        newest = (await service.rotate("tests", here, timedelta(0))).secret
        await tell(pool, success("o-2", new_id()))
        await dispatcher(pool).step()
        assert len(merchant.got[1].headers["webhook-signature"].split()) == 1
        Webhook(newest).verify(merchant.got[1].body, merchant.got[1].headers)
        stored = await owner.fetchval("select string_agg(sealed, ' ') from webhooks.secrets")
        assert made.secret[6:20] not in stored
        assert newest[6:20] not in stored


async def test_a_dispatcher_that_lost_its_lease_changes_nothing(pool: Pool) -> None:
    made = await add(pool, "http://127.0.0.1:9999/in")
    await tell(pool, success("o-1", new_id()))
    slow, fast = delivery_service(pool, lease=0), delivery_service(pool)
    [old], [new] = await slow.claim(10, {}), await fast.claim(10, {})
    await fast.settle([Sent(new, CLOCK.now(), Answer(500, "HTTP 500"), 5)])
    await slow.settle([Sent(old, CLOCK.now(), Answer(200), 5)])
    [delivery] = await sent_to(pool, made)
    assert (delivery.state, delivery.tries) == (DeliveryState.WAITING, 1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://localhost/", "https://10.0.0.1/"])
async def test_inner_addresses_are_refused_when_they_are_given(pool: Pool, url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await add(pool, url, private=False)
    assert [fault.pointer for fault in caught.value.faults] == ["/url"]


async def test_a_name_that_leads_inside_is_not_connected_to(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Merchant() as merchant:
        port = int(merchant.url.split(":")[2].split("/")[0])
        asked: list[str] = []

        async def lookup(host: str, *_: object, **__: object) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup, raising=False)
        made = await add(pool, f"https://hooks.shop.com:{port}/", private=False)
        await tell(pool, success("o-1", new_id()))
        await dispatcher(pool, private=False).step()
        assert (asked, merchant.got) == (["hooks.shop.com"], [])
        [delivery] = await sent_to(pool, made)
        assert delivery.last_error == "the name leads to this machine"


async def test_redirects_are_not_followed(pool: Pool) -> None:
    async with Merchant() as inner:
        redirecting = Merchant(answer=lambda _: 307, headers={"location": inner.url})
        async with redirecting as merchant:
            made = await add(pool, merchant.url)
            await tell(pool, success("o-1", new_id()))
            await dispatcher(pool).step()
            [delivery] = await sent_to(pool, made)
            assert inner.got == []
            assert delivery.last_error == "a redirect, which is not followed"


async def test_faults_of_an_endpoint_are_told_at_once(pool: Pool) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wanted = Wanted(None, ("refund.*", "sale.*"), "x" * 300)
        await endpoint_service(pool).create("tests", "ftp://x.com", wanted)
    assert [fault.pointer for fault in caught.value.faults] == ["/url", "/events/1", "/description"]


async def test_a_deleted_endpoint_is_gone_and_its_deliveries_stay(pool: Pool) -> None:
    service = endpoint_service(pool)
    made = await add(pool, "http://127.0.0.1:9999/in")
    here = made.endpoint.endpoint_id
    await tell(pool, success("o-1", new_id()))
    await service.delete("tests", here)
    assert (await service.endpoints()).endpoints == ()
    with pytest.raises(NotFound):
        await service.rotate("tests", here, timedelta(0))
    assert await dispatcher(pool).step() == 0
    assert len(await sent_to(pool, made)) == 1
