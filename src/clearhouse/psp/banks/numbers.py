"""The check digits of bank account numbers: what fails them exists nowhere. Pure."""

import re
from typing import Final

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_ROUTING: Final = re.compile(r"[0-9]{9}", re.ASCII)
_US_ACCOUNT: Final = re.compile(r"[0-9A-Za-z-]{1,17}", re.ASCII)
_WEIGHTS: Final = (3, 7, 1) * 3
_REACHED: Final = (
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT"
    " NL NO PL PT RO RS SE SI SK SM VA"
)
SEPA_COUNTRIES: Final = frozenset(_REACHED.split())
"""Whose accounts SEPA credit transfers reach, by the first two letters of the IBAN (list of the
European Payments Council, EPC409-09; territories such as Guernsey have IBANs of GB or FR)."""


def is_iban(text: str) -> bool:
    """Whether the check digits hold (ISO 7064, MOD 97-10); no spaces, capital letters."""
    if not _IBAN.fullmatch(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def is_bic(text: str) -> bool:
    """Whether it has the form of a BIC (ISO 9362); BICs have no check digit."""
    return _BIC.fullmatch(text) is not None


def is_routing(text: str) -> bool:
    """Whether an American routing number's check digit holds."""
    if not _ROUTING.fullmatch(text) or text == "000000000":
        return False
    return sum(w * int(d) for w, d in zip(_WEIGHTS, text, strict=True)) % 10 == 0


def is_us_account(text: str) -> bool:
    """Whether it has the form of an American account number: they have no check digit."""
    return _US_ACCOUNT.fullmatch(text) is not None
