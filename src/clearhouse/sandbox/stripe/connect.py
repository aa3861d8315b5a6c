"""Connect: transfers to connected accounts and their reversals, and payouts from there to a bank.

Every ``acct_...`` that is named exists. What becomes of a payout is said by the account's id: one
that ends in ``_fails`` has a bank that refuses payouts the next day, one in ``_fails_late`` a bank
that sends them back three days after they were paid, and one in ``_refuses`` may have none at all.
"""

from hashlib import blake2b
from typing import Final

from clearhouse.sandbox.stripe import currencies, values
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reply
from clearhouse.sandbox.stripe.errors import invalid, missing, not_found
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_BALANCE: Final = "connect_balance"
_DAY: Final = 86_400
_TRANSFER: Final = {
    *("amount", "currency", "description", "destination", "expand", "metadata"),
    *("source_transaction", "source_type", "transfer_group"),
}
_PAYOUT: Final = {
    *("amount", "currency", "description", "destination", "expand", "metadata", "method"),
    *("source_type", "statement_descriptor"),
}
_INSUFFICIENT: Final = "You have insufficient available funds in your Stripe account."


def create_transfer(call: Call) -> Effect:
    """POST /v1/transfers: money from the platform to a connected account."""
    values.known(call.params, _TRANSFER)
    amount, currency = _amount(call)
    destination = values.text(call.params, "destination")
    if destination is None:
        raise missing("destination")
    if not destination.startswith("acct_"):
        raise not_found("destination", destination, param="destination", status=400)
    metadata = values.metadata(call.params)
    group = values.text(call.params, "transfer_group")

    def effect() -> Reply:
        transfer: Json = {
            "id": call.shelves.new_id("tr"),
            "object": "transfer",
            "amount": amount,
            "amount_reversed": 0,
            "created": call.shelves.now,
            "currency": currency,
            "description": values.text(call.params, "description"),
            "destination": destination,
            "livemode": False,
            "metadata": metadata,
            "reversed": False,
            "source_transaction": values.text(call.params, "source_transaction"),
            "source_type": "card",
            "transfer_group": group,
        }
        call.shelves.save(transfer)
        _move(_connected(call, destination), currency, amount)
        return 200, transfer

    return effect


def reverse(call: Call) -> Effect:
    """POST /v1/transfers/{id}/reversals: the money comes back, if it is still there."""
    values.known(call.params, {"amount", "description", "expand", "metadata"})
    asked, metadata = values.integer(call.params, "amount"), values.metadata(call.params)
    found = call.shelves.load("transfer", call.id)
    if found is None:
        raise not_found("transfer", call.id, param="id")

    def effect() -> Reply:
        transfer = call.shelves.load("transfer", call.id)
        assert transfer is not None
        left = transfer["amount"] - transfer["amount_reversed"]
        amount = left if asked is None else asked
        if not 0 < amount <= left:
            error = invalid(f"Transfer {call.id} has only {left} left to reverse.", param="amount")
            return error.status, error.body()
        account = _connected(call, transfer["destination"])
        if _held(account, transfer["currency"]) < amount:
            error = invalid(_INSUFFICIENT, code="balance_insufficient")
            return error.status, error.body()
        _move(account, transfer["currency"], -amount)
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        call.shelves.save(transfer)
        reversal: Json = {
            "id": call.shelves.new_id("trr"),
            "object": "transfer_reversal",
            "amount": amount,
            "created": call.shelves.now,
            "currency": transfer["currency"],
            "metadata": metadata,
            "transfer": call.id,
        }
        call.shelves.save(reversal)
        return 200, reversal

    return effect


def create_payout(call: Call) -> Effect:
    """POST /v1/payouts on a connected account: from its balance to its bank."""
    values.known(call.params, _PAYOUT)
    amount, currency = _amount(call)
    metadata = values.metadata(call.params)
    account = call.request.headers.get("stripe-account", "")

    def effect() -> Reply:
        if account.endswith("_refuses"):
            error = invalid("Payouts are not allowed.", code="payouts_not_allowed")
            return error.status, error.body()
        if _held(call.shelves, currency) < amount:
            error = invalid(_INSUFFICIENT, code="balance_insufficient")
            return error.status, error.body()
        payout: Json = {
            "id": call.shelves.new_id("po"),
            "object": "payout",
            "amount": amount,
            "arrival_date": call.shelves.now + 2 * _DAY,
            "automatic": False,
            "created": call.shelves.now,
            "currency": currency,
            "description": values.text(call.params, "description"),
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": metadata,
            "method": "standard",
            "source_type": "card",
            "statement_descriptor": values.text(call.params, "statement_descriptor"),
            "status": "pending",
            "type": "bank_account",
        }
        call.shelves.save(payout)
        _move(call.shelves, currency, -amount)
        if account.endswith("_fails"):
            call.shelves.later("payout_fails", _DAY, payout["id"])
        else:
            call.shelves.later("payout_paid", 2 * _DAY, payout["id"])
        if account.endswith("_fails_late"):
            call.shelves.later("payout_fails", 5 * _DAY, payout["id"])
        return 200, payout

    return effect


def pay(shelves: Shelves, payout: Json) -> None:
    """The bank took it, as far as Stripe knows."""
    payout["status"] = "paid"
    shelves.save(payout)
    shelves.tell("payout.paid", payout)


def fail(shelves: Shelves, payout: Json) -> None:
    """The bank did not take it after all: the money is on the account at Stripe again."""
    payout.update(
        status="failed",
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    shelves.save(payout)
    _move(shelves, payout["currency"], payout["amount"])
    shelves.tell("payout.failed", payout)


def _amount(call: Call) -> tuple[int, str]:
    amount = values.required_integer(call.params, "amount")
    currency = (values.text(call.params, "currency") or "").lower()
    if currency.upper() not in currencies.SUPPORTED:
        raise invalid(f"Invalid currency: {currency[:16]}.", param="currency")
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount")
    return amount, currency


def _connected(call: Call, account: str) -> Shelves:
    """Where a connected account's objects stand: as if it were called with its own header."""
    key = call.request.headers["authorization"].partition(" ")[2]
    digest = blake2b(f"{key}/{account}".encode(), digest_size=8).hexdigest()
    return call.shelves.of(f"acct_{digest}")


def _held(shelves: Shelves, currency: str) -> int:
    balance = shelves.load(_BALANCE, currency)
    return 0 if balance is None else balance["amount"]


def _move(shelves: Shelves, currency: str, amount: int) -> None:
    held = _held(shelves, currency) + amount
    shelves.save({"id": currency, "object": _BALANCE, "amount": held})
