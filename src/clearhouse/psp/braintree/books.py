"""Braintree's own books, read for proof and comparison."""

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import islice
from typing import Final

from clearhouse.psp.braintree.connection import Connection, unread
from clearhouse.psp.braintree.outcomes import record_of
from clearhouse.psp.contract import PspRecord

_PAGE: Final = 50


class Books:
    """The protocol Records: sales only, since a refund is no charge."""

    _connection: Connection

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One sale as Braintree has it now. Raises UnavailableError."""
        try:
            found = await self._connection.call(lambda gateway: gateway.transaction(psp_reference))
            return record_of(found) if found and found.type == "sale" else None
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All sales created in the window, page by page. Raises UnavailableError."""
        call = self._connection.call
        try:
            sales = await call(lambda gateway: gateway.sales_between(since, until))
            while page := await call(lambda _gateway: list(islice(sales, _PAGE))):
                for sale in page:
                    yield record_of(sale)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None
