"""Square's official tokens, cards on file and amounts do what Square documents."""

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.world import charge_square, truth

from clearhouse.sandbox.server import Running
from clearhouse.sandbox.square.sources import SOURCES

GOOD = [
    ("cnon:card-nonce-ok", "VISA", "KEYED"),
    ("cnon:gift-card-nonce-ok", "SQUARE_GIFT_CARD", "KEYED"),
    ("ccof:customer-card-id-ok", "VISA", "ON_FILE"),
]
# source, error code, cvv_status, avs_status
BAD = [
    ("cnon:card-nonce-declined", "GENERIC_DECLINE", "CVV_ACCEPTED", "AVS_ACCEPTED"),
    ("cnon:card-nonce-rejected-cvv", "CVV_FAILURE", "CVV_REJECTED", "AVS_ACCEPTED"),
    (
        "cnon:card-nonce-rejected-postalcode",
        "ADDRESS_VERIFICATION_FAILURE",
        "CVV_ACCEPTED",
        "AVS_REJECTED",
    ),
    ("cnon:card-nonce-rejected-expiration", "INVALID_EXPIRATION", "CVV_ACCEPTED", "AVS_ACCEPTED"),
    (
        "cnon:gift-card-nonce-insufficient-funds",
        "INSUFFICIENT_FUNDS",
        "CVV_ACCEPTED",
        "AVS_NOT_CHECKED",
    ),
    ("ccof:customer-card-id-declined", "GENERIC_DECLINE", "CVV_ACCEPTED", "AVS_ACCEPTED"),
    ("ccof:customer-card-id-rejected-cvv", "CVV_FAILURE", "CVV_REJECTED", "AVS_ACCEPTED"),
    (
        "ccof:customer-card-id-rejected-postalcode",
        "ADDRESS_VERIFICATION_FAILURE",
        "CVV_ACCEPTED",
        "AVS_REJECTED",
    ),
    (
        "ccof:customer-card-id-rejected-expiration",
        "INVALID_EXPIRATION",
        "CVV_ACCEPTED",
        "AVS_ACCEPTED",
    ),
    (
        "ccof:customer-card-id-requires-verification",
        "CARD_DECLINED_VERIFICATION_REQUIRED",
        "CVV_ACCEPTED",
        "AVS_ACCEPTED",
    ),
]


def test_every_official_source_is_in_a_table():
    named = {row[0] for row in GOOD} | {row[0] for row in BAD} | {"cnon:card-nonce-already-used"}
    assert named == set(SOURCES)


@pytest.mark.parametrize(("source", "brand", "entry"), GOOD)
def test_a_good_source_is_charged(
    source: str, brand: str, entry: str, square_sdk: Square, sandbox: Running
):
    payment = charge_square(square_sdk, f"good-{source}", source_id=source).payment
    assert payment is not None
    assert payment.card_details is not None
    assert payment.card_details.card is not None
    assert (payment.status, payment.card_details.status) == ("COMPLETED", "CAPTURED")
    assert (payment.card_details.card.card_brand, payment.card_details.entry_method) == (
        brand,
        entry,
    )
    [fact] = truth(sandbox.base_url, reference=f"good-{source}")
    assert (fact["status"], fact["amount_minor"], fact["payment_method"]) == (
        "succeeded",
        1000,
        source,
    )


@pytest.mark.parametrize(("source", "code", "cvv", "avs"), BAD)
def test_a_bad_source_leaves_a_failed_payment(
    source: str, code: str, cvv: str, avs: str, square_sdk: Square, sandbox: Running
):
    with pytest.raises(ApiError) as caught:
        charge_square(square_sdk, f"bad-{source[-35:]}", source_id=source)
    assert caught.value.status_code == 400
    [error] = caught.value.errors
    assert (error.category, error.code) == ("PAYMENT_METHOD_ERROR", code)
    [fact] = truth(sandbox.base_url, reference=f"bad-{source[-35:]}")
    assert fact["status"] == "declined"
    payment = square_sdk.payments.get(fact["psp_id"]).payment
    assert payment is not None
    assert payment.card_details is not None
    assert (payment.status, payment.card_details.status) == ("FAILED", "FAILED")
    assert (payment.card_details.cvv_status, payment.card_details.avs_status) == (cvv, avs)
    assert payment.card_details.errors is not None
    assert [each.code for each in payment.card_details.errors] == [code]


def test_a_verified_buyer_pays(square_sdk: Square):
    payment = charge_square(
        square_sdk,
        source_id="ccof:customer-card-id-requires-verification",
        verification_token="verf:sandbox",
    ).payment
    assert payment is not None
    assert payment.status == "COMPLETED"


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("cnon:card-nonce-already-used", 400, "CARD_TOKEN_USED"),
        ("cnon:never-heard-of", 404, "NOT_FOUND"),
    ],
)
def test_an_unusable_source_leaves_nothing(
    source: str, status: int, code: str, square_sdk: Square, sandbox: Running
):
    with pytest.raises(ApiError) as caught:
        charge_square(square_sdk, f"none-{source}", source_id=source)
    assert caught.value.status_code == status
    assert [(error.code, error.field) for error in caught.value.errors] == [(code, "source_id")]
    assert truth(sandbox.base_url, reference=f"none-{source}") == []


@pytest.mark.parametrize(
    ("amount", "level"), [(2222, "MODERATE"), (3333, "HIGH"), (2223, "NORMAL")]
)
def test_an_amount_sets_the_risk(amount: int, level: str, square_sdk: Square):
    money = {"amount": amount, "currency": "USD"}
    payment = charge_square(square_sdk, amount_money=money).payment
    assert payment is not None
    assert payment.risk_evaluation is not None
    assert (payment.status, payment.risk_evaluation.risk_level) == ("COMPLETED", level)


def test_locations_have_one_currency_each(square_sdk: Square, sandbox: Running):
    listed = square_sdk.locations.list().locations or []
    assert (listed[0].id, listed[0].currency) == ("LUSD", "USD")
    assert {"LJPY", "LKWD", "LEUR", "LGBP"} <= {location.id for location in listed}
    main = square_sdk.locations.get("main").location
    assert main is not None
    assert main.id == "LUSD"
    for currency, amount in (("JPY", 500), ("KWD", 1234)):
        money = {"amount": amount, "currency": currency}
        with pytest.raises(ApiError) as caught:
            charge_square(square_sdk, amount_money=money)
        assert caught.value.errors[0].field == "amount_money.currency"
        charge_square(square_sdk, f"at-{currency}", amount_money=money, location_id=f"L{currency}")
        [fact] = truth(sandbox.base_url, reference=f"at-{currency}")
        assert (fact["amount_minor"], fact["currency"]) == (amount, currency)


# changes to a good request, the field that is blamed, the code
WRONG = [
    ({"amount_money": {"amount": 0, "currency": "USD"}}, "amount_money.amount", "VALUE_TOO_LOW"),
    (
        {"amount_money": {"amount": 100_000_000, "currency": "USD"}},
        "amount_money.amount",
        "AMOUNT_TOO_HIGH",
    ),
    (
        {"amount_money": {"amount": "10.00", "currency": "USD"}},
        "amount_money.amount",
        "EXPECTED_INTEGER",
    ),
    (
        {"amount_money": {"amount": 10, "currency": "XYZ"}},
        "amount_money.currency",
        "INVALID_ENUM_VALUE",
    ),
    ({"amount_money": None}, "amount_money", "MISSING_REQUIRED_PARAMETER"),
    ({"reference_id": "r" * 41}, "reference_id", "VALUE_TOO_LONG"),
    ({"note": "n" * 501}, "note", "VALUE_TOO_LONG"),
    ({"source_id": ""}, "source_id", "VALUE_EMPTY"),
    ({"location_id": "LXYZ"}, "location_id", "NOT_FOUND"),
    ({"key": "k" * 46}, "idempotency_key", "VALUE_TOO_LONG"),
    (
        {"app_fee_money": {"amount": 901, "currency": "USD"}},
        "app_fee_money.amount",
        "INVALID_FEES",
    ),
    ({"tip_money": {"amount": 1, "currency": "EUR"}}, "tip_money.currency", "INVALID_VALUE"),
]


@pytest.mark.parametrize(("changes", "field", "code"), WRONG)
def test_a_wrong_request_is_refused_and_charges_nobody(
    changes, field: str, code: str, square_sdk: Square, sandbox: Running
):
    before = len(truth(sandbox.base_url))
    with pytest.raises(ApiError) as caught:
        charge_square(square_sdk, "wrong", **changes)
    [error] = caught.value.errors
    assert (error.category, error.field, error.code) == ("INVALID_REQUEST_ERROR", field, code)
    assert len(truth(sandbox.base_url)) == before


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes, sandbox: Running):
    reply = httpx.post(
        f"{sandbox.base_url}/v2/payments",
        content=body,
        headers={"authorization": "Bearer token"},
        trust_env=False,
    )
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"] == "EXPECTED_JSON_BODY"


def test_without_a_token_nobody_is_let_in(sandbox: Running):
    reply = httpx.get(f"{sandbox.base_url}/v2/payments", trust_env=False)
    assert reply.status_code == 401
    assert reply.json()["errors"][0]["category"] == "AUTHENTICATION_ERROR"
