"""The payment instrument of a transaction as Braintree describes it, with every field present."""

from typing import Final

from clearhouse.sandbox.braintree.markup import Items, Node
from clearhouse.sandbox.braintree.nonces import APPLE_PAY, CARD, GOOGLE_PAY, Instrument
from clearhouse.sandbox.braintree.triggers import PAYPAL

_INDICATORS: Final = (
    "prepaid",
    "prepaid_reloadable",
    "payroll",
    "debit",
    "commercial",
    "healthcare",
    "durbin_regulated",
    "business",
    "consumer",
    "corporate",
    "purchase",
)
_EXPIRATION_MONTH: Final = "12"
_EXPIRATION_YEAR: Final = "2035"

_ENROLLED: Final = frozenset(["lookup_not_enrolled", "lookup_error", "authentication_unavailable"])
_SHIFTED: Final = frozenset(["authenticate_successful", "authenticate_attempt_successful"])


CUSTOMER_FIELDS: Final = (
    *("id", "first_name", "last_name", "company"),
    *("email", "website", "phone", "fax"),
)

_IN_TRANSACTION: Final = {PAYPAL: "paypal", APPLE_PAY: "apple_pay"}
"""Instruments that a transaction calls otherwise than the vault does."""


def described(instrument: Instrument) -> dict[str, Node]:
    """The elements of a transaction that tell what paid.

    ``credit-card`` is there for every instrument, since the SDK's users read it blindly.
    """
    elements: dict[str, Node] = {
        "payment_instrument_type": instrument.kind,
        "credit_card": _card(instrument if instrument.kind == CARD else None),
        "three_d_secure_info": _authentication(instrument),
    }
    name = _IN_TRANSACTION.get(instrument.kind, instrument.kind)
    return elements | {name: content_of(instrument)}


def content_of(instrument: Instrument) -> dict[str, Node]:
    """What an instrument's own element holds, in a transaction as in the vault."""
    if instrument.kind == CARD:
        return _card(instrument)
    if instrument.kind == APPLE_PAY:
        return _apple_pay(instrument)
    if instrument.kind == GOOGLE_PAY:
        return _google_pay(instrument)
    if instrument.kind == PAYPAL:
        return _paypal(instrument)
    return {
        "token": instrument.token or None,
        "username": "venmojoe",
        "venmo_user_id": "1234567891234567891",
        "source_description": "Venmo Account: venmojoe",
    }


def _card(card: Instrument | None) -> dict[str, Node]:
    absent = card is None
    marked = "" if card is None else card.indicator
    indicators = {name: _indicated(name, marked) for name in _INDICATORS}
    return {
        "token": None if card is None else card.token or None,
        "bin": None if card is None else card.first_six,
        "last_4": None if card is None else card.last_four,
        "card_type": None if card is None else card.brand,
        "expiration_month": None if absent else _EXPIRATION_MONTH,
        "expiration_year": None if absent else _EXPIRATION_YEAR,
        "customer_location": None if absent else "US",
        "cardholder_name": None,
        "image_url": None,
        "unique_number_identifier": None,
        "venmo_sdk": False,
        "expired": False,
        "default": False,
        "is_network_tokenized": False,
        "account_type": None,
        "country_of_issuance": "Unknown",
        "issuing_bank": "Unknown",
        "product_id": "Unknown",
        **indicators,
    }


def _indicated(name: str, marked: str) -> str:
    """A card with one known indicator has none of the others; an ordinary one tells nothing."""
    if not marked:
        return "Unknown"
    return "Yes" if name == marked else "No"


def _apple_pay(card: Instrument) -> dict[str, Node]:
    return {
        **_wallet(card),
        "last_4": card.last_four,
        "card_type": f"Apple Pay - {card.brand}",
        "payment_instrument_name": f"{card.brand} {card.last_four}",
        "cardholder_name": None,
    }


def _google_pay(card: Instrument) -> dict[str, Node]:
    """Without card-type and last-4, which the SDK derives from the virtual card."""
    return {
        **_wallet(card),
        "source_card_type": card.brand,
        "source_card_last_4": card.last_four,
        "virtual_card_type": card.brand,
        "virtual_card_last_4": card.last_four,
        "google_transaction_id": None,
        "is_network_tokenized": False,
    }


def _wallet(card: Instrument) -> dict[str, Node]:
    return {
        "token": card.token or None,
        "bin": card.first_six,
        "source_description": f"{card.brand} {card.last_four}",
        "expiration_month": _EXPIRATION_MONTH,
        "expiration_year": _EXPIRATION_YEAR,
        "expired": False,
        "default": False,
        "image_url": None,
        "subscriptions": Items("subscription", ()),
    }


def _paypal(account: Instrument) -> dict[str, Node]:
    return {
        "token": account.token or None,
        "email": "payer@example.com",
        "payer_email": "payer@example.com",
        "payment_id": None,
        "authorization_id": None,
        "payer_id": None,
        "payer_first_name": "Payer",
        "payer_last_name": "Example",
        "payer_status": "VERIFIED",
        "seller_protection_status": "ELIGIBLE",
        "capture_id": None,
        "refund_id": None,
        "transaction_fee_amount": None,
        "transaction_fee_currency_iso_code": None,
        "image_url": None,
        "debug_id": None,
        "description": None,
    }


def liability(status: str) -> tuple[bool, bool]:
    """Whether an authentication could move the liability to the bank, and whether it did."""
    return bool(status) and status not in _ENROLLED, status in _SHIFTED


def _authentication(instrument: Instrument) -> Node:
    status = instrument.authentication
    if not status:
        return None
    possible, shifted = liability(status)
    return {
        "status": status,
        "enrolled": "U" if status in _ENROLLED else "Y",
        "liability_shifted": shifted,
        "liability_shift_possible": possible,
        "cavv": None,
        "xid": None,
        "eci_flag": "05" if status == "authenticate_successful" else None,
        "ds_transaction_id": None,
        "three_d_secure_version": "2.2.0",
        "three_d_secure_authentication_id": None,
    }
