"""Balance transactions: what each charge, refund and dispute moves on the account at Stripe."""

from typing import Final

from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_DAYS_TO_AVAILABLE: Final = 2
_DAY: Final = 86_400
_SECOND_WORDS: Final = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "adjustment": "dispute",
}
"""``type`` to ``reporting_category``, as far as they are used here."""


def charge_fee(amount: int) -> int:
    """2.9 % and 30 units, never more than the charge."""
    return min(amount, (amount * 290 + 5000) // 10_000 + 30)


def book(
    shelves: Shelves,
    kind: str,
    source: Json,
    amount: int,
    *,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    category: str | None = None,
    at_once: bool = False,
) -> Json:
    """Write one movement caused by ``source``; ``amount`` is negative where money leaves."""
    available_on = shelves.now if at_once else shelves.now + _DAYS_TO_AVAILABLE * _DAY
    details = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": fee_description,
        "type": "stripe_fee",
    }
    entry: Json = {
        "id": shelves.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": shelves.now,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": category or _SECOND_WORDS[kind],
        "source": source["id"],
        "status": "available" if at_once else "pending",
        "type": kind,
    }
    shelves.save(entry)
    return entry
