"""The page worker with PSPs of our own making: hosted pages, pages of ours, and none at all."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from tests.payments.pages import CLOCK, DECLINED, accept, page_service, states

from clearhouse.kernel.money import Money
from clearhouse.payments.pages.model import PageState, PaymentPage
from clearhouse.payments.pages.service import PageService
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Succeeded,
    Unknown,
)
from clearhouse.psp.pages import DropIn, HostedPage, OpenedPage, PageRequest
from clearhouse.workers.pages import PageWorker

LIMITS = Capabilities(
    45, timedelta(hours=24), repeat_is_lookup=False, look_up_proves_after=timedelta(0)
)
PUBLIC = "https://pay.shop.test"


@dataclass
class CardPsp:
    """Charges by key, once each; ``answers`` come first. No pages of its own."""

    answers: list[PspOutcome] = field(default_factory=list)
    charged: dict[str, Money] = field(default_factory=dict)
    name: str = "stripe"
    capabilities: Capabilities = LIMITS

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        if self.answers:
            return self.answers.pop(0)
        self.charged[request.idempotency_key] = request.amount
        return Succeeded(f"ch_{request.idempotency_key[:8]}", request.amount)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        return NotCharged("nothing found")

    async def close(self) -> None:
        """Nothing to give back."""


@dataclass
class FieldsPsp(CardPsp):
    """Its fields are put into a page of ours."""

    async def client_token(self, currency: str) -> str:
        return f"token for {currency}"


@dataclass
class HostingPsp(CardPsp):
    """Has pages of its own; ``paid`` is set when the buyer has paid."""

    opened: list[PageRequest] = field(default_factory=list)
    opens: list[OpenedPage | NotCharged | Unknown] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    paid: bool = False

    async def open_page(self, request: PageRequest) -> OpenedPage | NotCharged | Unknown:
        self.opened.append(request)
        return self.opens.pop(0) if self.opens else OpenedPage("cs_1", "https://psp.test/1", None)

    async def page_outcome(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        if self.paid:
            return Succeeded("pi_1", request.total)
        return Pending(PendingReason.REQUIRES_ACTION, psp_reference)

    async def close_page(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        self.closed.append(psp_reference)
        return await self.page_outcome(psp_reference, request) if self.paid else Unknown("lost")


async def move(pool: Pool, psp: CardPsp, turns: int = 1) -> PageService:
    """Let a worker take up what there is, ``turns`` times, whenever it is due."""
    service = page_service(pool)
    worker = PageWorker(service, psp, CLOCK, public_url=PUBLIC, concurrency=4)
    for _ in range(turns):
        await pool.execute("update payments.page_work set next_at = now()")
        await worker.turn()
        await worker.drain()
    return service


async def the_page(pool: Pool, service: PageService) -> PaymentPage:
    token = await pool.fetchval("select token from payments.pages")
    return await service.page(token)


def test_the_psps_of_these_tests_are_what_they_are_said_to_be() -> None:
    kinds = [(isinstance(p, HostedPage), isinstance(p, DropIn)) for p in _psps()]
    assert kinds == [(False, False), (False, True), (True, False)]


def _psps() -> list[CardPsp]:
    return [CardPsp(), FieldsPsp(), HostingPsp()]


async def test_a_hosted_page_is_opened_once_asked_and_paid(pool: Pool) -> None:
    await accept(pool, "cart")
    psp = HostingPsp(opens=[Unknown("timeout"), NotCharged("busy")])
    service = await move(pool, psp, turns=3)
    page = await the_page(pool, service)
    assert (page.state, page.url) == (PageState.OPEN, "https://psp.test/1")
    assert psp.opened[0] == psp.opened[1] == psp.opened[2]
    request = psp.opened[0]
    assert request.page_id == request.idempotency_key == str(page.page_id)
    assert request.return_url == f"{PUBLIC}/pay/{page.token}?from=psp"
    assert request.cancel_url == f"{PUBLIC}/pay/{page.token}?from=cancel"
    assert [(line.name, line.amount.minor) for line in request.lines] == [
        ("seller-0", 1000),
        ("seller-1", 1001),
    ]
    await move(pool, psp)
    assert (await states(pool))[0] == ("EXECUTING", "awaiting_buyer")
    psp.paid = True
    await move(pool, psp)
    assert await states(pool) == [("SUCCESS", None)] * 2


async def test_a_hosted_page_whose_time_is_over_is_closed(pool: Pool) -> None:
    await accept(pool, "cart")
    psp = HostingPsp()
    await move(pool, psp)
    await pool.execute("update payments.pages set expires_at = now() - interval '1 second'")
    service = await move(pool, psp)
    assert psp.closed == ["cs_1"]
    assert (await the_page(pool, service)).state is PageState.OPEN
    psp.paid = True
    await move(pool, psp)
    assert await states(pool) == [("SUCCESS", None)] * 2


async def test_cards_on_a_page_of_ours_are_charged_one_after_the_other(pool: Pool) -> None:
    await accept(pool, "cart")
    psp = FieldsPsp(answers=[Unknown("timeout"), DECLINED])
    service = await move(pool, psp)
    page = await the_page(pool, service)
    assert page.state is PageState.OPEN
    assert await service.try_card(page, "nonce-1", LIMITS)
    await move(pool, psp, turns=2)
    assert (await the_page(pool, service)).declined_for == "insufficient_funds"
    assert await service.try_card(page, "nonce-2", LIMITS)
    await move(pool, psp, turns=2)
    assert await states(pool) == [("SUCCESS", None)] * 2
    assert list(psp.charged.values()) == [Money(2001, "USD")]


async def test_a_page_of_ours_expires_without_asking_anybody(pool: Pool) -> None:
    await accept(pool, "cart")
    psp = FieldsPsp()
    await move(pool, psp)
    await pool.execute("update payments.pages set expires_at = now() - interval '1 second'")
    await move(pool, psp)
    assert await states(pool) == [("FAILED", "expired")] * 2
    assert psp.charged == {}


async def test_a_psp_without_pages_fails_the_orders_instead_of_waiting(pool: Pool) -> None:
    await accept(pool, "cart")
    await move(pool, CardPsp())
    assert await states(pool) == [("FAILED", "expired")] * 2


async def test_it_stops_when_it_is_asked_to(pool: Pool) -> None:
    await accept(pool, "cart")
    service, stopping = page_service(pool), asyncio.Event()
    worker = PageWorker(service, HostingPsp(paid=True), CLOCK, public_url=PUBLIC, concurrency=4)
    running = asyncio.create_task(worker.run(stopping))
    while await pool.fetchval("select state from payments.pages") == "CREATED":
        await asyncio.sleep(0.01)
    stopping.set()
    await running
