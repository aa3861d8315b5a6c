"""What the gateway refuses before anybody is asked for money: rules, credentials, documents."""

import base64
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.not_found_error import NotFoundError
from tests.sandbox.braintree_world import World, codes, world

from clearhouse.kernel.money import EXPONENTS


@pytest.fixture(scope="module")
def shop():
    with world() as each:
        yield each


#  fields of the sale                                   codes
INVALID = [
    ({"amount": None}, ["81502"]),
    ({"amount": ""}, ["81502"]),
    ({"amount": "ten"}, ["81503"]),
    ({"amount": "1e3"}, ["81503"]),
    ({"amount": " 10.00"}, ["81503"]),
    ({"amount": "10.001"}, ["81503"]),
    ({"amount": "-1.00"}, ["81501"]),
    ({"amount": "0.00"}, ["81531"]),
    ({"amount": "99999999999.00"}, ["81528"]),
    ({"amount": "10.00", "merchant_account_id": "jpy"}, ["81503"]),
    ({"merchant_account_id": "xxx"}, ["91513"]),
    ({"merchant_account_id": "USD"}, ["91513"]),
    ({"order_id": "o" * 256}, ["91501"]),
    ({"payment_method_nonce": None}, ["91508"]),
    ({"payment_method_token": "token"}, ["91515"]),
    ({"payment_method_nonce": None, "payment_method_token": "token"}, ["91518"]),
    (
        {
            "amount": "x",
            "merchant_account_id": "xxx",
            "payment_method_nonce": "fake-consumed-nonce",
        },
        ["91513", "81503", "91564"],
    ),
]


@pytest.mark.parametrize(("fields", "expected"), INVALID)
def test_rules_are_told_with_the_codes_of_the_sdk(shop: World, fields, expected):
    before = len(shop.truth())
    result = shop.sale(**{"order_id": "invalid", **fields})
    assert (result.is_success, result.transaction) == (False, None)
    assert codes(result) == expected
    assert len(shop.truth()) == before


def test_an_error_names_its_attribute(shop: World):
    result = shop.sale("x")
    errors = result.errors.for_object("transaction")
    [fault] = errors.on("amount")
    assert (fault.code, fault.message) == ("81503", "Amount is an invalid format.")
    assert result.message == "Amount is an invalid format."
    luhn = shop.sale(payment_method_nonce="fake-luhn-invalid-nonce")
    card = luhn.errors.for_object("transaction").for_object("credit_card")
    assert [each.code for each in card.on("number")] == ["81715"]


def test_the_longest_order_id_is_fine(shop: World):
    order_id = "é<&>" * 63 + "abc"
    assert len(order_id) == 255
    assert shop.sale(order_id=order_id).transaction.order_id == order_id
    assert len(shop.found(order_id)) == 1


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_every_currency_has_a_merchant_account(shop: World, currency):
    whole = "7" if EXPONENTS[currency] == 0 else "7." + "1" * EXPONENTS[currency]
    result = shop.sale(whole, f"in-{currency}", merchant_account_id=currency.lower())
    assert result.transaction.currency_iso_code == currency
    assert str(result.transaction.amount) == whole


def test_the_merchant_accounts_are_listed(shop: World):
    accounts = list(shop.gateway.merchant_account.all().merchant_accounts.items)
    assert [each.currency_iso_code for each in accounts] == sorted(EXPONENTS)
    assert [each.id for each in accounts if each.default] == ["usd"]
    assert shop.gateway.merchant_account.find("kwd").currency_iso_code == "KWD"
    with pytest.raises(NotFoundError):
        shop.gateway.merchant_account.find("nope")


def test_what_was_sent_comes_back(shop: World):
    transaction = shop.sale(
        order_id="sent",
        customer={"first_name": "Ada", "email": "ada@example.com"},
        shipping={"locality": "Zürich", "country_code_alpha2": "CH"},
        custom_fields={"seller": "s-1"},
        descriptor={"name": "company*product"},
        channel="market",
    ).transaction
    assert transaction.customer_details.first_name == "Ada"
    assert transaction.customer_details.last_name is None
    assert transaction.shipping_details.locality == "Zürich"
    assert transaction.custom_fields == {"seller": "s-1"}
    assert transaction.descriptor.name == "company*product"
    assert transaction.channel == "market"
    assert transaction.is_disbursed is False
    assert (transaction.disputes, transaction.refund_ids) == ([], [])


@pytest.mark.parametrize("options", [{"private": "wrong-key"}, {"private": ""}])
def test_wrong_keys_are_refused(shop: World, options):
    if not options["private"]:
        assert _status(shop, authorization="Basic cHVibGljOg==") == 401
        return
    gateway = shop.connect(**options)
    with pytest.raises(AuthenticationError):
        gateway.transaction.find("whatever")


@pytest.mark.parametrize(
    ("body", "authorization", "status"),
    [
        (b"<transaction/>", "", 401),
        (b"<transaction/>", "Basic ???", 401),
        (b"<transaction/>", "Bearer cHVibGljOnNlY3JldA==", 401),
        (b"not xml", "Basic cHVibGljOnNlY3JldA==", 400),
        (b"<transaction/>", "Basic cHVibGljOnNlY3JldA==", 422),
        (b"<transaction>text</transaction>", "Basic cHVibGljOnNlY3JldA==", 422),
    ],
)
def test_raw_requests(shop: World, body, authorization, status):
    assert _status(shop, body, authorization) == status


def _status(shop: World, body: bytes = b"<transaction/>", authorization: str = "") -> int:
    url = f"{shop.sandbox.base_url}/merchants/shop/transactions"
    request = Request(url, body, {"Authorization": authorization})
    try:
        with urlopen(request) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def test_merchants_are_strangers(shop: World):
    made = shop.sale(order_id="mine").transaction
    other = shop.connect(merchant="another")
    with pytest.raises(NotFoundError):
        other.transaction.find(made.id)
    assert shop.gateway.transaction.find(made.id).id == made.id


def test_a_client_token_names_this_sandbox(shop: World):
    token = json.loads(base64.b64decode(shop.gateway.client_token.generate()))
    assert token["clientApiUrl"].startswith(shop.sandbox.base_url)
    assert token["authorizationFingerprint"]
    assert shop.gateway.client_token.generate() != shop.gateway.client_token.generate()
