"""Authorize, capture, cancel, confirm later; and what a wrong request is told."""

from typing import Any

import httpx
import pytest
import stripe
from tests.sandbox.world import charge_stripe, stripe_client, truth

from clearhouse.sandbox.server import Running


def _status(box: Running, order: str) -> tuple[str, int]:
    [fact] = truth(box.base_url, reference=order)
    return fact["status"], fact["amount_minor"]


def test_authorize_then_capture_a_part(stripe_sdk: stripe.StripeClient, sandbox: Running):
    intent = charge_stripe(stripe_sdk, "hold", capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)
    assert _status(sandbox, "hold") == ("authorized", 1000)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1001})
    taken = stripe_sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})
    assert (taken.status, taken.amount_received) == ("succeeded", 400)
    assert _status(sandbox, "hold") == ("succeeded", 400)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_sdk.v1.payment_intents.capture(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_authorize_then_cancel(stripe_sdk: stripe.StripeClient, sandbox: Running):
    intent = charge_stripe(stripe_sdk, "void", capture_method="manual")
    gone = stripe_sdk.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "duplicate"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "duplicate")
    assert _status(sandbox, "void") == ("canceled", 1000)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def test_create_then_confirm_twice(stripe_sdk: stripe.StripeClient, sandbox: Running):
    draft = stripe_sdk.v1.payment_intents.create(
        {
            "amount": 700,
            "currency": "eur",
            "allowed_payment_method_types": ["card"],
            "metadata": {"order_id": "later"},
        }
    )
    assert draft.status == "requires_payment_method"
    assert truth(sandbox.base_url, reference="later") == []
    with pytest.raises(stripe.CardError):
        stripe_sdk.v1.payment_intents.confirm(
            draft.id, {"payment_method": "pm_card_chargeDeclined"}
        )
    assert _status(sandbox, "later") == ("declined", 700)
    paid = stripe_sdk.v1.payment_intents.confirm(draft.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert _status(sandbox, "later") == ("succeeded", 700)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.payment_intents.confirm(draft.id, {"payment_method": "pm_card_visa"})


# changes to a good request, the parameter that is blamed, the code
WRONG: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"amount": None}, "amount", "parameter_missing"),
    ({"amount": "ten"}, "amount", "parameter_invalid_integer"),
    ({"amount": 49}, "amount", "amount_too_small"),
    ({"amount": 100_000_000}, "amount", "amount_too_large"),
    ({"currency": None}, "currency", "parameter_missing"),
    ({"currency": "xyz"}, "currency", None),
    ({"currency": "jpy", "amount": 49}, "amount", "amount_too_small"),
    ({"currency": "kwd", "amount": 1001}, "amount", "parameter_invalid_integer"),
    ({"currency": "isk", "amount": 1050}, "amount", "parameter_invalid_integer"),
    ({"payment_method": "pm_unknown"}, "payment_method", "resource_missing"),
    ({"payment_method": None}, "payment_method", "payment_intent_unexpected_state"),
    ({"nonsense": 1}, "nonsense", "parameter_unknown"),
    ({"capture_method": "never"}, "capture_method", None),
    ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 40}]", None),
    ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
    ({"confirm": False, "off_session": True}, "off_session", None),
    ({"allowed_payment_method_types": ["sofort"]}, None, None),
    ({"allowed_payment_method_types": None}, None, None),
    (
        {"automatic_payment_methods": {"enabled": True}},
        "automatic_payment_methods",
        None,
    ),
    (
        {"allowed_payment_method_types": None, "payment_method_types": ["card"]},
        "payment_method_types",
        "payment_method_types_no_longer_supported",
    ),
    (
        {
            "payment_method": None,
            "payment_method_data": {"type": "card", "card": {"number": "4242424242424242"}},
        },
        "payment_method_data[card][number]",
        None,
    ),
]


@pytest.mark.parametrize(("changes", "param", "code"), WRONG)
def test_a_wrong_request_is_refused_and_charges_nobody(
    changes: dict[str, Any],
    param: str | None,
    code: str | None,
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
):
    before = len(truth(sandbox.base_url))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        charge_stripe(stripe_sdk, "wrong", **changes)
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)
    assert len(truth(sandbox.base_url)) == before


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("usd", 1050, 1050),
        ("jpy", 500, 500),
        ("kwd", 1500, 1500),
        ("isk", 20000, 200),
        ("ugx", 500_000, 5000),
        ("mga", 5000, 500_000),
        ("krw", 900, 900),
    ],
)
def test_the_truth_counts_in_iso_units(
    currency: str, amount: int, minor: int, stripe_sdk: stripe.StripeClient, sandbox: Running
):
    charge_stripe(stripe_sdk, f"iso-{currency}", currency=currency, amount=amount)
    assert _status(sandbox, f"iso-{currency}") == ("succeeded", minor)


@pytest.mark.parametrize("key", ["sk_live_real", "pk_test_browser", "nonsense"])
def test_only_secret_test_keys_are_let_in(key: str, sandbox: Running):
    with pytest.raises(stripe.AuthenticationError) as caught:
        charge_stripe(stripe_client(sandbox.base_url, key))
    assert caught.value.http_status == 401
    assert key not in str(caught.value)


def test_no_key_at_all(sandbox: Running):
    reply = httpx.get(f"{sandbox.base_url}/v1/payment_intents", trust_env=False)
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_a_redirecting_payment_needs_a_return_url(stripe_sdk: stripe.StripeClient):
    automatic = {"enabled": True, "allow_redirects": "never"}
    quiet = charge_stripe(
        stripe_sdk, allowed_payment_method_types=None, automatic_payment_methods=automatic
    )
    assert quiet.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        charge_stripe(
            stripe_sdk,
            allowed_payment_method_types=None,
            automatic_payment_methods={"enabled": True},
        )


def test_an_older_api_version_takes_the_older_parameter(stripe_sdk: stripe.StripeClient):
    form: Any = {"amount": 500, "currency": "usd", "payment_method_types": ["card"]}
    older = stripe_sdk.v1.payment_intents.create(form, {"stripe_version": "2026-08-26.dahlia"})
    assert older.payment_method_types == ["card"]
