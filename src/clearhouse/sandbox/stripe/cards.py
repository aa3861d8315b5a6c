"""Stripe's official test PaymentMethods and tokens, and what each of them does.

``pm_card_visa_chargeDeclined`` and its twin ``tok_visa_chargeDeclined`` behave alike; an
amount triggers nothing at Stripe.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final


class Challenge(StrEnum):
    """When the card's bank asks its owner (3-D Secure)."""

    NEVER = "never"
    ALWAYS = "always"
    ON_SESSION = "on-session"
    """Off-session payments pass, as if the card had been set up for them."""


@dataclass(frozen=True, slots=True)
class Decline:
    """A no from the bank, or from Stripe's own risk check when ``blocked``."""

    code: str
    decline_code: str | None
    message: str
    advice: str | None = None
    network_code: str | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A test card. ``checks`` are CVC, postal code and first address line.

    ``dispute`` and ``refund`` say what happens later (see docs/reference/sandbox-stripe.md). With
    ``processing`` the bank answers later, too; Stripe's own test cards have none of that kind.
    """

    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    challenge: Challenge = Challenge.NEVER
    after_challenge: Decline | None = None
    risk: str = "normal"
    cvc: str = "pass"
    postal_code: str | None = None
    line1: str | None = None
    dispute: str | None = None
    refund: str | None = None
    available_at_once: bool = False
    processing: bool = False


_NO: Final = "Your card was declined."
GENERIC: Final = Decline("card_declined", "generic_decline", _NO, "try_again_later", "05")
INSUFFICIENT: Final = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds.",
    "try_again_later", "51",
)  # fmt: skip
LOST: Final = Decline("card_declined", "lost_card", _NO, "do_not_try_again", "41")
STOLEN: Final = Decline("card_declined", "stolen_card", _NO, "do_not_try_again", "43")
EXPIRED: Final = Decline("expired_card", None, "Your card has expired.", "confirm_card_data", "54")
CVC: Final = Decline(
    "incorrect_cvc", None, "Your card's security code is incorrect.", "confirm_card_data", "N7"
)
PROCESSING: Final = Decline(
    "processing_error", None,
    "An error occurred while processing your card. Try again in a little bit.",
    "try_again_later", "96",
)  # fmt: skip
VELOCITY: Final = Decline(
    "card_declined", "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently"
    " or exceeding its amount limit.",
    "try_again_later", "65",
)  # fmt: skip
BLOCKED: Final = Decline("card_declined", "fraudulent", _NO, "do_not_try_again", blocked=True)
AUTHENTICATION: Final = Decline(
    "authentication_required", "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "confirm_card_data", "1A",
)  # fmt: skip

_VISA = Card()
_ASKS = replace(_VISA, challenge=Challenge.ALWAYS)

_BRANDS: Final = {
    "visa": _VISA,
    "visa_debit": replace(_VISA, last4="5556", funding="debit"),
    "mastercard": Card("mastercard", "4444"),
    "mastercard_debit": Card("mastercard", "8210", "debit"),
    "mastercard_prepaid": Card("mastercard", "5100", "prepaid"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "9424"),
    "diners": Card("diners", "0004"),
    "jcb": Card("jcb", "0505"),
    "unionpay": Card("unionpay", "0005"),
}
_COUNTRIES: Final = {
    "us": "4242", "br": "0002", "ca": "0000", "mx": "8001", "gb": "0000", "fr": "0003",
    "de": "0016", "es": "0007", "it": "0008", "nl": "0002", "jp": "0003", "au": "0006",
    "sg": "0003", "hk": "0004", "ch": "0009",
}  # fmt: skip
_SPECIAL: Final = {
    "visa_chargeDeclined": replace(_VISA, last4="0002", decline=GENERIC),
    "visa_chargeDeclinedInsufficientFunds": replace(_VISA, last4="9995", decline=INSUFFICIENT),
    "visa_chargeDeclinedLostCard": replace(_VISA, last4="9987", decline=LOST),
    "visa_chargeDeclinedStolenCard": replace(_VISA, last4="9979", decline=STOLEN),
    "visa_chargeDeclinedVelocityLimitExceeded": replace(_VISA, last4="6975", decline=VELOCITY),
    "chargeDeclined": replace(_VISA, last4="0002", decline=GENERIC),
    "chargeDeclinedInsufficientFunds": replace(_VISA, last4="9995", decline=INSUFFICIENT),
    "chargeDeclinedExpiredCard": replace(_VISA, last4="0069", decline=EXPIRED),
    "chargeDeclinedIncorrectCvc": replace(_VISA, last4="0127", decline=CVC, cvc="fail"),
    "chargeDeclinedProcessingError": replace(_VISA, last4="0119", decline=PROCESSING),
    "chargeCustomerFail": replace(_VISA, last4="0341", decline=GENERIC),
    "threeDSecure2Required": replace(_ASKS, last4="3220"),
    "threeDSecureRequired": replace(_ASKS, last4="3063"),
    "authenticationRequired": replace(_ASKS, last4="3184"),
    "authenticationRequiredOnSetup": replace(_ASKS, last4="3155"),
    "authenticationRequiredSetupForOffSession": replace(
        _VISA, last4="0446", challenge=Challenge.ON_SESSION
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": replace(
        _ASKS, last4="3178", after_challenge=INSUFFICIENT
    ),
    "threeDSecureRequiredChargeDeclined": replace(_ASKS, last4="1629", after_challenge=GENERIC),
    "threeDSecureRequiredProcessingError": replace(_VISA, last4="1280", decline=GENERIC),
    "threeDSecureOptional": replace(_VISA, last4="3055"),
    "createDispute": replace(_VISA, last4="0259", dispute="fraudulent"),
    "createDisputeProductNotReceived": replace(
        _VISA, last4="2685", dispute="product_not_received"
    ),
    "createDisputeInquiry": replace(_VISA, last4="1976", dispute="inquiry"),
    "createIssuerFraudRecord": replace(_VISA, last4="5423"),
    "radarBlock": replace(_VISA, last4="0019", risk="highest", decline=BLOCKED),
    "riskLevelHighest": replace(_VISA, last4="4954", risk="highest", decline=BLOCKED),
    "riskLevelElevated": replace(_VISA, last4="9235", risk="elevated"),
    "cvcCheckFail": replace(_VISA, last4="0101", cvc="fail"),
    "avsZipFail": replace(_VISA, last4="0036", postal_code="fail"),
    "avsLine1Fail": replace(_VISA, last4="0028", line1="fail", postal_code="pass"),
    "avsFail": replace(_VISA, last4="0010", line1="fail", postal_code="fail"),
    "avsUnchecked": replace(
        _VISA, last4="0044", line1="unavailable", postal_code="unavailable"
    ),
    "pendingRefund": replace(_VISA, last4="7726", refund="pending"),
    "refundFail": replace(_VISA, last4="5126", refund="fails_later"),
    "sandboxProcessing": replace(_VISA, last4="9001", processing=True),
    "sandboxProcessingDeclined": replace(_VISA, last4="9002", processing=True, decline=GENERIC),
    "bypassPending": replace(_VISA, last4="0077", available_at_once=True),
}  # fmt: skip

_COUNTRY_CARDS: Final = {
    name: replace(_VISA, last4=last4, country=name.upper()) for name, last4 in _COUNTRIES.items()
}
CARDS: Final = {**_BRANDS, **_COUNTRY_CARDS, **_SPECIAL}
"""Every official test card by its name without ``pm_card_`` or ``tok_``."""


def name_of(token: str) -> str | None:
    """The card's name behind a test PaymentMethod or token, or None when there is none."""
    for prefix in ("pm_card_", "tok_"):
        name = token.removeprefix(prefix)
        if name != token and name in CARDS:
            return name
    return None


def fingerprint(name: str) -> str:
    """Stripe's fingerprint of a card number: the same for the same card."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


_NAMES: Final = {fingerprint(name): name for name in CARDS}


def card_of(method: dict[str, Any]) -> tuple[str, Card]:
    """The name and the card behind a stored PaymentMethod, found by its fingerprint."""
    name = _NAMES[method["card"]["fingerprint"]]
    return name, CARDS[name]
