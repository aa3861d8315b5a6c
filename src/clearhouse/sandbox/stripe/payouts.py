"""Payouts: those that Stripe makes by itself each midnight, and what becomes of any payout.

An automatic payout holds all that had become available, and reaches the sandbox's bank at six
in the morning of the next day. One that adds up to nothing or less is not made.
"""

from typing import Final

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.stripe import balance, connect, values
from clearhouse.sandbox.stripe.currencies import iso_minor, stripe_units
from clearhouse.sandbox.stripe.endpoint import Call, Reader
from clearhouse.sandbox.stripe.errors import not_found
from clearhouse.sandbox.stripe.listing import limit_of
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves

_KIND: Final = "balance_transaction"
_HOUR: Final = 3_600
_ARRIVES_AFTER: Final = 30 * _HOUR


def pay_out(shelves: Shelves, currency: str) -> None:
    """Make the automatic payout of one currency, if there is anything to pay."""
    identifier = shelves.new_id("po")
    total = shelves.pay_out(currency, identifier)
    if total == 0:
        return
    amount = stripe_units(total, currency)
    payout: Json = {
        "id": identifier,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": (shelves.now + _ARRIVES_AFTER) // (24 * _HOUR) * 24 * _HOUR,
        "automatic": True,
        "balance_transaction": None,
        "created": shelves.now,
        "currency": currency.lower(),
        "description": "STRIPE PAYOUT",
        "destination": shelves.new_id("ba"),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "supported", "value": shelves.new_id("trace")[6:].upper()},
        "type": "bank_account",
    }
    payout["balance_transaction"] = balance.book(shelves, "payout", payout, -amount, at_once=True)[
        "id"
    ]
    shelves.save(payout)
    shelves.tell("payout.created", payout)
    shelves.tell("payout.reconciliation_completed", payout)
    shelves.later("payout_paid", _ARRIVES_AFTER, identifier)
    shelves.tell_bank(_ARRIVES_AFTER, payout, total)


def transactions(core: Core, plain: Reader) -> Reader:
    """GET /v1/balance_transactions, which can also list what a payout is made of, itself too."""

    def reader(call: Call) -> Json:
        payout = values.text(call.params, "payout")
        if payout is None:
            return plain(call)
        values.known(call.params, {"payout", "limit", "starting_after"})
        if call.shelves.load("payout", payout) is None:
            raise not_found("payout", payout, param="payout", status=400)
        lines = core.movements.of_payout(PSP, call.account, payout)
        names = [line.id for line in lines][::-1]
        after = values.text(call.params, "starting_after")
        if after is not None:
            if after not in names:
                raise not_found(_KIND, after, param="starting_after", status=400)
            names = names[names.index(after) + 1 :]
        limit = limit_of(call.params)
        page = [call.shelves.load(_KIND, name) for name in names[:limit]]
        more = len(names) > limit
        return {"object": "list", "data": page, "has_more": more, "url": call.request.path}

    return reader


def pay(shelves: Shelves, payout: Json) -> None:
    """The bank took it, as far as Stripe knows."""
    connect.pay(shelves, payout)


def fail(shelves: Shelves, payout: Json) -> None:
    """The bank sent it back: the money is on the account at Stripe again."""
    if not payout["automatic"]:
        connect.fail(shelves, payout)
        return
    total = iso_minor(payout["amount"], payout["currency"].upper())
    if payout["status"] == "paid":
        shelves.tell_bank(0, payout, -total)
    else:
        shelves.withdraw_from_bank(payout)
    payout.update(
        status="failed",
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    entry = balance.book(shelves, "payout_failure", payout, payout["amount"], at_once=True)
    payout["failure_balance_transaction"] = entry["id"]
    shelves.save(payout)
    shelves.tell("payout.failed", payout)
