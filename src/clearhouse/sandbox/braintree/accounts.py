"""Merchant accounts: one per ISO 4217 currency, its id the currency's code in lower case.

Braintree takes no currency with a sale; the merchant account decides it.
"""

from typing import Final

from clearhouse.kernel.money import EXPONENTS
from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.markup import Node, Repeated

DEFAULT: Final = "usd"
PAGE_SIZE: Final = 50


def currency_of(merchant_account_id: str) -> str:
    """The currency of a merchant account. Raises Invalid (91513) when there is none."""
    currency = merchant_account_id.upper()
    if merchant_account_id != merchant_account_id.lower() or currency not in EXPONENTS:
        raise Invalid(error("91513"))
    return currency


def account(merchant_account_id: str) -> Node:
    """A merchant account as Braintree describes it. Raises Invalid when there is none."""
    return {
        "id": merchant_account_id,
        "currency_iso_code": currency_of(merchant_account_id),
        "default": merchant_account_id == DEFAULT,
        "status": "active",
        "sub_merchant_account": False,
    }


def page(number: int) -> Node:
    """A page of the merchant accounts, in the order of their ids."""
    ids = sorted(currency.lower() for currency in EXPONENTS)
    start = (number - 1) * PAGE_SIZE
    return {
        "current_page_number": number,
        "page_size": PAGE_SIZE,
        "total_items": len(ids),
        "merchant_account": Repeated(tuple(account(each) for each in ids[start:][:PAGE_SIZE])),
    }
