"""Capturing, voiding and refunding: each once for its key, and found again without it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from square import AsyncSquare

from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
)
from clearhouse.psp.square.connection import ONCE, Connection
from clearhouse.psp.square.operation_outcomes import (
    capture_or_void_outcome,
    clash_of,
    is_mark_of,
    mark_of,
    operation_failure,
    operation_refusal,
    refund_outcome,
)
from clearhouse.psp.square.outcomes import errors_of, money_of

_LONGEST_REASON = 192


class OperationCalls:
    """The protocols Captures and Refunds.

    Square's complete and cancel take no key, so both begin by reading the payment, and go on
    only from there: its ``version_token`` makes sure that nobody came in between. A part is
    captured by lowering the amount first. Refunds carry our id at the front of their reason.
    """

    _connection: Connection

    async def capture(self, request: OperationRequest) -> OperationOutcome:
        """Lower the amount where only a part is wanted, then complete; what is known is asked."""
        try:
            payment = await self._payment(request.charge_reference)
        except Exception as error:  # noqa: BLE001 - nothing was changed yet, whatever went wrong
            return _not_begun(request, error)
        known = capture_or_void_outcome(request.kind, payment)
        if not isinstance(known, NotDone):
            return known
        held = money_of(payment.get("approved_money") or payment.get("amount_money"))
        if held is not None and request.amount.minor > held.minor:
            return Refused(RefusalReason.EXCEEDS_CHARGE, "amount_exceeds_approved")
        if money_of(payment.get("amount_money")) != request.amount:
            lowered = await self._change(request, lambda square: _lower(square, request, payment))
            if not isinstance(lowered, Mapping):
                return lowered
            payment = lowered
        token = payment.get("version_token")
        done = await self._change(
            request,
            lambda square: square.payments.complete(
                request.charge_reference, version_token=token, request_options=ONCE
            ),
        )
        return capture_or_void_outcome(request.kind, done) if isinstance(done, Mapping) else done

    async def void(self, request: OperationRequest) -> OperationOutcome:
        """Cancel the payment, which lets go what it holds."""
        done = await self._change(
            request,
            lambda square: square.payments.cancel(request.charge_reference, request_options=ONCE),
        )
        return capture_or_void_outcome(request.kind, done) if isinstance(done, Mapping) else done

    async def find_operation(self, request: OperationRequest) -> OperationOutcome:
        """What the payment says of it."""
        try:
            payment = await self._payment(request.charge_reference)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)
        return capture_or_void_outcome(request.kind, payment)

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        """Refund a part of the payment, with our id in the refund's reason."""
        amount = request.amount
        reason = f"{mark_of(request.operation_id)} {request.reason}".strip()[:_LONGEST_REASON]
        try:
            reply = await self._connection.run(
                lambda square: square.refunds.refund_payment(
                    idempotency_key=request.idempotency_key,
                    payment_id=request.charge_reference,
                    amount_money={"amount": amount.minor, "currency": _code(amount.currency)},
                    reason=reason,
                    request_options=ONCE,
                )
            )
            if reply.get("refund"):
                return refund_outcome(reply["refund"])
            return operation_refusal(request.kind, 200, reply.get("errors") or (), None)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not clash_of(error):
                return operation_failure(request.kind, error)
        return _original(await self.find_refund(request))

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        """The refund among those of the payment that carries this operation's id.

        By the ids on the payment and not by Square's list, which lags behind.
        """
        try:
            payment = await self._payment(request.charge_reference)
            for identifier in payment.get("refund_ids") or ():
                refund = await self._refund(str(identifier))
                if is_mark_of(refund, request.operation_id):
                    return refund_outcome(refund)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            return _unread(error)
        return NotDone("Square has no such refund of the payment")

    async def _change(
        self, request: OperationRequest, call: Callable[[AsyncSquare], Awaitable[Any]]
    ) -> Mapping[str, Any] | OperationOutcome:
        """The payment after a change; where somebody was here before, what became of it."""
        try:
            reply = await self._connection.run(call)
            if reply.get("payment"):
                return reply["payment"]
            return operation_refusal(request.kind, 200, reply.get("errors") or (), None)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            outcome = operation_failure(request.kind, error)
            moved_on = clash_of(error)
        if not moved_on and not isinstance(outcome, Refused):
            return outcome
        # It was completed, canceled or changed meanwhile: perhaps by this very operation.
        found = await self.find_operation(request)
        if isinstance(found, NotDone):
            return Unknown("the payment changed at Square meanwhile") if moved_on else outcome
        return found

    async def _payment(self, reference: str) -> Mapping[str, Any]:
        reply = await self._connection.run(
            lambda square: square.payments.get(reference, request_options=ONCE)
        )
        return reply["payment"]

    async def _refund(self, reference: str) -> Mapping[str, Any]:
        reply = await self._connection.run(
            lambda square: square.refunds.get(reference, request_options=ONCE)
        )
        return reply["refund"]


def _lower(square: AsyncSquare, request: OperationRequest, payment: Mapping[str, Any]) -> Any:
    amount = request.amount
    return square.payments.update(
        request.charge_reference,
        idempotency_key=request.idempotency_key,
        payment={
            "amount_money": {"amount": amount.minor, "currency": _code(amount.currency)},
            "version_token": payment.get("version_token"),
        },
        request_options=ONCE,
    )


def _code(currency: str) -> Any:
    """A currency for the SDK, whose type is a list of all the codes it was made with."""
    return currency


def _original(found: OperationOutcome) -> OperationOutcome:
    """An earlier call with this key exists; that its effect is not seen yet proves nothing."""
    if isinstance(found, NotDone):
        return Unknown("Square knows this key with another body, and shows no effect of it yet")
    return found


def _unread(error: Exception) -> OperationOutcome:
    if any(each.get("code") == "NOT_FOUND" for each in errors_of(error)):
        return Refused(RefusalReason.CHARGE_UNKNOWN, "NOT_FOUND")
    return Unknown(f"Square's records could not be read ({type(error).__name__})")


def _not_begun(request: OperationRequest, error: Exception) -> OperationOutcome:
    """The payment could not be read, so this call has changed nothing."""
    outcome = operation_failure(request.kind, error)
    return NotDone(outcome.detail) if isinstance(outcome, Unknown) else outcome
