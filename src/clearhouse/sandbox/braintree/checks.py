"""Address and CVV checks of the card's holder, by the test inputs Braintree documents.

M match, N no match, U not verified, S issuer does not take part, E error, I not provided.
They inform; by themselves they refuse no sale here.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

_CVV: Final = {"": "I", "200": "N", "201": "U", "301": "S"}
_POSTAL: Final = {"": "I", "20000": "N", "20001": "U"}
_ERRORS: Final = {"30000": "E", "30001": "S"}


class AddressCheck(msgspec.Struct, frozen=True):
    """The three answers of an address verification; ``error`` is None when there was none."""

    postal_code: str = "I"
    street_address: str = "I"
    error: str | None = None


def check_cvv(cvv: str) -> str:
    """The answer to a CVV, empty for none sent."""
    return _CVV.get(cvv, "M")


def check_address(billing: Mapping[str, str | None]) -> AddressCheck:
    """The answers to a billing address, empty for none sent."""
    postal, street = billing.get("postal_code") or "", billing.get("street_address") or ""
    if postal in _ERRORS:
        return AddressCheck("U", "U", _ERRORS[postal])
    return AddressCheck(_POSTAL.get(postal, "M"), _street(street))


def _street(street: str) -> str:
    if not street:
        return "I"
    number = street.split(" ", 1)[0]
    return {"200": "N", "201": "U"}.get(number, "M")
