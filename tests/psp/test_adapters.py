"""What is particular to one adapter: parameters sent, accounts per currency, traps of its SDK."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import braintree
import pytest
import requests
from braintree.exceptions.http.timeout_error import ReadTimeoutError

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.braintree.objects import Refusal, Transaction
from clearhouse.psp.braintree.wire import environment_of
from clearhouse.psp.contract import (
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspConfig,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.square import walking as square_walking
from clearhouse.psp.stripe import walking as stripe_walking
from clearhouse.sandbox.server import Running, running

STRIPE = {"secret_key": "sk_test_adapters"}
SQUARE = {"access_token": "adapters", "locations": "L{CURRENCY}"}
BRAINTREE = {
    "merchant_id": "shop",
    "public_key": "public",
    "private_key": "private",
    "merchant_accounts": "USD=usd, EUR=eur",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


def made(name: str, credentials: dict[str, str], sandbox: Running) -> Any:
    return registry.create(name, PspConfig(credentials, sandbox.base_url, 30.0, 4))


def request_of(order: str, method: str, amount: Money | None = None) -> ChargeRequest:
    now = datetime.now(UTC)
    return ChargeRequest(order, order, amount or Money(10_00, "USD"), method, "seller", now)


class Recorded:
    """Stands in for an SDK's create call; remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.given.append((args, kwargs))
        raise TimeoutError


async def test_stripe_confirms_at_once_with_our_references(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = made("stripe", STRIPE, sandbox)
    sent = Recorded()
    intents = type(adapter._connection.client().v1.payment_intents)
    monkeypatch.setattr(intents, "create_async", sent.__call__)
    assert isinstance(await adapter.charge(request_of("o-1", "cus_1/pm_1")), Unknown)
    [((params, options), _)] = sent.given
    assert options == {"idempotency_key": "o-1"}
    assert params["metadata"] == {"payment_order_id": "o-1", "attempt_key": "o-1"}
    assert (params["customer"], params["payment_method"]) == ("cus_1", "pm_1")
    assert params["confirm"] is True
    assert params["allowed_payment_method_types"] == ["card"]
    await adapter.close()


async def test_stripe_refuses_what_it_cannot_say_without_a_call(sandbox: Running) -> None:
    adapter = made("stripe", STRIPE, sandbox)
    outcome = await adapter.charge(request_of("o-kwd", "pm_card_visa", Money(10_995, "KWD")))
    refused = (DeclineReason.REJECTED_BY_PSP, Retry.HARD, "amount_not_expressible")
    assert outcome == Declined(*refused)
    assert sandbox.core.truth.charges("stripe", reference="o-kwd") == ([], None)
    await adapter.close()


@pytest.mark.parametrize(
    ("name", "credentials", "module", "method"),
    [
        ("stripe", STRIPE, stripe_walking, "pm_card_visa"),
        ("square", SQUARE, square_walking, "cnon:card-nonce-ok"),
    ],
)
async def test_a_list_that_is_not_walked_to_its_end_proves_nothing(
    sandbox: Running,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    credentials: dict[str, str],
    module: Any,
    method: str,
) -> None:
    monkeypatch.setattr(module, "PAGE", 1)
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    adapter = made(name, credentials, sandbox)
    for number in range(3):
        assert isinstance(await adapter.charge(request_of(f"walk-{number}", method)), Succeeded)
    outcome = await adapter.look_up(request_of("walk-absent", method))
    assert isinstance(outcome, Unknown)
    assert "can be walked" in outcome.detail
    await adapter.close()


async def test_square_sends_references_within_its_limits(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = made("square", SQUARE, sandbox)
    sent = Recorded()
    monkeypatch.setattr(type(adapter._connection._square.payments), "create", sent.__call__)
    long = "o" * 64
    request = replace(request_of(long, "CUST/ccof:card"), idempotency_key="k" * 45)
    assert isinstance(await adapter.charge(request), Unknown)
    [(_, body)] = sent.given
    assert len(body["reference_id"]) <= 40
    assert body["note"] == f"{'k' * 45} {long}"
    assert (body["customer_id"], body["source_id"]) == ("CUST", "ccof:card")
    assert body["location_id"] == "LUSD"
    assert body["autocomplete"] is True
    assert body["request_options"]["max_retries"] == 0
    await adapter.close()


async def test_braintree_never_charges_in_the_default_currency_by_mistake(
    sandbox: Running,
) -> None:
    adapter = made("braintree", BRAINTREE, sandbox)
    outcome = await adapter.charge(request_of("o-jpy", "fake-valid-nonce", Money(1000, "JPY")))
    expected = (DeclineReason.CURRENCY_NOT_SUPPORTED, Retry.HARD, "no_merchant_account")
    assert outcome == Declined(*expected)
    assert sandbox.core.truth.charges("braintree", reference="o-jpy") == ([], None)
    await adapter.close()


async def test_braintree_says_no_to_a_currency_only_when_an_older_set_up_charged_nothing(
    sandbox: Running,
) -> None:
    request = request_of("o-moved", "fake-valid-nonce", Money(1000, "JPY"))
    before = made("braintree", BRAINTREE | {"merchant_accounts": "JPY=jpy"}, sandbox)
    paid = await before.charge(request)
    await before.close()
    adapter = made("braintree", BRAINTREE, sandbox)
    assert isinstance(paid, Succeeded)
    assert await adapter.charge(request) == paid
    await adapter.close()


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("fake-valid-nonce", {"payment_method_nonce": "fake-valid-nonce"}),
        ("token:vaulted", {"payment_method_token": "vaulted"}),
    ],
)
async def test_braintree_takes_nonces_and_vaulted_tokens(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch, method: str, sent: dict[str, str]
) -> None:
    given: list[dict[str, Any]] = []

    def sale(_self: Gateway, params: dict[str, Any]) -> Refusal:
        given.append(params)
        return Refusal(("91565",))

    monkeypatch.setattr(Gateway, "sale", sale)
    adapter = made("braintree", BRAINTREE, sandbox)
    await adapter.charge(request_of("o-method", method, Money(5, "EUR")))
    [params] = given
    assert params | sent == params
    assert sum(key.startswith("payment_method") for key in params) == 1
    assert (params["amount"], params["merchant_account_id"]) == ("0.05", "eur")
    assert (params["order_id"], params["api_request_key"]) == ("o-method", "o-method")
    await adapter.close()


DUPLICATE = Transaction("t9", "gateway_rejected", "10.00", "USD", rejection="duplicate")
USED_UP = Declined(DeclineReason.PROCESSING_ERROR, Retry.SOFT, "915234")


@pytest.mark.parametrize(
    ("reply", "without_original"),
    [(DUPLICATE, Unknown), (Refusal(("915232",)), Unknown), (Refusal(("915234",)), USED_UP)],
)
async def test_braintree_looks_for_the_original_of_a_duplicate(
    sandbox: Running,
    monkeypatch: pytest.MonkeyPatch,
    reply: Transaction | Refusal,
    without_original: type | PspOutcome,
) -> None:
    adapter = made("braintree", BRAINTREE, sandbox)
    paid = request_of(f"paid-{id(reply)}", "fake-valid-nonce")
    original = await adapter.charge(paid)
    assert isinstance(original, Succeeded)
    monkeypatch.setattr(Gateway, "sale", lambda *_: reply)
    assert await adapter.charge(paid) == original
    outcome = await adapter.charge(request_of("never-paid", "fake-valid-nonce"))
    assert outcome == without_original or type(outcome) is without_original
    await adapter.close()


def test_braintree_uses_its_own_environments_where_no_url_is_given() -> None:
    assert environment_of("production", None) is braintree.Environment.Production
    assert environment_of("sandbox", None) is braintree.Environment.Sandbox
    assert environment_of("production", None).ssl_certificate
    assert environment_of("sandbox", "https://127.0.0.1:8443/x").base_url.startswith("https://")


@pytest.mark.parametrize(
    ("base_url", "verify"), [("https://127.0.0.1:443", True), (None, "braintreegateway")]
)
def test_braintree_certificates_are_always_checked(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None, verify: bool | str
) -> None:
    sent: list[dict[str, Any]] = []

    def send(_self: requests.Session, _request: Any, **options: Any) -> None:
        sent.append(options)
        raise requests.ReadTimeout

    monkeypatch.setattr(requests.Session, "send", send)
    credentials = BRAINTREE | {"environment": "production"}
    gateway = Gateway(credentials, base_url, 1.0)
    with pytest.raises(ReadTimeoutError):
        gateway.sale({"amount": "1.00"})
    [options] = sent
    assert options["verify"] is verify or str(verify) in str(options["verify"])
    assert options["proxies"] == {}
    assert options["allow_redirects"] is False
    assert options["timeout"] == (0.5, 1.0)


async def test_braintree_without_request_keys_charges_nothing_and_says_why(
    sandbox: Running,
) -> None:
    shop = BRAINTREE | {"merchant_id": "shop-without-request-keys"}
    adapter = made("braintree", shop, sandbox)
    outcome = await adapter.charge(request_of("no-keys", "fake-valid-nonce"))
    assert isinstance(outcome, NotCharged)
    assert "915231" in outcome.detail
    await adapter.close()
