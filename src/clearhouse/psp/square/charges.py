"""Charging by payment, and finding a charge by walking the list of a time window."""

from collections.abc import Mapping, Sequence
from typing import Any

from clearhouse.psp.contract import ChargeRequest, NotCharged, PspOutcome, Unknown
from clearhouse.psp.evidence import SKEW, Found, verdict
from clearhouse.psp.square import walking
from clearhouse.psp.square.connection import ONCE, Connection
from clearhouse.psp.square.outcomes import (
    KEY_REUSED,
    errors_of,
    failure_outcome,
    payment_outcome,
    reply_outcome,
)
from clearhouse.psp.square.records import note_of, reference_of


class ChargeCalls:
    """The protocols Charges and Lookups.

    ======================================  ==============================================
    Payment ``COMPLETED``                   Succeeded
    ``PENDING``, ``APPROVED``               Pending
    ``FAILED``, ``CANCELED``                Declined
    ``PAYMENT_METHOD_ERROR``                Declined (HTTP 200 or 4xx)
    ``INVALID_REQUEST_ERROR``               Declined, REJECTED_BY_PSP or the card's reason
    401, 403, 429, connection refused       NotCharged
    409, 5xx, ``API_ERROR``, cut            Unknown
    connection, time limit,
    ``TEMPORARY_ERROR``
    ``IDEMPOTENCY_KEY_REUSED``              what a look-up finds; never Declined by itself
    ======================================  ==============================================

    Square cannot search by our reference. Within the key's lifetime the engine therefore
    repeats ``charge`` with the same key (``repeat_is_lookup``), which is certain and one call.
    ``look_up`` does not repeat it, since past the lifetime a repeat is a new charge; it walks
    the list of the time window instead.

    ``payment_method`` is a token, good for one charge, or ``customer/ccof:...`` for a card on
    file, which a basket with several sellers needs.
    """

    _connection: Connection

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Create a payment under the attempt's key, and complete it unless it is only held."""
        body = self._body(request)
        try:
            reply = await self._connection.run(
                lambda square: square.payments.create(**body, request_options=ONCE)
            )
            errors: Sequence[Mapping[str, Any]] = reply.get("errors") or ()
            outcome = reply_outcome(reply.get("payment"), errors)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            errors = errors_of(error)
            outcome = failure_outcome(error)
        if isinstance(outcome, Unknown) and any(each.get("code") == KEY_REUSED for each in errors):
            return await self._original(request)
        return outcome

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """Walk the payments of the time window and pick those with our reference."""
        reference = reference_of(request.payment_order_id)
        note = _note(request)
        first = request.attempted_at - SKEW
        last = request.attempted_at + walking.KEY_LIFETIME + SKEW
        location = self._connection.locations.of(request.amount.currency)
        listed = walking.walk(self._connection, first, last, location, walking.MAX_PAGES)
        try:
            found = verdict(
                [
                    Found(payment_outcome(payment), payment.get("note") == note)
                    async for payment in listed
                    if payment.get("reference_id") == reference
                ]
            )
        except walking.TooManyError:
            return Unknown("Square lists more payments in that time than can be walked")
        except Exception as error:  # noqa: BLE001 - an unread list proves nothing
            return Unknown(f"Square's list could not be read ({type(error).__name__})")
        return found or NotCharged("Square lists no payment of this attempt")

    def _body(self, request: ChargeRequest) -> dict[str, Any]:
        """The same for the same request: Square binds a key to the whole body."""
        amount = request.amount
        customer, _, source = request.payment_method.rpartition("/")
        body: dict[str, Any] = {
            "source_id": source,
            "idempotency_key": request.idempotency_key,
            "amount_money": {"amount": amount.minor, "currency": amount.currency},
            "autocomplete": request.capture,
            "reference_id": reference_of(request.payment_order_id),
            "note": _note(request),
        }
        if customer:
            body["customer_id"] = customer
        location = self._connection.locations.of(amount.currency)
        if location is not None:
            body["location_id"] = location
        return body

    async def _original(self, request: ChargeRequest) -> PspOutcome:
        """The key was used with another body; what became of the earlier call is the answer."""
        found = await self.look_up(request)
        if isinstance(found, NotCharged):
            return Unknown("Square knows this key with another body, and lists no payment yet")
        return found


def _note(request: ChargeRequest) -> str:
    key, order = request.idempotency_key, request.payment_order_id
    return note_of(key, order, held=not request.capture)
