"""Stripe's longer ways, from adapter to sandbox and back: asked, reviewed, late, expired."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import (
    ChargeRequest,
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspConfig,
    PspOutcome,
    Retry,
    Succeeded,
)
from clearhouse.psp.operations import OperationKind, OperationRequest, RefusalReason, Refused
from clearhouse.psp.pages import OpenedPage, PageLine, PageRequest
from clearhouse.sandbox.server import Running, running

TEN = Money(10_00, "USD")
SHOP = "https://shop.example/back"
_orders = count(1)


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


@pytest.fixture
async def adapter(sandbox: Running) -> AsyncIterator[Any]:
    config = PspConfig({"secret_key": "sk_test_journeys"}, sandbox.base_url, 30.0, 4)
    made: Any = registry.create("stripe", config)
    yield made
    await made.close()


def request_of(card: str, *, capture: bool = True) -> ChargeRequest:
    order, now = f"order-{next(_orders)}", datetime.now(UTC)
    return ChargeRequest(order, order, TEN, f"pm_card_{card}", "seller", now, capture, SHOP)


def act(box: Running, identifier: str, action: str) -> None:
    call = {"psp": "stripe", "id": identifier, "action": action}
    reply = httpx.post(f"{box.base_url}/_sandbox/actions", json=call, trust_env=False)
    assert reply.status_code == 200, reply.text


def later(box: Running, days: int) -> None:
    reply = httpx.post(f"{box.base_url}/_sandbox/clock", json={"days": days}, trust_env=False)
    assert reply.status_code == 200, reply.text


def answer(url: str, result: str) -> str:
    """The card's owner answers the bank; where the browser is sent then."""
    reply = httpx.post(url, data={"result": result}, trust_env=False)
    return reply.headers["location"]


async def review_of(adapter: Any, reference: str) -> str:
    intent = await adapter._connection.client().v1.payment_intents.retrieve_async(reference)
    return str(intent.review)


REFUSED = (DeclineReason.AUTHENTICATION_REQUIRED, Retry.CUSTOMER)
NO = (DeclineReason.CARD_DECLINED, Retry.SOFT)


@pytest.mark.parametrize(
    ("card", "result", "expected"),
    [
        ("threeDSecure2Required", "complete", None),
        ("threeDSecure2Required", "fail", REFUSED),
        ("threeDSecureRequiredChargeDeclined", "complete", NO),
    ],
)
async def test_the_bank_asks_and_the_buyer_comes_back(
    adapter: Any, card: str, result: str, expected: tuple[DeclineReason, Retry] | None
) -> None:
    request = request_of(card)
    asked: PspOutcome = await adapter.charge(request)
    assert isinstance(asked, Pending)
    assert asked.reason is PendingReason.REQUIRES_ACTION
    assert asked.redirect_url is not None
    assert await adapter.look_up(request) == asked
    assert answer(asked.redirect_url, result).startswith(SHOP)
    found = await adapter.look_up(request)
    if expected is None:
        assert found == Succeeded(asked.psp_reference, TEN)
    else:
        assert isinstance(found, Declined)
        assert (found.reason, found.retry) == expected


@pytest.mark.parametrize("capture", [True, False])
async def test_a_review_is_waited_for_and_passes(
    adapter: Any, sandbox: Running, capture: bool
) -> None:
    request = request_of("riskLevelElevated", capture=capture)
    waiting = await adapter.charge(request)
    assert isinstance(waiting, Pending)
    assert waiting.reason is PendingReason.PENDING_REVIEW
    act(sandbox, await review_of(adapter, waiting.psp_reference), "approve")
    found = await adapter.look_up(request)
    if capture:
        assert found == Succeeded(waiting.psp_reference, TEN)
    else:
        assert isinstance(found, Pending)
        assert found.reason is PendingReason.AUTHORIZED


@pytest.mark.parametrize(
    ("capture", "code"), [(True, "review:refunded_as_fraud"), (False, "canceled:fraudulent")]
)
async def test_a_review_that_is_refused_is_a_hard_no(
    adapter: Any, sandbox: Running, capture: bool, code: str
) -> None:
    request = request_of("riskLevelElevated", capture=capture)
    waiting = await adapter.charge(request)
    assert isinstance(waiting, Pending)
    act(sandbox, await review_of(adapter, waiting.psp_reference), "refund_as_fraud")
    reason, retry = DeclineReason.FRAUD_SUSPECTED, Retry.HARD
    found = await adapter.look_up(request)
    assert found == Declined(reason, retry, code, waiting.psp_reference)


@pytest.mark.parametrize(
    ("card", "succeeds"), [("sandboxProcessing", True), ("sandboxProcessingDeclined", False)]
)
async def test_a_late_answer_is_waited_for(
    adapter: Any, sandbox: Running, card: str, succeeds: bool
) -> None:
    request = request_of(card)
    waiting = await adapter.charge(request)
    assert isinstance(waiting, Pending)
    assert waiting.reason is PendingReason.PROCESSING
    act(sandbox, waiting.psp_reference, "process")
    found = await adapter.look_up(request)
    assert isinstance(found, Succeeded if succeeds else Declined)


async def test_an_authorization_expires_and_cannot_be_captured(
    adapter: Any, sandbox: Running
) -> None:
    request = request_of("visa", capture=False)
    held = await adapter.charge(request)
    assert isinstance(held, Pending)
    later(sandbox, 7)
    over = Declined(DeclineReason.OTHER, Retry.CUSTOMER, "canceled:automatic", held.psp_reference)
    assert await adapter.look_up(request) == over
    asked = OperationRequest(
        *(OperationKind.CAPTURE, "op", "op", request.payment_order_id, held.psp_reference),
        *(TEN, TEN, request.attempted_at),
    )
    refused = await adapter.capture(asked)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.psp_code) == (RefusalReason.TOO_OLD, "canceled:automatic")


def page_request() -> PageRequest:
    page, now = f"page-{next(_orders)}", datetime.now(UTC)
    lines, ends = (PageLine("A lamp", TEN),), now + timedelta(hours=1)
    return PageRequest(page, page, TEN, lines, SHOP, f"{SHOP}/basket", now, ends)


def pay(url: str, number: str) -> str:
    card = {"number": number, "expiry": "12 / 34", "cvc": "123"}
    return httpx.post(url, data=card, trust_env=False).headers["location"]


async def test_a_page_whose_buyer_is_asked_stays_open_until_the_answer(adapter: Any) -> None:
    request = page_request()
    page = await adapter.open_page(request)
    assert isinstance(page, OpenedPage)
    bank = pay(page.url, "4000000000003220")
    waiting = await adapter.page_outcome(page.psp_reference, request)
    assert isinstance(waiting, Pending)
    assert (waiting.reason, waiting.redirect_url) == (PendingReason.REQUIRES_ACTION, page.url)
    assert answer(bank, "complete").startswith(page.url)
    paid = await adapter.page_outcome(page.psp_reference, request)
    assert isinstance(paid, Succeeded)
    assert paid.charged == TEN


async def test_closing_a_page_ends_a_challenge_begun_on_it(adapter: Any) -> None:
    request = page_request()
    page = await adapter.open_page(request)
    assert isinstance(page, OpenedPage)
    bank = pay(page.url, "4000000000003220")
    closed = await adapter.close_page(page.psp_reference, request)
    assert isinstance(closed, Declined)
    assert closed.psp_code == "page_expired"
    reply = httpx.post(bank, data={"result": "complete"}, trust_env=False)
    assert reply.status_code == 404
    assert await adapter.page_outcome(page.psp_reference, request) == closed


async def test_a_paid_page_under_review_is_waited_for(adapter: Any, sandbox: Running) -> None:
    request = page_request()
    page = await adapter.open_page(request)
    assert isinstance(page, OpenedPage)
    assert pay(page.url, "4000000000009235") == SHOP
    waiting = await adapter.page_outcome(page.psp_reference, request)
    assert isinstance(waiting, Pending)
    assert waiting.reason is PendingReason.PENDING_REVIEW
    act(sandbox, await review_of(adapter, waiting.psp_reference), "approve")
    paid = await adapter.page_outcome(page.psp_reference, request)
    assert paid == Succeeded(waiting.psp_reference, TEN)
