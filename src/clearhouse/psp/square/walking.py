"""Walking Square's list of payments, from a time window's start to its end."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from clearhouse.psp.square.connection import ONCE, Connection, fields_of, rfc3339

KEY_LIFETIME: Final = timedelta(hours=23)
"""Square tells no lifetime. A day is what the other PSPs grant at least, and past it a look-up
walks the list, which needs no key."""

MAX_PAGES: Final = 200
"""How far a look-up walks."""

PAGE: Final = 100


class TooManyError(Exception):
    """The list is longer than the caller walks."""


async def walk(
    connection: Connection,
    first: datetime,
    last: datetime,
    location: str | None,
    pages: int | None,
) -> AsyncIterator[Mapping[str, Any]]:
    """All payments created in the window, oldest first. Raises TooManyError."""
    window: dict[str, Any] = {
        "begin_time": rfc3339(first),
        "end_time": rfc3339(last),
        "limit": PAGE,
        "sort_order": "ASC",
    }
    if location is not None:
        window["location_id"] = location
    page = await connection.page(
        lambda square: square.payments.list(**window, request_options=ONCE)
    )
    for number in count(1):
        for payment in page.items or ():
            yield fields_of(payment)
        if not page.has_next:
            return
        if number == pages:
            raise TooManyError
        following = page.next_page
        page = await connection.page(lambda _, following=following: following())
