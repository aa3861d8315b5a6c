"""A look-up says what the PSP's records show of an attempt, and proves nothing when it fails."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.psp.conformance.world import World, later

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Declined, NotCharged, Succeeded, Unknown


async def test_a_charge_is_found_as_it_was_answered(world: World) -> None:
    request, adapter = world.request(), world.adapter()
    outcome = await adapter.charge(request)
    assert isinstance(outcome, Succeeded)
    assert await adapter.look_up(request) == outcome


async def test_a_lost_answer_is_found(world: World) -> None:
    request, adapter = world.request(amount=Money(12_34, "EUR")), world.adapter()
    world.order_fault("lost-answer")
    assert isinstance(await adapter.charge(request), Unknown)
    found = await adapter.look_up(request)
    assert isinstance(found, Succeeded)
    assert found.charged == Money(12_34, "EUR")
    assert [charge["psp_id"] for charge in world.charges(request)] == [found.psp_reference]


async def test_a_decline_is_found_with_its_reason(world: World) -> None:
    adapter = world.adapter()
    for each in world.profile.declines:
        request = world.request(amount=each.amount, method=each.method)
        answered = await adapter.charge(request)
        found = await adapter.look_up(request)
        assert isinstance(answered, Declined)
        assert isinstance(found, Declined)
        assert (found.reason, found.retry) == (answered.reason, answered.retry)


@pytest.mark.parametrize("fault", [None, "lost-request", "error-before"])
async def test_what_never_happened_is_not_found(world: World, fault: str | None) -> None:
    request, adapter = world.request(), world.adapter()
    if fault:
        world.order_fault(fault)
        assert isinstance(await adapter.charge(request), Unknown)
    assert isinstance(await adapter.look_up(request), NotCharged)
    assert world.charges(request) == []


async def test_a_look_up_never_charges(world: World) -> None:
    request, adapter = world.request(), world.adapter()
    for _ in range(3):
        await adapter.look_up(request)
    assert world.charges(request) == []
    assert isinstance(await adapter.charge(request), Succeeded)


async def test_charges_of_other_orders_do_not_count(world: World) -> None:
    adapter = world.adapter()
    ours = world.request("order-of-ours")
    others = [world.request(f"order-of-ours{end}") for end in ("", " 2", "-2", "2")][1:]
    await asyncio.gather(*(adapter.charge(other) for other in others))
    assert isinstance(await adapter.look_up(ours), NotCharged)


async def test_an_earlier_decline_is_not_this_attempts(world: World) -> None:
    adapter, soft = world.adapter(), world.profile.declines[0]
    first = world.request(amount=soft.amount, method=soft.method)
    first = later(first, timedelta(minutes=-5))
    assert isinstance(await adapter.charge(first), Declined)
    second = later(world.request(first.payment_order_id, attempt=2), timedelta(seconds=2))
    assert isinstance(await adapter.look_up(second), NotCharged)
    paid = await adapter.charge(second)
    assert isinstance(paid, Succeeded)
    assert await adapter.look_up(second) == paid


async def test_an_earlier_success_counts_for_the_order(world: World) -> None:
    adapter, first = world.adapter(), world.request()
    paid = await adapter.charge(first)
    second = world.request(first.payment_order_id, attempt=2)
    assert await adapter.look_up(second) == paid


async def test_a_clock_ten_minutes_wrong_still_finds_the_charge(world: World) -> None:
    adapter = world.adapter()
    for skew in (timedelta(minutes=9, seconds=30), timedelta(minutes=-9, seconds=-30)):
        request = later(world.request(), skew)
        paid = await adapter.charge(request)
        assert isinstance(paid, Succeeded)
        assert await adapter.look_up(request) == paid


@pytest.mark.parametrize("fault", ["error-before", "rate-limited", "lost-request", "reset"])
async def test_a_look_up_that_fails_proves_nothing(world: World, fault: str) -> None:
    request, adapter = world.request(), world.adapter()
    world.order_fault(fault, operation="look-up", times=9)
    assert isinstance(await adapter.look_up(request), Unknown)


async def test_a_psp_that_cannot_be_reached_proves_nothing(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = await world.adapter(base_url=nowhere).look_up(world.request())
    assert isinstance(outcome, Unknown)


async def test_a_look_up_that_hangs_is_given_up(world: World) -> None:
    world.order_fault("hang", operation="look-up", times=9)
    assert isinstance(await world.adapter(timeout=0.5).look_up(world.request()), Unknown)


async def test_the_oldest_of_many_is_found(world: World) -> None:
    adapter, oldest = world.adapter(concurrency=16), world.request()
    paid = await adapter.charge(oldest)
    crowd = [world.request() for _ in range(120)]
    await asyncio.gather(*(adapter.charge(request) for request in crowd))
    # Stripe's search is one look-up of the PSP; without it the list must be walked.
    if world.name == "stripe":
        world.order_fault("error-before", operation="look-up", times=1)
    assert await adapter.look_up(oldest) == paid
    assert isinstance(await adapter.look_up(crowd[-1]), Succeeded)


async def test_a_charge_hidden_by_a_lagging_list_is_found_by_its_key(world: World) -> None:
    world.set(list_lag_seconds={world.name: 3600.0})
    request, adapter = world.request(), world.adapter()
    paid = await adapter.charge(request)
    assert isinstance(await adapter.look_up(request), NotCharged | Succeeded)
    assert await adapter.charge(request) == paid
    changed = replace(request, amount=Money(99_00, "USD"))
    # The original cannot be seen: nobody may say no.
    assert isinstance(await adapter.charge(changed), Unknown | Succeeded)
    assert len(world.charges(request)) == 1
