"""Stripe's official test PaymentMethods do what Stripe documents, seen through its SDK."""

import pytest
import stripe
from tests.sandbox.world import charge_stripe, truth

from clearhouse.sandbox.server import Running
from clearhouse.sandbox.stripe.cards import CARDS, Challenge

SUCCEEDING = sorted(
    name
    for name, card in CARDS.items()
    if card.decline is None and card.challenge is Challenge.NEVER and not card.processing
)

# name, code, decline_code, advice_code, outcome.type
DECLINES = [
    ("visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    (
        "visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        "try_again_later",
    ),
    ("visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
    (
        "visa_chargeDeclinedVelocityLimitExceeded",
        "card_declined",
        "card_velocity_exceeded",
        "try_again_later",
    ),
    ("chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
    ("chargeDeclinedExpiredCard", "expired_card", None, "confirm_card_data"),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "confirm_card_data"),
    ("chargeDeclinedProcessingError", "processing_error", None, "try_again_later"),
    ("chargeCustomerFail", "card_declined", "generic_decline", "try_again_later"),
    ("threeDSecureRequiredProcessingError", "card_declined", "generic_decline", "try_again_later"),
    ("radarBlock", "card_declined", "fraudulent", "do_not_try_again"),
    ("riskLevelHighest", "card_declined", "fraudulent", "do_not_try_again"),
]
CHALLENGING = sorted(name for name, card in CARDS.items() if card.challenge is not Challenge.NEVER)


def test_every_official_card_is_in_a_table():
    # Those that are undecided for a while are the sandbox's own, and not decided here.
    official = {name for name, card in CARDS.items() if not card.processing}
    assert {*SUCCEEDING, *CHALLENGING, *(row[0] for row in DECLINES)} == official


@pytest.mark.parametrize("name", SUCCEEDING)
def test_a_good_card_is_charged(name: str, stripe_sdk: stripe.StripeClient, sandbox: Running):
    intent = charge_stripe(
        stripe_sdk, f"good-{name}", payment_method=f"pm_card_{name}", expand=["latest_charge"]
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    card = charge.to_dict()["payment_method_details"]["card"]
    expected = CARDS[name]
    assert (card["brand"], card["last4"], card["funding"]) == (
        expected.brand,
        expected.last4,
        expected.funding,
    )
    assert card["checks"] == {
        "address_line1_check": expected.line1,
        "address_postal_code_check": expected.postal_code,
        "cvc_check": expected.cvc,
    }
    [fact] = truth(sandbox.base_url, reference=f"good-{name}")
    assert (fact["status"], fact["amount_minor"], fact["currency"], fact["payment_method"]) == (
        "succeeded",
        1000,
        "USD",
        f"pm_card_{name}",
    )


@pytest.mark.parametrize(("name", "code", "decline_code", "advice"), DECLINES)
def test_a_bad_card_is_declined(
    name: str,
    code: str,
    decline_code: str | None,
    advice: str,
    stripe_sdk: stripe.StripeClient,
    sandbox: Running,
):
    with pytest.raises(stripe.CardError) as caught:
        charge_stripe(stripe_sdk, f"bad-{name}", payment_method=f"pm_card_{name}")
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, error.code, error.decline_code, error.advice_code) == (
        402,
        code,
        decline_code,
        advice,
    )
    intent = error.payment_intent
    assert intent is not None
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    assert error.charge is not None
    charge = stripe_sdk.v1.charges.retrieve(error.charge)
    assert (charge.status, charge.paid, charge.captured) == ("failed", False, False)
    assert charge.outcome is not None
    blocked = decline_code == "fraudulent"
    assert charge.outcome.type == ("blocked" if blocked else "issuer_declined")
    [fact] = truth(sandbox.base_url, reference=f"bad-{name}")
    assert fact["status"] == "declined"


@pytest.mark.parametrize("name", ["visa", "amex", "jcb", "bypassPending"])
def test_a_good_card_has_a_token_as_twin(name: str, stripe_sdk: stripe.StripeClient):
    data = {"type": "card", "card": {"token": f"tok_{name}"}}
    intent = charge_stripe(stripe_sdk, payment_method=None, payment_method_data=data)
    assert intent.status == "succeeded"


def test_a_bad_card_has_a_token_as_twin(stripe_sdk: stripe.StripeClient):
    data = {"type": "card", "card": {"token": "tok_visa_chargeDeclinedLostCard"}}
    with pytest.raises(stripe.CardError) as caught:
        charge_stripe(stripe_sdk, payment_method=None, payment_method_data=data)
    assert caught.value.error is not None
    assert caught.value.error.decline_code == "lost_card"


def test_a_payment_method_made_from_a_token_can_be_charged(stripe_sdk: stripe.StripeClient):
    method = stripe_sdk.v1.payment_methods.create(
        {"type": "card", "card": {"token": "tok_mastercard"}}
    )
    intent = charge_stripe(stripe_sdk, payment_method=method.id)
    assert (intent.status, intent.payment_method) == ("succeeded", method.id)
    assert stripe_sdk.v1.payment_methods.retrieve(method.id).to_dict()["card"]["last4"] == "4444"


def test_an_elevated_risk_is_charged_and_reviewed(stripe_sdk: stripe.StripeClient):
    intent = charge_stripe(
        stripe_sdk,
        payment_method="pm_card_riskLevelElevated",
        expand=["review", "latest_charge"],
    )
    assert intent.status == "succeeded"
    assert isinstance(intent.review, stripe.Review)
    assert intent.review.open
    assert isinstance(intent.latest_charge, stripe.Charge)
    outcome = intent.latest_charge.outcome
    assert outcome is not None
    assert (outcome.type, outcome.risk_level) == ("manual_review", "elevated")


@pytest.mark.parametrize("name", CHALLENGING)
def test_a_card_that_asks_its_owner_is_not_charged_yet(
    name: str, stripe_sdk: stripe.StripeClient, sandbox: Running
):
    intent = charge_stripe(
        stripe_sdk,
        f"asks-{name}",
        payment_method=f"pm_card_{name}",
        return_url="https://shop.example/back",
    )
    assert (intent.status, intent.amount_received) == ("requires_action", 0)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back"
    [fact] = truth(sandbox.base_url, reference=f"asks-{name}")
    assert fact["status"] == "requires_action"


def test_without_a_return_url_the_browser_sdk_is_asked(stripe_sdk: stripe.StripeClient):
    intent = charge_stripe(stripe_sdk, payment_method="pm_card_threeDSecure2Required")
    assert intent.next_action is not None
    assert intent.next_action.type == "use_stripe_sdk"


def test_off_session_nobody_can_be_asked(stripe_sdk: stripe.StripeClient):
    with pytest.raises(stripe.CardError) as caught:
        charge_stripe(stripe_sdk, payment_method="pm_card_authenticationRequired", off_session=True)
    assert caught.value.code == "authentication_required"
    set_up = charge_stripe(
        stripe_sdk,
        payment_method="pm_card_authenticationRequiredSetupForOffSession",
        off_session=True,
    )
    assert set_up.status == "succeeded"
