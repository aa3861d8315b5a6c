"""Each fault as the official SDKs see it, and what then is true."""

from typing import Any

import httpx
import pytest
import stripe
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.world import (
    charge_square,
    charge_stripe,
    square_client,
    stripe_client,
    truth,
)

from clearhouse.sandbox.server import Running

# fault, what Stripe's SDK raises, HTTP status (None: no answer), was the charge made?
STRIPE: list[tuple[str, type[stripe.StripeError], int | None, bool]] = [
    ("lost-request", stripe.APIConnectionError, None, False),
    ("lost-answer", stripe.APIConnectionError, None, True),
    ("reset", stripe.APIConnectionError, None, True),
    ("hang", stripe.APIConnectionError, None, True),
    ("hang-before", stripe.APIConnectionError, None, False),
    ("error-before", stripe.APIError, 503, False),
    ("error-after", stripe.APIError, 503, True),
    ("error-stored", stripe.APIError, 500, True),
    ("conflict", stripe.APIError, 409, False),
    ("rate-limited", stripe.RateLimitError, 429, False),
]
SQUARE: list[tuple[str, type[Exception], int | None, bool]] = [
    ("lost-request", httpx.RemoteProtocolError, None, False),
    ("lost-answer", httpx.RemoteProtocolError, None, True),
    ("reset", httpx.ReadError, None, True),
    ("hang", httpx.ReadTimeout, None, True),
    ("hang-before", httpx.ReadTimeout, None, False),
    ("error-before", ApiError, 503, False),
    ("error-after", ApiError, 503, True),
    ("error-stored", ApiError, 500, True),
    ("conflict", ApiError, 409, False),
    ("rate-limited", ApiError, 429, False),
]


def _order(control: httpx.Client, psp: str, fault: str, match: str) -> None:
    order = {"psp": psp, "fault": fault, "match": match}
    control.post("/faults", json=order).raise_for_status()


@pytest.mark.parametrize(("fault", "raised", "status", "charged"), STRIPE)
def test_stripe_sees(
    fault: str,
    raised: type[stripe.StripeError],
    status: int | None,
    charged: bool,
    sandbox: Running,
    control: httpx.Client,
):
    order = f"stripe-{fault}"
    sdk = stripe_client(sandbox.base_url, f"sk_test_{fault}", timeout=0.7)
    _order(control, "stripe", fault, order)
    with pytest.raises(raised) as caught:
        charge_stripe(sdk, order, key=order)
    assert caught.value.http_status == status
    if status == 429:
        assert caught.value.headers is not None
        assert caught.value.headers["retry-after"] == "1"
    assert [fact["status"] for fact in truth(sandbox.base_url, reference=order)] == (
        ["succeeded"] if charged else []
    )
    if fault == "error-stored":
        with pytest.raises(raised):
            charge_stripe(sdk, order, key=order)
    else:
        assert charge_stripe(sdk, order, key=order).status == "succeeded"
    assert len(truth(sandbox.base_url, reference=order)) == 1


@pytest.mark.parametrize(("fault", "raised", "status", "charged"), SQUARE)
def test_square_sees(
    fault: str,
    raised: type[Exception],
    status: int | None,
    charged: bool,
    sandbox: Running,
    control: httpx.Client,
):
    order = f"square-{fault}"
    sdk = square_client(sandbox.base_url, f"token-{fault}", timeout=0.7)
    _order(control, "square", fault, order)
    with pytest.raises(raised) as caught:
        charge_square(sdk, order, key=order)
    if isinstance(caught.value, ApiError):
        assert caught.value.status_code == status
        assert caught.value.errors
    assert [fact["status"] for fact in truth(sandbox.base_url, reference=order)] == (
        ["succeeded"] if charged else []
    )
    payment = charge_square(sdk, order, key=order).payment
    assert payment is not None
    assert payment.status == "COMPLETED"
    assert len(truth(sandbox.base_url, reference=order)) == 1


def test_a_slow_body_arrives_whole(
    stripe_sdk: stripe.StripeClient, square_sdk: Square, control: httpx.Client
):
    control.post("/settings", json={"slow_seconds": 0.2})
    for psp in ("stripe", "square"):
        _order(control, psp, "slow-body", f"slow-{psp}")
    assert charge_stripe(stripe_sdk, "slow-stripe").status == "succeeded"
    payment = charge_square(square_sdk, "slow-square").payment
    assert payment is not None
    assert payment.status == "COMPLETED"
    assert control.get("/faults").json()["faults"] == []


def test_a_fault_is_for_the_order_it_names(stripe_sdk: stripe.StripeClient, control: httpx.Client):
    _order(control, "stripe", "lost-answer", "named-1")
    assert charge_stripe(stripe_sdk, "named-11").status == "succeeded"
    with pytest.raises(stripe.APIConnectionError):
        charge_stripe(stripe_sdk, "named-1")


def test_a_fault_can_hit_look_ups_and_comes_as_often_as_ordered(
    stripe_sdk: stripe.StripeClient, control: httpx.Client
):
    order = {"psp": "stripe", "operation": "look-up", "fault": "error-before", "times": 2}
    control.post("/faults", json=order)
    intent = charge_stripe(stripe_sdk)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stripe_sdk.v1.payment_intents.retrieve(intent.id)
    assert stripe_sdk.v1.payment_intents.retrieve(intent.id).id == intent.id


@pytest.mark.parametrize("fault", ["lost-answer", "error-after"])
def test_a_header_asks_for_a_fault_of_one_request(fault: str, sandbox: Running, square_sdk: Square):
    options: Any = {"max_retries": 0, "additional_headers": {"X-Sandbox-Fault": fault}}
    with pytest.raises((httpx.RemoteProtocolError, ApiError)):
        square_sdk.payments.create(
            source_id="cnon:card-nonce-ok",
            idempotency_key=f"header-{fault}",
            amount_money={"amount": 100, "currency": "USD"},
            reference_id=f"header-{fault}",
            request_options=options,
        )
    assert len(truth(sandbox.base_url, reference=f"header-{fault}")) == 1


def test_the_square_sdk_repeats_by_itself_without_charging_twice(
    square_sdk: Square, sandbox: Running, control: httpx.Client
):
    _order(control, "square", "error-after", "own-retry")
    payment = square_sdk.payments.create(
        source_id="cnon:card-nonce-ok",
        idempotency_key="own-retry",
        amount_money={"amount": 100, "currency": "USD"},
        reference_id="own-retry",
    ).payment
    assert payment is not None
    assert payment.status == "COMPLETED"
    assert len(truth(sandbox.base_url, reference="own-retry")) == 1
