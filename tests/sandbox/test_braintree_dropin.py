"""What the Drop-in's frame calls: cards become nonces, owners are asked, and a nonce pays once."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from tests.sandbox.braintree_world import World, codes, world

_numbers = count(1)
VISA = "4111111111111111"
STEP_UP, STEP_UP_FAILS = "4000000000001091", "4000000000001109"


@pytest.fixture(scope="module")
def shop() -> Iterator[World]:
    with world() as each:
        yield each


class Browser:
    """One visit: lives from a client token and knows no other key."""

    def __init__(self, shop: World) -> None:
        token = json.loads(b64decode(shop.gateway.client_token.generate()))
        self.fingerprint = token["authorizationFingerprint"]
        self.url = f"{token['clientApiUrl']}/v1"

    def call(self, path: str, **body: Any) -> httpx.Response:
        content = {"authorizationFingerprint": self.fingerprint} | body
        return httpx.post(f"{self.url}/{path}", json=content, trust_env=False)

    def tokenize(self, number: str = VISA, **changes: str) -> httpx.Response:
        card = {"number": number, "expirationMonth": "12", "expirationYear": "2035", "cvv": "123"}
        return self.call("payment_methods/credit_cards", creditCard=card | changes)

    def nonce(self, number: str = VISA, **changes: str) -> str:
        reply = self.tokenize(number, **changes)
        assert reply.status_code == 201
        return reply.json()["creditCards"][0]["nonce"]

    def look_up(self, nonce: str) -> Any:
        return self.call(f"payment_methods/{nonce}/three_d_secure/lookup", amount="10.00").json()

    def authenticate(self, nonce: str, code: str) -> httpx.Response:
        return self.call(f"payment_methods/{nonce}/three_d_secure/authenticate", code=code)


def pay(shop: World, nonce: str, **fields: Any) -> Any:
    order = f"dropin-{next(_numbers)}"
    return shop.sale(order_id=order, payment_method_nonce=nonce, **fields)


def test_a_card_becomes_a_nonce_that_pays_once(shop: World):
    reply = Browser(shop).tokenize(cvv="200").json()["creditCards"][0]
    assert reply["details"]["cardType"] == "Visa"
    assert (reply["details"]["bin"], reply["details"]["lastFour"]) == ("411111", "1111")
    assert reply["threeDSecureInfo"] is None
    assert VISA not in json.dumps(reply)
    made = pay(shop, reply["nonce"])
    assert made.is_success
    assert made.transaction.cvv_response_code == "N"
    assert made.transaction.credit_card_details.last_4 == "1111"
    assert codes(pay(shop, reply["nonce"])) == ["91564"]


def test_a_request_that_breaks_a_rule_uses_no_nonce_up(shop: World):
    nonce = Browser(shop).nonce()
    assert codes(pay(shop, nonce, amount="x")) == ["81503"]
    assert pay(shop, nonce).is_success


def test_the_number_is_kept_nowhere(shop: World):
    Browser(shop).nonce("4012888888881881")
    kept = shop.core.truth.execute("SELECT group_concat(body) FROM objects").fetchone()[0]
    assert "4012888888881881" not in str(kept)


#  what is wrong                        fields told
WRONG = [
    ({"number": "4111111111111112"},    ["number"]),
    ({"number": ""},                    ["number"]),
    ({"expirationMonth": "13"},         ["expirationMonth"]),
    ({"expirationYear": "35"},          ["expirationYear"]),
    ({"expirationMonth": "x", "expirationYear": "y"}, ["expirationMonth", "expirationYear"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "fields"), WRONG)
def test_what_is_no_card_is_told_by_field(shop: World, changes: dict[str, str], fields: list[str]):
    browser = Browser(shop)
    reply = browser.tokenize(**({"number": VISA} | changes))
    assert reply.status_code == 422
    [card] = reply.json()["fieldErrors"]
    assert [each["field"] for each in card["fieldErrors"]] == fields


def test_only_a_current_client_token_lets_in(shop: World):
    browser = Browser(shop)
    browser.fingerprint = "f" * 64
    assert browser.tokenize().status_code == 403
    late = Browser(shop)
    shop.clock.shift = timedelta(hours=25)
    assert late.tokenize().status_code == 403
    shop.clock.shift = timedelta()
    for body in (b"{", b"[]", b"\xff"):
        url = f"{browser.url}/payment_methods/credit_cards"
        assert httpx.post(url, content=body, trust_env=False).status_code == 400


def test_a_nonce_lives_three_hours(shop: World):
    nonce = Browser(shop).nonce()
    shop.clock.shift = timedelta(hours=3, minutes=1)
    assert codes(pay(shop, nonce)) == ["91565"]
    shop.clock.shift = timedelta()


#  card                 code     status                               possible, shifted
CHALLENGES = [
    (STEP_UP,           "1234",  "authenticate_successful",            True,  True),
    (STEP_UP,           "9999",  "authenticate_failed",                True,  False),
    (STEP_UP,           "",      "authenticate_failed",                True,  False),
    (STEP_UP_FAILS,     "1234",  "authenticate_failed",                True,  False),
    ("4000000000001000", None,   "authenticate_successful",            True,  True),
    ("4000000000001018", None,   "authenticate_failed",                True,  False),
    ("4000000000001067", None,   "lookup_error",                       False, False),
    (VISA,               None,   "lookup_not_enrolled",                False, False),
]  # fmt: skip


@pytest.mark.parametrize(("card", "code", "status", "possible", "shifted"), CHALLENGES)
def test_three_d_secure(
    shop: World, card: str, code: str | None, status: str, possible: bool, shifted: bool
):
    browser = Browser(shop)
    nonce = browser.nonce(card)
    answer = browser.look_up(nonce)
    assert (answer["lookup"] is not None) == (code is not None)
    if code is not None:
        answer = browser.authenticate(nonce, code).json()
    method = answer["paymentMethod"]
    assert method["nonce"] != nonce
    assert method["threeDSecureInfo"]["status"] == status
    assert (method["liabilityShiftPossible"], method["liabilityShifted"]) == (possible, shifted)
    assert codes(pay(shop, nonce)) == ["91564"]
    required = {"submit_for_settlement": True, "three_d_secure": {"required": True}}
    made = pay(shop, method["nonce"], options=required)
    assert made.is_success == shifted
    if shifted:
        assert made.transaction.three_d_secure_info.liability_shifted
    else:
        assert made.transaction.gateway_rejection_reason == "three_d_secure"


def test_nobody_is_asked_twice(shop: World):
    browser = Browser(shop)
    nonce = browser.nonce(STEP_UP)
    browser.look_up(nonce)
    again = browser.authenticate(nonce, "1234").json()["paymentMethod"]["nonce"]
    assert browser.authenticate(nonce, "1234").status_code == 404
    assert browser.authenticate(again, "1234").status_code == 404
    assert "error" in browser.look_up("nobody-knows")


def test_cards_that_the_gateway_rejects_are_declined_at_the_sale(shop: World):
    browser = Browser(shop)
    fraud = pay(shop, browser.nonce("4000111111111511"))
    assert fraud.transaction.gateway_rejection_reason == "fraud"
    risk = pay(shop, browser.nonce("4111130000000003"))
    assert risk.transaction.gateway_rejection_reason == "risk_threshold"


def test_a_nonce_is_vaulted_once_and_verified(shop: World):
    customer = shop.gateway.customer.create({}).customer.id
    browser = Browser(shop)
    nonce = browser.nonce()
    vaulted = shop.gateway.payment_method.create(
        {"customer_id": customer, "payment_method_nonce": nonce}
    )
    assert vaulted.is_success
    assert codes(pay(shop, nonce)) == ["91564"]
    failing = {
        "customer_id": customer,
        "payment_method_nonce": browser.nonce("4000111111111115"),
        "options": {"verify_card": True},
    }
    declined = shop.gateway.payment_method.create(failing)
    assert declined.credit_card_verification.status == "processor_declined"


#  path                                       type
FILES = [
    ("/_sandbox/braintree/dropin.js",           "text/javascript"),
    ("/_sandbox/braintree/dropin/fields.html",  "text/html"),
    ("/_sandbox/braintree/dropin/fields.js",    "text/javascript"),
    ("/_sandbox/braintree/dropin/fields.css",   "text/css"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "kind"), FILES)
def test_the_files_are_served(shop: World, path: str, kind: str):
    reply = httpx.get(f"{shop.sandbox.base_url}{path}", trust_env=False)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == f"{kind}; charset=utf-8"


def test_the_configuration_tells_where_to_call(shop: World):
    browser = Browser(shop)
    reply = httpx.get(f"{browser.url}/configuration", trust_env=False).json()
    assert reply["clientApiUrl"] == browser.url.removesuffix("/v1")
