"""What a PSP tells by itself: the protocol Webhooks, over real HTTP and with real signatures."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.psp.conformance.mailbox import Mailbox, telling
from tests.psp.conformance.profiles import TEN
from tests.psp.conformance.world import World

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Declined, Pending, PendingReason, Succeeded
from clearhouse.psp.notices import (
    ChargeNotice,
    NotAuthentic,
    Notification,
    NotReadable,
    RawWebhook,
    Received,
    RefundNotice,
    Webhooks,
)
from clearhouse.psp.operations import Done, OperationKind, RefusalReason, Refused, Waiting

PROTOCOL = Webhooks
SIX = Money(6_00, "USD")


@pytest.fixture
async def mailbox(world: World) -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        world.send_webhooks_to(box.url)
        yield box
        world.send_webhooks_nowhere()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def authentic(world: World, mailbox: Mailbox) -> RawWebhook:
    """One webhook as it came."""
    await world.profile.news(world, world.adapter())
    [first, *_] = await mailbox.some(1)
    return first


def test_an_authentic_webhook_is_received_with_key_and_kind(
    world: World, authentic: RawWebhook
) -> None:
    received = world.adapter().receive(authentic, now())
    assert isinstance(received, Received)
    assert received.key
    assert received.kind
    assert isinstance(world.adapter().read(authentic.body), Notification)


async def test_a_webhook_brought_again_has_the_same_key(
    world: World, authentic: RawWebhook, mailbox: Mailbox
) -> None:
    adapter = world.adapter()
    key = adapter.receive(authentic, now()).key
    same = [authentic]
    while len(same) < 2:
        await asyncio.to_thread(world.bring_again, mailbox.url)
        await asyncio.sleep(0.05)
        same = [one for one in mailbox.taken if adapter.receive(one, now()).key == key]
    assert {one.body for one in same} == {authentic.body}


async def test_what_differs_has_another_key(world: World, mailbox: Mailbox) -> None:
    adapter = world.adapter()
    await world.profile.news(world, adapter)
    await world.profile.news(world, adapter)
    two = await mailbox.some(2)
    bodies = {one.body for one in two}
    assert len({adapter.receive(one, now()).key for one in two}) == len(bodies)


def test_a_secret_can_be_rotated(world: World, authentic: RawWebhook) -> None:
    both = world.adapter(credentials=world.profile.rotated)
    assert both.receive(authentic, now()) == world.adapter().receive(authentic, now())


def test_another_secret_is_none(world: World, authentic: RawWebhook) -> None:
    stranger = world.adapter(credentials=world.profile.strangers)
    with pytest.raises(NotAuthentic):
        stranger.receive(authentic, now())


def spoilt(webhook: RawWebhook) -> dict[str, RawWebhook]:
    """The webhook with one thing wrong each."""
    headers, body = dict(webhook.headers), webhook.body
    odd = dict.fromkeys(headers, "�ÿ,=;☃")
    mirrored = {name: value[::-1] for name, value in headers.items()}
    return {
        "a byte more": replace(webhook, body=body + b" "),
        "a byte less": replace(webhook, body=body[:-1]),
        "a byte changed": replace(webhook, body=bytes([body[0] ^ 1]) + body[1:]),
        "no body": replace(webhook, body=b""),
        "not UTF-8": replace(webhook, body=b"\xff\xfe" + body),
        "null bytes": replace(webhook, body=b"\0" * 100),
        "nothing at all": RawWebhook({}, b"", webhook.url),
    } | (
        {}
        if world_signs_in_the_body(webhook)
        else {
            "no headers": replace(webhook, headers={}),
            "empty headers": replace(webhook, headers=dict.fromkeys(headers, "")),
            "odd headers": replace(webhook, headers=odd),
            "mirrored headers": replace(webhook, headers=mirrored),
        }
    )


def world_signs_in_the_body(webhook: RawWebhook) -> bool:
    return not any("signature" in name for name in webhook.headers)


def test_whatever_is_wrong_with_it_is_told_and_not_believed(
    world: World, authentic: RawWebhook
) -> None:
    adapter = world.adapter()
    for what, webhook in spoilt(authentic).items():
        with pytest.raises(NotAuthentic):
            print(what, adapter.receive(webhook, now()))
    secret = world.profile.webhook_secret
    with pytest.raises(NotAuthentic) as told:
        adapter.receive(replace(authentic, body=b"{}"), now())
    assert secret not in str(told.value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
async def test_a_body_that_is_not_the_psps_is_not_readable(world: World, body: bytes) -> None:
    with pytest.raises(NotReadable):
        world.adapter().read(body)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"object":1}'])
def test_json_that_is_not_the_psps_is_not_readable(world: World, body: bytes) -> None:
    with pytest.raises(NotReadable):
        world.adapter().read(body)


def of_charge(reference: str) -> Any:
    return lambda one: isinstance(one, ChargeNotice) and one.psp_reference == reference


@telling("charges")
async def test_a_charge_is_told_with_our_references(world: World, mailbox: Mailbox) -> None:
    adapter = world.adapter()
    request, reference = await world.paid(adapter)

    def fits(one: Any) -> bool:
        return of_charge(reference)(one) and isinstance(one.outcome, Succeeded)

    notice = await mailbox.notice(adapter, fits)
    assert notice.outcome == Succeeded(reference, TEN)
    assert notice.payment_order_id == request.payment_order_id
    assert notice.idempotency_key in {request.idempotency_key, None}


@telling("charges")
async def test_the_time_of_a_notification_is_now(world: World, mailbox: Mailbox) -> None:
    adapter = world.adapter()
    await world.paid(adapter)
    [first, *_] = await mailbox.some(1)
    assert abs(adapter.read(first.body).as_of - now()) < timedelta(minutes=1)


@telling("charges")
async def test_a_decline_is_told_as_it_was_answered(world: World, mailbox: Mailbox) -> None:
    adapter, refused = world.adapter(), world.profile.declines[0]
    request = world.request(amount=refused.amount, method=refused.method)
    answered = await adapter.charge(request)
    assert isinstance(answered, Declined)

    def fits(one: Any) -> bool:
        return isinstance(one, ChargeNotice) and one.payment_order_id == request.payment_order_id

    notice = await mailbox.notice(adapter, fits)
    assert notice.outcome == answered


@telling("charges")
async def test_an_authorization_and_its_end_are_told(world: World, mailbox: Mailbox) -> None:
    adapter = world.adapter()
    held = await world.held(adapter)

    def is_held(one: Any) -> bool:
        return of_charge(held[1])(one) and isinstance(one.outcome, Pending)

    notice = await mailbox.notice(adapter, is_held)
    assert notice.outcome.reason is PendingReason.AUTHORIZED
    await adapter.void(world.operation(OperationKind.VOID, held))

    def is_over(one: Any) -> bool:
        return of_charge(held[1])(one) and isinstance(one.outcome, Declined)

    over = await mailbox.notice(adapter, is_over)
    assert over.payment_order_id == held[0].payment_order_id


@telling("refunds")
async def test_a_refund_is_told_and_its_late_failure(world: World, mailbox: Mailbox) -> None:
    late = world.profile.failing_refund
    assert late is not None
    adapter = world.adapter()
    paid = await world.paid(adapter, late.amount, late.method)
    asked = world.operation(OperationKind.REFUND, paid)
    made = await adapter.refund(asked)
    assert isinstance(made, Done | Waiting)

    def given(one: Any) -> bool:
        return isinstance(one, RefundNotice) and one.psp_reference == made.psp_reference

    notice = await mailbox.notice(adapter, given)
    assert (notice.charge_reference, notice.amount) == (paid[1], late.amount)
    assert isinstance(notice.outcome, Done | Waiting)
    assert notice.operation_id in {asked.operation_id, None}
    world.act(made.psp_reference, late.action)

    def failed(one: Any) -> bool:
        return given(one) and isinstance(one.outcome, Refused)

    refused = await mailbox.notice(adapter, failed)
    assert refused.outcome.reason is RefusalReason.REJECTED_BY_BANK
    assert refused.outcome.psp_reference == made.psp_reference
