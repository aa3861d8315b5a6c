"""A transaction as Braintree writes it: complete, so that no attribute is ever missing."""

from base64 import b64encode
from datetime import date

from clearhouse.sandbox.braintree.instruments import CUSTOMER_FIELDS, described
from clearhouse.sandbox.braintree.markup import Items, Node
from clearhouse.sandbox.braintree.responses import response_of
from clearhouse.sandbox.braintree.transaction import REFUSED, Transaction

_DESCRIPTOR = ("name", "phone", "url")
_ADDRESS = (
    "id",
    "first_name",
    "last_name",
    "company",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
    "country_name",
    "country_code_alpha2",
    "country_code_alpha3",
    "country_code_numeric",
    "phone_number",
)


def rendered(transaction: Transaction, disputes: tuple[Node, ...] = ()) -> dict[str, Node]:
    """The content of a ``<transaction>`` element."""
    authorized = transaction.type == "sale" and transaction.status not in REFUSED
    return {
        "id": transaction.id,
        "status": transaction.status,
        "type": transaction.type,
        "amount": transaction.amount_text,
        "currency_iso_code": transaction.currency,
        "merchant_account_id": transaction.merchant_account_id,
        "order_id": transaction.order_id,
        "created_at": transaction.created_at,
        "updated_at": transaction.updated_at,
        "authorization_expires_at": transaction.authorization_expires_at,
        "network_transaction_id": f"{transaction.id}NET" if authorized else None,
        "acquirer_reference_number": None,
        "recurring": False,
        "subscription_id": None,
        "plan_id": None,
        "voice_referral_number": None,
        "global_id": b64encode(f"transaction_{transaction.id}".encode()).decode(),
        **_links(transaction),
        **_responses(transaction),
        **described(transaction.instrument),
        **_sent(transaction),
        **_settling(transaction),
        "disputes": Items("dispute", disputes),
    }


def message_of(transaction: Transaction) -> str:
    """What the error of a refused sale says, in one line."""
    if transaction.rejection_reason:
        return f"Gateway Rejected: {transaction.rejection_reason}"
    return response_of(transaction.response).text


def _links(transaction: Transaction) -> dict[str, Node]:
    last = transaction.refund_ids[-1] if transaction.refund_ids else None
    return {
        "refund_id": last,
        "refund_ids": Items("item", transaction.refund_ids),
        "refunded_transaction_id": transaction.refunded_transaction_id,
        "partial_settlement_transaction_ids": Items("item", ()),
        "authorized_transaction_id": None,
        "retry_ids": Items("item", ()),
        "retried": False,
        "retried_transaction_id": None,
        "upcoming_retry_date": None,
    }


def _responses(transaction: Transaction) -> dict[str, Node]:
    response = response_of(transaction.response) if transaction.response else None
    settled = transaction.settlement_response
    settlement = response_of(settled) if settled else None
    return {
        "processor_response_code": response.code if response else "",
        "processor_response_text": response.text if response else "",
        "processor_response_type": response.type if response else "",
        "processor_authorization_code": transaction.authorization_code,
        "additional_processor_response": _additional(transaction),
        "network_response_code": None,
        "network_response_text": None,
        "merchant_advice_code": None,
        "merchant_advice_code_text": None,
        "processor_settlement_response_code": settlement.code if settlement else "",
        "processor_settlement_response_text": settlement.text if settlement else "",
        "gateway_rejection_reason": transaction.rejection_reason or None,
        "cvv_response_code": transaction.cvv_response,
        "avs_error_response_code": transaction.avs.error,
        "avs_postal_code_response_code": transaction.avs.postal_code,
        "avs_street_address_response_code": transaction.avs.street_address,
        "risk_data": _risk(transaction),
    }


def _risk(transaction: Transaction) -> Node:
    """Always there and never nil: the SDK reads into it without a look."""
    refused = transaction.rejection_reason in {"fraud", "risk_threshold"}
    return {
        "id": None,
        "decision": "Decline" if refused else "Not Evaluated",
        "decision_reasons": Items("item", ()),
        "device_data_captured": False,
        "fraud_service_provider": None,
        "transaction_risk_score": None,
    }


def _additional(transaction: Transaction) -> str | None:
    """The code with its text, as Braintree adds it to every decline by a processor."""
    if transaction.status not in {"processor_declined", "failed"}:
        return None
    response = response_of(transaction.response)
    return f"{response.code} : {response.text}"


def _sent(transaction: Transaction) -> dict[str, Node]:
    """What the merchant sent; where nothing was sent, the fields are there and empty."""
    details = transaction.details

    def known(part: str, names: tuple[str, ...]) -> Node:
        return {name: details.get(part, {}).get(name) for name in names}

    return {
        "customer": known("customer", CUSTOMER_FIELDS),
        "billing": known("billing", _ADDRESS),
        "shipping": known("shipping", _ADDRESS),
        "custom_fields": dict(details.get("custom_fields", {})) or "",
        "descriptor": known("descriptor", _DESCRIPTOR),
        "channel": transaction.texts.get("channel"),
        "purchase_order_number": transaction.texts.get("purchase_order_number"),
        "tax_amount": transaction.texts.get("tax_amount"),
        "tax_exempt": False,
        "discount_amount": None,
        "shipping_amount": None,
        "ships_from_postal_code": None,
        "service_fee_amount": None,
        "escrow_status": None,
        "add_ons": Items("add-on", ()),
        "discounts": Items("discount", ()),
        "subscription": {"billing_period_start_date": None, "billing_period_end_date": None},
    }


def _settling(transaction: Transaction) -> dict[str, Node]:
    history = tuple(
        {
            "timestamp": event.timestamp,
            "status": event.status,
            "amount": transaction.written(event.amount),
            "user": "sandbox",
            "transaction_source": "api",
        }
        for event in transaction.history
    )
    return {
        "status_history": Items("status-event", history),
        "settlement_batch_id": transaction.settlement_batch_id,
        "disbursement_details": _disbursement(transaction),
        "authorization_adjustments": Items("authorization-adjustment", ()),
        "shipments": Items("shipment", ()),
        "pre_dispute_manager_alerts": Items("alert", ()),
    }


def _disbursement(transaction: Transaction) -> Node:
    """Always there: the SDK reads its date without a look."""
    paid = bool(transaction.disbursed_on)
    return {
        "disbursement_date": date.fromisoformat(transaction.disbursed_on) if paid else None,
        "settlement_amount": transaction.amount_text if paid else None,
        "settlement_currency_iso_code": transaction.currency if paid else None,
        "settlement_currency_exchange_rate": "1" if paid else None,
        "settlement_base_currency_exchange_rate": "1" if paid else None,
        "funds_held": False if paid else None,
        "success": True if paid else None,
    }
