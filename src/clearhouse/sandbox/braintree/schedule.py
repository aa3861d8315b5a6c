"""What follows from a transaction's new status: noted on the agenda, each for its own time.

Braintree settles in batches once a day and pays out the day after; here it is 12 hours from the
submission to ``settling``, 12 more to ``settled``, and 24 more to the disbursement.
"""

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from clearhouse.sandbox.braintree import settlements
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import AUTHORIZATION_LASTS, Transaction
from clearhouse.sandbox.braintree.webhooks import tell_status

_HALF_DAY: Final = timedelta(hours=12)
_UNTIL_PAID_OUT: Final = timedelta(hours=24)
_AT_ONCE: Final = timedelta(seconds=1)
"""The dispute card's sale settles and is disputed before anybody could wait for it."""

EXPIRES: Final = f"{PSP}.authorization_expires"
SETTLING: Final = f"{PSP}.settling"
SETTLES: Final = f"{PSP}.settles"
DISBURSES: Final = f"{PSP}.disburses"
DISPUTED: Final = f"{PSP}.disputed"

_NEXT: Final = MappingProxyType(
    {
        "authorized": (EXPIRES, AUTHORIZATION_LASTS),
        "submitted_for_settlement": (SETTLING, _HALF_DAY),
        "settling": (SETTLES, _HALF_DAY),
        "settlement_confirmed": (SETTLES, _HALF_DAY),
    }
)


def entered(merchant: Merchant, transaction: Transaction) -> Transaction:
    """Tell of the status that a transaction has just entered, and note what comes after it."""
    agenda = merchant.core.agenda
    payload = {"merchant": merchant.id, "id": transaction.id}
    following = _NEXT.get(transaction.status)
    disputed = transaction.instrument.disputed and transaction.type == "sale"
    if following is not None:
        kind, wait = following
        if disputed and transaction.status == "submitted_for_settlement":
            kind, wait = SETTLES, _AT_ONCE
        agenda.later(kind, wait.total_seconds(), payload)
    tell_status(merchant, transaction)
    if transaction.status == "settled":
        settlements.settled(merchant, transaction)
        if disputed:
            agenda.later(DISPUTED, 0, payload)
        payday = merchant.payday_of(transaction)
        if payday is not None and merchant.begin_payday(payday):
            payload = {"merchant": merchant.id, "payday": payday}
            agenda.later(DISBURSES, _UNTIL_PAID_OUT.total_seconds(), payload)
    return transaction
