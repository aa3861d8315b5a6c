"""The buyer pays on the PSP's own page: the protocol HostedPage, and every fault in it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from tests.psp.conformance.mailbox import Mailbox, telling
from tests.psp.conformance.world import World

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import (
    Declined,
    NotCharged,
    Pending,
    Succeeded,
    Unknown,
    attempt_key,
)
from clearhouse.psp.notices import PageNotice
from clearhouse.psp.pages import HostedPage, OpenedPage, PageLine, PageRequest

PROTOCOL = HostedPage
TOTAL = Money(30_00, "USD")
_numbers = count(1)


def page_request(world: World) -> PageRequest:
    page, now = f"page-{next(_numbers)}", datetime.now(UTC)
    lines = (
        PageLine("A lamp <b>& more</b>", Money(12_00, "USD")),
        PageLine("A rug", Money(18_00, "USD")),
    )
    key = attempt_key(page, 1, world.capabilities.idempotency_key_length)
    back, cancel = "https://shop.example/paid", "https://shop.example/basket"
    return PageRequest(page, key, TOTAL, lines, back, cancel, now, now + timedelta(hours=2))


async def opened(adapter: Any, request: PageRequest) -> OpenedPage:
    page = await adapter.open_page(request)
    assert isinstance(page, OpenedPage), page
    return page


async def pay(world: World, page: OpenedPage, method: str | None = None) -> str:
    methods, paying = world.profile.page_methods, world.profile.pay_on_page
    assert methods is not None
    assert paying is not None
    return await asyncio.to_thread(paying, page.url, method or methods.good)


def charged(world: World, outcome: Any) -> list[int]:
    """What the sandbox took under the reference that the outcome names."""
    facts = world.all_facts()
    found = [one for one in facts if one["psp_id"] == outcome.psp_reference]
    return [one["amount_minor"] for one in found if one["status"] == "succeeded"]


async def test_a_page_is_open_until_it_is_paid(world: World) -> None:
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    assert page.url.startswith("http")
    waiting = await adapter.page_outcome(page.psp_reference, request)
    assert isinstance(waiting, Pending)
    assert await pay(world, page) == request.return_url
    paid = await adapter.page_outcome(page.psp_reference, request)
    assert isinstance(paid, Succeeded)
    assert paid.charged == TOTAL
    assert charged(world, paid) == [TOTAL.minor]
    record = await adapter.record(paid.psp_reference)
    assert record is not None
    assert record.payment_order_id == request.page_id


async def test_paying_twice_pays_once(world: World) -> None:
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    await asyncio.gather(*(pay(world, page) for _ in range(4)))
    await pay(world, page)
    paid = await adapter.page_outcome(page.psp_reference, request)
    ours = [one for one in world.all_facts() if one["reference"] == request.page_id]
    assert isinstance(paid, Succeeded)
    assert [one["psp_id"] for one in ours] == [paid.psp_reference]


async def test_a_declined_card_leaves_the_page_open_for_another(world: World) -> None:
    methods = world.profile.page_methods
    assert methods is not None
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    assert await pay(world, page, methods.declined) != request.return_url
    assert isinstance(await adapter.page_outcome(page.psp_reference, request), Pending)
    assert await pay(world, page) == request.return_url
    assert isinstance(await adapter.page_outcome(page.psp_reference, request), Succeeded)


async def test_a_closed_page_can_never_be_paid(world: World) -> None:
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    for _ in range(2):
        closed = await adapter.close_page(page.psp_reference, request)
        assert isinstance(closed, Declined)
        assert closed.psp_code == "page_expired"
    assert await pay(world, page) != request.return_url
    assert await adapter.page_outcome(page.psp_reference, request) == closed
    assert [one for one in world.all_facts() if one["reference"] == request.page_id] == []


async def test_closing_a_paid_page_says_that_it_is_paid(world: World) -> None:
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    await pay(world, page)
    paid = await adapter.close_page(page.psp_reference, request)
    assert isinstance(paid, Succeeded)
    assert await adapter.page_outcome(page.psp_reference, request) == paid


FAULTS = [
    *(("lost-request", Unknown), ("lost-answer", Unknown), ("reset", Unknown)),
    *(("error-before", Unknown), ("error-after", Unknown), ("error-stored", Unknown)),
    *(("conflict", Unknown), ("rate-limited", NotCharged)),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS)
async def test_a_fault_then_the_same_key_opens_one_page(
    world: World, fault: str, told: type
) -> None:
    adapter, request = world.adapter(), page_request(world)
    world.order_fault(fault, operation="page")
    assert isinstance(await adapter.open_page(request), told)
    pages = [await opened(adapter, request) for _ in range(2)]
    assert pages[0] == pages[1]


async def test_a_page_that_cannot_be_read_is_unknown(world: World) -> None:
    adapter, request = world.adapter(), page_request(world)
    page = await opened(adapter, request)
    world.order_fault("error-before", operation="look-up", times=9)
    assert isinstance(await adapter.page_outcome(page.psp_reference, request), Unknown)


@telling("pages")
async def test_a_paid_page_is_told(world: World) -> None:
    async with Mailbox() as mailbox:
        world.send_webhooks_to(mailbox.url)
        adapter, request = world.adapter(), page_request(world)
        page = await opened(adapter, request)
        await pay(world, page)

        def fits(one: Any) -> bool:
            return isinstance(one, PageNotice) and one.page_reference == page.psp_reference

        notice = await mailbox.notice(adapter, fits)
        assert notice.page_id in {request.page_id, None}
        world.send_webhooks_nowhere()


@pytest.fixture(autouse=True)
async def _webhooks_go_nowhere(world: World) -> AsyncIterator[None]:
    yield
    world.send_webhooks_nowhere()
