"""The events that Stripe's sandbox sends: which, in which order, and in which envelope."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe
from tests.sandbox.specs import schema_checks
from tests.sandbox.world import charge_stripe, new_key

from clearhouse.sandbox.courier import Endpoint
from clearhouse.sandbox.server import Running, running

NOWHERE = "http://127.0.0.1:9/webhooks"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as box:
        box.core.courier.register(Endpoint("stripe", NOWHERE, "whsec_events"))
        yield box


def sent(box: Running, identifier: str) -> list[dict[str, Any]]:
    """The events about an object or about what belongs to it, in the order of their making."""
    rows = box.core.truth.execute("SELECT body FROM deliveries ORDER BY id")
    events = [json.loads(row[0]) for row in rows]
    return [event for event in events if identifier in json.dumps(event["data"])]


def kinds(box: Running, identifier: str) -> list[str]:
    return [event["type"] for event in sent(box, identifier)]


def later(box: Running, by: timedelta) -> None:
    box.core.clock.advance(by)
    box.core.agenda.run_due()


Flow = Callable[[stripe.StripeClient, Running], str]


def paid(sdk: stripe.StripeClient, _box: Running) -> str:
    return charge_stripe(sdk).id


def declined(sdk: stripe.StripeClient, _box: Running) -> str:
    with pytest.raises(stripe.CardError) as caught:
        charge_stripe(sdk, payment_method="pm_card_chargeDeclined")
    assert caught.value.error is not None
    return str(caught.value.error.payment_intent.id)  # pyright: ignore[reportOptionalMemberAccess] - a decline has one


def challenged(sdk: stripe.StripeClient, _box: Running) -> str:
    return charge_stripe(sdk, payment_method="pm_card_threeDSecure2Required").id


def captured(sdk: stripe.StripeClient, _box: Running) -> str:
    held = charge_stripe(sdk, capture_method="manual")
    return sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 400}).id


def canceled(sdk: stripe.StripeClient, _box: Running) -> str:
    return sdk.v1.payment_intents.cancel(charge_stripe(sdk, capture_method="manual").id).id


def expired(sdk: stripe.StripeClient, box: Running) -> str:
    held = charge_stripe(sdk, capture_method="manual")
    later(box, timedelta(days=7))
    gone = sdk.v1.payment_intents.retrieve(held.id)
    assert (gone.status, gone.cancellation_reason) == ("canceled", "automatic")
    return held.id


def refunded(sdk: stripe.StripeClient, _box: Running) -> str:
    intent = charge_stripe(sdk)
    sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    return intent.id


def refund_failed(sdk: stripe.StripeClient, box: Running) -> str:
    intent = charge_stripe(sdk, payment_method="pm_card_refundFail")
    sdk.v1.refunds.create({"payment_intent": intent.id})
    later(box, timedelta(minutes=5))
    return intent.id


MADE = ["payment_intent.created"]
PAID = [*MADE, "charge.succeeded", "charge.updated", "payment_intent.succeeded"]
HELD = [*MADE, "charge.succeeded", "payment_intent.amount_capturable_updated"]
BACK = [*PAID, "charge.refunded", "refund.created"]
FLOWS: list[tuple[Flow, list[str]]] = [
    (paid, PAID),
    (declined, [*MADE, "charge.failed", "payment_intent.payment_failed"]),
    (challenged, [*MADE, "payment_intent.requires_action"]),
    (captured, [*HELD, "charge.updated", "charge.captured", "payment_intent.succeeded"]),
    (canceled, [*HELD, "charge.refunded", "payment_intent.canceled"]),
    (expired, [*HELD, "charge.expired", "payment_intent.canceled"]),
    (refunded, BACK),
    (refund_failed, [*BACK, "refund.updated", "charge.refund.updated", "refund.failed"]),
]


@pytest.mark.parametrize(("flow", "expected"), FLOWS)
def test_each_change_is_told(
    flow: Flow, expected: list[str], stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = flow(stripe_sdk, sandbox)
    assert kinds(sandbox, intent) == expected
    events = sent(sandbox, intent)
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        assert event["data"]["object"]["object"] in event["type"] or "refund" in event["type"]
        for check in schema_checks("stripe-openapi.json", "event"):
            check(event)


def test_an_event_names_the_request_that_caused_it(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    key = new_key()
    intent = charge_stripe(stripe_sdk, key=key)
    reply = intent.last_response
    assert reply is not None
    [first, *_] = sent(sandbox, intent.id)
    request = {"id": reply.headers["request-id"], "idempotency_key": key}
    assert first["request"] == request
    assert (first["object"], first["livemode"]) == ("event", False)
    assert first["api_version"] == stripe.api_version
    updated = next(one for one in sent(sandbox, intent.id) if one["type"] == "charge.updated")
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}


def test_what_no_request_caused_names_none(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = expired(stripe_sdk, sandbox)
    last = sent(sandbox, intent)[-1]
    assert last["request"] == {"id": None, "idempotency_key": None}


def test_an_event_shows_the_object_as_it_was_then(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = captured(stripe_sdk, sandbox)
    states = [
        event["data"]["object"]["status"]
        for event in sent(sandbox, intent)
        if event["type"].startswith("payment_intent.")
    ]
    assert states == ["requires_payment_method", "requires_capture", "succeeded"]


def test_a_repeated_key_tells_nothing_again(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    key = new_key()
    [first, second] = [charge_stripe(stripe_sdk, key=key).id for _ in range(2)]
    assert first == second
    assert kinds(sandbox, first) == PAID
