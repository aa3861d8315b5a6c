"""Disputes, reviews and deferred answers of Stripe's sandbox, through the official SDK."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe
from tests.sandbox.specs import fixture_fields, schema_checks
from tests.sandbox.world import charge_stripe, truth

from clearhouse.sandbox.server import Running


def later(box: Running, by: timedelta = timedelta(seconds=2)) -> None:
    box.core.clock.advance(by)
    box.core.agenda.run_due()


def disputed(sdk: stripe.StripeClient, box: Running, card: str = "createDispute") -> Any:
    intent = charge_stripe(sdk, payment_method=f"pm_card_{card}")
    later(box)
    [found] = sdk.v1.disputes.list({"payment_intent": intent.id}).data
    return found


def moved(dispute: Any) -> list[tuple[int, int]]:
    return [(entry.amount, entry.fee) for entry in dispute.balance_transactions]


@pytest.mark.parametrize(
    ("card", "status", "reason", "withdrawn"),
    [
        ("createDispute", "needs_response", "fraudulent", [(-1000, 1500)]),
        (
            *("createDisputeProductNotReceived", "needs_response"),
            *("product_not_received", [(-1000, 1500)]),
        ),
        ("createDisputeInquiry", "warning_needs_response", "fraudulent", []),
    ],
)
def test_the_documented_cards_dispute(
    card: str,
    status: str,
    reason: str,
    withdrawn: list[tuple[int, int]],
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
) -> None:
    found = disputed(stripe_sdk, sandbox, card)
    assert (found.status, found.reason, found.amount) == (status, reason, 1000)
    assert moved(found) == withdrawn
    assert found.is_charge_refundable is not bool(withdrawn)
    assert fixture_fields("dispute") <= set(found.to_dict())
    for check in schema_checks("stripe-openapi.json", "dispute"):
        check(found.to_dict())
    [fact] = sandbox.core.truth.disputes("stripe", found.payment_intent)
    assert (fact.status, fact.amount_minor) == ("open" if withdrawn else "inquiry", 1000)


@pytest.mark.parametrize(
    ("card", "text", "ends", "amounts"),
    [
        ("createDispute", "winning_evidence", "won", [-1000, 1000]),
        ("createDispute", "losing_evidence", "lost", [-1000]),
        ("createDisputeInquiry", "winning_evidence", "warning_closed", []),
        ("createDisputeInquiry", "escalate_inquiry_evidence", "needs_response", [-1000]),
    ],
)
def test_the_documented_texts_decide(
    card: str,
    text: str,
    ends: str,
    amounts: list[int],
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
) -> None:
    found = disputed(stripe_sdk, sandbox, card)
    sent = stripe_sdk.v1.disputes.update(found.id, {"evidence": {"uncategorized_text": text}})
    assert sent.status.endswith("under_review")
    assert sent.evidence_details.submission_count == 1
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.disputes.update(found.id, {"evidence": {"uncategorized_text": "more"}})
    later(sandbox)
    decided = stripe_sdk.v1.disputes.retrieve(found.id)
    assert decided.status == ends
    assert [amount for amount, _ in moved(decided)] == amounts


def test_evidence_can_be_drafted_before_it_is_sent(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    found = disputed(stripe_sdk, sandbox)
    draft = stripe_sdk.v1.disputes.update(
        found.id, {"evidence": {"product_description": "a lamp"}, "submit": False}
    )
    assert (draft.status, draft.evidence_details.has_evidence) == ("needs_response", True)
    assert draft.evidence.product_description == "a lamp"


def test_nobody_answers(stripe_sdk: stripe.StripeClient, sandbox: Running) -> None:
    found = disputed(stripe_sdk, sandbox)
    asked = disputed(stripe_sdk, sandbox, "createDisputeInquiry")
    later(sandbox, timedelta(days=9))
    assert stripe_sdk.v1.disputes.retrieve(found.id).status == "lost"
    assert stripe_sdk.v1.disputes.retrieve(asked.id).status == "warning_closed"


def test_a_refund_and_a_dispute_never_pay_the_buyer_twice(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    found = disputed(stripe_sdk, sandbox)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_sdk.v1.refunds.create({"payment_intent": found.payment_intent})
    assert caught.value.code == "charge_disputed"
    assert stripe_sdk.v1.disputes.close(found.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.refunds.create({"payment_intent": found.payment_intent})
    # The other way round: what was given back before is not disputed any more.
    intent = charge_stripe(stripe_sdk)
    stripe_sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    act(sandbox, intent.id, "dispute")
    [rest] = stripe_sdk.v1.disputes.list({"payment_intent": intent.id}).data
    assert rest.amount == 600


def act(box: Running, identifier: str, action: str) -> None:
    call = {"psp": "stripe", "id": identifier, "action": action}
    reply = httpx.post(f"{box.base_url}/_sandbox/actions", json=call, trust_env=False)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("action", "capture", "reason", "fact", "returned"),
    [
        ("approve", "automatic", "approved", "succeeded", 0),
        ("refund_as_fraud", "automatic", "refunded_as_fraud", "succeeded", 1000),
        ("refund_as_fraud", "manual", "refunded_as_fraud", "canceled", 0),
        (None, "automatic", "approved", "succeeded", 0),
    ],
)
def test_a_review_is_decided(
    action: str | None,
    capture: str,
    reason: str,
    fact: str,
    returned: int,
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
) -> None:
    order = f"review-{action}-{capture}"
    intent = charge_stripe(
        stripe_sdk, order, payment_method="pm_card_riskLevelElevated", capture_method=capture
    )
    review = str(intent.review)
    assert stripe_sdk.v1.reviews.retrieve(review).open
    if action is None:
        later(sandbox, timedelta(days=1))
    else:
        act(sandbox, review, action)
    closed = stripe_sdk.v1.reviews.retrieve(review)
    assert (closed.open, closed.closed_reason) == (False, reason)
    assert [one["status"] for one in truth(sandbox.base_url, reference=order)] == [fact]
    given = sandbox.core.truth.refunds("stripe", intent.id)
    assert sum(one.amount_minor for one in given) == returned


@pytest.mark.parametrize(
    ("card", "status", "fact"),
    [
        ("sandboxProcessing", "succeeded", "succeeded"),
        ("sandboxProcessingDeclined", "requires_payment_method", "declined"),
    ],
)
def test_the_bank_answers_later(
    card: str, status: str, fact: str, stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    intent = charge_stripe(stripe_sdk, card, payment_method=f"pm_card_{card}")
    assert intent.status == "processing"
    assert [one["status"] for one in truth(sandbox.base_url, reference=card)] == ["pending"]
    later(sandbox, timedelta(minutes=5))
    assert stripe_sdk.v1.payment_intents.retrieve(intent.id).status == status
    assert [one["status"] for one in truth(sandbox.base_url, reference=card)] == [fact]
