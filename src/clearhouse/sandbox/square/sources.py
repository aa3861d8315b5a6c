"""Square's official sandbox tokens, cards on file, and the amounts that mean something."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """What a ``source_id`` is and does.

    ``decline`` is the error code of the payment it fails; ``unusable`` is a refusal before
    any payment exists. ``needs_verification`` passes with a ``verification_token``.
    """

    brand: str = "VISA"
    last_4: str = "1111"
    bin: str = "411111"
    prepaid: str = "NOT_PREPAID"
    entry_method: str = "KEYED"
    decline: str | None = None
    cvv: str = "CVV_ACCEPTED"
    avs: str = "AVS_ACCEPTED"
    unusable: str | None = None
    needs_verification: bool = False


_CARD: Final = Source()
_ON_FILE: Final = replace(_CARD, entry_method="ON_FILE")
_GIFT: Final = Source(
    "SQUARE_GIFT_CARD", "0000", "778332", prepaid="PREPAID", avs="AVS_NOT_CHECKED"
)

SOURCES: Final = {
    "cnon:card-nonce-ok": _CARD,
    "cnon:card-nonce-declined": replace(_CARD, decline="GENERIC_DECLINE"),
    "cnon:card-nonce-rejected-cvv": replace(_CARD, decline="CVV_FAILURE", cvv="CVV_REJECTED"),
    "cnon:card-nonce-rejected-postalcode": replace(
        _CARD, decline="ADDRESS_VERIFICATION_FAILURE", avs="AVS_REJECTED"
    ),
    "cnon:card-nonce-rejected-expiration": replace(_CARD, decline="INVALID_EXPIRATION"),
    "cnon:card-nonce-already-used": replace(_CARD, unusable="CARD_TOKEN_USED"),
    "cnon:gift-card-nonce-ok": _GIFT,
    "cnon:gift-card-nonce-insufficient-funds": replace(_GIFT, decline="INSUFFICIENT_FUNDS"),
    "ccof:customer-card-id-ok": _ON_FILE,
    "ccof:customer-card-id-declined": replace(_ON_FILE, decline="GENERIC_DECLINE"),
    "ccof:customer-card-id-rejected-cvv": replace(
        _ON_FILE, decline="CVV_FAILURE", cvv="CVV_REJECTED"
    ),
    "ccof:customer-card-id-rejected-postalcode": replace(
        _ON_FILE, decline="ADDRESS_VERIFICATION_FAILURE", avs="AVS_REJECTED"
    ),
    "ccof:customer-card-id-rejected-expiration": replace(_ON_FILE, decline="INVALID_EXPIRATION"),
    "ccof:customer-card-id-requires-verification": replace(_ON_FILE, needs_verification=True),
}
"""Every official test source by its name."""

RISK_BY_AMOUNT: Final = {2222: "MODERATE", 3333: "HIGH", 4444: "PENDING"}
"""Amounts (in minor units) that set the risk level; all others are NORMAL.

The last is the sandbox's own: the payment is PENDING until Square has looked at it."""

VERIFICATION: Final = "CARD_DECLINED_VERIFICATION_REQUIRED"
"""The decline of a card whose bank wants its owner to authenticate."""

DISPUTE_BY_AMOUNT: Final = {
    8801: "AMOUNT_DIFFERS",
    8802: "CANCELLED",
    8803: "DUPLICATE",
    8804: "NO_KNOWLEDGE",
    8805: "NOT_AS_DESCRIBED",
    8806: "NOT_RECEIVED",
    8807: "PAID_BY_OTHER_MEANS",
    8808: "CUSTOMER_REQUESTS_CREDIT",
    8809: "EMV_LIABILITY_SHIFT",
}
"""Amounts (in minor units) that are disputed soon after they are taken, and why."""
