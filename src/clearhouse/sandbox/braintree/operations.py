"""What can happen to a transaction after its sale: settle, void, refund; and Braintree's tests.

Each function runs within one transaction of the truth and raises Invalid, with the code
the SDK knows, when the transaction's status does not allow it.
"""

import msgspec

from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.fields import Section, text
from clearhouse.sandbox.braintree.requests import amount_of
from clearhouse.sandbox.braintree.sale import SUBMITTED, submitted
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.transaction import (
    REFUNDABLE,
    SETTLEABLE,
    VOIDABLE,
    StatusEvent,
    Transaction,
    moved,
)
from clearhouse.sandbox.braintree.triggers import PROCESSED, settlement


def submit_for_settlement(
    merchant: Merchant, transaction: Transaction, params: Section
) -> Transaction:
    """Capture an authorization, whole or less of it."""
    if transaction.type != "sale" or transaction.status != "authorized":
        raise Invalid(error("91507"))
    amount = transaction.amount
    if text(params, "amount"):
        amount = amount_of(text(params, "amount"), transaction.currency)
        if amount > transaction.amount:
            raise Invalid(error("91522"))
    after = moved(transaction, submitted(transaction), merchant.now(), amount=amount)
    return _changed(merchant, after)


def void(merchant: Merchant, transaction: Transaction, _params: Section) -> Transaction:
    """Give the buyer's money free before it is settled."""
    if transaction.status not in VOIDABLE:
        raise Invalid(error("91504"))
    return _changed(merchant, moved(transaction, "voided", merchant.now()))


def refund(merchant: Merchant, transaction: Transaction, params: Section) -> Transaction:
    """Give settled money back, whole or in parts; never more than was taken."""
    if transaction.type != "sale":
        raise Invalid(error("91505"))
    if transaction.status not in REFUNDABLE:
        raise Invalid(error("91506"))
    left = transaction.amount - _refunded(merchant, transaction)
    if left <= 0:
        raise Invalid(error("91512"))
    written = text(params, "amount")
    amount = amount_of(written, transaction.currency) if written else left
    if amount > left:
        raise Invalid(error("91521"))
    return _credit(merchant, transaction, amount, text(params, "order_id"))


def reverse(merchant: Merchant, transaction: Transaction, params: Section) -> Transaction:
    """Void where that is still possible, else refund all of it."""
    if transaction.status in VOIDABLE:
        return void(merchant, transaction, params)
    return refund(merchant, transaction, {})


def settle(merchant: Merchant, transaction: Transaction, _params: Section) -> Transaction:
    """What the nightly batch does: the test amounts decide how it ends."""
    status, response = settlement(transaction.major, transaction.instrument.kind)
    return _settled(merchant, transaction, status, response.code if response else "")


def confirm(merchant: Merchant, transaction: Transaction, _params: Section) -> Transaction:
    """Settlement confirmed by the processor, money not moved yet."""
    return _settled(merchant, transaction, "settlement_confirmed", "")


def decline(merchant: Merchant, transaction: Transaction, _params: Section) -> Transaction:
    """Settlement declined: the buyer keeps the money although the sale had succeeded."""
    return _settled(merchant, transaction, "settlement_declined", "4001")


def pend(merchant: Merchant, transaction: Transaction, _params: Section) -> Transaction:
    """Settlement waits for the processor."""
    return _settled(merchant, transaction, "settlement_pending", "4002")


def _settled(
    merchant: Merchant, transaction: Transaction, status: str, response: str
) -> Transaction:
    if transaction.status not in SETTLEABLE:
        raise Invalid(error("91575"))
    now = merchant.now()
    batch = f"{now:%Y-%m-%d}_{transaction.merchant_account_id}_{transaction.id[:8]}"
    after = msgspec.structs.replace(
        moved(transaction, status, now), settlement_response=response, settlement_batch_id=batch
    )
    return _changed(merchant, after)


def _refunded(merchant: Merchant, transaction: Transaction) -> int:
    refunds = (merchant.get(each) for each in transaction.refund_ids)
    return sum(each.amount for each in refunds if each is not None and each.status != "voided")


def _credit(
    merchant: Merchant, transaction: Transaction, amount: int, order_id: str
) -> Transaction:
    now = merchant.now()
    credit = msgspec.structs.replace(
        transaction,
        id=merchant.new_id(),
        type="credit",
        status=SUBMITTED,
        amount=amount,
        created_at=now,
        updated_at=now,
        history=(StatusEvent(SUBMITTED, amount, now),),
        order_id=order_id or transaction.order_id,
        response=PROCESSED,
        settlement_response="",
        settlement_batch_id=None,
        refunded_transaction_id=transaction.id,
        refund_ids=(),
    )
    merchant.add(credit)
    ids = (*transaction.refund_ids, credit.id)
    merchant.change(msgspec.structs.replace(transaction, refund_ids=ids, updated_at=now))
    return credit


def _changed(merchant: Merchant, transaction: Transaction) -> Transaction:
    merchant.change(transaction)
    return transaction
