"""What can happen to a transaction after its sale: settle, void, refund, expire.

Each function runs within one transaction of the truth and raises Invalid, with the code
the SDK knows, when the transaction's status does not allow it.
"""

import msgspec

from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.fields import Section, text
from clearhouse.sandbox.braintree.requests import amount_of
from clearhouse.sandbox.braintree.responses import response_of
from clearhouse.sandbox.braintree.sale import SUBMITTED, submitted
from clearhouse.sandbox.braintree.schedule import entered
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.transaction import (
    REFUNDABLE,
    REFUSED,
    SETTLEABLE,
    VOIDABLE,
    StatusEvent,
    Transaction,
    moved,
)
from clearhouse.sandbox.braintree.triggers import PROCESSED, authorization, settlement
from clearhouse.sandbox.braintree.webhooks import tell_reviewed

_SENT_BACK = "4001"
_GAVE_NOTHING = REFUSED | {"voided", "settlement_declined"}


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
    credit = _credit(merchant, transaction, amount, text(params, "order_id"))
    merchant.add(credit)
    ids = (*transaction.refund_ids, credit.id)
    now = merchant.now()
    merchant.change(msgspec.structs.replace(transaction, refund_ids=ids, updated_at=now))
    return entered(merchant, credit)


def expire(merchant: Merchant, transaction: Transaction) -> Transaction:
    """An authorization that nobody captured in time holds nothing any more."""
    return _changed(merchant, moved(transaction, "authorization_expired", merchant.now()))


def begin_settlement(merchant: Merchant, transaction: Transaction) -> Transaction:
    """The day's batch is sent to the processor."""
    return _changed(merchant, moved(transaction, "settling", merchant.now()))


def approve(merchant: Merchant, transaction: Transaction) -> Transaction:
    """A person looked at a sale that seemed risky, and lets it go on."""
    tell_reviewed(merchant, transaction, "approve")
    return transaction


def reject(merchant: Merchant, transaction: Transaction) -> Transaction:
    """A person looked at a sale that seemed risky, and voids it."""
    after = void(merchant, transaction, {})
    tell_reviewed(merchant, after, "reject")
    return after


def decline_sale(merchant: Merchant, transaction: Transaction) -> Transaction:
    """The settlement of a sale is refused, whatever its amount."""
    return decline(merchant, transaction, {})


def fail_refund(merchant: Merchant, transaction: Transaction) -> Transaction:
    """The buyer's bank sends a refund back, also when it was settled: the money is here again."""
    after = moved(transaction, "settlement_declined", merchant.now())
    return _changed(merchant, msgspec.structs.replace(after, settlement_response=_SENT_BACK))


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
    return sum(each.amount for each in refunds if each and each.status not in _GAVE_NOTHING)


def _credit(
    merchant: Merchant, transaction: Transaction, amount: int, order_id: str
) -> Transaction:
    """The refund's own transaction; the amounts that decline a sale decline it as well."""
    now = merchant.now()
    credit = msgspec.structs.replace(
        transaction,
        id=merchant.new_id(),
        type="credit",
        amount=amount,
        created_at=now,
        updated_at=now,
        order_id=order_id or transaction.order_id,
        settlement_response="",
        settlement_batch_id=None,
        disbursed_on="",
        disputed=False,
        refunded_transaction_id=transaction.id,
        refund_ids=(),
    )
    verdict = authorization(credit.major, credit.instrument.kind)
    declined = verdict.status == "processor_declined" and verdict.response is not None
    status = verdict.status if declined else SUBMITTED
    response = verdict.response if declined and verdict.response else response_of(PROCESSED)
    return msgspec.structs.replace(
        credit,
        status=status,
        response=response.code,
        history=(StatusEvent(status, amount, now),),
    )


def _changed(merchant: Merchant, transaction: Transaction) -> Transaction:
    merchant.change(transaction)
    return entered(merchant, transaction)
