"""The buyer goes to the bank: the protocol Disputes, and what webhooks tell of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.psp.conformance.mailbox import Mailbox, telling
from tests.psp.conformance.world import World

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeFacts, Disputes, DisputeStage, Evidence
from clearhouse.psp.notices import DisputeNotice
from clearhouse.psp.operations import Done, NotDone, OperationKind, Refused

PROTOCOL = Disputes
ANSWER = Evidence("it was delivered", {"shipping_tracking_number": "1Z999", "of our own": "x"})


async def disputed(world: World, adapter: Any, method: str | None = None) -> DisputeFacts:
    """A charge that its buyer disputes, once the PSP knows of it."""
    profile = world.profile.disputed
    assert profile is not None
    _, reference = await world.paid(adapter, profile.amount, method or profile.method)
    for _ in range(400):
        found: tuple[DisputeFacts, ...] = await adapter.disputes_of(reference)
        if found:
            assert [one.charge_reference for one in found] == [reference]
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError("nobody disputed it")


async def test_a_dispute_is_found_by_its_charge_and_by_itself(world: World) -> None:
    profile, adapter = world.profile.disputed, world.adapter()
    assert profile is not None
    found = await disputed(world, adapter)
    assert found.stage is DisputeStage.NEEDS_RESPONSE
    assert found.amount == profile.amount
    assert found.reason
    assert found.opened_at is not None
    assert found.evidence_due_at is not None
    assert found.evidence_due_at > found.opened_at
    assert await adapter.dispute(found.psp_reference) == found


async def test_disputes_are_found_by_when_they_were_opened(world: World) -> None:
    adapter = world.adapter()
    found = [await disputed(world, adapter) for _ in range(2)]
    opened = [one.opened_at for one in found if one.opened_at is not None]
    since = min(opened) - timedelta(seconds=1)
    listed = [one async for one in adapter.disputes_since(since)]
    assert all(listed.count(one) == 1 for one in found)
    later = [one async for one in adapter.disputes_since(max(opened) + timedelta(days=3))]
    assert not any(one in later for one in found)


async def test_an_inquiry_is_no_dispute_yet(world: World) -> None:
    profile, adapter = world.profile.disputed, world.adapter()
    assert profile is not None
    if profile.inquiry is not None:
        found = await disputed(world, adapter, profile.inquiry)
        assert found.stage is DisputeStage.INQUIRY
        world.act(found.psp_reference, profile.win)
        closed = await adapter.dispute(found.psp_reference)
        assert closed is not None
        assert closed.stage is DisputeStage.INQUIRY_CLOSED


async def test_a_charge_without_disputes_has_none(world: World) -> None:
    adapter = world.adapter()
    _, reference = await world.paid(adapter)
    assert await adapter.disputes_of(reference) == ()
    assert await adapter.dispute("nobody-knows") is None


async def test_evidence_is_sent_once_and_the_bank_decides(world: World) -> None:
    profile, adapter = world.profile.disputed, world.adapter()
    assert profile is not None
    for action, stage in ((profile.win, DisputeStage.WON), (profile.lose, DisputeStage.LOST)):
        found = await disputed(world, adapter)
        for _ in range(2):
            assert isinstance(await adapter.send_evidence(found.psp_reference, ANSWER), Done)
        after = await adapter.dispute(found.psp_reference)
        assert after is not None
        assert after.stage is DisputeStage.UNDER_REVIEW
        world.act(found.psp_reference, action)
        decided = await adapter.dispute(found.psp_reference)
        assert decided is not None
        assert decided.stage is stage


async def test_giving_in_is_final(world: World) -> None:
    adapter = world.adapter()
    found = await disputed(world, adapter)
    for _ in range(2):
        assert isinstance(await adapter.accept_dispute(found.psp_reference), Done)
    after = await adapter.dispute(found.psp_reference)
    assert after is not None
    assert after.stage in {DisputeStage.ACCEPTED, DisputeStage.LOST}
    assert isinstance(await adapter.send_evidence(found.psp_reference, ANSWER), Refused)


async def test_a_disputed_charge_is_not_given_back_as_well(world: World) -> None:
    adapter, profile = world.adapter(), world.profile.disputed
    assert profile is not None
    found = await disputed(world, adapter)
    request = world.request(amount=profile.amount)
    asked = world.operation(OperationKind.REFUND, (request, found.charge_reference))
    assert isinstance(await adapter.refund(asked), Refused)
    assert world.refunds(found.charge_reference) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        *(("lost-request", Unknown), ("lost-answer", Unknown), ("error-before", Unknown)),
        *(("error-after", Unknown), ("conflict", Unknown), ("rate-limited", NotDone)),
    ],
)
async def test_a_fault_then_the_same_again_is_one_answer(
    world: World, fault: str, told: type
) -> None:
    adapter = world.adapter()
    found = await disputed(world, adapter)
    world.order_fault(fault, operation="dispute")
    assert isinstance(await adapter.send_evidence(found.psp_reference, ANSWER), told)
    assert isinstance(await adapter.send_evidence(found.psp_reference, ANSWER), Done)
    after = await adapter.dispute(found.psp_reference)
    assert after is not None
    assert after.stage is DisputeStage.UNDER_REVIEW


async def test_what_nobody_knows_cannot_be_answered(world: World) -> None:
    adapter = world.adapter()
    assert isinstance(await adapter.send_evidence("nobody-knows", ANSWER), Refused)
    assert isinstance(await adapter.accept_dispute("nobody-knows"), Refused)


@pytest.mark.parametrize("fault", ["error-before", "lost-request", "rate-limited"])
async def test_disputes_that_cannot_be_read_are_told_and_never_empty(
    world: World, fault: str
) -> None:
    adapter = world.adapter()
    world.order_fault(fault, operation="look-up", times=9)
    with pytest.raises(UnavailableError):
        await adapter.disputes_of("any")
    with pytest.raises(UnavailableError):
        _ = [one async for one in adapter.disputes_since(datetime(2026, 1, 1, tzinfo=UTC))]
    with pytest.raises(UnavailableError):
        await adapter.dispute("any")


@pytest.fixture
async def mailbox(world: World) -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        world.send_webhooks_to(box.url)
        yield box
        world.send_webhooks_nowhere()


@telling("disputes")
async def test_a_dispute_and_its_end_are_told(world: World, mailbox: Mailbox) -> None:
    adapter, profile = world.adapter(), world.profile.disputed
    assert profile is not None
    found = await disputed(world, adapter)

    def at(stage: DisputeStage) -> Any:
        def fits(one: Any) -> bool:
            if not isinstance(one, DisputeNotice):
                return False
            same = one.dispute.psp_reference == found.psp_reference
            return same and one.dispute.stage is stage

        return fits

    opened = await mailbox.notice(adapter, at(DisputeStage.NEEDS_RESPONSE))
    assert opened.dispute.charge_reference == found.charge_reference
    assert opened.dispute.amount == profile.amount
    world.act(found.psp_reference, profile.lose)
    assert await mailbox.notice(adapter, at(DisputeStage.LOST))
