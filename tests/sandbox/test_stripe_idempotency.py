"""Stripe's idempotency: what is stored under a key, what is not, and what a repeat gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe
from tests.sandbox.world import HandClock, charge_stripe, stripe_client, truth

from clearhouse.sandbox.server import Running, open_core, running


def _headers(answer: Any) -> Any:
    return answer.last_response.headers


def test_a_repeat_gets_the_first_answer(stripe_sdk: stripe.StripeClient, sandbox: Running):
    first = charge_stripe(stripe_sdk, "same-1", key="same")
    again = charge_stripe(stripe_sdk, "same-1", key="same")
    assert again.to_dict() == first.to_dict()
    assert "idempotent-replayed" not in _headers(first)
    assert _headers(again)["idempotent-replayed"] == "true"
    assert _headers(again)["original-request"] == _headers(first)["request-id"]
    assert _headers(again)["request-id"] != _headers(first)["request-id"]
    assert len(truth(sandbox.base_url, reference="same-1")) == 1


def test_other_parameters_are_refused(stripe_sdk: stripe.StripeClient, sandbox: Running):
    charge_stripe(stripe_sdk, "other-1", key="other")
    with pytest.raises(stripe.IdempotencyError) as caught:
        charge_stripe(stripe_sdk, "other-1", key="other", amount=1001)
    assert caught.value.http_status == 400
    assert len(truth(sandbox.base_url, reference="other-1")) == 1


def test_a_key_belongs_to_its_account_and_path(sandbox: Running):
    one, two = (stripe_client(sandbox.base_url, f"sk_test_path{n}") for n in (1, 2))
    first = charge_stripe(one, "own", key="own")
    assert charge_stripe(two, "own", key="own").id != first.id
    with pytest.raises(stripe.IdempotencyError):
        one.v1.payment_intents.cancel(first.id, options={"idempotency_key": "own"})


def test_a_decline_is_stored(stripe_sdk: stripe.StripeClient, sandbox: Running):
    charges = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            charge_stripe(
                stripe_sdk, "decl", key="decl", payment_method="pm_card_visa_chargeDeclined"
            )
        assert caught.value.error is not None
        charges.append(caught.value.error.charge)
    assert charges[0] == charges[1]
    assert caught.value.headers is not None
    assert caught.value.headers["idempotent-replayed"] == "true"
    assert len(truth(sandbox.base_url, reference="decl")) == 1


def test_a_failed_validation_is_not_stored(stripe_sdk: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError):
        charge_stripe(stripe_sdk, key="mended", amount=1)
    assert charge_stripe(stripe_sdk, key="mended").status == "succeeded"


def test_a_stored_500_is_replayed_though_the_charge_exists(
    stripe_sdk: stripe.StripeClient, sandbox: Running, control: httpx.Client
):
    control.post("/faults", json={"psp": "stripe", "fault": "error-stored", "match": "s500"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            charge_stripe(stripe_sdk, "s500", key="s500")
        assert caught.value.http_status == 500
    assert caught.value.headers is not None
    assert caught.value.headers["idempotent-replayed"] == "true"
    [fact] = truth(sandbox.base_url, reference="s500")
    assert fact["status"] == "succeeded"
    found = stripe_sdk.v1.payment_intents.search({"query": "metadata['payment_order_id']:'s500'"})
    assert [intent.id for intent in found.data] == [fact["psp_id"]]


def test_while_the_first_is_in_flight_the_second_conflicts(sandbox: Running, control: httpx.Client):
    slow = {"stripe": {"median_ms": 700, "p99_ms": 700}}
    control.post("/settings", json={"latency": slow})

    def attempt(_: int) -> tuple[int | None, str | None]:
        try:
            sdk = stripe_client(sandbox.base_url, "sk_test_flight")
            return 200, charge_stripe(sdk, "flight", key="flight").status
        except stripe.APIError as error:
            return error.http_status, error.error and error.error.code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(attempt, range(8)))
    assert answers == [(200, "succeeded")] + [(409, "idempotency_key_in_use")] * 7
    assert len(truth(sandbox.base_url, reference="flight")) == 1


def test_keys_are_forgotten_after_a_day():
    clock = HandClock()
    with running(open_core(clock=clock)) as box:
        sdk = stripe_client(box.base_url)
        first = charge_stripe(sdk, "day", key="day")
        clock.advance(timedelta(hours=24))
        assert charge_stripe(sdk, "day", key="day").id == first.id
        clock.advance(timedelta(seconds=1))
        assert charge_stripe(sdk, "day", key="day").id != first.id
        assert len(truth(box.base_url, reference="day")) == 2


def test_an_overlong_key_is_refused(stripe_sdk: stripe.StripeClient):
    assert charge_stripe(stripe_sdk, key="k" * 255).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        charge_stripe(stripe_sdk, key="k" * 256)
