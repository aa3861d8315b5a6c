"""Balance transactions: what each charge, refund and dispute moves on the account at Stripe."""

from typing import Final

from clearhouse.sandbox.movements import Movement
from clearhouse.sandbox.stripe.currencies import iso_minor
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves, reference

_DAYS_TO_AVAILABLE: Final = 2
_DAY: Final = 86_400
_SECOND_WORDS: Final = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "adjustment": "dispute",
    "payout": "payout",
    "payout_failure": "payout_reversal",
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
    _move(shelves, kind, entry, source)
    return entry


def _move(shelves: Shelves, kind: str, entry: Json, source: Json) -> None:
    """The same as a line of reports; what is not a payout itself is paid out once it is there."""
    currency = entry["currency"].upper()
    intent = source.get("payment_intent")
    movement = Movement(
        psp=PSP,
        account=shelves.account,
        id=entry["id"],
        kind=entry["reporting_category"],
        source=entry["source"],
        charge=intent or "",
        reference=_reference(shelves, source, intent) or "",
        currency=currency,
        gross_minor=iso_minor(entry["amount"], currency),
        fee_minor=iso_minor(entry["fee"], currency),
        at=shelves.now_us,
        due=entry["available_on"] * 1_000_000,
        payout=entry["source"] if kind == "payout" else "",
    )
    shelves.move(movement, pays_out=kind != "payout")


def _reference(shelves: Shelves, source: Json, intent: str | None) -> str | None:
    """Our reference on the payment that this is about."""
    if source["object"] == "charge" or intent is None:
        return reference(source.get("metadata") or {})
    paid = shelves.load("payment_intent", intent)
    return None if paid is None else reference(paid["metadata"])
