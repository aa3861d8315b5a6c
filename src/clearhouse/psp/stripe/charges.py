"""Charging by PaymentIntent, and finding a charge by the metadata it was made with."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import stripe

from clearhouse.psp.contract import (
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspOutcome,
    Retry,
    Unknown,
)
from clearhouse.psp.evidence import SKEW, Found, verdict
from clearhouse.psp.stripe import walking
from clearhouse.psp.stripe.amounts import to_stripe
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.outcomes import failure_outcome, intent_outcome, points_to_original
from clearhouse.psp.stripe.records import ATTEMPT, ORDER, order_of


class ChargeCalls:
    """The protocols Charges and Lookups.

    ======================================  ==============================================
    PaymentIntent ``succeeded``             Succeeded, unless a review is open
    ``processing``, ``requires_action``,    Pending
    ``requires_capture``, open review
    402, ``canceled``                       Declined
    400, 404 ``invalid_request_error``      Declined, REJECTED_BY_PSP or the card's reason
    401, 403, 429, connection refused       NotCharged
    409, 5xx, cut connection, time limit    Unknown
    400 ``idempotency_error``,              what a look-up finds; never Declined by itself
    a 500 replayed under the key
    ======================================  ==============================================

    ``payment_method`` is ``pm_...``, or ``cus_.../pm_...`` for one saved with a customer:
    a basket with several sellers needs that, since Stripe takes an unsaved one only once.
    """

    _connection: Connection

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Create and confirm a PaymentIntent under the attempt's key."""
        units = to_stripe(request.amount)
        if units is None:
            return Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, "amount_not_expressible")
        params = _create_params(request, units)
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        try:
            intent = await self._connection.run(
                lambda client: client.v1.payment_intents.create_async(params, options)
            )
            return intent_outcome(intent.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not points_to_original(error):
                return failure_outcome(error)
        return await self._original(request)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """Find the attempt's PaymentIntent by the metadata it was created with.

        Search is asked first, being one call, but lags behind; only the list, walked from the
        end of the key's lifetime back to the attempt's start, can show that there is none.
        """
        first = request.attempted_at - SKEW
        last = request.attempted_at + walking.KEY_LIFETIME + SKEW
        try:
            found = await _verdict(self._search(request), request)
        except Exception:  # noqa: BLE001 - not every account may search; the list decides
            found = None
        try:
            if found is None:
                listed = walking.walk(self._connection, first, last, walking.MAX_PAGES)
                found = await _verdict(listed, request)
        except walking.TooManyError:
            return Unknown("Stripe lists more payments in that time than can be walked")
        except Exception as error:  # noqa: BLE001 - an unread list proves nothing
            return Unknown(f"Stripe's list could not be read ({type(error).__name__})")
        return found or NotCharged("Stripe lists no payment of this attempt")

    async def _original(self, request: ChargeRequest) -> PspOutcome:
        """An earlier call with this key exists; what its records say is the answer."""
        found = await self.look_up(request)
        if isinstance(found, NotCharged):
            return Unknown(
                "Stripe knows this key from an earlier call, and lists no payment of it yet"
            )
        return found

    async def _search(self, request: ChargeRequest) -> AsyncIterator[Mapping[str, Any]]:
        query = f"metadata['{ORDER}']:'{_escaped(request.payment_order_id)}'"
        page = await self._connection.run(
            lambda client: client.v1.payment_intents.search_async(
                {"query": query, "limit": walking.PAGE, "expand": ["data.review"]}
            )
        )
        for intent in page.data:
            yield intent.to_dict()


def _create_params(request: ChargeRequest, units: int) -> Any:
    customer, _, method = request.payment_method.rpartition("/")
    params: dict[str, Any] = {
        "amount": units,
        "currency": request.amount.currency.lower(),
        "payment_method": method,
        # Not payment_method_types, which Stripe refuses since its API version 2026-09-30.
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "metadata": {ORDER: request.payment_order_id, ATTEMPT: request.idempotency_key},
        "expand": ["review", "latest_charge"],
    }
    if customer:
        params["customer"] = customer
    if not request.capture:
        params["capture_method"] = "manual"
    if request.return_url is not None:
        params["return_url"] = request.return_url
    return params


async def _verdict(
    intents: AsyncIterator[Mapping[str, Any]], request: ChargeRequest
) -> PspOutcome | None:
    found: list[Found] = []
    async for intent in intents:
        if order_of(intent) == request.payment_order_id:
            this_attempt = intent["metadata"].get(ATTEMPT) == request.idempotency_key
            found.append(Found(intent_outcome(intent), this_attempt))
    return verdict(found)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
