"""What is said about breaks, as bodies: flat objects, every fault at once."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clearhouse.api.flat_bodies import read_flat
from clearhouse.kernel.errors import Fault, InvalidRequest
from clearhouse.kernel.money import MoneyError, parse_minor

Words = Annotated[str, Meta(min_length=1, max_length=1_000)]
_WORDS: Final = "must be 1 to 1,000 characters"
_RULES: Final = {
    "deed": "must be accept or write_off",
    "reason": _WORDS,
    "note": _WORDS,
    "owner": "must be at most 100 characters",
    "amount": 'must be an amount as text, such as "-0.25"',
}


class BreakDecisionRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a break is closed, and why."""

    deed: Annotated[
        Literal["accept", "write_off"],
        Meta(description="`accept`: the other side is right. `write_off`: nobody will pay it."),
    ]
    reason: Annotated[Words, Meta(description="Kept for good, with the key's name.")]
    amount: (
        Annotated[
            str,
            Meta(max_length=40, description="Book this in place of what is proposed; signed."),
        ]
        | UnsetType
    ) = UNSET


class BreakCommentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Something to know for whoever looks next."""

    note: Words


class BreakAssignmentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who looks after a break."""

    owner: Annotated[str, Meta(max_length=100, description="Empty: nobody.")]


class BreakReopeningRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why a closed break is opened again."""

    reason: Words


def read_decision(body: bytes) -> BreakDecisionRequest:
    """A decision. Raises InvalidRequest, CardNumberRefused and HttpError."""
    return read_flat(body, BreakDecisionRequest, _RULES, unlike_cards=frozenset({"amount"}))[0]


def read_comment(body: bytes) -> BreakCommentRequest:
    """A comment. Raises as ``read_decision`` does."""
    return read_flat(body, BreakCommentRequest, _RULES)[0]


def read_assignment(body: bytes) -> BreakAssignmentRequest:
    """An owner. Raises as ``read_decision`` does."""
    return read_flat(body, BreakAssignmentRequest, _RULES)[0]


def read_reopening(body: bytes) -> BreakReopeningRequest:
    """A reason to reopen. Raises as ``read_decision`` does."""
    return read_flat(body, BreakReopeningRequest, _RULES)[0]


def amount_of(decision: BreakDecisionRequest, currency: str) -> int | None:
    """The amount to book in minor units, None for what is proposed. Raises InvalidRequest."""
    if isinstance(decision.amount, UnsetType):
        return None
    try:
        return parse_minor(decision.amount, currency)
    except MoneyError as error:
        fault = Fault("/amount", "invalid-amount", f"is no amount of {currency}: {error}")
        raise InvalidRequest([fault]) from None
