"""Validation errors: Braintree's codes with their place, and the envelope they travel in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clearhouse.sandbox.braintree.fields import Section
from clearhouse.sandbox.braintree.markup import Decoded, Items, Node


@dataclass(frozen=True, slots=True)
class ValidationError:
    """One fault: ``attribute`` as the SDK names it, ``within`` the object inside transaction."""

    code: str
    attribute: str
    message: str
    within: str = ""


class Invalid(Exception):
    """The request broke rules; all faults at once, as Braintree tells them."""

    def __init__(self, *errors: ValidationError) -> None:
        super().__init__("\n".join(error.message for error in errors))
        self.errors = errors


_CATALOGUE: Final = MappingProxyType(
    {
        "82301": ("settlement_date", "Settlement Date is required."),
        "82302": ("settlement_date", "Settlement Date is invalid."),
        "82902": ("base", "Cannot vault a one-time use PayPal account."),
        "91609": ("id", "Customer ID has already been taken."),
        "91719": ("token", "Duplicate token."),
        "93102": ("payment_method_nonce", "Nonce is invalid."),
        "93103": ("payment_method_nonce", "Nonce is required."),
        "93104": ("customer_id", "Customer ID is required."),
        "93105": ("customer_id", "Customer ID is invalid."),
        "93107": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
        "93108": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
        "81501": ("amount", "Amount cannot be negative."),
        "81502": ("amount", "Amount is required."),
        "81503": ("amount", "Amount is an invalid format."),
        "81528": ("amount", "Amount is too large."),
        "81531": ("amount", "Amount must be greater than zero."),
        "95701": (
            "dispute",
            "Evidence can only be added to disputes in an Open state.",
        ),
        "95704": ("dispute", "Disputes can only be accepted when they are in an Open state."),
        "95705": ("dispute", "Disputes can only be finalized when they are in an Open state."),
        "95708": ("comments", "The comments are too long."),
        "95726": ("dispute", "Valid evidence is required to finalize a dispute."),
        "91501": ("order_id", "Order ID is too long (maximum is 255 characters)."),
        "91504": (
            "base",
            "Transaction can only be voided before it is settled.",
        ),
        "91505": ("base", "Cannot refund a credit."),
        "91506": ("base", "Cannot refund a transaction unless it is settled."),
        "91507": ("base", "Cannot submit for settlement unless status is authorized."),
        "91508": ("base", "Cannot determine payment method."),
        "91512": ("base", "Transaction has already been completely refunded."),
        "91513": ("merchant_account_id", "Merchant account ID is invalid."),
        "91515": ("base", "Cannot provide more than one payment method."),
        "91518": ("payment_method_token", "Payment method token is invalid."),
        "91521": ("amount", "Refund amount is too large."),
        "91522": ("amount", "Settlement amount is too large."),
        "91523": ("type", "Type is invalid."),
        "91524": ("type", "Type is required."),
        "91564": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
        "91565": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
        "91575": ("base", "Cannot simulate settlement of this transaction."),
        "91577": ("base", "Merchant account does not support payment instrument."),
        "915218": ("base", "Transaction must be in state authorized."),
        "915230": ("api_request_key", "Api request key is too long (maximum is 255 characters)."),
        "915231": ("api_request_key", "Api request key is not allowed for this merchant."),
        "915232": ("api_request_key", "Api request key can be reused only with the same request."),
        "915233": ("api_request_key", "A request with this api request key is in flight."),
        "915234": ("api_request_key", "The request of this api request key failed."),
        "915235": ("api_request_key", "Api request key could not be checked."),
    }
)

_CARD_NUMBER: Final = ValidationError(
    "81715", "number", "Credit card number is invalid.", within="credit_card"
)


def error(code: str) -> ValidationError:
    """The error of a code, at its usual place with its usual words."""
    if code == _CARD_NUMBER.code:
        return _CARD_NUMBER
    attribute, message = _CATALOGUE[code]
    return ValidationError(code, attribute, message)


def envelope(
    message: str,
    params: Section,
    errors: tuple[ValidationError, ...] = (),
    **objects: Node,
) -> dict[str, Node]:
    """The content of ``api-error-response``.

    Broken rules stand below the name of what was sent; a decline has none of them and brings
    its transaction or verification in ``objects`` instead.
    """
    found: dict[str, Node] = {"errors": Items("error", ())}
    if errors:
        found[next(iter(params), "transaction")] = _grouped(errors)
    return {"errors": found, "params": echo(params), "message": message, **objects}


def _grouped(errors: tuple[ValidationError, ...]) -> dict[str, Node]:
    groups = sorted({each.within for each in errors} - {""})
    nested = {name: {"errors": _listed(errors, name)} for name in groups}
    return {"errors": _listed(errors, ""), **nested}


def _listed(errors: tuple[ValidationError, ...], within: str) -> Items:
    return Items(
        "error",
        tuple(
            {"code": each.code, "attribute": each.attribute, "message": each.message}
            for each in errors
            if each.within == within
        ),
    )


_SECRET: Final = frozenset(["number", "cvv"])


def echo(value: Decoded) -> Node:
    """The request as Braintree repeats it in ``params``: without card number and CVV."""
    if isinstance(value, Mapping):
        return {key: echo(each) for key, each in value.items() if key not in _SECRET}
    if isinstance(value, list):
        return Items("item", tuple(echo(each) for each in value))
    return value
