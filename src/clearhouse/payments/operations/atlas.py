"""Captures, voids and refunds drawn: every place, and every arrow that ``apply`` makes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel import atlas
from clearhouse.kernel.atlas import Arrow, Place
from clearhouse.kernel.money import Money
from clearhouse.payments.operations.lifecycle import Effect, OperationState, apply
from clearhouse.payments.operations.model import Ask, Kind, OperationReason, OperationStatus
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)

_AMOUNT: Final = Money(1000, "USD")
_S: Final = OperationStatus.SUBMITTED.value

MOVERS: Final[Mapping[Place, str]] = {
    Place("CREATED"): "an operator claims it at once",
    Place(_S): "the operator that holds its lease; when the lease ends, another",
    Place(_S, "unknown_outcome"): "an operator: the same key and a search, in turn; then searches",
    Place(_S, "psp_unavailable"): "an operator: the same key, after a wait that grows",
    Place(_S, "processing"): "the PSP: by webhook, or when it is asked",
    Place(_S, "contradiction"): "a person, who was told at once; it is asked meanwhile",
    Place("SUCCEEDED"): "nobody has to; the buyer's bank may still send a refund back",
    Place("FAILED", "rejected_by_bank"): "nobody: final",
    Place("FAILED", "wrong_state"): "nobody: final; any other refusal of the PSP stands alike",
}
"""Every place an operation can be in, and who moves it on."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that can be learnt, in words; the rest as in OperationState."""

    words: str
    outcome: OperationOutcome
    ask: Ask | None = Ask.SUBMIT
    proven: bool = False
    key_expired: bool = False


FACTS: Final = (
    Fact("done", Done("reference", _AMOUNT)),
    Fact("done with another amount", Done("reference", Money(999, "USD"))),
    Fact("taken, to be done", Waiting("reference")),
    Fact("refused", Refused(RefusalReason.REJECTED_BY_BANK, "no")),
    Fact(
        "refused, as an earlier call of its own would cause",
        Refused(RefusalReason.EXCEEDS_CHARGE, "no"),
    ),
    Fact("nothing done by this call", NotDone("busy")),
    Fact("not found by a search", NotDone("none"), Ask.FIND),
    Fact("proven not done", NotDone("none"), Ask.FIND, proven=True),
    Fact("proven not done, its key spent", NotDone("none"), Ask.FIND, True, True),
    Fact("answer lost", Unknown("timeout")),
)
"""One of each kind of thing that can be learnt about an operation."""

_FOLLOWS: Final[Mapping[Effect, str]] = {
    Effect.NOTHING: "nothing",
    Effect.SUCCEED: "`refund.succeeded`; or its order is captured, or voided",
    Effect.FAIL: "`refund.failed`; what it took of the order is free again",
    Effect.RETRY: "asked again",
    Effect.NEW_KEY: "asked again with a key of its own",
    Effect.RAISE: "a person is told",
}


def arrows(kind: Kind = Kind.REFUND) -> Iterator[Arrow]:
    """What each fact does in each place, as ``lifecycle.apply`` decides it."""
    for fact in FACTS:
        for place in MOVERS:
            made = apply(state(place, fact, kind), fact.outcome, RetryPolicy(), 0.5)
            reason = made.reason
            if made.status is OperationStatus.FAILED and reason != "rejected_by_bank":
                reason = "wrong_state"
            yield Arrow(place, fact.words, Place(made.status.value, reason), _FOLLOWS[made.effect])


def state(place: Place, fact: Fact, kind: Kind) -> OperationState:
    """An operation in a place, about which a fact is learnt."""
    return OperationState(
        kind,
        OperationStatus(place.status),
        place.reason,
        _AMOUNT,
        tries=1,
        ask=fact.ask,
        proven=fact.proven,
        key_expired=fact.key_expired,
    )


def differences() -> str:
    """The arrows of captures and voids that are not those of refunds."""
    refunds = {(one.before, one.words): one for one in arrows()}
    rows = [
        (one.words, one.before.title, "stays" if one.stays else one.after.title, one.follows)
        for one in arrows(Kind.CAPTURE)
        if one != refunds[one.before, one.words]
    ]
    return atlas.table(("learnt", "in", "becomes", "what follows"), rows)


def _by_when(place: Place) -> str:
    limits = RetryPolicy().limits
    if place.status in {"SUCCEEDED", "FAILED"}:
        return "final"
    if place.reason == OperationReason.CONTRADICTION:
        return "the person decides"
    limit = next((limits[one] for one in limits if one.value == place.reason), None)
    if limit is None:
        lease = "the lease (`CLEARHOUSE_EXECUTOR_LEASE_SECONDS`)"
        return lease if place.status == _S else "as soon as an operator is free"
    variable = f"CLEARHOUSE_LIMIT_{str(place.reason).upper()}_HOURS"
    hours = limit.total_seconds() / 3600
    return f"{hours:g} h (`{variable}`), then a person is told and it is still asked"


def _drawn() -> list[Arrow]:
    """The arrows of the diagram: from where an answer is awaited, and what is final."""
    asked, claimed = Place(_S), Place("CREATED")
    waiting = [place for place in MOVERS if place.status == _S and place.reason]
    return [
        Arrow(claimed, "claimed", asked, ""),
        *(arrow for arrow in arrows() if arrow.before not in {claimed, *waiting}),
        *(
            Arrow(place, _RETURNS.get(str(place.reason), "asked again"), asked, "")
            for place in waiting
        ),
    ]


_RETURNS: Final = {"processing": "webhook, or asked again"}


def sections() -> Mapping[str, str]:
    """What docs/reference/lifecycle.md holds of this, by the name of each part."""
    every = [*MOVERS]
    ends = [place for place in every if place.status in {"SUCCEEDED", "FAILED"}]
    rows = [(place.title, who, _by_when(place)) for place, who in MOVERS.items()]
    return {
        "operation places": atlas.table(("place", "who moves it next", "by when"), rows),
        "operation diagram": atlas.diagram(
            _drawn(),
            every[0],
            ends,
            lambda place: place.status if place in ends else place.reason or place.status,
        ),
        "operation arrows": atlas.arrows_table([*arrows()], every),
        "operation differences": differences(),
    }
