"""What a notification means: pure, so that a table can test it."""

from dataclasses import replace
from typing import Final

from clearhouse.psp.braintree.dispute_rules import facts_of
from clearhouse.psp.braintree.notifications import Told
from clearhouse.psp.braintree.objects import SUBMITTED, Transaction, amount_of
from clearhouse.psp.braintree.operation_outcomes import credit_outcome
from clearhouse.psp.braintree.outcomes import transaction_outcome
from clearhouse.psp.notices import (
    AskAgain,
    ChargeNotice,
    DisputeNotice,
    Notice,
    Notification,
    RefundNotice,
)

_TRANSACTIONS: Final = {
    "transaction_settled": "settled",
    "transaction_settlement_declined": "settlement_declined",
    "transaction_disbursed": "settled",
    "transaction_retried": "",
    "refund_failed": "settlement_declined",
}
"""Kinds that bring a transaction, and the status that it has where it does not say one."""


def notification_of(told: Told) -> Notification:
    """The notices in our words; none for what concerns nothing of ours (subscriptions, checks).

    Raises ValueError or ArithmeticError for an object that makes no sense.
    """
    return Notification(_notices(told), told.timestamp)


def _notices(told: Told) -> tuple[Notice, ...]:
    if told.kind in _TRANSACTIONS and told.transaction is not None:
        return (_of_transaction(told.kind, told.transaction),)
    if told.kind.startswith("dispute_") and told.dispute is not None:
        return (DisputeNotice(facts_of(told.dispute)),)
    if told.reviewed:
        return (AskAgain(psp_reference=told.reviewed),)
    return ()


def _of_transaction(kind: str, made: Transaction) -> Notice:
    if made.type not in {"sale", "credit"} or not made.currency:
        return AskAgain(psp_reference=made.id)
    status = made.status or _TRANSACTIONS[kind]
    if kind == "refund_failed" and status in SUBMITTED:
        # Sent before the transaction itself has been moved on.
        status = _TRANSACTIONS[kind]
    seen = replace(made, status=status)
    if made.type == "sale":
        return ChargeNotice(
            psp_reference=made.id,
            outcome=transaction_outcome(seen),
            payment_order_id=made.order_id or None,
        )
    return RefundNotice(
        psp_reference=made.id,
        charge_reference=made.refunded,
        amount=amount_of(seen),
        outcome=credit_outcome(seen),
        # One made by hand has the sale's order id instead, which is no operation of ours.
        operation_id=made.order_id or None,
    )
