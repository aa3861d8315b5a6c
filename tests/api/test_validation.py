"""Every rule of ``POST /v1/payments``: a table of what is wrong, where, and the stable code."""

import json
from typing import Any

import pytest
from tests.api.memory import PSPS
from tests.api.payloads import VALID, changed, raw, with_value, without

from clearhouse.api.problems import HttpError
from clearhouse.api.reading import at_a_glance, read_payment, thoroughly
from clearhouse.kernel.errors import CardNumberRefused, InvalidRequest
from clearhouse.kernel.money import Money
from clearhouse.payments.model import CaptureMode, NewOrder

ORDER = ("payment_orders", 0)
DEEP: Any = "x"
for _ in range(8):
    DEEP = {"in": DEEP}


def faults_of(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        read_payment(body, PSPS)
    assert not isinstance(caught.value, CardNumberRefused)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


STRIPE = {"psp": "stripe", "payment_method": "pm_card_visa"}
SQUARE = {"psp": "square", "source_id": "cnon:card-nonce-ok"}

# One fault each: the request, the pointer, the code.
TABLE = [
    ([], "", "wrong-type"),
    ("x", "", "wrong-type"),
    (None, "", "wrong-type"),
    (7, "", "wrong-type"),
    (without("checkout_id"), "/checkout_id", "missing"),
    (without("buyer_info"), "/buyer_info", "missing"),
    (without("credit_card_info"), "/credit_card_info", "missing"),
    (without("payment_orders"), "/payment_orders", "missing"),
    (with_value(7, "checkout_id"), "/checkout_id", "wrong-type"),
    (with_value(None, "checkout_id"), "/checkout_id", "wrong-type"),
    (with_value("", "checkout_id"), "/checkout_id", "empty"),
    (with_value("c" * 256, "checkout_id"), "/checkout_id", "too-long"),
    (with_value("a b", "checkout_id"), "/checkout_id", "invalid-characters"),
    (with_value("a/b", "checkout_id"), "/checkout_id", "invalid-characters"),
    (with_value("-a", "checkout_id"), "/checkout_id", "invalid-characters"),
    (with_value("ü", "checkout_id"), "/checkout_id", "invalid-characters"),
    (with_value("a\n", "checkout_id"), "/checkout_id", "control-character"),
    (with_value("a\x00", "checkout_id"), "/checkout_id", "nul-character"),
    (with_value("a\ud800", "checkout_id"), "/checkout_id", "lone-surrogate"),
    (with_value("x", "extra"), "/extra", "unknown-field"),
    (with_value("x", "a/b~c"), "/a~1b~0c", "unknown-field"),
    (with_value("x", "k" * 65), "", "unknown-field"),
    (with_value("x", "\ud800"), "", "unknown-field"),
    (with_value([], "buyer_info"), "/buyer_info", "wrong-type"),
    (with_value("x", "buyer_info"), "/buyer_info", "wrong-type"),
    (with_value({"a": "\x00"}, "buyer_info"), "/buyer_info/a", "nul-character"),
    (with_value({"a": "\x07"}, "buyer_info"), "/buyer_info/a", "control-character"),
    (with_value({"a": "\x7f"}, "buyer_info"), "/buyer_info/a", "control-character"),
    (with_value({"a": "\x85"}, "buyer_info"), "/buyer_info/a", "control-character"),
    (with_value({"a": ["\udfff"]}, "buyer_info"), "/buyer_info/a/0", "lone-surrogate"),
    (with_value({"a\x00": 1}, "buyer_info"), "/buyer_info", "nul-character"),
    (with_value({"a": 2**53}, "buyer_info"), "/buyer_info/a", "number-out-of-range"),
    (with_value({"a": 10**50}, "buyer_info"), "/buyer_info/a", "number-out-of-range"),
    (with_value({"a": DEEP}, "buyer_info"), "/buyer_info" + "/a" + "/in" * 7, "too-deep"),
    (with_value({"a": "x" * 16_400}, "buyer_info"), "/buyer_info", "too-long"),
    (with_value("pm_x", "credit_card_info"), "/credit_card_info", "wrong-type"),
    (without("credit_card_info", "psp"), "/credit_card_info/psp", "missing"),
    (with_value([], "credit_card_info"), "/credit_card_info", "too-few"),
    (with_value([STRIPE] * 6, "credit_card_info"), "/credit_card_info", "too-many"),
    (with_value([STRIPE, "x"], "credit_card_info"), "/credit_card_info/1", "wrong-type"),
    (with_value([STRIPE, STRIPE], "credit_card_info"), "/credit_card_info/1/psp", "duplicate-psp"),
    (
        with_value([STRIPE, {"psp": "square"}], "credit_card_info"),
        "/credit_card_info/1/token",
        "missing",
    ),
    (
        with_value([STRIPE, SQUARE | {"pan": "1"}], "credit_card_info"),
        "/credit_card_info/1/pan",
        "unknown-field",
    ),
    (without("credit_card_info", "token"), "/credit_card_info/token", "missing"),
    (with_value("adyen", "credit_card_info", "psp"), "/credit_card_info/psp", "unknown-psp"),
    (with_value("Stripe", "credit_card_info", "psp"), "/credit_card_info/psp", "unknown-psp"),
    (with_value(1, "credit_card_info", "psp"), "/credit_card_info/psp", "wrong-type"),
    (
        with_value("a b", "credit_card_info", "token"),
        "/credit_card_info/token",
        "invalid-characters",
    ),
    (with_value("", "credit_card_info", "token"), "/credit_card_info/token", "empty"),
    (with_value("t" * 513, "credit_card_info", "token"), "/credit_card_info/token", "too-long"),
    (with_value("n", "credit_card_info", "nonce"), "/credit_card_info/nonce", "too-many-tokens"),
    (with_value("123", "credit_card_info", "cvc"), "/credit_card_info/cvc", "unknown-field"),
    (
        with_value({"psp": "square", "payment_method": "pm_x"}, "credit_card_info"),
        "/credit_card_info/payment_method",
        "token-of-another-psp",
    ),
    (with_value("later", "capture"), "/capture", "unknown-value"),
    (with_value(None, "capture"), "/capture", "wrong-type"),
    (with_value(True, "capture"), "/capture", "wrong-type"),
    (with_value(None, "return_url"), "/return_url", "wrong-type"),
    (with_value("shop.example", "return_url"), "/return_url", "invalid-url"),
    (with_value("http://shop.example/", "return_url"), "/return_url", "invalid-url"),
    (with_value("http://localhost.evil.example/", "return_url"), "/return_url", "invalid-url"),
    (with_value("https://user@shop.example/", "return_url"), "/return_url", "invalid-url"),
    (with_value("https://shop.example/a b", "return_url"), "/return_url", "invalid-url"),
    (with_value("javascript:alert(1)", "return_url"), "/return_url", "invalid-url"),
    (with_value("https://s.example/" + "x" * 2048, "return_url"), "/return_url", "too-long"),
    (with_value({}, "payment_orders"), "/payment_orders", "wrong-type"),
    (with_value([], "payment_orders"), "/payment_orders", "too-few"),
    (with_value(VALID["payment_orders"] * 51, "payment_orders"), "/payment_orders", "too-many"),
    (with_value("x", *ORDER), "/payment_orders/0", "wrong-type"),
    (without(*ORDER, "payment_order_id"), "/payment_orders/0/payment_order_id", "missing"),
    (without(*ORDER, "seller_account"), "/payment_orders/0/seller_account", "missing"),
    (without(*ORDER, "amount"), "/payment_orders/0/amount", "missing"),
    (without(*ORDER, "currency"), "/payment_orders/0/currency", "missing"),
    (with_value("x", *ORDER, "note"), "/payment_orders/0/note", "unknown-field"),
    (
        with_value("s" * 256, *ORDER, "seller_account"),
        "/payment_orders/0/seller_account",
        "too-long",
    ),
    (with_value("XXY", *ORDER, "currency"), "/payment_orders/0/currency", "unknown-currency"),
    (with_value("usd", *ORDER, "currency"), "/payment_orders/0/currency", "unknown-currency"),
    (with_value(840, *ORDER, "currency"), "/payment_orders/0/currency", "wrong-type"),
    (with_value(12.5, *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-a-string"),
    (with_value(12, *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-a-string"),
    (with_value(True, *ORDER, "amount"), "/payment_orders/0/amount", "wrong-type"),
    (with_value("", *ORDER, "amount"), "/payment_orders/0/amount", "empty"),
    (with_value("12,50", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("1e3", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("+1", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value(" 1", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value(".5", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("١٢", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("NaN", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("0", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-positive"),
    (with_value("0.00", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-positive"),
    (with_value("-1.00", *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-positive"),
    (with_value("1.005", *ORDER, "amount"), "/payment_orders/0/amount", "too-many-decimals"),
    (with_value("1.000", *ORDER, "amount"), "/payment_orders/0/amount", "too-many-decimals"),
    (
        with_value("10000000000.00", *ORDER, "amount"),
        "/payment_orders/0/amount",
        "amount-too-large",
    ),
    (with_value("9" * 40, *ORDER, "amount"), "/payment_orders/0/amount", "amount-not-decimal"),
    (with_value("9" * 300, *ORDER, "amount"), "/payment_orders/0/amount", "too-long"),
    (
        with_value("order-1", "payment_orders", 1, "payment_order_id"),
        "/payment_orders/1/payment_order_id",
        "duplicate-payment-order-id",
    ),
]


@pytest.mark.parametrize(("document", "pointer", "code"), TABLE)
def test_what_is_wrong_is_told_by_its_place(document: Any, pointer: str, code: str) -> None:
    assert faults_of(raw(document)) == [(pointer, code)]
    try:
        utf8 = json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    if b"\x00" not in utf8 and code != "control-character":
        assert faults_of(utf8) == [(pointer, code)]


def test_every_fault_is_told_at_once() -> None:
    document = changed(
        lambda d: d.pop("checkout_id"),
        lambda d: d["credit_card_info"].update(psp="adyen"),
        lambda d: d["payment_orders"][0].update(amount=1.5, currency="JPY", seller_account=""),
        lambda d: d["payment_orders"][1].update(amount="1.2345", extra=1),
        lambda d: d["payment_orders"].append(None),
    )
    assert sorted(faults_of(raw(document))) == [
        ("/checkout_id", "missing"),
        ("/credit_card_info/psp", "unknown-psp"),
        ("/payment_orders/0/amount", "amount-not-a-string"),
        ("/payment_orders/0/seller_account", "empty"),
        ("/payment_orders/1/amount", "too-many-decimals"),
        ("/payment_orders/1/extra", "unknown-field"),
        ("/payment_orders/2", "wrong-type"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ('"checkout_id": ', '"checkout_id": "other", "checkout_id": ', "/checkout_id"),
        ('"checkout_id": ', '"checkout_id" : "checkout-1", "checkout_id": ', "/checkout_id"),
        ('"name": ', '"name": "Eve", "name": ', "/buyer_info/name"),
        ('"name": ', '"n\\u0061me": "Eve", "name": ', "/buyer_info/name"),
        ('"psp": ', '"psp": "square", "psp": ', "/credit_card_info/psp"),
        ('"amount": "12.50"', '"amount": "1", "amount": "12.50"', "/payment_orders/0/amount"),
    ],
)
def test_a_member_given_twice_is_refused(old: str, new: str, pointer: str) -> None:
    body = raw(VALID).decode().replace(old, new, 1).encode()
    assert faults_of(body) == [(pointer, "duplicate-key")]


def test_a_text_that_looks_like_a_member_hides_no_duplicate() -> None:
    for value in (": not a member", '":"', "::", '\\":'):
        document = with_value({"note": value, "other": value}, "buyer_info")
        payment, _ = read_payment(raw(document), PSPS)
        assert json.loads(payment.buyer_info) == {"note": value, "other": value}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"}",
        b"nope",
        b'{"a":1}x',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\n"}',
        b'{"a":"\x00"}',
        b"\x00",
        raw(VALID) + b"\x00",
        raw(VALID).decode().encode("utf-16"),
        b"'single'",
        b'{"a":"\\x41"}',
        b'{"a":"\\u12"}',
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_payment(body, PSPS)
    assert caught.value.slug == "malformed-json"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"buyer_info":{"a":['])
def test_endless_nesting_is_refused_not_followed(opening: bytes) -> None:
    closed = opening * 5_000
    with pytest.raises(InvalidRequest) as caught:
        read_payment(closed, PSPS)
    assert [fault.code for fault in caught.value.faults] == ["too-deep"]


def test_a_valid_request_becomes_what_it_says() -> None:
    payment, canonical = read_payment(raw(VALID), PSPS)
    assert payment.checkout_id == "checkout-1"
    assert (payment.psp, payment.payment_method) == ("stripe", "pm_card_visa")
    assert json.loads(payment.buyer_info) == VALID["buyer_info"]
    assert payment.orders == (
        NewOrder("order-1", "seller-1", Money(1250, "USD")),
        NewOrder("order-2", "seller-2", Money(3250, "KWD")),
    )
    assert json.loads(canonical) == VALID


@pytest.mark.parametrize(
    ("capture", "url", "mode"),
    [
        (None,        None,                            CaptureMode.AUTOMATIC),
        ("automatic", "http://localhost:8080",         CaptureMode.AUTOMATIC),
        ("manual",    None,                            CaptureMode.MANUAL),
        ("manual",    "https://shop.example:8443/b?c", CaptureMode.MANUAL),
        ("manual",    "http://[::1]:3000/back#here",   CaptureMode.MANUAL),
    ],
)  # fmt: skip
def test_how_to_capture_and_where_to_return_are_taken_at_a_glance(
    capture: str | None, url: str | None, mode: CaptureMode
) -> None:
    given = {name: value for name, value in (("capture", capture), ("return_url", url)) if value}
    body = raw({**VALID, **given})
    seen = at_a_glance(body, PSPS)
    assert seen is not None
    assert seen == read_payment(body, PSPS) == thoroughly(body, PSPS)
    assert (seen[0].capture_mode, seen[0].return_url) == (mode, url)


def test_alternatives_are_taken_at_a_glance_in_their_order() -> None:
    body = raw(VALID | {"credit_card_info": [SQUARE, STRIPE]})
    seen = at_a_glance(body, PSPS)
    assert seen is not None
    assert seen == thoroughly(body, PSPS)
    payment, _ = seen
    assert (payment.psp, payment.payment_method) == ("square", "cnon:card-nonce-ok")
    assert [one.psp for one in payment.alternatives] == ["square", "stripe"]


def test_a_list_of_one_is_the_same_request_as_the_card_alone() -> None:
    alone = read_payment(raw(VALID | {"credit_card_info": SQUARE}), PSPS)
    assert read_payment(raw(VALID | {"credit_card_info": [SQUARE]}), PSPS) == alone


def test_a_capture_that_is_said_or_left_out_is_the_same_request() -> None:
    plain = read_payment(raw(VALID), PSPS)
    assert read_payment(raw({**VALID, "capture": "automatic"}), PSPS) == plain
    assert read_payment(raw({**VALID, "capture": "manual"}), PSPS)[1] != plain[1]


@pytest.mark.parametrize(
    ("card", "token"),
    [
        ({"psp": "stripe", "token": "pm_1"}, "pm_1"),
        ({"psp": "stripe", "nonce": "pm_1"}, "pm_1"),
        ({"psp": "stripe", "payment_method": "pm_1"}, "pm_1"),
        ({"psp": "braintree", "payment_method_nonce": "fake-valid-nonce"}, "fake-valid-nonce"),
        ({"psp": "braintree", "nonce": "fake-valid-nonce"}, "fake-valid-nonce"),
        ({"psp": "square", "source_id": "cnon:card-nonce-ok"}, "cnon:card-nonce-ok"),
        ({"psp": "square", "token": "ccof:abc"}, "ccof:abc"),
    ],
)
def test_a_token_is_taken_under_the_psps_own_name_too(card: dict[str, str], token: str) -> None:
    payment, _ = read_payment(raw(with_value(card, "credit_card_info")), PSPS)
    assert (payment.psp, payment.payment_method) == (card["psp"], token)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1", "USD", 100),
        ("1.5", "USD", 150),
        ("0.01", "USD", 1),
        ("9999999999.99", "USD", 999_999_999_999),
        ("1250", "JPY", 1250),
        ("1.250", "KWD", 1250),
        ("0.001", "KWD", 1),
        ("007", "EUR", 700),
    ],
)
def test_amounts_are_exact(amount: str, currency: str, minor: int) -> None:
    document = with_value(amount, *ORDER, "amount")
    document["payment_orders"][0]["currency"] = currency
    payment, _ = read_payment(raw(document), PSPS)
    assert payment.orders[0].amount == Money(minor, currency)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"name": "José Ñandú 山田"},
        {"name": "line\nbreak\ttab"},
        {"emoji": "😀", "quote": '"', "slash": "\\"},
        {"vip": True, "visits": 12, "score": 0.5, "none": None, "list": [1, "2", [3]]},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": "h"}}}}}}},
    ],
)
def test_buyer_info_comes_back_as_it_was(info: dict[str, Any]) -> None:
    for ensure_ascii in (True, False):
        body = json.dumps(with_value(info, "buyer_info"), ensure_ascii=ensure_ascii).encode()
        payment, _ = read_payment(body, PSPS)
        assert json.loads(payment.buyer_info) == info


def test_bodies_that_say_the_same_have_one_canonical_form() -> None:
    document = with_value({"name": "José", "b": 1, "a": [1.0, 2]}, "buyer_info")
    backwards = dict(reversed(document.items()))
    backwards["buyer_info"] = dict(reversed(document["buyer_info"].items()))
    bodies = [
        json.dumps(document).encode(),
        json.dumps(document, ensure_ascii=False, indent=4).encode(),
        json.dumps(backwards, separators=(",", ":")).encode(),
    ]
    assert len({read_payment(body, PSPS)[1] for body in bodies}) == 1
    other = with_value("12.51", *ORDER, "amount") | {"buyer_info": document["buyer_info"]}
    assert read_payment(raw(other), PSPS)[1] != read_payment(bodies[0], PSPS)[1]


CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (raw(with_value({"note": CARD}, "buyer_info")), "/buyer_info/note"),
        (raw(with_value({"note": int(CARD)}, "buyer_info")), "/buyer_info/note"),
        (raw(with_value({"note": float(CARD)}, "buyer_info")), "/buyer_info/note"),
        (raw(with_value({"l": ["x", CARD]}, "buyer_info")), "/buyer_info/l/1"),
        (raw(with_value({CARD: "x"}, "buyer_info")), "/buyer_info"),
        (raw(with_value(CARD, "credit_card_info", "token")), "/credit_card_info/token"),
        (raw(with_value(CARD, *ORDER, "payment_order_id")), "/payment_orders/0/payment_order_id"),
        (raw(with_value("x", CARD)), ""),
        (raw({"buyer_info": {"note": CARD}}), "/buyer_info/note"),
        (raw(CARD), ""),
        (CARD.encode(), ""),
        (b'{"broken": "4111 1111 1111 1111"', ""),
        (raw(VALID).replace(b"Ada", b"\\u0034111111111111111"), "/buyer_info/name"),
        (raw(VALID).replace(b"Ada", b"4111\\u0020111111111111"), "/buyer_info/name"),
        (raw(VALID).replace(b"Ada", b"\\uff14111111111111111"), "/buyer_info/name"),
        (raw(VALID).replace(b'"Ada Lovelace"', b"4.111111111111111e15"), "/buyer_info/name"),
        (raw(VALID).replace(b'"name"', b'"\\u0034111111111111111"'), "/buyer_info"),
        (raw(VALID).replace(b'"name"', b'"e": "4111111111111111", "e"'), "/buyer_info/e"),
    ],
)
def test_a_card_number_anywhere_is_refused_by_its_place_alone(body: bytes, pointer: str) -> None:
    with pytest.raises(CardNumberRefused) as caught:
        read_payment(body, PSPS)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert "1111" not in repr(caught.value.faults) + str(caught.value)
