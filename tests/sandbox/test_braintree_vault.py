"""Customers and vaulted payment methods: one token pays a basket with several sellers."""

import pytest
from braintree.exceptions.not_found_error import NotFoundError
from tests.sandbox.braintree_world import World, codes, world


@pytest.fixture
def shop():
    with world() as each:
        yield each


def vaulted(shop: World, nonce: str = "fake-valid-visa-nonce", **fields):
    customer = shop.gateway.customer.create({"first_name": "Ada"}).customer
    request = {"customer_id": customer.id, "payment_method_nonce": nonce, **fields}
    return shop.gateway.payment_method.create(request)


def token_sale(shop: World, token: str, **fields):
    return shop.sale(payment_method_nonce=None, payment_method_token=token, **fields)


def test_one_token_pays_many_sellers(shop: World):
    method = vaulted(shop).payment_method
    sales = [
        token_sale(shop, method.token, order_id=f"o-{n}", api_request_key=f"k-{n}")
        for n in range(5)
    ]
    assert all(each.is_success for each in sales)
    assert len({each.transaction.id for each in sales}) == 5
    for each in sales:
        assert each.transaction.credit_card_details.token == method.token
        assert each.transaction.customer_details.id == method.customer_id
    assert {each.payment_method for each in shop.truth()} == {f"token:{method.token}"}


def test_a_customer_comes_with_all_methods(shop: World):
    created = shop.gateway.customer.create(
        {"id": "ada", "email": "ada@example.com", "payment_method_nonce": "fake-valid-amex-nonce"}
    ).customer
    [card] = created.credit_cards
    assert (created.id, created.email, card.card_type) == (
        "ada",
        "ada@example.com",
        "American Express",
    )
    for nonce in ("fake-paypal-billing-agreement-nonce", "fake-venmo-account-nonce"):
        request = {"customer_id": "ada", "payment_method_nonce": nonce}
        assert shop.gateway.payment_method.create(request).is_success
    found = shop.gateway.customer.find("ada")
    kinds = [type(each).__name__ for each in found.payment_methods]
    assert kinds == ["CreditCard", "PayPalAccount", "VenmoAccount"]
    assert [each.token for each in found.credit_cards] == [card.token]


@pytest.mark.parametrize(
    ("nonce", "kind"),
    [
        ("fake-valid-visa-nonce", "CreditCard"),
        ("fake-paypal-billing-agreement-nonce", "PayPalAccount"),
        ("fake-venmo-account-nonce", "VenmoAccount"),
        ("fake-apple-pay-visa-nonce", "ApplePayCard"),
        ("fake-android-pay-nonce", "AndroidPayCard"),
    ],
)
def test_a_method_is_found_and_deleted(shop: World, nonce, kind):
    made = vaulted(shop, nonce).payment_method
    found = shop.gateway.payment_method.find(made.token)
    assert (type(found).__name__, found.token, found.customer_id) == (
        kind,
        made.token,
        made.customer_id,
    )
    assert token_sale(shop, made.token).is_success
    assert shop.gateway.payment_method.delete(made.token).is_success
    with pytest.raises(NotFoundError):
        shop.gateway.payment_method.find(made.token)
    with pytest.raises(NotFoundError):
        shop.gateway.payment_method.delete(made.token)
    assert codes(token_sale(shop, made.token, order_id="after")) == ["91518"]
    assert shop.gateway.customer.find(made.customer_id).payment_methods == []


#  nonce                                    message
VERIFICATIONS = [
    ("fake-processor-declined-visa-nonce", "Do Not Honor", "processor_declined", "2000"),
    (
        "fake-processor-failure-jcb-nonce",
        "Processor Network Unavailable - Try Again",
        "failed",
        "3000",
    ),
]


@pytest.mark.parametrize(("nonce", "message", "status", "code"), VERIFICATIONS)
def test_verification_declines_where_it_is_asked_for(shop: World, nonce, message, status, code):
    refused = vaulted(shop, nonce, options={"verify_card": True})
    assert (refused.is_success, refused.message) == (False, message)
    verification = refused.credit_card_verification
    assert (verification.status, verification.processor_response_code) == (status, code)
    assert vaulted(shop, nonce).is_success
    assert vaulted(shop, options={"verify_card": True}).is_success


def test_a_customer_is_not_kept_when_the_nonce_is_refused(shop: World):
    request = {"id": "bob", "payment_method_nonce": "fake-consumed-nonce"}
    assert codes(shop.gateway.customer.create(request)) == ["93107"]
    with pytest.raises(NotFoundError):
        shop.gateway.customer.find("bob")


#  fields of the payment method                                            codes
INVALID = [
    ({"payment_method_nonce": "fake-valid-nonce"}, ["93104"]),
    ({"customer_id": "nobody", "payment_method_nonce": "fake-valid-nonce"}, ["93105"]),
    ({"customer_id": "ada"}, ["93103"]),
    ({"customer_id": "ada", "payment_method_nonce": "unknown"}, ["93108"]),
    ({"customer_id": "ada", "payment_method_nonce": "fake-luhn-invalid-nonce"}, ["81715"]),
    ({"customer_id": "ada", "payment_method_nonce": "fake-us-bank-account-nonce"}, ["93102"]),
    ({"customer_id": "ada", "payment_method_nonce": "fake-paypal-one-time-nonce"}, ["82902"]),
    (
        {"customer_id": "ada", "payment_method_nonce": "fake-valid-nonce", "token": "taken"},
        ["91719"],
    ),
]


@pytest.mark.parametrize(("fields", "expected"), INVALID)
def test_what_cannot_be_vaulted(shop: World, fields, expected):
    shop.gateway.customer.create({"id": "ada"})
    shop.gateway.payment_method.create(
        {"customer_id": "ada", "payment_method_nonce": "fake-valid-nonce", "token": "taken"}
    )
    assert codes(shop.gateway.payment_method.create(fields)) == expected
    assert codes(shop.gateway.customer.create({"id": "ada"})) == ["91609"]
    assert len(shop.gateway.customer.find("ada").credit_cards) == 1


def test_the_amount_decides_for_tokens_too(shop: World):
    token = vaulted(shop).payment_method.token
    assert token_sale(shop, token, amount="2001.00").transaction.processor_response_code == "2001"
    assert codes(token_sale(shop, "unknown")) == ["91518"]


def test_two_buyers_with_the_same_card_are_no_duplicates(shop: World):
    first, second = vaulted(shop).payment_method.token, vaulted(shop).payment_method.token
    assert token_sale(shop, first).is_success
    assert token_sale(shop, second).is_success
    assert token_sale(shop, first).transaction.gateway_rejection_reason == "duplicate"
