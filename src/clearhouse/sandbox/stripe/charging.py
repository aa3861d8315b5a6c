"""Confirming an intent: ask the bank, and write down what follows."""

from dataclasses import dataclass
from typing import Any, Final

from clearhouse.sandbox.stripe import balance, shapes
from clearhouse.sandbox.stripe.cards import AUTHENTICATION, Card, Decline, card_of
from clearhouse.sandbox.stripe.errors import StripeError
from clearhouse.sandbox.stripe.issuer import Approved, Challenged, Deferred, decide
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_TOLD: Final = {
    "succeeded": "payment_intent.succeeded",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "requires_action": "payment_intent.requires_action",
    "processing": "payment_intent.processing",
    "requires_payment_method": "payment_intent.payment_failed",
}
"""The event that tells each status to which a confirmation leads."""

_BANK_ANSWERS: Final = 300.0
"""Seconds after which a deferred answer comes."""

_DISPUTED_AFTER: Final = 1.0
"""Seconds after which the owner of a test card that disputes goes to the bank."""

_REVIEWED_AFTER: Final = 86_400.0
"""Seconds after which somebody has looked at a review and approves it."""

_AUTHORIZED_FOR: Final = 7 * 86_400
"""Seconds for which an authorization stands."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How an intent is to be confirmed. ``challenge_url`` is where the owner would authenticate."""

    method: Json
    key: str | None
    challenge_url: str
    return_url: str | None = None
    off_session: bool = False
    authenticated: bool = False
    error_on_challenge: bool = False
    answered: bool = False


def confirm(shelves: Shelves, intent: Json, confirmation: Confirmation) -> StripeError | None:
    """Ask the bank and save all that follows; the returned error is a decline to answer with.

    Call it within ``truth.transaction()``: a decline is written down, too.
    """
    method = confirmation.method
    name, card = card_of(method)
    verdict = decide(
        card,
        off_session=confirmation.off_session,
        authenticated=confirmation.authenticated,
        answered=confirmation.answered,
    )
    if isinstance(verdict, Challenged) and confirmation.error_on_challenge:
        verdict = AUTHENTICATION
    intent["next_action"] = None
    shelves.save(method)
    error = None
    if isinstance(verdict, Challenged):
        _challenge(intent, confirmation)
    elif isinstance(verdict, Deferred):
        intent.update(status="processing", payment_method=method["id"], last_payment_error=None)
        shelves.later("processed", _BANK_ANSWERS, intent["id"])
    elif isinstance(verdict, Decline):
        error = _decline(shelves, intent, method, card, verdict)
    else:
        _approve(shelves, intent, method, card, verdict)
    shelves.save(intent)
    shelves.record(intent, confirmation.key, f"pm_card_{name}")
    shelves.tell(_TOLD[intent["status"]], intent)
    return error


def processed(shelves: Shelves, intent: Json) -> None:
    """The bank's answer to an intent that was being processed."""
    method = shelves.load("payment_method", intent["payment_method"])
    assert method is not None
    confirm(shelves, intent, Confirmation(method, None, "", answered=True))


def capture(shelves: Shelves, intent: Json, amount: int) -> None:
    """Take the money of an authorized intent, or a part of it, and let the rest go."""
    charge = shelves.load("charge", intent["latest_charge"])
    assert charge is not None
    charge.update(captured=True, amount_captured=amount)
    if amount < charge["amount"]:
        charge["amount_refunded"] = charge["amount"] - amount
    _book(shelves, charge, at_once=False)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    shelves.save(intent)
    shelves.record(intent, None, None)
    shelves.tell("charge.captured", charge)
    shelves.tell("payment_intent.succeeded", intent)


def cancel(shelves: Shelves, intent: Json, reason: str | None) -> None:
    """End an intent for good, and let go what it holds, which its charge shows as refunded."""
    _end(shelves, intent, reason, "charge.refunded")


def expire(shelves: Shelves, intent: Json) -> None:
    """Nobody took the money in time: the bank lets it go."""
    _end(shelves, intent, "automatic", "charge.expired")


def _end(shelves: Shelves, intent: Json, reason: str | None, told: str) -> None:
    held = intent["status"] == "requires_capture"
    intent.update(
        status="canceled",
        canceled_at=shelves.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    if held:
        charge = shelves.load("charge", intent["latest_charge"])
        assert charge is not None
        charge.update(refunded=True, amount_refunded=charge["amount"])
        shelves.save(charge)
        shelves.tell(told, charge)
    shelves.save(intent)
    shelves.record(intent, None, None)
    shelves.tell("payment_intent.canceled", intent)


def fail_challenge(shelves: Shelves, intent: Json) -> None:
    """The owner of the card did not authenticate; the intent wants another method."""
    decline = Decline(
        "payment_intent_authentication_failure",
        None,
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data"
        " or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
    )
    intent.update(
        status="requires_payment_method",
        next_action=None,
        last_payment_error=_envelope(decline, None, None).error,
        payment_method=None,
    )
    shelves.save(intent)
    shelves.record(intent, None, None)
    shelves.tell("payment_intent.payment_failed", intent)


def _challenge(intent: Json, confirmation: Confirmation) -> None:
    url = confirmation.challenge_url
    if confirmation.return_url:
        redirect = {"return_url": confirmation.return_url, "url": url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url, "source": intent["id"]}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    intent.update(status="requires_action", payment_method=confirmation.method["id"])


def _decline(
    shelves: Shelves, intent: Json, method: Json, card: Card, decline: Decline
) -> StripeError:
    charge = shapes.charge(shelves.new_id("ch"), intent, method, card, now=shelves.now)
    shapes.fail(charge, decline)
    shelves.save(charge)
    shelves.tell("charge.failed", charge)
    error = _envelope(decline, charge, method)
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        last_payment_error=dict(error.error),
        payment_method=None,
    )
    error.error["payment_intent"] = intent
    return error


def _envelope(decline: Decline, charge: Json | None, method: Json | None) -> StripeError:
    optional: dict[str, Any] = {
        "decline_code": decline.decline_code,
        "advice_code": decline.advice,
        "network_decline_code": decline.network_code,
        "charge": charge and charge["id"],
        "payment_method": method,
        "param": "cvc" if decline.code == "incorrect_cvc" else None,
    }
    kind = "card_error" if charge else "invalid_request_error"
    return StripeError(402, kind, decline.message, code=decline.code, **optional)


def _approve(shelves: Shelves, intent: Json, method: Json, card: Card, approved: Approved) -> None:
    charge = shapes.charge(shelves.new_id("ch"), intent, method, card, now=shelves.now)
    if approved.review:
        review = shapes.review(shelves.new_id("prv"), charge, now=shelves.now)
        charge["review"] = intent["review"] = review["id"]
        charge["outcome"].update(
            type="manual_review",
            reason="elevated_risk_level",
            seller_message="Stripe evaluated this payment as having elevated risk,"
            " and placed it in your manual review queue.",
        )
        shelves.save(review)
        shelves.tell("review.opened", review)
        shelves.later("review_decided", _REVIEWED_AFTER, review["id"])
    intent.update(payment_method=method["id"], latest_charge=charge["id"], last_payment_error=None)
    if intent["capture_method"] == "manual":
        charge.update(captured=False, amount_captured=0)
        charge["payment_method_details"]["card"]["capture_before"] = shelves.now + _AUTHORIZED_FOR
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        shelves.save(charge)
        shelves.tell("charge.succeeded", charge)
        shelves.later("authorization_expires", _AUTHORIZED_FOR, intent["id"])
        return
    intent.update(status="succeeded", amount_received=intent["amount"])
    shelves.tell("charge.succeeded", charge)
    _book(shelves, charge, at_once=card.available_at_once)


def _book(shelves: Shelves, charge: Json, *, at_once: bool) -> None:
    taken = charge["amount_captured"]
    fee = balance.charge_fee(taken)
    entry = balance.book(shelves, "charge", charge, taken, fee=fee, at_once=at_once)
    charge["balance_transaction"] = entry["id"]
    shelves.save(charge)
    method = shelves.load("payment_method", charge["payment_method"])
    if method is not None and card_of(method)[1].dispute is not None:
        shelves.later("dispute_opens", _DISPUTED_AFTER, charge["id"])
    shelves.tell("charge.updated", charge, previous={"balance_transaction": None}, delay=1.0)
