"""Refunds through the official SDK: the ceiling at Stripe's side, and what comes later."""

from typing import Any

import httpx
import pytest
import stripe
from tests.sandbox.world import charge_stripe

from clearhouse.sandbox.server import Running


def refund(sdk: stripe.StripeClient, intent: str, **params: Any) -> stripe.Refund:
    return sdk.v1.refunds.create({"payment_intent": intent, **params})  # pyright: ignore[reportArgumentType] - a table of tests


def truth_of(box: Running, intent: str) -> list[tuple[str, int]]:
    return [(one.status, one.amount_minor) for one in box.core.truth.refunds("stripe", intent)]


def test_a_refund_shows_on_the_charge_and_on_the_balance(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = charge_stripe(stripe_sdk)
    made = refund(stripe_sdk, intent.id, amount=400, reason="duplicate", metadata={"a": "b"})
    assert (made.status, made.amount, made.reason) == ("succeeded", 400, "duplicate")
    charge = stripe_sdk.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (400, False)
    entry = stripe_sdk.v1.balance_transactions.retrieve(str(made.balance_transaction))
    assert (entry.type, entry.amount, entry.fee, entry.net) == ("refund", -400, 0, -400)
    rest = refund(stripe_sdk, intent.id)
    assert rest.amount == 600
    listed = stripe_sdk.v1.refunds.list({"payment_intent": intent.id})
    assert [one.id for one in listed.data] == [rest.id, made.id]
    assert stripe_sdk.v1.charges.retrieve(charge.id).refunded
    assert truth_of(sandbox, intent.id) == [("succeeded", 400), ("succeeded", 600)]
    changed = stripe_sdk.v1.refunds.update(made.id, {"metadata": {"a": "c"}})
    assert changed.to_dict()["metadata"] == {"a": "c"}


# what was done before, what is asked, the code
REFUSED: list[tuple[dict[str, Any], dict[str, Any], str | None, str | None]] = [
    ({}, {"amount": 1001}, None, "amount"),
    ({}, {"amount": 0}, None, "amount"),
    ({"refund": 1000}, {}, "charge_already_refunded", "charge"),
    ({"refund": 600}, {"amount": 401}, None, "amount"),
    ({"capture_method": "manual"}, {}, "charge_not_refundable", "charge"),
    ({"capture": 400}, {"amount": 401}, None, "amount"),
    ({}, {"reason": "a whim"}, None, "reason"),
    ({}, {"nonsense": "1"}, "parameter_unknown", "nonsense"),
    ({}, {"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
    ({}, {"payment_intent": None, "charge": "ch_none"}, "resource_missing", "charge"),
    ({}, {"payment_intent": None}, None, None),
]


@pytest.mark.parametrize(("before", "asked", "code", "param"), REFUSED)
def test_what_stripe_would_not_give_back(
    before: dict[str, Any],
    asked: dict[str, Any],
    code: str | None,
    param: str | None,
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
) -> None:
    manual = "capture" in before or "capture_method" in before
    intent = charge_stripe(stripe_sdk, capture_method="manual" if manual else "automatic")
    if "capture" in before:
        stripe_sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": before["capture"]})
    if "refund" in before:
        refund(stripe_sdk, intent.id, amount=before["refund"])
    given = truth_of(sandbox, intent.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_sdk.v1.refunds.create({"payment_intent": intent.id, **asked})  # pyright: ignore[reportArgumentType] - a table of tests
    assert (caught.value.code, caught.value.param) == (code, param)
    assert truth_of(sandbox, intent.id) == given


@pytest.mark.parametrize(
    ("method", "action", "statuses"),
    [
        ("pm_card_pendingRefund", "succeed_refund", ("pending", "succeeded")),
        ("pm_card_refundFail", "fail_refund", ("succeeded", "failed")),
    ],
)
def test_the_documented_cards_change_their_refund_later(
    method: str,
    action: str,
    statuses: tuple[str, str],
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
    control: httpx.Client,
) -> None:
    intent = charge_stripe(stripe_sdk, payment_method=method)
    made = refund(stripe_sdk, intent.id)
    assert made.status == statuses[0]
    offered = control.get("/actions", params={"psp": "stripe", "id": made.id}).json()["actions"]
    assert action in {one["name"] for one in offered}
    assert any(one["payload"]["id"] == made.id for one in sandbox.core.agenda.waiting())
    call = {"psp": "stripe", "id": made.id, "action": action}
    assert control.post("/actions", json=call).status_code == 200
    changed = stripe_sdk.v1.refunds.retrieve(made.id)
    assert changed.status == statuses[1]
    assert truth_of(sandbox, intent.id) == [(statuses[1], 1000)]
    if statuses[1] == "failed":
        assert changed.failure_reason == "lost_or_stolen_card"
        back = changed.failure_balance_transaction
        assert stripe_sdk.v1.balance_transactions.retrieve(str(back)).amount == 1000
        charge = stripe_sdk.v1.charges.retrieve(str(intent.latest_charge))
        assert (charge.amount_refunded, charge.refunded) == (0, False)
        assert control.post("/actions", json=call).status_code == 400


def test_a_refund_is_made_once_for_its_key(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = charge_stripe(stripe_sdk)
    same = [
        stripe_sdk.v1.refunds.create(
            {"payment_intent": intent.id, "amount": 500}, {"idempotency_key": f"k-{intent.id}"}
        ).id
        for _ in range(2)
    ]
    assert same[0] == same[1]
    assert truth_of(sandbox, intent.id) == [("succeeded", 500)]
