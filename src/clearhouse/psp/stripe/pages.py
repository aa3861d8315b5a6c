"""Checkout, Stripe's hosted page: opened once for its key, asked for its outcome, closed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import stripe

from clearhouse.psp.contract import NotCharged, PspOutcome, Unknown
from clearhouse.psp.evidence import SKEW
from clearhouse.psp.pages import OpenedPage, PageRequest
from clearhouse.psp.stripe.amounts import to_stripe
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.outcomes import error_of, failure_outcome, mapping, points_to_original
from clearhouse.psp.stripe.page_outcomes import opened_page, page_outcome
from clearhouse.psp.stripe.records import ATTEMPT, ORDER, PAGE_ID
from clearhouse.psp.stripe.walking import PAGE

SHORTEST: Final = timedelta(minutes=35)
"""Stripe wants 30 minutes at least; the rest is for a slow or repeated call."""

LONGEST: Final = timedelta(hours=23, minutes=55)
_LONGEST_REFERENCE: Final = 200
_LONGEST_NAME: Final = 250
_EXPAND: Final = ["payment_intent.review"]


class PageCalls:
    """The protocol HostedPage.

    ``page_id`` stands where a charge has its ``payment_order_id``: in the metadata of the payment
    intent, which is the charge. Session and intent carry it as ``page_id`` too.
    """

    _connection: Connection

    async def open_page(self, request: PageRequest) -> OpenedPage | NotCharged | Unknown:
        """Create a Checkout Session under the page's key."""
        params = _session_params(request)
        if params is None:
            return NotCharged("Stripe has no way to say one of the amounts")
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        try:
            session = await self._connection.run(
                lambda client: client.v1.checkout.sessions.create_async(params, options)
            )
            return opened_page(session.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not points_to_original(error):
                return _not_opened(error)
        return await self._opened_before(request)

    async def page_outcome(self, psp_reference: str, _request: PageRequest) -> PspOutcome:
        """What the session and its payment intent say."""
        try:
            session = await self._connection.run(
                lambda client: client.v1.checkout.sessions.retrieve_async(
                    psp_reference, {"expand": _EXPAND}
                )
            )
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return Unknown(f"Stripe's page could not be read ({type(error).__name__})")
        return page_outcome(session.to_dict())

    async def close_page(self, psp_reference: str, request: PageRequest) -> PspOutcome:
        """Expire the session, and say what became of it: it may have been paid just before."""
        try:
            session = await self._connection.run(
                lambda client: client.v1.checkout.sessions.expire_async(
                    psp_reference, {"expand": _EXPAND}
                )
            )
            return page_outcome(session.to_dict())
        except Exception:  # noqa: BLE001 - paid, expired, or not heard: the page itself knows
            return await self.page_outcome(psp_reference, request)

    async def _opened_before(self, request: PageRequest) -> OpenedPage | Unknown:
        """The key was used before; the session it made is found by its metadata."""
        since = int((request.requested_at - SKEW).timestamp())
        params: dict[str, Any] = {"created": {"gte": since}, "limit": PAGE}
        try:
            while True:
                page = await self._connection.run(partial(_listed, params=dict(params)))
                for session in page.data:
                    body = session.to_dict()
                    if mapping(body.get("metadata")).get(PAGE_ID) == request.page_id:
                        return opened_page(body)
                if not page.has_more:
                    return Unknown("Stripe knows this key, and lists no page of it yet")
                params["starting_after"] = page.data[-1].id
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return Unknown(f"Stripe's pages could not be read ({type(error).__name__})")


async def _listed(client: stripe.StripeClient, params: Any) -> Any:
    return await client.v1.checkout.sessions.list_async(params)


def _session_params(request: PageRequest) -> Any:
    """The session as Stripe wants it, or None where an amount cannot be said."""
    lines: list[dict[str, Any]] = []
    for line in request.lines:
        units = to_stripe(line.amount)
        if units is None:
            return None
        price = {
            "currency": line.amount.currency.lower(),
            "unit_amount": units,
            "product_data": {"name": line.name[:_LONGEST_NAME] or "Payment"},
        }
        lines.append({"price_data": price, "quantity": 1})
    ours = {ORDER: request.page_id, ATTEMPT: request.idempotency_key, PAGE_ID: request.page_id}
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": lines,
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(expires_at(request).timestamp()),
        "metadata": {PAGE_ID: request.page_id},
        "payment_intent_data": {"metadata": ours},
    }
    if len(request.page_id) <= _LONGEST_REFERENCE:
        params["client_reference_id"] = request.page_id
    return params


def expires_at(request: PageRequest) -> datetime:
    """When the page is to end, within what Stripe allows; the same for each repetition."""
    soonest, latest = request.requested_at + SHORTEST, request.requested_at + LONGEST
    return min(max(request.expires_at, soonest), latest)


def _not_opened(error: Exception) -> NotCharged | Unknown:
    outcome = failure_outcome(error)
    if isinstance(outcome, NotCharged | Unknown):
        return outcome
    body: Mapping[str, Any] = error_of(error) if isinstance(error, stripe.StripeError) else {}
    word = str(body.get("code") or body.get("param") or "invalid_request")
    return NotCharged(f"Stripe refuses the page ({word})")
