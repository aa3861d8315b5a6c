"""A 3-D Secure challenge is passed, failed, or passed and then declined by the bank."""

import httpx
import pytest
import stripe
from tests.sandbox.world import charge_stripe, truth

from clearhouse.sandbox.server import Running

BACK = "https://shop.example/back?cart=7"


def _challenge(sdk: stripe.StripeClient, name: str, order: str) -> tuple[str, str]:
    intent = charge_stripe(sdk, order, payment_method=f"pm_card_{name}", return_url=BACK)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    url = intent.next_action.redirect_to_url.url
    assert url is not None
    return intent.id, url


@pytest.mark.parametrize(
    ("name", "result", "status", "fact"),
    [
        ("threeDSecure2Required", "complete", "succeeded", "succeeded"),
        ("threeDSecure2Required", "fail", "requires_payment_method", "declined"),
        (
            "threeDSecureRequiredChargeDeclined",
            "complete",
            "requires_payment_method",
            "declined",
        ),
    ],
)
def test_the_owner_answers(
    name: str,
    result: str,
    status: str,
    fact: str,
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
):
    order = f"3ds-{name}-{result}"
    identifier, url = _challenge(stripe_sdk, name, order)
    assert "Complete" in httpx.get(url, trust_env=False).text
    reply = httpx.post(url, data={"result": result}, trust_env=False)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith(f"{BACK}&payment_intent={identifier}")
    assert stripe_sdk.v1.payment_intents.retrieve(identifier).status == status
    [charge] = truth(sandbox.base_url, reference=order)
    assert charge["status"] == fact


def test_a_challenge_is_answered_once(stripe_sdk: stripe.StripeClient, sandbox: Running):
    _, url = _challenge(stripe_sdk, "threeDSecure2Required", "3ds-once")
    assert httpx.post(url, data={"result": "maybe"}, trust_env=False).status_code == 400
    assert httpx.post(url, data={"result": "complete"}, trust_env=False).status_code == 303
    assert httpx.post(url, data={"result": "complete"}, trust_env=False).status_code == 404
    assert httpx.get(url, trust_env=False).status_code == 404
    assert len(truth(sandbox.base_url, reference="3ds-once")) == 1
