"""The frozen values of payment pages, and the states of a page.

A page moves one way::

    CREATED ──opened──▶ OPEN ──paid──▶ COMPLETED
       └───────────────────┴──too late──▶ EXPIRED

It decides all orders of its checkout at once; until then they are EXECUTING, awaiting_buyer.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import Randomness

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class PageState(StrEnum):
    """Where a page is; each says who moves it next."""

    CREATED = "CREATED"
    """Accepted; the page worker asks the PSP to open it. → OPEN, EXPIRED"""
    OPEN = "OPEN"
    """The buyer can pay; the page worker asks what became of it. → COMPLETED, EXPIRED"""
    COMPLETED = "COMPLETED"
    """Paid. Final; the orders have succeeded."""
    EXPIRED = "EXPIRED"
    """It can never be paid. Final; the orders have failed."""


class PageCall(StrEnum):
    """What to do about a page under lease."""

    OPEN = "open"
    """Ask the PSP for a page."""
    OUTCOME = "outcome"
    """Ask the PSP what became of it."""
    CLOSE = "close"
    """Its time is over: have the PSP close it, and say what became of it."""
    CHARGE = "charge"
    """Charge the card that the buyer gave on a page of ours."""
    LOOK_UP = "look_up"
    """Ask what became of such a charge, without repeating it."""
    EXPIRE = "expire"
    """Nobody can pay any more and nothing is under way: nothing to ask."""


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page to be stored with its payment."""

    page_id: UUID
    token: str
    expires_at: datetime
    return_url: str | None
    cancel_url: str | None


@dataclass(frozen=True, slots=True)
class PageLineItem:
    """One order of a page's checkout."""

    order_id: UUID
    payment_order_id: str
    seller_account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A page as it is stored. Times are UTC.

    ``attempt`` counts the cards tried on a page of ours, ``attempt_open`` tells whether the last
    one's outcome is not known yet, and ``declined_for`` what it was declined for.
    """

    page_id: UUID
    checkout_id: str
    psp: str
    token: str
    state: PageState
    psp_page_reference: str | None
    url: str | None
    total: Money
    return_url: str | None
    cancel_url: str | None
    attempt: int
    attempt_open: bool
    declined_for: str | None
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CardAttempt:
    """A card that a buyer tried on a page of ours: its nonce and the key it is charged with."""

    number: int
    payment_method: str
    idempotency_key: str
    started_at: datetime
    look_up_proves: bool


@dataclass(frozen=True, slots=True)
class ClaimedPage:
    """A page under lease: what a worker needs to ask about it. ``card`` is set for charges."""

    page: PaymentPage
    items: tuple[PageLineItem, ...]
    call: PageCall
    card: CardAttempt | None
    fence: int
    tries: int


def new_token(page_id: UUID, randomness: Randomness) -> str:
    """A link's last part: it leads to the page by its id, and 128 random bits guard it."""
    return urlsafe_b64encode(page_id.bytes + randomness.token(16)).rstrip(b"=").decode()


def page_of_token(token: str) -> UUID | None:
    """The id of the page that a token may belong to; None for what is no token."""
    if not _TOKEN.fullmatch(token):
        return None
    return UUID(bytes=urlsafe_b64decode(token + "=")[:16])
