"""The payout's lifecycle drawn: every place it can be in, and every arrow that the code makes.

``make check`` compares docs/reference/payouts-lifecycle.md with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import (
    Failed,
    FailureReason,
    NotSent,
    PaidOut,
    PayoutOutcome,
    Returned,
    Submitted,
)
from clearhouse.wallets.payouts.lifecycle import Action, Effect, PayoutState, do, learn
from clearhouse.wallets.payouts.model import PayoutReason, PayoutStatus, SendingReason

AMOUNT: Final = Money(1000, "EUR")
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_S: Final = PayoutStatus.SUBMITTED


@dataclass(frozen=True, slots=True)
class Place:
    """A status, with its reason while a payout is submitted: where it can be.

    Why a payout failed or came back is told beside it, and changes nothing of what can follow.
    """

    status: PayoutStatus
    reason: SendingReason | None = None

    @property
    def node(self) -> str:
        """Its name in the diagram."""
        return self.reason.value if self.reason else self.status.value

    @property
    def title(self) -> str:
        """Its name in tables."""
        return f"`{self.status}` `{self.reason}`" if self.reason else f"`{self.status}`"


MOVERS: Final[Mapping[Place, str]] = {
    Place(PayoutStatus.CREATED): "who approves payouts; below the limit it is approved at once",
    Place(PayoutStatus.APPROVED): "the payout worker: into the next batch of its rail",
    Place(_S, SendingReason.SENDING): "the payout worker that holds the batch's lease",
    Place(_S, SendingReason.NOT_SENT): "the payout worker: the same batch again, after a wait",
    Place(_S, SendingReason.UNKNOWN_OUTCOME): "the payout worker: it asks what became of it",
    Place(_S, SendingReason.UNDER_WAY): "the bank or PSP: by file, by webhook, or when asked",
    Place(_S, SendingReason.CONTRADICTION): "a person, who was told at once",
    Place(PayoutStatus.PAID): "nobody has to; the bank or PSP may still take it back",
    Place(PayoutStatus.FAILED): "nobody: the seller has the money again",
    Place(PayoutStatus.RETURNED): "nobody: final; the seller has the money again",
    Place(PayoutStatus.CANCELLED): "nobody: final; the seller has the money again",
}
"""Every place a payout can be in, and who moves it on."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is done or learnt, in words; ``moved`` is what the rail says it moved."""

    words: str
    what: Action | PayoutOutcome
    moved: Money | None = None


FACTS: Final = (
    Fact("approved", Action.APPROVE),
    Fact("cancelled", Action.CANCEL),
    Fact("put into a batch", Action.BATCH),
    Fact("proven not sent", NotSent("nothing was written")),
    Fact("answer lost", Unknown("timeout")),
    Fact("accepted by the bank or PSP", Submitted("file-1")),
    Fact("paid", PaidOut("file-1", _MOMENT)),
    Fact("paid with another amount", PaidOut("file-1", _MOMENT), Money(999, "EUR")),
    Fact("failed", Failed(FailureReason.ACCOUNT_CLOSED, "AC04")),
    Fact("taken for a repetition", Failed(FailureReason.DUPLICATE, "AM05")),
    Fact("returned", Returned(FailureReason.ACCOUNT_CLOSED, "AC04", _MOMENT)),
)
"""One of each kind of thing that can be done to a payout or learnt about it."""

_FOLLOWS: Final[Mapping[Effect, str]] = {
    Effect.NOTHING: "nothing",
    Effect.APPROVE: "it may be sent",
    Effect.CANCEL: "in transit → available",
    Effect.BATCH: "its batch is sent",
    Effect.SEND_AGAIN: "the same batch is sent again",
    Effect.INQUIRE: "the rail is asked",
    Effect.WAIT: "it is waited for, and asked about",
    Effect.PAY: "in transit → out",
    Effect.FAIL: "in transit → available",
    Effect.FAIL_PAID: "out → available",
    Effect.RETURN: "out → available",
    Effect.PAY_AND_RETURN: "in transit → out → available",
    Effect.RENAME: "no money moves: it is back already",
    Effect.RAISE: "a person is told",
}


@dataclass(frozen=True, slots=True)
class Arrow:
    """What one fact does to a payout in one place; ``effect`` is None where it is refused."""

    before: Place
    fact: Fact
    after: Place
    effect: Effect | None


def arrows() -> Iterator[Arrow]:
    """What each fact does in each place, as the lifecycle decides it."""
    for place in MOVERS:
        for fact in FACTS:
            yield _arrow(place, fact)


def place_of(status: PayoutStatus, reason: PayoutReason | None) -> Place:
    """Where a payout with such a status and reason is."""
    return Place(status, reason if isinstance(reason, SendingReason) else None)


def _arrow(place: Place, fact: Fact) -> Arrow:
    state = PayoutState(place.status, place.reason, AMOUNT)
    if isinstance(fact.what, Action):
        made = do(state, fact.what)
    else:
        made = learn(state, fact.what, fact.moved)
    if made is None:
        return Arrow(place, fact, place, None)
    return Arrow(place, fact, place_of(made.status, made.reason), made.effect)


def places_table() -> str:
    """Every place, and who moves a payout on from there."""
    rows = [f"| {place.title} | {who} |" for place, who in MOVERS.items()]
    return "\n".join(["| place | who moves it next |", "|---|---|", *rows])


def arrows_table() -> str:
    """Every arrow: what is done or learnt, where the payout is, where it goes, what follows."""
    rows: list[str] = []
    for fact in FACTS:
        groups: dict[tuple[str, str], list[Place]] = {}
        for place in MOVERS:
            arrow = _arrow(place, fact)
            goal = "stays" if arrow.after == place else arrow.after.title
            follows = _FOLLOWS[arrow.effect] if arrow.effect else "refused"
            groups.setdefault((goal, follows), []).append(place)
        rows += [
            f"| {fact.words} | {_named(befores)} | {goal} | {follows} |"
            for (goal, follows), befores in groups.items()
        ]
    head = ["| done or learnt | in | becomes | what follows |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _named(places: Sequence[Place]) -> str:
    """Places in few words: their status alone where all of its places are meant."""
    words: list[str] = []
    for status in PayoutStatus:
        mine = [place for place in places if place.status is status]
        all_of_it = [place for place in MOVERS if place.status is status]
        if len(mine) == len(all_of_it):
            words.append(f"any `{status}`" if len(mine) > 1 else f"`{status}`")
        elif mine:
            words.append(f"`{status}`: " + ", ".join(f"`{place.reason}`" for place in mine))
    return "; ".join(words)


def diagram() -> str:
    """The lifecycle as a Mermaid state diagram, with the reasons of ``submitted`` within it."""
    inside: dict[tuple[str, str], list[str]] = {}
    outside: dict[tuple[str, str], list[str]] = {}
    for arrow in arrows():
        if arrow.after == arrow.before:
            continue
        within = arrow.before.status is _S and arrow.after.status is _S
        ends = (arrow.before.node, arrow.after.node)
        if not within:
            ends = (arrow.before.status.value, arrow.after.status.value)
        words = (inside if within else outside).setdefault(ends, [])
        if arrow.fact.words not in words:
            words.append(arrow.fact.words)
    lines = ["stateDiagram-v2", "    [*] --> created", "    state submitted {"]
    lines += ["        [*] --> sending"]
    lines += [f"        {a} --> {b}: {', '.join(words)}" for (a, b), words in inside.items()]
    lines += ["    }"]
    lines += [f"    {a} --> {b}: {', '.join(words)}" for (a, b), words in outside.items()]
    ends = (PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED)
    lines += [f"    {status} --> [*]" for status in ends]
    return "\n".join(["```mermaid", *lines, "```"])


def sections() -> Mapping[str, str]:
    """What docs/reference/payouts-lifecycle.md holds of this, by the name of each part."""
    return {"places": places_table(), "diagram": diagram(), "arrows": arrows_table()}
