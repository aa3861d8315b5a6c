"""Held first and taken later: the protocol Captures, and every fault in it."""

import asyncio
from dataclasses import replace

import pytest
from tests.psp.conformance.world import World, operated

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Declined, Succeeded, Unknown
from clearhouse.psp.operations import (
    Captures,
    Done,
    NotDone,
    OperationKind,
    RefusalReason,
    Refused,
)

PROTOCOL = Captures
CAPTURE, VOID = OperationKind.CAPTURE, OperationKind.VOID
SIX = Money(6_00, "USD")


async def test_an_authorization_takes_no_money(world: World) -> None:
    adapter = world.adapter()
    request, reference = await world.held(adapter)
    [fact] = world.facts(request)
    assert (fact["status"], fact["psp_id"]) == ("authorized", reference)
    assert await adapter.charge(request) == await adapter.look_up(request)


async def test_a_capture_takes_the_whole(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    done = await adapter.capture(world.operation(CAPTURE, held))
    assert done == Done(held[1], held[0].amount)
    [charge] = world.charges(held[0])
    assert charge["amount_minor"] == held[0].amount.minor
    assert await adapter.look_up(held[0]) == Succeeded(held[1], held[0].amount)


async def test_a_capture_takes_a_part_and_lets_the_rest_go(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    assert await adapter.capture(world.operation(CAPTURE, held, SIX)) == Done(held[1], SIX)
    [charge] = world.charges(held[0])
    assert charge["amount_minor"] == SIX.minor
    assert await adapter.look_up(held[0]) == Succeeded(held[1], SIX)


@pytest.mark.parametrize("amount", [(5_000, "JPY"), (50_000, "KWD")])
async def test_other_currencies_are_captured_in_their_own_units(
    world: World, amount: tuple[int, str]
) -> None:
    adapter, money = world.adapter(), Money(*amount)
    held = await world.held(adapter, money)
    assert await adapter.capture(world.operation(CAPTURE, held)) == Done(held[1], money)
    [charge] = world.charges(held[0])
    assert (charge["amount_minor"], charge["currency"]) == amount


@pytest.mark.parametrize("kind", [CAPTURE, VOID])
async def test_the_same_key_twice_or_at_once_is_done_once(
    world: World, kind: OperationKind
) -> None:
    adapters = [world.adapter(), world.adapter()]
    held = await world.held(adapters[0])
    asked = world.operation(kind, held)
    calls = [operated(getattr(adapters[n % 2], kind.value), asked) for n in range(6)]
    outcomes = set(await asyncio.gather(*calls))
    assert len(outcomes) == 1
    assert isinstance(outcomes.pop(), Done)
    assert len(world.charges(held[0])) == (1 if kind is CAPTURE else 0)


async def test_a_void_lets_go_what_was_held(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    done = await adapter.void(world.operation(VOID, held))
    assert isinstance(done, Done)
    assert done.psp_reference == held[1]
    assert [fact["status"] for fact in world.facts(held[0])] == ["canceled"]
    assert isinstance(await adapter.look_up(held[0]), Declined)


async def test_what_was_voided_cannot_be_captured(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    await adapter.void(world.operation(VOID, held))
    refused = await adapter.capture(world.operation(CAPTURE, held))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.WRONG_STATE
    assert world.charges(held[0]) == []


async def test_no_more_is_taken_than_is_held(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    refused = await adapter.capture(world.operation(CAPTURE, held, Money(10_01, "USD")))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.EXCEEDS_CHARGE
    assert world.charges(held[0]) == []
    assert isinstance(await adapter.capture(world.operation(CAPTURE, held)), Done)


async def test_a_second_capture_takes_nothing_more(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    await adapter.capture(world.operation(CAPTURE, held, SIX))
    await adapter.capture(world.operation(CAPTURE, held, SIX))
    assert [charge["amount_minor"] for charge in world.charges(held[0])] == [SIX.minor]


@pytest.mark.parametrize("kind", [CAPTURE, VOID])
async def test_a_charge_that_the_psp_does_not_know_is_refused(
    world: World, kind: OperationKind
) -> None:
    asked = world.operation(kind, (world.request(), "nobody-knows"))
    refused = await getattr(world.adapter(), kind.value)(asked)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.CHARGE_UNKNOWN


# fault, what a patient caller is told, whether it has happened then
PATIENT = [
    ("lost-request", Unknown, False),
    ("lost-answer", Unknown, True),
    ("reset", Unknown, True),
    ("error-before", Unknown, False),
    ("error-after", Unknown, True),
    ("error-stored", Unknown, True),
    ("conflict", Unknown, False),
    ("rate-limited", NotDone, False),
    ("slow-body", Done, True),
]
OPERATIONS = {CAPTURE: "capture", VOID: "cancel"}
AFTER = {CAPTURE: "succeeded", VOID: "canceled"}


@pytest.mark.parametrize("kind", [CAPTURE, VOID])
@pytest.mark.parametrize(("fault", "told", "happened"), PATIENT)
async def test_a_fault_then_the_same_key_does_it_once(
    world: World, kind: OperationKind, fault: str, told: type, happened: bool
) -> None:
    world.set(slow_seconds=0.2)
    adapter = world.adapter()
    held = await world.held(adapter)
    asked = world.operation(kind, held)
    world.order_fault(fault, operation=OPERATIONS[kind])
    outcome = await getattr(adapter, kind.value)(asked)
    assert type(outcome) is told, outcome
    assert [fact["status"] == AFTER[kind] for fact in world.facts(held[0])] == [happened]
    found = await adapter.find_operation(asked)
    assert type(found) is (Done if happened else NotDone), found
    settled = await operated(getattr(adapter, kind.value), asked)
    assert isinstance(settled, Done)
    assert [fact["status"] for fact in world.facts(held[0])] == [AFTER[kind]]


@pytest.mark.parametrize("fault", ["hang", "hang-before"])
async def test_an_operation_without_end_is_given_up_as_unknown(world: World, fault: str) -> None:
    held = await world.held(world.adapter())
    asked = world.operation(CAPTURE, held)
    world.order_fault(fault, operation="capture")
    assert isinstance(await world.adapter(timeout=0.5).capture(asked), Unknown)
    assert isinstance(await operated(world.adapter().capture, asked), Done)
    assert len(world.charges(held[0])) == 1


async def test_a_search_that_fails_proves_nothing(world: World) -> None:
    adapter = world.adapter()
    asked = world.operation(CAPTURE, await world.held(adapter))
    world.order_fault("error-before", operation="look-up", times=9)
    assert isinstance(await adapter.find_operation(asked), Unknown)


async def test_a_key_used_for_another_amount_yields_the_original(world: World) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)
    asked = world.operation(CAPTURE, held, SIX)
    original = await adapter.capture(asked)
    other = await adapter.capture(replace(asked, amount=Money(7_00, "USD")))
    assert other == original
    assert [charge["amount_minor"] for charge in world.charges(held[0])] == [SIX.minor]
