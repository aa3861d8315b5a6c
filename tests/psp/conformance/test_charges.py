"""A charge is made once, comes out as what it is, and costs what was asked."""

import asyncio
from dataclasses import replace

import pytest
from tests.psp.conformance.profiles import PROFILES
from tests.psp.conformance.world import World, settled

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import Declined, DeclineReason, Retry, Succeeded

LONG = "o" * 120
ODD = ['it\'s "odd"', "back\\slash", "füße-ünïcode", "a&b<c>", "50% off: 'x' AND y", LONG]


def test_every_adapter_has_a_profile() -> None:
    assert set(PROFILES) == set(registry.names())


async def test_a_charge_succeeds_and_says_what_was_charged(world: World) -> None:
    request = world.request(amount=Money(12_34, "USD"))
    outcome = await world.adapter().charge(request)
    assert isinstance(outcome, Succeeded)
    assert outcome.charged == Money(12_34, "USD")
    [charge] = world.charges(request)
    assert charge["psp_id"] == outcome.psp_reference
    assert (charge["amount_minor"], charge["currency"]) == (12_34, "USD")


@pytest.mark.parametrize(
    "amount", [(50_00, "USD"), (5_000, "JPY"), (50_000, "KWD"), (50_01, "EUR")]
)
async def test_currencies_with_0_2_and_3_decimals(world: World, amount: tuple[int, str]) -> None:
    request = world.request(amount=Money(*amount))
    outcome = await world.adapter().charge(request)
    assert isinstance(outcome, Succeeded)
    assert outcome.charged == Money(*amount)
    [charge] = world.charges(request)
    assert (charge["amount_minor"], charge["currency"]) == amount


async def test_the_same_key_twice_is_one_charge_and_one_outcome(world: World) -> None:
    request, adapter = world.request(), world.adapter()
    first = await adapter.charge(request)
    assert isinstance(first, Succeeded)
    assert await adapter.charge(request) == first
    assert len(world.charges(request)) == 1


async def test_a_restarted_process_finds_its_charge_by_the_key(world: World) -> None:
    request = world.request()
    first = await world.adapter().charge(request)
    await world.close()
    assert await world.adapter().charge(request) == first
    assert len(world.charges(request)) == 1


async def test_the_same_key_at_once_from_two_processes_is_one_charge(world: World) -> None:
    world.set(latency={world.name: {"median_ms": 30, "p99_ms": 30}})
    request = world.request()
    adapters = [world.adapter(), world.adapter()]
    calls = [settled(adapters[n % 2], request) for n in range(10)]
    outcomes = set(await asyncio.gather(*calls))
    assert len(outcomes) == 1
    assert isinstance(outcomes.pop(), Succeeded)
    assert len(world.charges(request)) == 1


async def test_fifty_charges_at_once_through_eight_places(world: World) -> None:
    adapter = world.adapter(concurrency=8)
    requests = [world.request() for _ in range(50)]
    outcomes = await asyncio.gather(*(adapter.charge(request) for request in requests))
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
    assert len({outcome.psp_reference for outcome in outcomes}) == 50
    assert [len(world.charges(request)) for request in requests] == [1] * 50


@pytest.mark.parametrize("order", ODD)
async def test_any_order_id_charges_once_and_is_found(world: World, order: str) -> None:
    request, adapter = world.request(order), world.adapter()
    outcome = await adapter.charge(request)
    assert isinstance(outcome, Succeeded)
    assert await adapter.charge(request) == outcome
    assert await adapter.look_up(request) == outcome
    assert len(world.charges(request)) == 1


async def test_orders_that_differ_at_their_very_end_are_two_charges(world: World) -> None:
    adapter = world.adapter()
    first, second = world.request(f"{LONG}1"), world.request(f"{LONG}2")
    paid = [await adapter.charge(first), await adapter.charge(second)]
    assert paid[0] != paid[1]
    assert [len(world.charges(first)), len(world.charges(second))] == [1, 1]


async def test_declines_are_final_for_their_key_and_normalised(world: World) -> None:
    adapter = world.adapter()
    assert {each.retry for each in world.profile.declines} >= {Retry.SOFT, Retry.CUSTOMER}
    for each in world.profile.declines:
        request = world.request(amount=each.amount, method=each.method)
        outcome = await adapter.charge(request)
        assert isinstance(outcome, Declined), each
        assert (outcome.reason, outcome.retry) == (each.reason, each.retry)
        assert outcome.psp_code
        assert each.method not in outcome.psp_code
        again = await adapter.charge(request)
        assert isinstance(again, Declined)
        assert (again.reason, again.retry) == (each.reason, each.retry)
        assert world.charges(request) == []


async def test_after_a_decline_the_next_attempt_charges_under_its_own_key(world: World) -> None:
    adapter, soft = world.adapter(), world.profile.declines[0]
    first = world.request(amount=soft.amount, method=soft.method)
    assert isinstance(await adapter.charge(first), Declined)
    second = world.request(first.payment_order_id, attempt=2)
    assert second.idempotency_key != first.idempotency_key
    assert isinstance(await adapter.charge(second), Succeeded)
    assert len(world.charges(second)) == 1


async def test_an_invalid_payment_method_is_a_definite_no(world: World) -> None:
    invalid = world.profile.invalid
    request = world.request(method=invalid.method, amount=invalid.amount)
    outcome = await world.adapter().charge(request)
    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.retry) == (invalid.reason, invalid.retry)
    assert world.charges(request) == []


async def test_an_amount_the_psp_cannot_take_is_a_definite_no(world: World) -> None:
    request = world.request(amount=Money(0, "USD"))
    outcome = await world.adapter().charge(request)
    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.retry) == (DeclineReason.REJECTED_BY_PSP, Retry.HARD)
    assert world.charges(request) == []


async def test_a_key_used_for_another_amount_yields_the_original(world: World) -> None:
    request, adapter = world.request(amount=Money(10_00, "USD")), world.adapter()
    original = await adapter.charge(request)
    other = replace(request, amount=Money(20_00, "USD"))
    assert await adapter.charge(other) == original
    assert len(world.charges(request)) == 1


async def test_a_key_used_for_a_declined_request_is_never_a_new_charge(world: World) -> None:
    soft, adapter = world.profile.declines[0], world.adapter()
    request = world.request(amount=soft.amount, method=soft.method)
    assert isinstance(await adapter.charge(request), Declined)
    good = world.profile.good
    changed = replace(request, amount=Money(11_00, "USD"), payment_method=good)
    outcome = await adapter.charge(changed)
    assert isinstance(outcome, Declined)
    assert world.charges(request) == []
