"""The amount table: what each test amount does, as the SDK's user sees it."""

from decimal import Decimal

import braintree
import pytest
from braintree.transaction_amounts import TransactionAmounts
from tests.sandbox.braintree_world import World, world

from clearhouse.sandbox.braintree.responses import response_of
from clearhouse.sandbox.braintree.triggers import PAYPAL, authorization, settlement


@pytest.fixture(scope="module")
def shop():
    with world() as each:
        yield each


#  amount      status               code    type             reason
AUTHORIZATIONS = [
    ("0.01", "authorized", "1000", "approved", None),
    ("10.00", "authorized", "1000", "approved", None),
    ("1999.99", "authorized", "1000", "approved", None),
    ("2000.00", "processor_declined", "2000", "soft_declined", None),
    ("2000.99", "processor_declined", "2000", "soft_declined", None),
    ("2001.00", "processor_declined", "2001", "soft_declined", None),
    ("2004.00", "processor_declined", "2004", "hard_declined", None),
    ("2012.00", "processor_declined", "2012", "hard_declined", None),
    ("2015.00", "processor_declined", "2015", "hard_declined", None),
    ("2038.00", "processor_declined", "2038", "soft_declined", None),
    ("2099.00", "processor_declined", "2099", "soft_declined", None),
    ("2107.00", "processor_declined", "2107", "hard_declined", None),
    ("2500.00", "processor_declined", "2500", "soft_declined", None),
    ("2999.99", "processor_declined", "2999", "soft_declined", None),
    ("3000.00", "failed", "3000", "soft_declined", None),
    ("3000.99", "failed", "3000", "soft_declined", None),
    ("3001.00", "authorized", "1000", "approved", None),
    ("4001.00", "authorized", "1000", "approved", None),
    ("5000.99", "authorized", "1000", "approved", None),
    ("5001.00", "gateway_rejected", "", "", "application_incomplete"),
    ("5001.01", "authorized", "1000", "approved", None),
    ("5002.00", "authorized", "1000", "approved", None),
    ("99999.99", "authorized", "1000", "approved", None),
]


@pytest.mark.parametrize(("amount", "status", "code", "kind", "reason"), AUTHORIZATIONS)
def test_the_amount_decides_the_authorization(shop: World, amount, status, code, kind, reason):
    result = shop.sale(amount, f"authorization-{amount}", options={})
    transaction = result.transaction
    assert result.is_success == (status == "authorized")
    assert (transaction.status, transaction.amount) == (status, Decimal(amount))
    assert transaction.processor_response_code == code
    assert transaction.processor_response_type == kind
    assert transaction.gateway_rejection_reason == reason
    assert [event.status for event in transaction.status_history] == [status]


@pytest.mark.parametrize(
    ("amount", "message", "additional"),
    [
        ("2000.00", "Do Not Honor", "2000 : Do Not Honor"),
        ("2001.00", "Insufficient Funds", "2001 : Insufficient Funds"),
        ("2700.00", "Processor Declined", "2700 : Processor Declined"),
        (
            "3000.00",
            "Processor Network Unavailable - Try Again",
            "3000 : Processor Network Unavailable - Try Again",
        ),
        ("5001.00", "Gateway Rejected: application_incomplete", None),
    ],
)
def test_a_refusal_says_why(shop: World, amount, message, additional):
    result = shop.sale(amount, f"refusal-{amount}")
    assert (result.is_success, result.message) == (False, message)
    assert result.transaction.additional_processor_response == additional
    assert result.errors.deep_errors == []
    assert result.params["transaction"]["amount"] == amount


#  merchant account, amount, status; the table is of major units in any currency
CURRENCIES = [
    ("jpy", "1999", "authorized"),
    ("jpy", "2000", "processor_declined"),
    ("jpy", "3000", "failed"),
    ("jpy", "5001", "gateway_rejected"),
    ("kwd", "1999.999", "authorized"),
    ("kwd", "2000.000", "processor_declined"),
    ("eur", "2015.50", "processor_declined"),
    ("clf", "2999.9999", "processor_declined"),
    ("clf", "3001.0000", "authorized"),
]


@pytest.mark.parametrize(("account", "amount", "status"), CURRENCIES)
def test_the_table_holds_in_every_currency(shop: World, account, amount, status):
    result = shop.sale(amount, f"{account}-{amount}", merchant_account_id=account, options={})
    transaction = result.transaction
    assert transaction.status == status
    assert transaction.currency_iso_code == account.upper()
    assert str(transaction.amount) == amount
    assert str(transaction.status_history[0].amount) == amount


def test_the_amounts_the_sdk_names(shop: World):
    seen = {
        amount: shop.sale(amount, f"named-{amount}").transaction.status
        for amount in (
            TransactionAmounts.Authorize,
            TransactionAmounts.Decline,
            TransactionAmounts.HardDecline,
            TransactionAmounts.Fail,
        )
    }
    assert list(seen.values()) == [
        "submitted_for_settlement",
        "processor_declined",
        "processor_declined",
        "failed",
    ]


def test_a_partial_authorization_needs_consent(shop: World):
    amount = TransactionAmounts.PartiallyAuthorized
    whole = shop.sale(amount, "whole", options={}).transaction
    part = shop.sale(amount, "part", options={}, accept_partial_authorization=True).transaction
    assert (whole.amount, whole.partially_authorized) == (Decimal(amount), False)
    assert (part.amount, part.partially_authorized) == (Decimal("502.00"), True)
    assert part.processor_response_code == "1004"


def test_the_truth_of_a_refused_sale_is_declined(shop: World):
    for amount in ("2000.00", "3000.00", "5001.00"):
        shop.sale(amount, f"truth-{amount}")
        [charge] = [each for each in shop.truth() if each.reference == f"truth-{amount}"]
        assert (charge.status, charge.amount_minor) == ("declined", int(Decimal(amount) * 100))


def test_paypal_has_amounts_of_its_own():
    assert authorization(Decimal("5001.01"), PAYPAL).status == "processor_declined"
    assert settlement(Decimal("4001.50"), PAYPAL)[0] == "settlement_declined"
    assert settlement(Decimal("4002.00"), PAYPAL)[0] == "settlement_pending"
    assert settlement(Decimal("4100.00"), PAYPAL)[0] == "settlement_declined"
    assert settlement(Decimal("5001.02"), PAYPAL)[0] == "settlement_declined"
    assert settlement(Decimal("10.00"), PAYPAL) == ("settled", None)


@pytest.mark.parametrize("amount", ["4001.50", "4002.00", "4100.00", "5001.02", "10.00"])
def test_cards_always_settle(amount):
    assert settlement(Decimal(amount), "credit_card") == ("settled", None)


def test_every_decline_is_soft_or_hard():
    kinds = {code: response_of(str(code)).type for code in range(2000, 3001)}
    assert set(kinds.values()) == {"soft_declined", "hard_declined"}
    soft = {code for code, kind in kinds.items() if kind == "soft_declined"}
    assert {2000, 2001, 2099, 2101, 2106, 2109, 2999, 3000} <= soft
    assert not {2004, 2010, 2012, 2013, 2014, 2100, 2107, 2108} & soft
    assert braintree.ProcessorResponseTypes.SoftDeclined == "soft_declined"
