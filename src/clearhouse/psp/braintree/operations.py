"""Capturing, voiding and refunding: each once for its key, and found again without it."""

from collections.abc import Callable
from typing import Any

from clearhouse.kernel.money import format_minor
from clearhouse.psp.braintree.connection import Connection
from clearhouse.psp.braintree.declines import KEY_OF_FAILED_REQUEST
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.braintree.objects import Refusal, Transaction
from clearhouse.psp.braintree.operation_outcomes import (
    REFUNDABLE,
    asks_for_a_look,
    credit_outcome,
    end_outcome,
    failure_of,
    given_back_by_dispute,
    given_back_by_void,
    not_refundable_yet,
    refusal_of,
    void_outcome,
)
from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)

_UNKNOWN_CHARGE = Refused(RefusalReason.CHARGE_UNKNOWN, "not_found")


class OperationCalls:
    """The protocols Captures and Refunds.

    A sale is captured or voided only once, so what became of either is read from the sale.
    Refunds may be many; each carries ``operation_id`` as its ``order_id``.
    """

    _connection: Connection

    async def capture(self, request: OperationRequest) -> OperationOutcome:
        """Submit a part of the authorization for settlement; the rest is released."""
        key = self._connection.key(request.idempotency_key)
        amount = _written(request)
        return await self._end(
            request, lambda gateway: gateway.submit(request.charge_reference, amount, dict(key))
        )

    async def void(self, request: OperationRequest) -> OperationOutcome:
        """Void the sale, possible until it is settled."""
        key = self._connection.key(request.idempotency_key)
        return await self._end(
            request, lambda gateway: gateway.void(request.charge_reference, dict(key))
        )

    async def find_operation(self, request: OperationRequest) -> OperationOutcome:
        """What the sale says of its capture or void."""
        try:
            sale = await self._sale(request)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)
        return _UNKNOWN_CHARGE if sale is None else end_outcome(request.kind, sale)

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        """Give back what is settled; void a whole sale that is not; a part must wait.

        The sale is looked at first, because a refund that comes too early would use its key up.
        """
        try:
            sale = await self._sale(request)
        except Exception as error:  # noqa: BLE001 - nothing but a question was sent
            return NotDone(f"Braintree's records could not be read ({type(error).__name__})")
        if sale is None:
            return _UNKNOWN_CHARGE
        voided = given_back_by_void(sale, request)
        if voided is not None:
            return voided
        if sale.status not in REFUNDABLE:
            return not_refundable_yet(sale, request) or await self._give_back_by_void(request)
        return given_back_by_dispute(sale, request) or await self._give_back(request, sale)

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        """The credit of the sale that carries this operation's id."""
        try:
            sale = await self._sale(request)
            if sale is None:
                return _UNKNOWN_CHARGE
            return await self._found(request, sale)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)

    async def _give_back(self, request: OperationRequest, sale: Transaction) -> OperationOutcome:
        if not self._connection.keyed:
            earlier = await self._earlier(request, sale)
            if earlier is not None:
                return earlier
        params: dict[str, Any] = {"amount": _written(request), "order_id": request.operation_id}
        params |= self._connection.key(request.idempotency_key)
        try:
            reply = await self._connection.call(
                lambda gateway: gateway.refund(request.charge_reference, params)
            )
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return failure_of(error)
        if isinstance(reply, Transaction):
            return credit_outcome(reply)
        if asks_for_a_look(reply):
            return _original(reply, await self.find_refund(request))
        return refusal_of(reply)

    async def _earlier(
        self, request: OperationRequest, sale: Transaction
    ) -> OperationOutcome | None:
        """Without keys: a refund of this operation that is there already, or that may be."""
        try:
            found = await self._found(request, sale)
        except Exception as error:  # noqa: BLE001 - nothing but a question was sent
            return NotDone(f"Braintree's records could not be read ({type(error).__name__})")
        return None if isinstance(found, NotDone) else found

    async def _found(self, request: OperationRequest, sale: Transaction) -> OperationOutcome:
        voided = given_back_by_void(sale, request)
        if voided is not None:
            return voided
        given = await self._connection.call(lambda gateway: gateway.refunds_of(sale))
        ours = (credit for credit in given if credit.order_id == request.operation_id)
        credit = next(ours, None)
        if credit is None:
            return NotDone("Braintree has no such refund of the charge")
        return credit_outcome(credit)

    async def _give_back_by_void(self, request: OperationRequest) -> OperationOutcome:
        """Without the key, which the refund may need if the sale is settled in the meantime.

        A sale is voided only once, so that nothing can be given back twice by it.
        """
        try:
            reply = await self._connection.call(
                lambda gateway: gateway.void(request.charge_reference, {})
            )
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return failure_of(error)
        if isinstance(reply, Transaction):
            return void_outcome(reply)
        if asks_for_a_look(reply):
            return NotDone("the charge was settled while it was to be voided")
        return refusal_of(reply)

    async def _end(
        self, request: OperationRequest, call: Callable[[Gateway], Transaction | Refusal]
    ) -> OperationOutcome:
        try:
            reply = await self._connection.call(call)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return failure_of(error)
        if isinstance(reply, Transaction):
            return end_outcome(request.kind, reply)
        if asks_for_a_look(reply):
            return _original(reply, await self.find_operation(request))
        return refusal_of(reply)

    async def _sale(self, request: OperationRequest) -> Transaction | None:
        return await self._connection.call(
            lambda gateway: gateway.transaction(request.charge_reference)
        )


def _written(request: OperationRequest) -> str:
    return format_minor(request.amount.minor, request.amount.currency)


def _original(reply: Refusal, found: OperationOutcome) -> OperationOutcome:
    """What a look tells after a refusal; that it shows no effect proves nothing by itself.

    Only where the key's first request is told to have failed is it certain.
    """
    if not isinstance(found, NotDone):
        return found
    if KEY_OF_FAILED_REQUEST in reply.codes:
        return Refused(RefusalReason.REJECTED_BY_PSP, KEY_OF_FAILED_REQUEST)
    return refusal_of(reply)


def _unread(error: Exception) -> OperationOutcome:
    return Unknown(f"Braintree's records could not be read ({type(error).__name__})")
