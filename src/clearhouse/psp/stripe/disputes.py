"""Reading Stripe's disputes, and answering them."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

import stripe

from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeFacts, Evidence
from clearhouse.psp.operations import Done, OperationOutcome, Refused
from clearhouse.psp.stripe.books import unread
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.dispute_facts import (
    EVIDENCE,
    TEXT,
    dispute_facts,
    was_answered,
    was_lost,
)
from clearhouse.psp.stripe.operation_outcomes import operation_failure
from clearhouse.psp.stripe.outcomes import points_to_original
from clearhouse.psp.stripe.walking import PAGE


class DisputeCalls:
    """The protocol Disputes: what Stripe refuses because it is done already is Done."""

    _connection: Connection

    async def dispute(self, psp_reference: str) -> DisputeFacts | None:
        """One dispute as Stripe has it now. Raises UnavailableError."""
        try:
            found = await self._connection.run(
                lambda client: client.v1.disputes.retrieve_async(psp_reference)
            )
            return dispute_facts(found.to_dict())
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise unread(error) from None
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def disputes_of(self, charge_reference: str) -> tuple[DisputeFacts, ...]:
        """All disputes of a payment intent, newest first. Raises UnavailableError."""
        params: Any = {"payment_intent": charge_reference, "limit": PAGE}
        try:
            page = await self._connection.run(lambda client: client.v1.disputes.list_async(params))
            return tuple(dispute_facts(found.to_dict()) for found in page.data)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        """All disputes opened since then, newest first. Raises UnavailableError."""
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        more = True
        while more:
            try:
                page = await self._connection.run(
                    lambda client: client.v1.disputes.list_async(params)
                )
                found = [dispute_facts(each.to_dict()) for each in page.data]
            except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
                raise unread(error) from None
            for each in found:
                yield each
            more = page.has_more
            params["starting_after"] = found[-1].psp_reference if found else None

    async def send_evidence(self, psp_reference: str, evidence: Evidence) -> OperationOutcome:
        """Submit the text and the fields that Stripe names; others go into the text."""
        named: dict[str, str] = {
            name: value for name, value in evidence.fields.items() if name in EVIDENCE
        }
        rest = [f"{name}: {value}" for name, value in evidence.fields.items() if name not in named]
        text = "\n".join([evidence.text, *rest]).strip()
        params: Any = {"evidence": {**named, TEXT: text}, "submit": True}
        options = _options("evidence", psp_reference, repr(sorted(named.items())) + text)
        try:
            await self._connection.run(
                lambda client: client.v1.disputes.update_async(psp_reference, params, options)
            )
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return await self._after(psp_reference, error, was_answered)
        return Done(psp_reference)

    async def accept_dispute(self, psp_reference: str) -> OperationOutcome:
        """Close the dispute, which loses it."""
        options = _options("accept", psp_reference, "")
        try:
            await self._connection.run(
                lambda client: client.v1.disputes.close_async(psp_reference, {}, options)
            )
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return await self._after(psp_reference, error, was_lost)
        return Done(psp_reference)

    async def _after(
        self, psp_reference: str, error: Exception, done: Callable[[Mapping[str, Any]], bool]
    ) -> OperationOutcome:
        """What a failed call means: where it was refused, perhaps that it was done before."""
        told = operation_failure(None, error)
        original = points_to_original(error)
        if not original and not isinstance(told, Refused):
            return told
        try:
            found = await self._connection.run(
                lambda client: client.v1.disputes.retrieve_async(psp_reference)
            )
        except Exception:  # noqa: BLE001 - an unread dispute adds nothing to what was told
            return Unknown("Stripe's dispute could not be read") if original else told
        if done(found.to_dict()):
            return Done(psp_reference)
        return Unknown("Stripe knows this key, and shows no effect of it") if original else told


def _options(verb: str, psp_reference: str, content: str) -> stripe.RequestOptions:
    """The same key for the same answer, so that a repetition is harmless."""
    digest = blake2b(content.encode(), digest_size=8).hexdigest()
    return {"idempotency_key": f"{verb}-{psp_reference}-{digest}"}
