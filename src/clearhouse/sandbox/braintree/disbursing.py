"""Disbursements: what was settled on one day in one merchant account is paid out together."""

import msgspec

from clearhouse.sandbox.braintree import settlements
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.transaction import Transaction
from clearhouse.sandbox.braintree.webhooks import tell_disbursed


def disburse(merchant: Merchant, payday: str) -> tuple[Transaction, ...]:
    """Pay out all of a payday that is still settled; returns it, oldest first."""
    today = f"{merchant.now():%Y-%m-%d}"
    paid = tuple(
        msgspec.structs.replace(each, disbursed_on=today, updated_at=merchant.now())
        for each in merchant.of_payday(payday)
        if each.status == "settled" and not each.disbursed_on
    )
    for each in paid:
        merchant.change(each)
    settlements.paid_out(merchant, payday)
    if paid:
        tell_disbursed(merchant, payday, paid[0].merchant_account_id, paid)
    return paid
