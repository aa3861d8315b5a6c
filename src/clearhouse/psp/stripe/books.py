"""Stripe's own books, read for proof and comparison."""

from collections.abc import AsyncIterator
from datetime import datetime

import stripe

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.contract import PspRecord
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.records import record_of
from clearhouse.psp.stripe.walking import walk


class Books:
    """The protocol Records."""

    _connection: Connection

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One PaymentIntent as Stripe has it now. Raises UnavailableError."""
        try:
            intent = await self._connection.run(
                lambda client: client.v1.payment_intents.retrieve_async(psp_reference)
            )
            return record_of(intent.to_dict())
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise unread(error) from None
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All PaymentIntents created in the window, newest first. Raises UnavailableError."""
        try:
            async for intent in walk(self._connection, since, until, None):
                yield record_of(intent)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None


def unread(error: Exception) -> UnavailableError:
    """Why Stripe's records could not be read, without what the SDK says of the request."""
    return UnavailableError(f"Stripe's records could not be read ({type(error).__name__}).")
