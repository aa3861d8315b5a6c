"""Money given back: the protocol Refunds, and every fault in it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.psp.conformance.profiles import TEN
from tests.psp.conformance.world import World, operated

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Succeeded, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    OperationRequest,
    Refunds,
    RefusalReason,
    Refused,
    Waiting,
)

PROTOCOL = Refunds
REFUND = OperationKind.REFUND
SIX = Money(6_00, "USD")


def amounts(world: World, reference: str) -> list[int]:
    return [each["amount_minor"] for each in world.refunds(reference)]


async def test_a_refund_gives_the_whole_back(world: World) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter)
    done = await adapter.refund(world.operation(REFUND, paid))
    assert isinstance(done, Done | Waiting)
    assert amounts(world, paid[1]) == [10_00]
    if isinstance(done, Done):
        assert done.amount == TEN
    assert done.psp_reference != paid[1]
    # The charge itself has succeeded all the same.
    assert await adapter.look_up(paid[0]) == Succeeded(paid[1], TEN)
    record = await adapter.record(paid[1])
    assert record is not None
    assert record.is_charged


async def test_parts_are_given_back_up_to_the_whole_and_no_further(world: World) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter)
    for cents in (3_00, 4_00, 3_00):
        part = world.operation(REFUND, paid, Money(cents, "USD"))
        assert isinstance(await adapter.refund(part), Done | Waiting)
    assert amounts(world, paid[1]) == [3_00, 4_00, 3_00]
    refused = await adapter.refund(world.operation(REFUND, paid, Money(1, "USD")))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.EXCEEDS_CHARGE
    assert sum(amounts(world, paid[1])) == 10_00


async def test_two_refunds_at_once_never_give_more_than_the_charge(world: World) -> None:
    world.set(latency={world.name: {"median_ms": 20, "p99_ms": 20}})
    adapters = [world.adapter(), world.adapter()]
    paid = await world.paid(adapters[0])
    asked = [world.operation(REFUND, paid, SIX) for _ in adapters]
    calls = [operated(adapter.refund, one) for adapter, one in zip(adapters, asked, strict=True)]
    outcomes = await asyncio.gather(*calls)
    assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False, True]
    assert amounts(world, paid[1]) == [6_00]


async def test_more_than_was_charged_is_refused(world: World) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter)
    refused = await adapter.refund(world.operation(REFUND, paid, Money(10_01, "USD")))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.EXCEEDS_CHARGE
    assert amounts(world, paid[1]) == []


@pytest.mark.parametrize("amount", [(5_000, "JPY"), (50_000, "KWD"), (50_01, "EUR")])
async def test_other_currencies_are_given_back_in_their_own_units(
    world: World, amount: tuple[int, str]
) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter, Money(*amount))
    assert isinstance(await adapter.refund(world.operation(REFUND, paid)), Done | Waiting)
    assert amounts(world, paid[1]) == [amount[0]]


async def test_the_same_key_twice_or_at_once_gives_back_once(world: World) -> None:
    adapters = [world.adapter(), world.adapter()]
    paid = await world.paid(adapters[0])
    asked = world.operation(REFUND, paid, SIX, reason="a letter from the buyer")
    calls = [operated(adapters[n % 2].refund, asked) for n in range(6)]
    outcomes = set(await asyncio.gather(*calls))
    assert len(outcomes) == 1
    assert isinstance(outcomes.pop(), Done | Waiting)
    assert amounts(world, paid[1]) == [6_00]


async def test_a_charge_that_the_psp_does_not_know_is_refused(world: World) -> None:
    asked = world.operation(REFUND, (world.request(), "nobody-knows"))
    refused = await world.adapter().refund(asked)
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
    ("slow-body", Done | Waiting, True),
]


@pytest.mark.parametrize(("fault", "told", "happened"), PATIENT)
async def test_a_fault_then_the_same_key_gives_back_once(
    world: World, fault: str, told: Any, happened: bool
) -> None:
    world.set(slow_seconds=0.2)
    adapter = world.adapter()
    paid = await world.paid(adapter)
    asked = world.operation(REFUND, paid, SIX)
    world.order_fault(fault, operation="refund")
    outcome = await adapter.refund(asked)
    assert isinstance(outcome, told), outcome
    assert amounts(world, paid[1]) == ([6_00] if happened else [])
    found = await adapter.find_refund(asked)
    assert isinstance(found, Done | Waiting if happened else NotDone), found
    settled = await operated(adapter.refund, asked)
    assert isinstance(settled, Done | Waiting)
    assert amounts(world, paid[1]) == [6_00]


@pytest.mark.parametrize("fault", ["hang", "hang-before"])
async def test_a_refund_without_end_is_given_up_as_unknown(world: World, fault: str) -> None:
    paid = await world.paid(world.adapter())
    asked = world.operation(REFUND, paid)
    world.order_fault(fault, operation="refund")
    assert isinstance(await world.adapter(timeout=1.5).refund(asked), Unknown)
    assert isinstance(await operated(world.adapter().refund, asked), Done | Waiting)
    assert amounts(world, paid[1]) == [10_00]


async def test_a_refund_is_found_among_others_of_the_charge(world: World) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter)
    asked = [world.operation(REFUND, paid, Money(cents, "USD")) for cents in (1_00, 2_00, 3_00)]
    made = [await adapter.refund(one) for one in asked]
    assert [same(await adapter.find_refund(one)) for one in asked] == [same(one) for one in made]
    never = world.operation(REFUND, paid, Money(1_00, "USD"))
    assert isinstance(await adapter.find_refund(never), NotDone)


async def test_a_search_that_fails_proves_nothing(world: World) -> None:
    adapter = world.adapter()
    asked = world.operation(REFUND, await world.paid(adapter))
    world.order_fault("error-before", operation="look-up", times=9)
    assert isinstance(await adapter.find_refund(asked), Unknown)


async def test_a_key_used_for_another_amount_gives_back_nothing_more(world: World) -> None:
    adapter = world.adapter()
    paid = await world.paid(adapter)
    asked = world.operation(REFUND, paid, SIX)
    original = await adapter.refund(asked)
    other = await adapter.refund(replace(asked, amount=Money(1_00, "USD")))
    assert same(other) == same(original)
    assert amounts(world, paid[1]) == [6_00]


@pytest.mark.needs("slow_refund")
async def test_a_refund_that_is_finished_later_is_found_done(world: World) -> None:
    late = world.profile.slow_refund
    assert late is not None
    adapter = world.adapter()
    asked, waiting = await refunded(world, adapter, late.amount, late.method)
    assert isinstance(waiting, Waiting)
    assert await adapter.find_refund(asked) == waiting
    world.act(waiting.psp_reference, late.action)
    assert await adapter.find_refund(asked) == Done(waiting.psp_reference, late.amount)


@pytest.mark.needs("failing_refund")
async def test_a_refund_that_fails_later_is_found_refused(world: World) -> None:
    late = world.profile.failing_refund
    assert late is not None
    adapter = world.adapter()
    asked, done = await refunded(world, adapter, late.amount, late.method)
    assert isinstance(done, Done | Waiting)
    world.act(done.psp_reference, late.action)
    refused = await adapter.find_refund(asked)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.psp_reference) == (
        RefusalReason.REJECTED_BY_BANK,
        done.psp_reference,
    )
    assert world.refunds(asked.charge_reference) == []
    # The money is back, so it can be given once more.
    again = replace(world.operation(REFUND, (world.request(), "")), **again_of(asked))
    assert isinstance(await adapter.refund(again), Done | Waiting)


async def refunded(
    world: World, adapter: Any, amount: Money, method: str
) -> tuple[OperationRequest, OperationOutcome]:
    paid = await world.paid(adapter, amount, method)
    asked = world.operation(REFUND, paid)
    return asked, await adapter.refund(asked)


def again_of(asked: OperationRequest) -> dict[str, Any]:
    return {
        "charge_reference": asked.charge_reference,
        "payment_order_id": asked.payment_order_id,
        "charged": asked.charged,
        "amount": asked.amount,
    }


def same(outcome: OperationOutcome) -> str:
    """The refund that an outcome speaks of, in whatever state."""
    assert isinstance(outcome, Done | Waiting), outcome
    return outcome.psp_reference
