"""A dispute as Braintree writes it."""

from clearhouse.sandbox.braintree.disputes import Dispute, Disputes, Evidence
from clearhouse.sandbox.braintree.markup import Items, Node
from clearhouse.sandbox.braintree.render import rendered
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.transaction import Transaction


def rendered_with_disputes(merchant: Merchant, transaction: Transaction) -> dict[str, Node]:
    """The content of a ``<transaction>`` element; disputes are looked for where there are any."""
    found = Disputes(merchant).find(transaction.id) if transaction.disputed else []
    return rendered(transaction, tuple(rendered_dispute(each) for each in found))


def rendered_dispute(dispute: Dispute) -> dict[str, Node]:
    """The content of a ``<dispute>`` element."""
    sale = dispute.transaction
    amount = sale.written(dispute.amount)
    won = dispute.status == "won"
    history = tuple(
        {
            "status": status,
            "timestamp": moment,
            "effective_date": moment.date(),
            "disbursement_date": None,
        }
        for status, moment in dispute.history
    )
    return {
        "id": dispute.id,
        "graph_ql_id": None,
        "amount": amount,
        "amount_disputed": amount,
        "amount_won": amount if won else sale.written(0),
        "case_number": f"CB{dispute.id.upper()}",
        "currency_iso_code": sale.currency,
        "kind": "chargeback",
        "merchant_account_id": sale.merchant_account_id,
        "reason": dispute.reason,
        "reason_code": dispute.reason_code,
        "reason_description": None,
        "reference_number": dispute.id,
        "status": dispute.status,
        "pre_dispute_program": "none",
        "original_dispute_id": None,
        "processor_comments": None,
        "received_date": dispute.created_at.date(),
        "date_opened": dispute.created_at.date(),
        "date_won": dispute.updated_at.date() if won else None,
        "reply_by_date": dispute.reply_by.date(),
        "created_at": dispute.created_at,
        "updated_at": dispute.updated_at,
        "evidence": Items("evidence", tuple(rendered_evidence(each) for each in dispute.evidence)),
        "status_history": Items("status_history", history),
        "paypal_messages": Items("paypal_message", ()),
        "transaction": {
            "id": sale.id,
            "amount": sale.amount_text,
            "created_at": sale.created_at,
            "order_id": sale.order_id,
            "payment_instrument_subtype": sale.instrument.brand or None,
            "purchase_order_number": None,
        },
    }


def rendered_evidence(evidence: Evidence) -> dict[str, Node]:
    """The content of an ``<evidence>`` element."""
    return {
        "id": evidence.id,
        "comments": evidence.comments,
        "category": evidence.category or None,
        "sequence_number": None,
        "created_at": evidence.created_at,
        "sent_to_processor_at": None,
        "url": None,
    }
