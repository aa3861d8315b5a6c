"""What a Checkout Session means, as a table, and what is asked for one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.pages import OpenedPage, PageLine, PageRequest
from clearhouse.psp.stripe.page_outcomes import opened_page, page_outcome
from clearhouse.psp.stripe.pages import LONGEST, SHORTEST, expires_at

UNTIL = 1_760_000_000
AT = datetime.fromtimestamp(UNTIL, UTC)
URL = "https://checkout.example/cs_1"
TEN = Money(10_00, "USD")


def session(status: str, intent: Any = None, **more: Any) -> dict[str, Any]:
    basis = {"id": "cs_1", "status": status, "payment_intent": intent, "expires_at": UNTIL}
    return {**basis, "url": URL if status == "open" else None, **more}


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "pi_1", "status": status, "currency": "usd", "amount_received": 1000, **more}


PAID = Succeeded("pi_1", TEN)
OPEN = Pending(PendingReason.REQUIRES_ACTION, "cs_1", URL, AT)
OVER = Declined(DeclineReason.OTHER, Retry.CUSTOMER, "page_expired", "cs_1")
REVIEW = {"id": "prv_1", "open": True}
DECLINED = intent("requires_payment_method", last_payment_error={"code": "card_declined"})
REFUSED = Declined(DeclineReason.CARD_DECLINED, Retry.SOFT, "card_declined", "pi_1")

OUTCOMES: list[tuple[dict[str, Any], PspOutcome | type]] = [
    (session("open"), OPEN),
    (session("open", DECLINED), OPEN),
    (session("open", intent("requires_action")), OPEN),
    (session("open", intent("succeeded")), PAID),
    (session("complete", intent("succeeded")), PAID),
    (session("complete", intent("processing")), Pending(PendingReason.PROCESSING, "pi_1")),
    (session("complete", DECLINED), REFUSED),
    (
        session("complete", intent("succeeded", review=REVIEW)),
        Pending(PendingReason.PENDING_REVIEW, "pi_1"),
    ),
    (session("expired"), OVER),
    (session("expired", intent("canceled")), OVER),
    (session("expired", intent("succeeded")), PAID),
    (session("complete", "pi_1"), Unknown),
    (session("complete"), Unknown),
    (session("of a new kind"), Unknown),
    ({"status": "open"}, Unknown),
]


@pytest.mark.parametrize(("body", "expected"), OUTCOMES)
def test_what_a_session_means(body: dict[str, Any], expected: PspOutcome | type) -> None:
    found = page_outcome(body)
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


def test_a_session_as_it_was_opened() -> None:
    assert opened_page(session("open")) == OpenedPage("cs_1", URL, AT)
    assert isinstance(opened_page(session("expired")), Unknown)
    assert isinstance(opened_page({}), Unknown)


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(minutes=5), SHORTEST),
        (timedelta(days=3), LONGEST),
    ],
)
def test_a_page_ends_within_what_stripe_allows(wanted: timedelta, asked: timedelta) -> None:
    back = ("https://shop.example/paid", "https://shop.example/basket")
    lines = (PageLine("A lamp", TEN),)
    request = PageRequest("page", "key", TEN, lines, *back, AT, AT + wanted)
    assert expires_at(request) == AT + asked
    assert expires_at(replace(request, page_id="other")) == AT + asked
