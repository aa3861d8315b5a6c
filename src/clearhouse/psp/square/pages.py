"""Square's hosted page: a payment link over an order that holds our reference."""

from collections.abc import Mapping
from typing import Any, Final

from square.core.api_error import ApiError

from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Unknown,
)
from clearhouse.psp.pages import OpenedPage, PageRequest
from clearhouse.psp.square.connection import ONCE, Connection
from clearhouse.psp.square.outcomes import (
    KEY_REUSED,
    errors_of,
    errors_outcome,
    failure_outcome,
    payment_outcome,
)
from clearhouse.psp.square.records import page_note_of, reference_of

_NAME_LENGTH: Final = 512


class PageCalls:
    """The protocol HostedPage.

    A page's ``psp_reference`` is the order's id: the order says what became of it. The payment
    carries the order's id and, as its note, ours. Square's links have no time limit of their own,
    so a page is closed by us.
    """

    _connection: Connection

    async def open_page(self, request: PageRequest) -> OpenedPage | NotCharged | Unknown:
        """Create a payment link under the page's key."""
        try:
            location = self._connection.locations.of(request.total.currency)
            location = location or await self._connection.main_location()
        except Exception as error:  # noqa: BLE001 - nothing was asked for yet
            return _not_opened(failure_outcome(error))
        body = _link(request, location)
        try:
            reply = await self._connection.run(
                lambda square: square.checkout.payment_links.create(**body, request_options=ONCE)
            )
            link: Mapping[str, Any] = reply.get("payment_link") or {}
            if link.get("id") and link.get("order_id") and link.get("url"):
                return OpenedPage(str(link["order_id"]), str(link["url"]), None)
            return _not_opened(errors_outcome(200, reply.get("errors") or (), None))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return _not_opened(failure_outcome(error))

    async def page_outcome(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        """What the order and its payments say."""
        refused: PspOutcome | None = None
        try:
            order = await self._order(psp_reference)
            for tender in order.get("tenders") or ():
                outcome = await self._tender(tender)
                if not isinstance(outcome, Declined):
                    return outcome
                refused = outcome
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return Unknown(f"Square's order could not be read ({type(error).__name__})")
        if order.get("state") == "CANCELED":
            return Declined(DeclineReason.EXPIRED, Retry.CUSTOMER, "page_expired", psp_reference)
        if order.get("state") == "COMPLETED":
            # Square looked at its payment afterwards, and said no.
            return refused or Unknown("Square has completed the order and shows no payment of it")
        return Pending(PendingReason.REQUIRES_ACTION, psp_reference, expires_at=request.expires_at)

    async def close_page(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        """Delete the link, which cancels its order; a payment that was faster counts.

        Where the link is not found, the order is canceled by itself: then it can't be paid either.
        """
        outcome = await self.page_outcome(psp_reference, request)
        if not _is_open(outcome):
            return outcome
        try:
            link = await self._link_of(psp_reference, request)
            if link is not None:
                await self._delete(link)
            elif _is_open(await self.page_outcome(psp_reference, request)):
                await self._cancel_order(psp_reference)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return Unknown(f"Square's page could not be closed ({type(error).__name__})")
        return await self.page_outcome(psp_reference, request)

    async def _link_of(self, psp_reference: str, request: PageRequest) -> str | None:
        """The link of an order, asked for by the key it was made with: Square has no other way.

        Once Square has forgotten the key, this makes another link, which nobody has seen and which
        is deleted at once.
        """
        location = self._connection.locations.of(request.total.currency)
        body = _link(request, location or await self._connection.main_location())
        try:
            reply = await self._connection.run(
                lambda square: square.checkout.payment_links.create(**body, request_options=ONCE)
            )
        except ApiError as error:
            if any(each.get("code") == KEY_REUSED for each in errors_of(error)):
                return None
            raise
        link = reply["payment_link"]
        if link["order_id"] == psp_reference:
            return str(link["id"])
        await self._delete(str(link["id"]))
        return None

    async def _delete(self, link: str) -> None:
        try:
            await self._connection.run(
                lambda square: square.checkout.payment_links.delete(link, request_options=ONCE)
            )
        except ApiError as error:
            if not any(each.get("code") == "NOT_FOUND" for each in errors_of(error)):
                raise

    async def _cancel_order(self, psp_reference: str) -> None:
        order = await self._order(psp_reference)
        changed: Any = {
            "location_id": order["location_id"],
            "version": order["version"],
            "state": "CANCELED",
        }
        await self._connection.run(
            lambda square: square.orders.update(psp_reference, order=changed, request_options=ONCE)
        )

    async def _order(self, psp_reference: str) -> Mapping[str, Any]:
        reply = await self._connection.run(
            lambda square: square.orders.get(psp_reference, request_options=ONCE)
        )
        return reply["order"]

    async def _tender(self, tender: Mapping[str, Any]) -> PspOutcome:
        payment = str(tender.get("payment_id") or tender["id"])
        reply = await self._connection.run(
            lambda square: square.payments.get(payment, request_options=ONCE)
        )
        return payment_outcome(reply["payment"])


def _link(request: PageRequest, location: str) -> dict[str, Any]:
    """The same for the same request: Square binds a key to the whole body."""
    lines: list[dict[str, Any]] = [
        {
            "name": line.name[:_NAME_LENGTH],
            "quantity": "1",
            "base_price_money": {"amount": line.amount.minor, "currency": line.amount.currency},
        }
        for line in request.lines
    ]
    return {
        "idempotency_key": request.idempotency_key,
        "order": {
            "location_id": location,
            "reference_id": reference_of(request.page_id),
            "line_items": lines,
        },
        "checkout_options": {"redirect_url": request.return_url, "allow_tipping": False},
        "payment_note": page_note_of(request.page_id),
    }


def _is_open(outcome: PspOutcome) -> bool:
    return isinstance(outcome, Pending) and outcome.reason is PendingReason.REQUIRES_ACTION


def _not_opened(outcome: PspOutcome) -> NotCharged | Unknown:
    """Opening a page charges nothing, so a definite no is told as such, and who reads it mends."""
    if isinstance(outcome, NotCharged | Unknown):
        return outcome
    if isinstance(outcome, Declined):
        return NotCharged(f"Square refuses the page ({outcome.psp_code})")
    return Unknown("Square answered what does not fit a page")
