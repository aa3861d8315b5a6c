"""Hosted payment pages: the buyer pays on the PSP's own page, so no card data comes near us.

One page takes one payment for a whole checkout, whatever number of sellers it is split over.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import NotCharged, PspOutcome, Unknown


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line that the buyer sees: a name, and an amount in the page's currency."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to open; the same values with the same key whenever it is repeated.

    ``page_id`` is ours and stays with the PSP as its reference for the charge, in the place of a
    ``payment_order_id``. ``total`` is the sum of ``lines``. The PSP sends the buyer to
    ``return_url`` after paying and to ``cancel_url`` when they turn back. ``expires_at`` is UTC.
    """

    page_id: str
    idempotency_key: str
    total: Money
    lines: tuple[PageLine, ...]
    return_url: str
    cancel_url: str
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page that is there: the PSP's reference of it, and where the buyer goes.

    ``expires_at`` (UTC) is the PSP's own time limit, None where it has none and we close it.
    """

    psp_reference: str
    url: str
    expires_at: datetime | None


@runtime_checkable
class HostedPage(Protocol):
    """A PSP with a page of its own (Stripe Checkout, a Square payment link)."""

    async def open_page(self, request: PageRequest) -> OpenedPage | NotCharged | Unknown:
        """Open a page, one for each key; never raises for a fault."""
        ...

    async def page_outcome(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        """What became of it: Succeeded with the charge's own reference, Pending while it is open.

        A card that was declined on it is no Declined: the buyer may try another. Declined with
        the code ``page_expired`` once it is closed and can never be paid.
        """
        ...

    async def close_page(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        """Close it so that it can never be paid, and say what became of it, as above."""
        ...


@runtime_checkable
class DropIn(Protocol):
    """A PSP without a page, whose fields are put into a page of ours (Braintree's drop-in).

    The buyer's browser gets a nonce from it, which is then charged like any payment method.
    """

    async def client_token(self, currency: str) -> str:
        """What the browser's part is started with. Raises UnavailableError."""
        ...
