"""A valid request, and ways to change it."""

import json
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from typing import Any

_numbers = count(1)
Change = Callable[[dict[str, Any]], Any]

VALID: dict[str, Any] = {
    "checkout_id": "checkout-1",
    "buyer_info": {"name": "Ada Lovelace", "email": "ada@example.com"},
    "credit_card_info": {"psp": "stripe", "token": "pm_card_visa"},
    "payment_orders": [
        {
            "payment_order_id": "order-1",
            "seller_account": "seller-1",
            "amount": "12.50",
            "currency": "USD",
        },
        {
            "payment_order_id": "order-2",
            "seller_account": "seller-2",
            "amount": "3.250",
            "currency": "KWD",
        },
    ],
}


def changed(*changes: Change) -> dict[str, Any]:
    """The valid request after some changes."""
    document = deepcopy(VALID)
    for change in changes:
        change(document)
    return document


def with_value(value: Any, *path: str | int) -> dict[str, Any]:
    """The valid request with one value in place of another."""
    document = deepcopy(VALID)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


def without(*path: str | int) -> dict[str, Any]:
    """The valid request without one member."""
    document = deepcopy(VALID)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return document


def fresh(**members: Any) -> dict[str, Any]:
    """A valid request whose ids nobody used before."""
    number = next(_numbers)
    document = deepcopy(VALID) | {"checkout_id": f"fresh-{number}"} | members
    for index, order in enumerate(document["payment_orders"]):
        order["payment_order_id"] = f"{document['checkout_id']}-{index}"
    return document


def raw(document: Any) -> bytes:
    """As JSON bytes; lone surrogates become escapes."""
    return json.dumps(document).encode()
