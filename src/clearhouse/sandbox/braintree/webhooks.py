"""What Braintree tells by webhook: the notification's XML, handed to the courier that signs it.

There is none for a card that was authorized or declined; whoever wants to know must ask.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.accounts import account
from clearhouse.sandbox.braintree.markup import Items, Node, encode
from clearhouse.sandbox.braintree.nonces import CARD
from clearhouse.sandbox.braintree.render import rendered
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction

_SALE: Final = {
    "settled": "transaction_settled",
    "settlement_declined": "transaction_settlement_declined",
}
_CREDIT: Final = {"settlement_declined": "refund_failed"}


def tell(merchant: Merchant, kind: str, reference: str, subject: Mapping[str, Node]) -> None:
    """Send one notification; within ``truth.transaction()``."""
    content: dict[str, Node] = {
        "kind": kind,
        "timestamp": merchant.now(),
        "subject": subject,
    }
    body = encode("notification", content)
    merchant.core.courier.emit(PSP, f"{kind}:{reference}", kind, body)


def tell_status(merchant: Merchant, transaction: Transaction) -> None:
    """What a transaction's new status is told as, if at all.

    That a card's sale settled is not told, as at Braintree: its owner's bank said so long ago.
    """
    kinds = _SALE if transaction.type == "sale" else _CREDIT
    kind = kinds.get(transaction.status)
    if kind == "transaction_settled" and transaction.instrument.kind == CARD:
        return
    if kind is not None:
        tell(merchant, kind, transaction.id, {"transaction": rendered(transaction)})


def tell_disbursed(
    merchant: Merchant, payday: str, merchant_account: str, paid: tuple[Transaction, ...]
) -> None:
    """Each transaction by itself, and the disbursement as a whole."""
    for each in paid:
        tell(merchant, "transaction_disbursed", each.id, {"transaction": rendered(each)})
    total = sum(each.amount if each.type == "sale" else -each.amount for each in paid)
    amount = msgspec.structs.replace(paid[0], amount=abs(total)).amount_text
    content: dict[str, Node] = {
        "id": payday,
        "amount": amount,
        "disbursement_date": merchant.now().date(),
        "disbursement_type": "credit" if total >= 0 else "debit",
        "transaction_ids": Items("item", tuple(each.id for each in paid)),
        "merchant_account": account(merchant_account),
        "success": True,
        "retry": False,
        "exception_message": None,
        "follow_up_action": None,
    }
    tell(merchant, "disbursement", payday, {"disbursement": content})


def tell_reviewed(merchant: Merchant, transaction: Transaction, decision: str) -> None:
    """A person at the merchant's has looked at a sale."""
    content: dict[str, Node] = {
        "transaction_id": transaction.id,
        "decision": decision,
        "reviewer_email": "reviewer@example.com",
        "reviewer_note": "Reviewed in the sandbox.",
        "reviewed_time": merchant.now(),
    }
    tell(merchant, "transaction_reviewed", transaction.id, {"transaction_review": content})
