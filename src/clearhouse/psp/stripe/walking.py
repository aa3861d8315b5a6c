"""Walking Stripe's list of payment intents, from a time window's end back to its start."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, cast

from clearhouse.psp.stripe.connection import Connection

KEY_LIFETIME: Final = timedelta(hours=23)
"""Stripe may forget a key once it is 24 hours old; an hour less leaves room for a skewed clock
and a slow request."""

MAX_PAGES: Final = 200
"""How far a look-up walks."""

PAGE: Final = 100


class TooManyError(Exception):
    """The list is longer than the caller walks."""


async def walk(
    connection: Connection, first: datetime, last: datetime, pages: int | None
) -> AsyncIterator[Mapping[str, Any]]:
    """All payment intents created in the window, newest first. Raises TooManyError."""
    params: dict[str, Any] = {
        "created": {"gte": int(first.timestamp()), "lte": int(last.timestamp())},
        "limit": PAGE,
        "expand": ["data.review"],
    }
    for number in count(1):
        page = await connection.run(
            lambda client: client.v1.payment_intents.list_async(cast("Any", params))
        )
        for intent in page.data:
            yield intent.to_dict()
        if not page.has_more:
            return
        if number == pages:
            raise TooManyError
        params["starting_after"] = page.data[-1].id
