"""The test cards of Square's sandbox as they are typed into its hosted page."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from clearhouse.sandbox.square.sources import Source

CODE: Final = "123456"
"""What the buyer's bank sends to the buyer's telephone, in every challenge of the sandbox."""

_VISA: Final = Source()


def _card(brand: str, number: str) -> Source:
    return replace(_VISA, brand=brand, last_4=number[-4:], bin=number[:6])


CARDS: Final = {
    "4111111111111111": _VISA,
    "5105105105105100": _card("MASTERCARD", "5105105105105100"),
    "6011000000000004": _card("DISCOVER", "6011000000000004"),
    "3569990010095841": _card("JCB", "3569990010095841"),
    "340000000000009": _card("AMERICAN_EXPRESS", "340000000000009"),
    "6222988812340000": _card("CHINA_UNIONPAY", "6222988812340000"),
    "4000000000000002": replace(_card("VISA", "4000000000000002"), decline="GENERIC_DECLINE"),
    "4310000000201019": replace(_card("VISA", "4310000000201019"), needs_verification=True),
    "5500000000201016": replace(_card("MASTERCARD", "5500000000201016"), needs_verification=True),
}
"""Every number that the page takes; all others are refused unseen, and none is kept."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a buyer typed into the page."""

    number: str
    expiry: str
    cvv: str
    postal_code: str


class NotACard(ValueError):
    """What was typed is no card; the sentence is for the buyer."""


def card_of(typed: Typed, now: datetime) -> Source:
    """The card, with what its values do. Raises NotACard before anything is asked of a bank."""
    card = CARDS.get(re.sub(r"[ -]", "", typed.number))
    if card is None:
        raise NotACard("This card number is not valid. Please use a test card.")
    found = re.fullmatch(r"(0[1-9]|1[0-2]) ?/ ?(\d\d)", typed.expiry, re.ASCII)
    if found is None or (2000 + int(found[2]), int(found[1])) < (now.year, now.month):
        raise NotACard("The expiry date is not valid or has passed.")
    digits = 4 if card.brand == "AMERICAN_EXPRESS" else 3
    if not re.fullmatch(rf"\d{{{digits}}}", typed.cvv, re.ASCII):
        raise NotACard(f"The CVV has {digits} digits.")
    if not re.fullmatch(r"[A-Za-z0-9 -]{3,10}", typed.postal_code, re.ASCII):
        raise NotACard("Please enter a postal code.")
    if typed.cvv == "911":
        return replace(card, decline="CVV_FAILURE", cvv="CVV_REJECTED")
    if typed.postal_code == "99999":
        return replace(card, decline="ADDRESS_VERIFICATION_FAILURE", avs="AVS_REJECTED")
    if (found[1], found[2]) == ("01", "40"):
        return replace(card, decline="INVALID_EXPIRATION")
    return card
