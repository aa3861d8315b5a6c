"""Capturing, voiding and refunding: each once for its key, and found again without it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, cast

import stripe

from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)
from clearhouse.psp.stripe.amounts import to_stripe
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.operation_outcomes import (
    OPERATION,
    capture_or_void_outcome,
    operation_failure,
    operation_of,
    refund_outcome,
)
from clearhouse.psp.stripe.outcomes import points_to_original
from clearhouse.psp.stripe.records import ORDER
from clearhouse.psp.stripe.walking import PAGE

_REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
_LONGEST_REASON: Final = 500
_NOT_EXPRESSIBLE: Final = Refused(RefusalReason.REJECTED_BY_PSP, "amount_not_expressible")


class OperationCalls:
    """The protocols Captures and Refunds.

    An authorization is captured or canceled only once at Stripe, so what became of either is
    read from the payment intent. Refunds may be many; ours carry ``operation_id``.
    """

    _connection: Connection

    async def capture(self, request: OperationRequest) -> OperationOutcome:
        """Take a part of the authorization; Stripe lets the rest go at once."""
        units = to_stripe(request.amount)
        if units is None:
            return _NOT_EXPRESSIBLE
        params: Any = {"amount_to_capture": units}
        return await self._end_authorization(
            request,
            lambda client, options: client.v1.payment_intents.capture_async(
                request.charge_reference, params, options
            ),
        )

    async def void(self, request: OperationRequest) -> OperationOutcome:
        """Cancel the payment intent, which lets go what it holds."""
        return await self._end_authorization(
            request,
            lambda client, options: client.v1.payment_intents.cancel_async(
                request.charge_reference, {}, options
            ),
        )

    async def find_operation(self, request: OperationRequest) -> OperationOutcome:
        """What the payment intent says of it."""
        try:
            intent = await self._connection.run(
                lambda client: client.v1.payment_intents.retrieve_async(request.charge_reference)
            )
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)
        return capture_or_void_outcome(request.kind, intent.to_dict())

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        """Refund a part of the charge, with our id in the refund's metadata."""
        units = to_stripe(request.amount)
        if units is None:
            return _NOT_EXPRESSIBLE
        params = _refund_params(request, units)
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        try:
            refund = await self._connection.run(
                lambda client: client.v1.refunds.create_async(params, options)
            )
            return refund_outcome(refund.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not points_to_original(error):
                return operation_failure(request.kind, error)
        return _original(await self.find_refund(request))

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        """The refund among those of the charge that carries this operation's id."""
        try:
            async for refund in self._refunds(request.charge_reference):
                if operation_of(refund) == request.operation_id:
                    return refund_outcome(refund)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)
        return NotDone("Stripe lists no such refund of the charge")

    async def _refunds(self, charge_reference: str) -> AsyncIterator[Mapping[str, Any]]:
        params: dict[str, Any] = {"payment_intent": charge_reference, "limit": PAGE}
        while True:
            page = await self._connection.run(
                partial(_refund_page, params=cast("Any", dict(params)))
            )
            for refund in page.data:
                yield refund.to_dict()
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    async def _end_authorization(
        self,
        request: OperationRequest,
        call: Callable[
            [stripe.StripeClient, stripe.RequestOptions], Awaitable[stripe.PaymentIntent]
        ],
    ) -> OperationOutcome:
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        try:
            intent = await self._connection.run(lambda client: call(client, options))
            return capture_or_void_outcome(request.kind, intent.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not points_to_original(error):
                return operation_failure(request.kind, error)
        return _original(await self.find_operation(request))


async def _refund_page(client: stripe.StripeClient, params: Any) -> Any:
    return await client.v1.refunds.list_async(params)


def _refund_params(request: OperationRequest, units: int) -> Any:
    metadata = {OPERATION: request.operation_id, ORDER: request.payment_order_id}
    params: dict[str, Any] = {
        "payment_intent": request.charge_reference,
        "amount": units,
        "metadata": metadata,
    }
    if request.reason in _REASONS:
        params["reason"] = request.reason
    elif request.reason:
        metadata["reason"] = request.reason[:_LONGEST_REASON]
    return params


def _original(found: OperationOutcome) -> OperationOutcome:
    """An earlier call with this key exists; that its effect is not seen yet proves nothing."""
    if isinstance(found, NotDone):
        return Unknown("Stripe knows this key from an earlier call, and shows no effect of it yet")
    return found


def _unread(error: Exception) -> OperationOutcome:
    if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
        return Refused(RefusalReason.CHARGE_UNKNOWN, "resource_missing")
    return Unknown(f"Stripe's records could not be read ({type(error).__name__})")
