"""Nonces and cards: what each official test value pays with, or how it is refused."""

import pytest
from braintree.test.credit_card_numbers import CreditCardNumbers
from braintree.test.nonces import Nonces
from tests.sandbox.braintree_world import World, codes, world

from clearhouse.sandbox.braintree.nonces import NonceRefused, card_of, instrument_of

OFFICIAL = sorted({value for name, value in vars(Nonces).items() if not name.startswith("_")})


KINDS = {"credit_card", "paypal_account", "venmo_account", "apple_pay_card", "android_pay_card"}


@pytest.fixture(scope="module")
def shop():
    with world() as each:
        yield each


@pytest.mark.parametrize("nonce", OFFICIAL)
def test_every_nonce_of_the_sdk_is_known(nonce):
    assert _meaning(nonce) in KINDS | {"consumed", "luhn", "unsupported"}
    assert _meaning(nonce + "-not") == "unknown" or _meaning(nonce) == "unsupported"


def _meaning(nonce: str) -> str:
    try:
        return instrument_of(nonce).kind
    except NonceRefused as refused:
        return refused.problem


#  nonce                              status                      reason
SALES = [
    ("fake-valid-nonce", "authorized", None),
    ("fake-valid-mastercard-nonce", "authorized", None),
    ("fake-valid-prepaid-nonce", "authorized", None),
    ("fake-processor-declined-visa-nonce", "authorized", None),
    ("fake-processor-failure-jcb-nonce", "authorized", None),
    ("fake-gateway-rejected-fraud-nonce", "gateway_rejected", "fraud"),
    ("fake-gateway-rejected-risk-thresholds-nonce", "gateway_rejected", "risk_threshold"),
    ("fake-token-issuance-error-venmo-account-nonce", "gateway_rejected", "token_issuance"),
    ("fake-paypal-one-time-nonce", "authorized", None),
    ("fake-venmo-account-nonce", "authorized", None),
    ("fake-apple-pay-visa-nonce", "authorized", None),
    ("fake-android-pay-nonce", "authorized", None),
]


@pytest.mark.parametrize(("nonce", "status", "reason"), SALES)
def test_what_a_sale_with_a_nonce_becomes(shop: World, nonce, status, reason):
    result = shop.sale(order_id=f"sale-{nonce}", payment_method_nonce=nonce, options={})
    assert result.transaction.status == status
    assert result.transaction.gateway_rejection_reason == reason
    [charge] = [each for each in shop.truth() if each.reference == f"sale-{nonce}"]
    assert charge.status == ("authorized" if reason is None else "declined")
    assert charge.payment_method == nonce


#  nonce                          code
REFUSED = [
    ("fake-consumed-nonce", "91564"),
    ("fake-luhn-invalid-nonce", "81715"),
    ("fake-us-bank-account-nonce", "91577"),
    ("fake-visa-checkout-visa-nonce", "91577"),
    ("nonce-of-somebody-else", "91565"),
]


@pytest.mark.parametrize(("nonce", "code"), REFUSED)
def test_a_nonce_that_pays_nothing(shop: World, nonce, code):
    result = shop.sale(order_id=f"refused-{nonce}", payment_method_nonce=nonce)
    assert (codes(result), result.transaction) == ([code], None)
    assert shop.found(f"refused-{nonce}") == []


def test_the_card_is_described(shop: World):
    nonce = "fake-valid-prepaid-nonce"
    transaction = shop.sale(order_id="described", payment_method_nonce=nonce).transaction
    card = transaction.credit_card_details
    assert (card.bin, card.last_4, card.card_type) == ("401288", "1881", "Visa")
    assert (card.prepaid, card.debit) == ("Yes", "No")
    assert card.masked_number == "401288******1881"
    assert card.expiration_date == "12/2035"
    assert transaction.payment_instrument_type == "credit_card"


@pytest.mark.parametrize(
    ("nonce", "kind", "attribute"),
    [
        ("fake-paypal-one-time-nonce", "paypal_account", "paypal_details"),
        ("fake-venmo-account-nonce", "venmo_account", "venmo_account_details"),
        ("fake-apple-pay-visa-nonce", "apple_pay_card", "apple_pay_details"),
        ("fake-android-pay-nonce", "android_pay_card", "android_pay_card_details"),
    ],
)
def test_other_instruments_are_described(shop: World, nonce, kind, attribute):
    sale = shop.sale(order_id=f"kind-{nonce}", payment_method_nonce=nonce).transaction
    assert sale.payment_instrument_type == kind
    assert getattr(sale, attribute).token is None


def test_three_d_secure_comes_with_the_nonce(shop: World):
    nonce = Nonces.ThreeDSecureTwoVisaSuccessfulFrictionlessAuthentication
    wanted = {"three_d_secure": {"required": True}}
    good = shop.sale(order_id="3ds", payment_method_nonce=nonce, options=wanted)
    info = good.transaction.three_d_secure_info
    assert (good.is_success, info.status) == (True, "authenticate_successful")
    assert (info.liability_shifted, info.enrolled) == (True, "Y")
    bad = shop.sale(order_id="3ds-none", options=wanted)
    assert bad.transaction.gateway_rejection_reason == "three_d_secure"
    failed = Nonces.ThreeDSecureVisaFailedAuthentication
    worse = shop.sale(order_id="3ds-failed", payment_method_nonce=failed, options=wanted)
    assert worse.transaction.gateway_rejection_reason == "three_d_secure"


def test_a_raw_card_pays_and_its_number_is_kept_nowhere(shop: World):
    number = CreditCardNumbers.MasterCard
    card = {"number": number, "expiration_date": "12/2030", "cvv": "123"}
    result = shop.gateway.transaction.sale(
        {"amount": "10.00", "order_id": "raw", "credit_card": card}
    )
    assert result.transaction.credit_card_details.card_type == "MasterCard"
    assert result.transaction.cvv_response_code == "M"
    [charge] = [each for each in shop.truth() if each.reference == "raw"]
    assert charge.payment_method == "MasterCard ending in 4444"
    stored = shop.core.truth.execute("SELECT body FROM objects").fetchall()
    assert not any(number.encode() in body for (body,) in stored)


def test_a_refusal_does_not_repeat_the_card_number(shop: World):
    card = {"number": CreditCardNumbers.Visa, "expiration_date": "12/2030", "cvv": "200"}
    result = shop.gateway.transaction.sale(
        {"amount": "2000.00", "order_id": "raw-2", "credit_card": card}
    )
    assert result.params["transaction"]["credit_card"] == {"expiration_date": "12/2030"}
    assert result.transaction.cvv_response_code == "N"


@pytest.mark.parametrize(
    ("number", "brand", "rejection"),
    [
        (CreditCardNumbers.Visa, "Visa", ""),
        (CreditCardNumbers.Amex, "American Express", ""),
        (CreditCardNumbers.Discover, "Discover", ""),
        (CreditCardNumbers.Maestro, "Maestro", ""),
        ("3530111333300000", "JCB", ""),
        ("4000111111111511", "Visa", "fraud"),
        ("4111130000000003", "Visa", "risk_threshold"),
    ],
)
def test_the_cards_of_the_documentation(number, brand, rejection):
    card = card_of(number)
    assert (card.brand, card.rejection) == (brand, rejection)
    assert (card.first_six, card.last_four) == (number[:6], number[-4:])


@pytest.mark.parametrize("number", ["4111111111111112", "411111", "4" * 30, "card", ""])
def test_what_is_no_card_number(number):
    with pytest.raises(NonceRefused):
        card_of(number)


@pytest.mark.parametrize(
    ("billing", "postal", "street", "error"),
    [
        ({}, "I", "I", None),
        ({"postal_code": "60606", "street_address": "1 E Main"}, "M", "M", None),
        ({"postal_code": "20000", "street_address": "200 N Main"}, "N", "N", None),
        ({"postal_code": "20001", "street_address": "201 N Main"}, "U", "U", None),
        ({"postal_code": "30000"}, "U", "U", "E"),
        ({"postal_code": "30001"}, "U", "U", "S"),
    ],
)
def test_the_address_checks(shop: World, billing, postal, street, error):
    order_id = f"address-{billing.get('postal_code')}"
    transaction = shop.sale(order_id=order_id, billing=billing).transaction
    assert transaction.avs_postal_code_response_code == postal
    assert transaction.avs_street_address_response_code == street
    assert transaction.avs_error_response_code == error
    assert transaction.billing_details.postal_code == billing.get("postal_code")
