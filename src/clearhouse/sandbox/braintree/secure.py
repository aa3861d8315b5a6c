"""3-D Secure 2 as Braintree's test cards play it: what a card's bank answers. Pure."""

from types import MappingProxyType
from typing import Final

CODE: Final = "1234"
"""What the owner of every test card knows."""

_NOT_ENROLLED: Final = "lookup_not_enrolled"
_STEP_UP: Final = "step_up:"
_FAILED: Final = "authenticate_failed"

CARDS: Final = MappingProxyType(
    {
        "4000000000001000": "authenticate_successful",
        "4000000000001018": _FAILED,
        "4000000000001026": "authenticate_attempt_successful",
        "4000000000001034": "authenticate_unable_to_authenticate",
        "4000000000001042": "authenticate_rejected",
        "4000000000001059": "authentication_unavailable",
        "4000000000001067": "lookup_error",
        "4000000000001075": "lookup_error",
        "4000000000001083": "authentication_bypassed",
        "4000000000001091": f"{_STEP_UP}authenticate_successful",
        "4000000000001109": f"{_STEP_UP}{_FAILED}",
        "4000000000001117": f"{_STEP_UP}authenticate_unable_to_authenticate",
        "5200000000001005": "authenticate_successful",
        "5200000000001096": f"{_STEP_UP}authenticate_successful",
        "340000000001007": "authenticate_successful",
        "340000000001098": f"{_STEP_UP}authenticate_successful",
    }
)
"""Card number to the status of its authentication; after ``step_up:`` the owner is asked first."""


def of_card(number: str) -> str:
    """What a card's bank does; a card of no known bank is not enrolled."""
    return CARDS.get(number, _NOT_ENROLLED)


def asks_owner(secure: str) -> bool:
    """Whether the bank wants to hear from its customer."""
    return secure.startswith(_STEP_UP)


def without_owner(secure: str) -> str:
    """The status where nobody is asked."""
    return secure or _NOT_ENROLLED


def answered(secure: str, code: str) -> str:
    """The status after the owner's answer; a wrong code, or none, fails."""
    return secure.removeprefix(_STEP_UP) if code == CODE else _FAILED
