"""Stripe's objects with all their fields, as a fresh one looks."""

from typing import Any

from clearhouse.sandbox.stripe.cards import Card, Decline

Json = dict[str, Any]


def _address() -> Json:
    fields = ("city", "country", "line1", "line2", "postal_code", "state")
    return dict.fromkeys(fields)


def billing_details() -> Json:
    """Billing details nobody filled in."""
    return {"address": _address(), "email": None, "name": None, "phone": None, "tax_id": None}


def payment_intent(identifier: str, secret: str, *, amount: int, currency: str, now: int) -> Json:
    """A PaymentIntent that nobody has confirmed; ``now`` in seconds since 1970."""
    return {
        "id": identifier,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{identifier}_secret_{secret}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": currency.lower(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def payment_method(identifier: str, card: Card, *, fingerprint: str, now: int) -> Json:
    """A PaymentMethod of type card."""
    return {
        "id": identifier,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": {
            "brand": card.brand,
            "checks": checks(card),
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": fingerprint,
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def checks(card: Card) -> Json:
    """What the bank said of address and security code."""
    return {
        "address_line1_check": card.line1,
        "address_postal_code_check": card.postal_code,
        "cvc_check": card.cvc,
    }


def charge(identifier: str, intent: Json, method: Json, card: Card, *, now: int) -> Json:
    """A Charge that succeeded and is captured; ``failed`` and ``held`` change it."""
    amount = intent["amount"]
    return {
        "id": identifier,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": intent["application_fee_amount"],
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": intent["statement_descriptor"] or "CLEARHOUSE",
        "captured": True,
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": _authorized(card),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": _card_details(method, card, amount), "type": "card"},
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def fail(charge_body: Json, decline: Decline) -> None:
    """Turn a charge into the failed one that a decline leaves behind."""
    blocked = decline.blocked
    charge_body.update(
        amount_captured=0,
        captured=False,
        failure_code=decline.code,
        failure_message=decline.message,
        paid=False,
        status="failed",
    )
    charge_body["payment_method_details"]["card"]["authorization_code"] = None
    charge_body["outcome"].update(
        advice_code=decline.advice,
        network_decline_code=decline.network_code,
        network_status="not_sent_to_network" if blocked else "declined_by_network",
        reason="highest_risk_level" if blocked else (decline.decline_code or decline.code),
        seller_message="Stripe blocked this payment as too risky."
        if blocked
        else "The bank did not return any further details with this decline.",
        type="blocked" if blocked else "issuer_declined",
    )


def review(identifier: str, charge_body: Json, *, now: int) -> Json:
    """An open review: a person should look at the payment."""
    return {
        "id": identifier,
        "object": "review",
        "billing_zip": None,
        "charge": charge_body["id"],
        "closed_reason": None,
        "created": now,
        "ip_address": None,
        "ip_address_location": None,
        "livemode": False,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": charge_body["payment_intent"],
        "reason": "rule",
        "session": None,
    }


def _authorized(card: Card) -> Json:
    scores = {"normal": 24, "elevated": 65, "highest": 92}
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": card.risk,
        "risk_score": scores[card.risk],
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _card_details(method: Json, card: Card, amount: int) -> Json:
    return {
        "amount_authorized": amount,
        "authorization_code": "123456",
        "brand": card.brand,
        "checks": checks(card),
        "country": card.country,
        "exp_month": 12,
        "exp_year": 2034,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": method["card"]["fingerprint"],
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
