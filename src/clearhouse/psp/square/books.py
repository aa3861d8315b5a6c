"""Square's own books, read for proof and comparison."""

from collections.abc import AsyncIterator
from datetime import datetime

from clearhouse.psp.contract import PspRecord
from clearhouse.psp.square.connection import ONCE, Connection, unread
from clearhouse.psp.square.outcomes import errors_of
from clearhouse.psp.square.records import record_of
from clearhouse.psp.square.walking import walk


class Books:
    """The protocol Records."""

    _connection: Connection

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One payment as Square has it now. Raises UnavailableError."""
        try:
            reply = await self._connection.run(
                lambda square: square.payments.get(psp_reference, request_options=ONCE)
            )
            return record_of(reply["payment"])
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            if any(each.get("code") == "NOT_FOUND" for each in errors_of(error)):
                return None
            raise unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All payments created in the window, location by location. Raises UnavailableError.

        Square lists one location at a time, the main one where none is named.
        """
        try:
            for location in await self._connection.all_locations():
                async for payment in walk(self._connection, since, until, location, None):
                    yield record_of(payment)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None
