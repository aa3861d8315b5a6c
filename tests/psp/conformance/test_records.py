"""The PSP's own books as records: for proof and comparison, and never to move money."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.psp.conformance.world import World

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Declined, PspRecord, Records, Succeeded

MINUTE = timedelta(minutes=1)


async def all_records(adapter: Any, since: timedelta = -MINUTE) -> list[PspRecord]:
    now = datetime.now(UTC)
    return [record async for record in adapter.records(now + since, now + MINUTE)]


async def test_a_charge_is_recorded_with_our_reference(world: World) -> None:
    adapter: Any = world.adapter()
    books: Any = adapter
    assert isinstance(books, Records)
    for amount in (Money(12_34, "USD"), Money(1_500, "JPY"), Money(15_500, "KWD")):
        request = world.request(amount=amount)
        paid = await adapter.charge(request)
        assert isinstance(paid, Succeeded)
        record = await adapter.record(paid.psp_reference)
        assert record is not None
        assert record.psp_reference == paid.psp_reference
        assert record.payment_order_id == request.payment_order_id
        assert record.amount == amount
        assert record.is_charged
        assert abs(record.created_at - datetime.now(UTC)) < MINUTE
        listed = [each for each in await all_records(adapter) if each == record]
        assert listed == [record]


async def test_long_and_odd_order_ids_come_back_whole(world: World) -> None:
    adapter = world.adapter()
    for order in ("r" * 60, "räksmörgås 'x'", "recorded here"):
        paid = await adapter.charge(world.request(order))
        record = await adapter.record(paid.psp_reference)
        assert record is not None
        assert record.payment_order_id == order


async def test_a_decline_is_no_charge(world: World) -> None:
    refused, adapter = world.profile.declines[0], world.adapter()
    request = world.request(amount=refused.amount, method=refused.method)
    assert isinstance(await adapter.charge(request), Declined)
    ours = [
        record
        for record in await all_records(adapter)
        if record.payment_order_id == request.payment_order_id
    ]
    assert [record.is_charged for record in ours] == [False] * len(ours)


async def test_all_of_many_are_listed_once(world: World) -> None:
    adapter = world.adapter(concurrency=16)
    requests = [world.request() for _ in range(120)]
    await asyncio.gather(*(adapter.charge(request) for request in requests))
    listed = await all_records(adapter)
    assert len({record.psp_reference for record in listed}) == len(listed)
    orders = [record.payment_order_id for record in listed]
    assert [orders.count(request.payment_order_id) for request in requests] == [1] * 120


async def test_what_is_older_is_not_listed(world: World) -> None:
    adapter = world.adapter()
    await adapter.charge(world.request())
    assert await all_records(adapter, since=MINUTE / 2) == []


async def test_an_unknown_reference_has_no_record(world: World) -> None:
    assert await world.adapter().record("unknown-reference") is None


@pytest.mark.parametrize("fault", ["error-before", "lost-request", "rate-limited"])
async def test_records_that_cannot_be_read_are_told_and_never_empty(
    world: World, fault: str
) -> None:
    adapter = world.adapter()
    world.order_fault(fault, operation="look-up", times=9)
    with pytest.raises(UnavailableError, match="records could not be read"):
        await all_records(adapter)
    with pytest.raises(UnavailableError, match="records could not be read"):
        await adapter.record("any")
