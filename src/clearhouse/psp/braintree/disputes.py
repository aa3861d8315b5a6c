"""Reading disputes, and answering them: piece by piece, and then the last word."""

from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from clearhouse.psp.braintree.connection import Connection, unread
from clearhouse.psp.braintree.dispute_rules import facts_of
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.braintree.objects import Dispute, Refusal
from clearhouse.psp.braintree.operation_outcomes import failure_of, refusal_of
from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeFacts, DisputeStage, Evidence
from clearhouse.psp.operations import Done, NotDone, OperationOutcome, RefusalReason, Refused

Piece = Callable[[Gateway], Refusal | None]

_OPEN: Final = frozenset({DisputeStage.NEEDS_RESPONSE, DisputeStage.INQUIRY})
_ANSWERED: Final = frozenset({DisputeStage.UNDER_REVIEW, DisputeStage.WON})
_GIVEN_IN: Final = frozenset({DisputeStage.ACCEPTED})
_NOT_OPEN: Final = frozenset({"95701", "95704", "95705"})


class DisputeCalls:
    """The protocol Disputes.

    Braintree takes evidence piece by piece and weighs it once it is finalized. What is there
    already is not added again, so that a repeated call completes what an interrupted one began.
    """

    _connection: Connection

    async def dispute(self, psp_reference: str) -> DisputeFacts | None:
        """A dispute as it is now. Raises UnavailableError."""
        try:
            found = await self._connection.call(lambda gateway: gateway.dispute(psp_reference))
            return None if found is None else facts_of(found)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def disputes_of(self, charge_reference: str) -> tuple[DisputeFacts, ...]:
        """All disputes of a charge, by search. Raises UnavailableError."""
        try:
            found = await self._connection.call(
                lambda gateway: gateway.disputes_of(charge_reference)
            )
            return tuple(facts_of(each) for each in found)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        """All disputes received since the day before, as days are the merchant's."""
        day = since.date() - timedelta(days=1)
        try:
            found = await self._connection.call(lambda gateway: gateway.disputes_from(day))
            facts = [facts_of(each) for each in found]
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None
        for each in facts:
            yield each

    async def send_evidence(self, psp_reference: str, evidence: Evidence) -> OperationOutcome:
        """Add the text, and each field under the category it is named after; then finalize."""
        return await self._answer(
            psp_reference, lambda dispute: _pieces(dispute, evidence), _ANSWERED
        )

    async def accept_dispute(self, psp_reference: str) -> OperationOutcome:
        """Give in."""
        return await self._answer(
            psp_reference,
            lambda dispute: [lambda gateway: gateway.accept_dispute(dispute.id)],
            _GIVEN_IN,
        )

    async def _answer(
        self,
        psp_reference: str,
        pieces: Callable[[Dispute], list[Piece]],
        reached: Collection[DisputeStage],
    ) -> OperationOutcome:
        """Send what is to be sent, unless the dispute is already where that leads."""
        before = await self._state(psp_reference, reached)
        if not isinstance(before, Dispute):
            return before
        for number, piece in enumerate(pieces(before)):
            try:
                refusal = await self._connection.call(piece)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, it may be out
                outcome = failure_of(error)
                begun = number > 0 and isinstance(outcome, NotDone)
                return Unknown("a part of the evidence was sent") if begun else outcome
            if refusal is not None:
                return await self._refused(psp_reference, refusal, reached)
        return Done(psp_reference)

    async def _refused(
        self, psp_reference: str, refusal: Refusal, reached: Collection[DisputeStage]
    ) -> OperationOutcome:
        """Who is refused because it is not open any more may have answered it before."""
        if _NOT_OPEN.intersection(refusal.codes):
            after = await self._state(psp_reference, reached)
            if isinstance(after, Done | Refused):
                return after
        return refusal_of(refusal)

    async def _state(
        self, psp_reference: str, reached: Collection[DisputeStage]
    ) -> Dispute | OperationOutcome:
        """The dispute if it can be answered, else what that means for the answer."""
        try:
            found = await self._connection.call(lambda gateway: gateway.dispute(psp_reference))
            stage = None if found is None else facts_of(found).stage
        except Exception as error:  # noqa: BLE001 - nothing but a question was sent
            return NotDone(f"Braintree's records could not be read ({type(error).__name__})")
        if found is None:
            return Refused(RefusalReason.CHARGE_UNKNOWN, "not_found")
        if stage in reached:
            return Done(psp_reference)
        if stage not in _OPEN:
            return Refused(RefusalReason.WRONG_STATE, found.status, psp_reference)
        return found


def _pieces(dispute: Dispute, evidence: Evidence) -> list[Piece]:
    """What is not there yet, and at last that it is all."""
    wanted = [("", evidence.text)] if evidence.text.strip() else []
    wanted += [
        (name.upper(), text) for name, text in sorted(evidence.fields.items()) if text.strip()
    ]
    missing = [each for each in wanted if each not in dispute.evidence]

    def adding(category: str, text: str) -> Piece:
        return lambda gateway: gateway.add_evidence(dispute.id, text, category)

    return [
        *(adding(category, text) for category, text in missing),
        lambda gateway: gateway.finalize_dispute(dispute.id),
    ]
