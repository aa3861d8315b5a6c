"""Square's disputes: read, answered with texts, or given in to; each harmless when repeated."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from square import AsyncSquare

from clearhouse.psp.disputes import DisputeFacts, Evidence
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    RefusalReason,
    Refused,
)
from clearhouse.psp.square.connection import ONCE, Connection, fields_of, unread
from clearhouse.psp.square.dispute_facts import dispute_facts
from clearhouse.psp.square.operation_outcomes import operation_failure, operation_refusal
from clearhouse.psp.square.outcomes import errors_of

_LONGEST_TEXT: Final = 500
_OPEN: Final = frozenset({"EVIDENCE_REQUIRED", "INQUIRY_EVIDENCE_REQUIRED"})
_ANSWERED: Final = frozenset({"PROCESSING", "INQUIRY_PROCESSING"})
_TYPES: Final = frozenset(
    {
        *("ONLINE_OR_APP_ACCESS_LOG", "AUTHORIZATION_DOCUMENTATION", "RECEIPT"),
        *("CANCELLATION_OR_REFUND_DOCUMENTATION", "CARDHOLDER_COMMUNICATION"),
        *("CARDHOLDER_INFORMATION", "PURCHASE_ACKNOWLEDGEMENT", "REBUTTAL_EXPLANATION"),
        *("DUPLICATE_CHARGE_DOCUMENTATION", "PRODUCT_OR_SERVICE_DESCRIPTION"),
        *("SERVICE_RECEIVED_DOCUMENTATION", "PROOF_OF_DELIVERY_DOCUMENTATION"),
        *("RELATED_TRANSACTION_DOCUMENTATION", "TRACKING_NUMBER"),
    }
)
"""Square's types of evidence; a field of another name is sent as GENERIC_EVIDENCE."""


class DisputeCalls:
    """The protocol Disputes."""

    _connection: Connection

    async def dispute(self, psp_reference: str) -> DisputeFacts | None:
        """A dispute as it is now; None when there is none. Raises UnavailableError."""
        try:
            return dispute_facts(await self._dispute(psp_reference))
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            if any(each.get("code") == "NOT_FOUND" for each in errors_of(error)):
                return None
            raise unread(error) from None

    async def disputes_of(self, charge_reference: str) -> tuple[DisputeFacts, ...]:
        """All disputes of a payment: Square has no filter by it, so all are walked."""
        return tuple([one async for one in self._all() if one.charge_reference == charge_reference])

    async def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        """All disputes opened since then; Square has no filter by it either."""
        async for one in self._all():
            if one.opened_at is None or one.opened_at >= since:
                yield one

    async def send_evidence(self, psp_reference: str, evidence: Evidence) -> OperationOutcome:
        """Add each text under a key made from itself, then submit them all."""
        try:
            state = (await self._dispute(psp_reference))["state"]
            if state not in _OPEN:
                return _moved_on(psp_reference, state, _ANSWERED)
            for kind, text in _texts(evidence):
                await self._add_text(psp_reference, kind, text)
        except Exception as error:  # noqa: BLE001 - nothing is submitted yet
            return operation_failure(OperationKind.REFUND, error)
        return await self._answer(
            psp_reference,
            lambda square: square.disputes.submit_evidence(psp_reference, request_options=ONCE),
            _ANSWERED,
        )

    async def accept_dispute(self, psp_reference: str) -> OperationOutcome:
        """Give in."""
        return await self._answer(
            psp_reference,
            lambda square: square.disputes.accept(psp_reference, request_options=ONCE),
            frozenset({"ACCEPTED"}),
        )

    async def _all(self) -> AsyncIterator[DisputeFacts]:
        """Every dispute of the account. Raises UnavailableError."""
        following: Callable[[AsyncSquare], Awaitable[Any]] | None
        following = _first_page
        while following is not None:
            try:
                page = await self._connection.page(following)
                found = [dispute_facts(fields_of(each)) for each in page.items or ()]
            except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
                raise unread(error) from None
            for each in found:
                yield each
            following = (lambda _, page=page: page.next_page()) if page.has_next else None

    async def _answer(
        self,
        reference: str,
        call: Callable[[AsyncSquare], Awaitable[Any]],
        wanted: frozenset[str],
    ) -> OperationOutcome:
        try:
            reply = await self._connection.run(call)
            if reply.get("dispute"):
                return _moved_on(reference, reply["dispute"].get("state"), wanted)
            return operation_refusal(OperationKind.REFUND, 200, reply.get("errors") or (), None)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            outcome = operation_failure(OperationKind.REFUND, error)
        if not isinstance(outcome, Refused):
            return outcome
        try:  # Refused, perhaps because it is done already.
            state = (await self._dispute(reference))["state"]
        except Exception:  # noqa: BLE001 - then the refusal is all that is known
            return outcome
        return outcome if state in _OPEN else _moved_on(reference, state, wanted)

    async def _dispute(self, reference: str) -> Mapping[str, Any]:
        reply = await self._connection.run(
            lambda square: square.disputes.get(reference, request_options=ONCE)
        )
        return reply["dispute"]

    async def _add_text(self, reference: str, kind: Any, text: str) -> None:
        whole = f"{reference} {kind} {text}".encode()
        key = blake2b(whole, digest_size=16).hexdigest()
        await self._connection.run(
            lambda square: square.disputes.create_evidence_text(
                reference,
                idempotency_key=key,
                evidence_type=kind,
                evidence_text=text,
                request_options=ONCE,
            )
        )


def _first_page(square: AsyncSquare) -> Awaitable[Any]:
    return square.disputes.list(request_options=ONCE)


def _moved_on(reference: str, state: object, wanted: frozenset[str]) -> OperationOutcome:
    if state in wanted:
        return Done(reference)
    if state in _OPEN:
        return NotDone(f"Square still waits for an answer to {reference}")
    return Refused(RefusalReason.WRONG_STATE, str(state), reference)


def _texts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The evidence in Square's types, in pieces of the length that Square takes."""
    named = [("REBUTTAL_EXPLANATION", evidence.text)]
    for name, value in sorted(evidence.fields.items()):
        known = name.upper() in _TYPES
        named.append((name.upper(), value) if known else ("GENERIC_EVIDENCE", f"{name}: {value}"))
    for kind, text in named:
        for start in range(0, len(text), _LONGEST_TEXT):
            yield kind, text[start : start + _LONGEST_TEXT]
