"""The lifecycle drawn: every place an order can be in, and every arrow that ``apply`` makes.

Why computed: a diagram that somebody drew shows what was meant once. This one asks the code, and
``make check`` compares docs/reference/lifecycle.md with it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.payments.lifecycle import Effect, OrderState, apply
from clearhouse.payments.model import FINAL, OrderStatus, StatusReason
from clearhouse.payments.patience import DEFAULT_LIMITS, UNDECIDED, RetryPolicy
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Reversed,
    Succeeded,
    Unknown,
)

_PRICE: Final = Money(1000, "USD")
_CHARGE: Final = "charge"
_E: Final = OrderStatus.EXECUTING
_R: Final = StatusReason


@dataclass(frozen=True, slots=True)
class Place:
    """A status with its reason: where an order can be."""

    status: OrderStatus
    reason: StatusReason | None = None

    @property
    def node(self) -> str:
        """Its name in the diagram."""
        if self.status is _E:
            return self.reason.value if self.reason else "asked"
        return f"{self.status}_{self.reason}" if self.reason else self.status.value

    @property
    def title(self) -> str:
        """Its name in tables."""
        return f"`{self.status}` `{self.reason}`" if self.reason else f"`{self.status}`"


MOVERS: Final[Mapping[Place, str]] = {
    Place(OrderStatus.NOT_STARTED): "an executor claims it at once",
    Place(_E): "the executor that holds its lease; when the lease ends, another",
    Place(
        _E, _R.UNKNOWN_OUTCOME
    ): "an executor: same key while the PSP remembers it, then look-ups",
    Place(_E, _R.PSP_UNAVAILABLE): "an executor: same key, after a wait that grows",
    Place(_E, _R.FAILED_OVER): "the executor of the next PSP, with a new attempt, at once",
    Place(_E, _R.RETRY_SCHEDULED): "an executor: a new attempt after a wait that grows",
    Place(_E, _R.PROCESSING): "the PSP: by webhook, or when it is polled",
    Place(_E, _R.PENDING_REVIEW): "a reviewer at the PSP: by webhook, or when it is polled",
    Place(_E, _R.REQUIRES_ACTION): "the buyer at `next_action`; heard by webhook or poll",
    Place(_E, _R.AWAITING_BUYER): "the buyer on the payment page, or the page's expiry",
    Place(_E, _R.AUTHORIZED): "the merchant captures or voids; or the authorization expires",
    Place(_E, _R.CONTRADICTION): "a person, who was told at once; it is polled meanwhile",
    Place(OrderStatus.SUCCESS): "nobody has to; the PSP may still take it back",
    Place(OrderStatus.SUCCESS, _R.REVERSED): "nobody: final",
    Place(OrderStatus.FAILED, _R.DECLINED): "nobody: final",
    Place(OrderStatus.FAILED, _R.VOIDED): "nobody: final",
    Place(OrderStatus.FAILED, _R.EXPIRED): "nobody: final",
}
"""Every place an order can be in, and who moves it on."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that can be learnt, in words; ``proven`` says that a look-up proves it.

    ``may_retry`` and ``elsewhere`` as in OrderState; with the latter, every call was answered, and
    the PSP took nothing as often as is borne.
    """

    words: str
    outcome: PspOutcome
    proven: bool = False
    may_retry: bool = False
    elsewhere: bool = False


FACTS: Final = (
    Fact("succeeded", Succeeded(_CHARGE, _PRICE)),
    Fact("captured in part", Succeeded(_CHARGE, Money(400, "USD"))),
    Fact("succeeded with too much", Succeeded(_CHARGE, Money(1001, "USD"))),
    Fact("another charge succeeded", Succeeded("another", _PRICE)),
    Fact("taken back", Reversed(_CHARGE, _PRICE, "settlement_declined")),
    Fact(
        "declined softly",
        Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.SOFT, "51"),
        may_retry=True,
    ),
    Fact("declined", Declined(DeclineReason.LOST_OR_STOLEN, Retry.HARD, "43")),
    Fact("voided", Declined(DeclineReason.VOIDED, Retry.HARD, "voided", _CHARGE)),
    Fact("expired", Declined(DeclineReason.EXPIRED, Retry.HARD, "expired", _CHARGE)),
    Fact("processing", Pending(PendingReason.PROCESSING, _CHARGE)),
    Fact("pending review", Pending(PendingReason.PENDING_REVIEW, _CHARGE)),
    Fact("requires action", Pending(PendingReason.REQUIRES_ACTION, _CHARGE)),
    Fact("authorized", Pending(PendingReason.AUTHORIZED, _CHARGE)),
    Fact("nothing charged by this call", NotCharged("busy")),
    Fact("proven not charged", NotCharged("not found"), proven=True),
    Fact("nothing charged, another PSP can take it", NotCharged("busy"), elsewhere=True),
    Fact(
        "refused by the PSP, another can take it",
        Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, "invalid"),
        elsewhere=True,
    ),
    Fact("answer lost", Unknown("timeout")),
)
"""One of each kind of thing that can be learnt about an order that was authorized first."""

_FOLLOWS: Final[Mapping[Effect, str]] = {
    Effect.NOTHING: "nothing",
    Effect.SUCCEED: "`payment_order.succeeded`",
    Effect.SUCCEED_REVERSED: "`payment_order.succeeded`, `payment_order.reversed`",
    Effect.REVERSE: "`payment_order.reversed`",
    Effect.FAIL: "`payment_order.failed`",
    Effect.AUTHORIZE: "`payment_order.authorized`",
    Effect.ACT: "`payment_order.action_required`",
    Effect.RETRY: "asked again",
    Effect.NEW_ATTEMPT: "a new attempt with a key of its own",
    Effect.FAIL_OVER: "a new attempt with a key of its own, at the next PSP",
    Effect.RAISE: "a person is told",
    Effect.STRAY: "the charge is given back",
}


@dataclass(frozen=True, slots=True)
class Arrow:
    """What one fact does to an order in one place."""

    before: Place
    fact: Fact
    after: Place
    effect: Effect


def arrows() -> Iterator[Arrow]:
    """What each fact does in each place, as ``lifecycle.apply`` decides it."""
    policy = RetryPolicy()
    for place in MOVERS:
        for fact in FACTS:
            transition = apply(_state(place, fact, policy), fact.outcome, policy, 0.5)
            after = Place(transition.status, transition.reason)
            yield Arrow(place, fact, after, transition.effect)


def _state(place: Place, fact: Fact, policy: RetryPolicy) -> OrderState:
    known = place.reason in UNDECIDED or place.status is OrderStatus.SUCCESS
    return OrderState(
        place.status,
        place.reason,
        _PRICE,
        tries=policy.failover_tries if fact.elsewhere else 1,
        key_expired=fact.proven,
        may_retry=fact.may_retry,
        partly=True,
        reference=_CHARGE if known else None,
        captured_minor=_PRICE.minor if place.status is OrderStatus.SUCCESS else 0,
        elsewhere=fact.elsewhere,
        all_answered=fact.elsewhere,
    )


def places_table() -> str:
    """Every place, who moves it next, and by when."""
    rows = [f"| {place.title} | {who} | {_by_when(place)} |" for place, who in MOVERS.items()]
    return "\n".join(["| place | who moves it next | by when |", "|---|---|---|", *rows])


def _by_when(place: Place) -> str:
    if place.status in FINAL:
        return "final"
    limit = DEFAULT_LIMITS.get(place.reason) if place.reason else None
    if limit is None or place.reason is None:
        return _OTHER_LIMITS.get(place.node, "")
    hours = limit.total_seconds() / 3600
    variable = f"CLEARHOUSE_LIMIT_{place.reason.name}_HOURS"
    return f"{hours:g} h (`{variable}`), then a person is told and it is still polled"


_OTHER_LIMITS: Final[Mapping[str, str]] = {
    "NOT_STARTED": "as soon as an executor is free",
    "asked": "the lease (`CLEARHOUSE_EXECUTOR_LEASE_SECONDS`)",
    "retry_scheduled": "its wait (`CLEARHOUSE_RETRY_DECLINE_SECONDS`, then sixfold)",
    "awaiting_buyer": "the page's own expiry",
    "contradiction": "the person decides",
}


def arrows_table() -> str:
    """Every arrow: what is learnt, where the order is, where it goes, and what follows."""
    rows: list[str] = []
    for fact in FACTS:
        groups: dict[tuple[str, str], list[Place]] = {}
        for arrow in arrows():
            if arrow.fact is fact:
                stays = arrow.after == arrow.before
                goal = "stays" if stays and arrow.effect is not Effect.ACT else arrow.after.title
                groups.setdefault((goal, _FOLLOWS[arrow.effect]), []).append(arrow.before)
        rows += [
            f"| {fact.words} | {_named(befores)} | {goal} | {follows} |"
            for (goal, follows), befores in groups.items()
        ]
    head = ["| learnt | in | becomes | what follows |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _named(places: Sequence[Place]) -> str:
    """Places in few words: a status where all of its places are meant."""
    words: list[str] = []
    for status in OrderStatus:
        mine = [place for place in places if place.status is status]
        all_of_it = [place for place in MOVERS if place.status is status]
        if not mine:
            continue
        lacking = [place for place in all_of_it if place not in mine]
        if not lacking:
            words.append(f"any `{status}`" if len(all_of_it) > 1 else f"`{status}`")
        elif len(lacking) < len(mine):
            but = ", ".join(_reason(place) for place in lacking)
            words.append(f"any `{status}` but {but}")
        else:
            words.append(f"`{status}`: " + ", ".join(_reason(place) for place in mine))
    return "; ".join(words)


def _reason(place: Place) -> str:
    return f"`{place.reason}`" if place.reason else "without a reason"


def diagram() -> str:
    """The lifecycle as a Mermaid state diagram, by status with the reasons within."""
    inside = [place for place in MOVERS if place.status is _E and place.reason]
    entered = _labels(lambda a: a.before == Place(_E) and a.after.status is _E)
    left = _labels(lambda a: a.before == Place(_E) and a.after.status in FINAL)
    later = _labels(lambda a: a.before.status in FINAL and a.after != a.before)
    lines = ["stateDiagram-v2", "    [*] --> NOT_STARTED", "    NOT_STARTED --> EXECUTING: claimed"]
    lines += ["    state EXECUTING {", "        [*] --> asked"]
    lines += [f"        asked --> {to}: {words}" for (_, to), words in entered.items()]
    lines += [f"        {place.node} --> asked: {_RETURNS[place.node]}" for place in inside]
    lines += ["    }"]
    lines += [f"    EXECUTING --> {to}: {words}" for (_, to), words in left.items()]
    lines += [f"    {start} --> {to}: {words}" for (start, to), words in later.items()]
    lines += [f"    {place.node} --> [*]" for place in MOVERS if place.status in FINAL]
    return "\n".join(["```mermaid", *lines, "```"])


_RETURNS: Final[Mapping[str, str]] = {
    "unknown_outcome": "same key again",
    "psp_unavailable": "same key again",
    "failed_over": "new attempt at the next PSP",
    "retry_scheduled": "new attempt",
    "processing": "webhook or poll",
    "pending_review": "webhook or poll",
    "requires_action": "webhook or poll",
    "awaiting_buyer": "paid or expired",
    "authorized": "captured, voided or expired",
    "contradiction": "polled",
}


def _labels(wanted: Callable[[Arrow], bool]) -> dict[tuple[str, str], str]:
    """The facts of some arrows, by where these begin and end."""
    found: dict[tuple[str, str], list[str]] = {}
    for arrow in filter(wanted, arrows()):
        found.setdefault((arrow.before.node, arrow.after.node), []).append(arrow.fact.words)
    return {ends: ", ".join(words) for ends, words in found.items()}


def sections() -> Mapping[str, str]:
    """What docs/reference/lifecycle.md holds of this, by the name of each part."""
    return {"places": places_table(), "diagram": diagram(), "arrows": arrows_table()}


def ways_on(start: Place) -> Iterable[Place]:
    """All places that can be reached from one by facts, itself among them."""
    reached, todo = {start}, [start]
    every = list(arrows())
    while todo:
        here = todo.pop()
        for arrow in every:
            if arrow.before == here and arrow.after not in reached:
                reached.add(arrow.after)
                todo.append(arrow.after)
    return reached
