"""Nobody holds up anybody: shares, trials, lost keys, notices, sellers, and what is forgotten."""

import asyncio
import json
from datetime import timedelta

import pytest
from tests.webhooks.merchant import (
    IDS,
    RANDOM,
    Merchant,
    add,
    delivery_log,
    delivery_service,
    dispatcher,
    make_due,
    tell,
)
from tests.webhooks.test_deliveries import NOON, refund, sent_to, success

from clearhouse.access.encryption import FieldCipher
from clearhouse.messaging.events import PaymentEventDone
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState
from clearhouse.webhooks.outgoing.sender import JudgingResolver


async def test_a_slow_endpoint_gets_its_share_and_the_others_all_the_rest(pool: Pool) -> None:
    slowly = asyncio.Event()
    async with Merchant(slowly=slowly) as slow, Merchant() as quick:
        await add(pool, slow.url)
        await tell(pool, *(success(f"slow-{n}", IDS.new()) for n in range(8)))
        await add(pool, quick.url)
        sending = dispatcher(pool, service=delivery_service(pool, share=3))
        stopping = asyncio.Event()
        running = asyncio.create_task(sending.run(stopping))
        await tell(pool, *(success(f"quick-{n}", IDS.new()) for n in range(30)))
        while len(quick.got) < 30:
            await asyncio.sleep(0.01)
        assert len(slow.got) == 3
        slowly.set()
        stopping.set()
        await running
        assert len(slow.got) == 3  # what was begun is ended, and nothing more is claimed


async def test_one_that_fails_is_tried_with_two_calls_until_it_takes_something(
    pool: Pool,
) -> None:
    async with Merchant(answer=lambda n: 500 if n <= 12 else 200) as merchant:
        await add(pool, merchant.url)
        await tell(pool, *(success(f"o-{n}", IDS.new()) for n in range(10)))
        sending = dispatcher(pool)
        assert await sending.step() == 10
        await make_due(pool)
        assert await sending.step() == 2
        assert await sending.step() == 2  # one of them is accepted, and so
        await make_due(pool)
        assert await sending.step() > 2


async def test_a_secret_whose_key_is_lost_holds_up_nobody_else(pool: Pool) -> None:
    async with Merchant() as lost, Merchant() as found:
        first = await add(pool, lost.url)
        other = FieldCipher({"other": b"o" * 32}, RANDOM)
        service = delivery_service(pool, cipher=other)
        # The second is sealed with the key that is there.
        second = await add(pool, found.url, cipher=other)
        await tell(pool, success("o-1", IDS.new()))
        assert await dispatcher(pool, service=service).step() == 2
        assert (len(lost.got), len(found.got)) == (0, 1)
        [delivery] = await sent_to(pool, first)
        assert (delivery.state, delivery.last_error) == (
            DeliveryState.WAITING,
            "its secret does not open: an encryption key is missing",
        )
        [delivery] = await sent_to(pool, second)
        assert delivery.state is DeliveryState.DELIVERED


async def test_the_others_are_told_that_one_was_switched_off(
    pool: Pool, owner: PlainConnection
) -> None:
    async with Merchant(answer=lambda _: 410) as gone, Merchant() as other, Merchant() as deaf:
        off = await add(pool, gone.url)
        await add(pool, other.url)
        await add(pool, deaf.url, "refund.*")
        await tell(pool, success("o-1", IDS.new()))
        while await dispatcher(pool).step():
            pass
        [paid, notice] = [json.loads(got.body) for got in other.got]
        assert paid["type"] == "payment_order.succeeded"
        assert notice["type"] == "webhook_endpoint.disabled"
        assert notice["data"] == {
            "version": 1,
            "endpoint_id": off.endpoint.public_id,
            "url": gone.url,
            "reason": "it answered 410 Gone",
        }
        assert (len(gone.got), deaf.got) == (1, [])
        row = await owner.fetchrow(
            "select actor, target, reason from access.audit_log where action like '%.disabled'"
        )
        assert row is not None
        assert tuple(row) == ("clearhouse", off.endpoint.public_id, "it answered 410 Gone")


async def test_an_endpoint_of_a_seller_hears_of_that_seller_alone(pool: Pool) -> None:
    async with Merchant() as lamps, Merchant() as books, Merchant() as all_of_them:
        await add(pool, lamps.url, seller="lamps")
        await add(pool, books.url, seller="books")
        await add(pool, all_of_them.url)
        done = PaymentEventDone(
            aggregate_id=IDS.new(), version=2, occurred_at=NOON, checkout_id="c"
        )
        await tell(pool, success("o-1", IDS.new()), refund(1, IDS.new()), done)
        while await dispatcher(pool).step():
            pass
        assert (len(lamps.got), len(books.got), len(all_of_them.got)) == (2, 0, 3)


async def test_what_is_old_and_final_is_forgotten_with_its_tries(
    pool: Pool, owner: PlainConnection
) -> None:
    async with Merchant(answer=lambda n: 500 if n == 1 else 200) as merchant:
        made = await add(pool, merchant.url)
        await tell(pool, *(success(f"o-{n}", IDS.new()) for n in range(4)))
        await dispatcher(pool).step()
        old = "update webhooks.deliveries set created_at = created_at - interval '91 days'"
        await owner.execute(f"{old} where object_id <> 'o-0'")
        log, lifetime = delivery_log(pool), timedelta(days=90)
        while await log.forget(lifetime):
            pass
        left = {one.state for one in await sent_to(pool, made)}
        # What waits is kept whatever its age; what is young is kept whatever its state.
        assert DeliveryState.WAITING in left
        assert await owner.fetchval("select count(*) from webhooks.deliveries") <= 2
        orphans = await owner.fetchval(
            "select count(*) from webhooks.delivery_tries t where not exists (select from"
            " webhooks.deliveries d where (d.aggregate_id, d.version, d.endpoint_id)"
            " = (t.aggregate_id, t.version, t.endpoint_id))"
        )
        assert orphans == 0


async def test_what_was_laid_out_for_one_that_is_off_has_failed(
    pool: Pool, owner: PlainConnection
) -> None:
    made = await add(pool, "http://127.0.0.1:9999/in")
    await tell(pool, success("o-1", IDS.new()))
    await owner.execute("update webhooks.endpoints set state = 'disabled', disabled_reason = 'x'")
    assert (await delivery_log(pool).backlog()).waiting == 0
    [delivery] = await sent_to(pool, made)
    assert (delivery.state, delivery.last_error) == (
        DeliveryState.FAILED, "the endpoint is switched off",
    )  # fmt: skip


async def test_the_backlog_is_counted_with_its_age(pool: Pool, owner: PlainConnection) -> None:
    await add(pool, "http://127.0.0.1:9999/in")
    await tell(pool, success("o-1", IDS.new()), success("o-2", IDS.new()))
    await owner.execute(
        "update webhooks.deliveries set created_at = created_at - interval '1 hour'"
        " where object_id = 'o-1'"
    )
    backlog = await delivery_log(pool).backlog()
    assert backlog.waiting == 2
    assert 3600 <= backlog.oldest_seconds < 3700


@pytest.mark.parametrize("addresses", [["93.184.216.34", "10.0.0.1"], ["::1"], ["64:ff9b::a00:1"]])
async def test_one_inner_address_among_many_is_enough_to_refuse_a_name(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def lookup(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup, raising=False)
    with pytest.raises(Exception, match=r"address|machine"):
        await JudgingResolver(private=False).resolve("hooks.shop.com", 443)
