"""Disputes and their answers drawn: how money moves by what is told, and what an answer becomes."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from clearhouse.kernel import atlas
from clearhouse.kernel.atlas import Arrow, Place
from clearhouse.payments.disputes.answering import OPEN, apply
from clearhouse.payments.disputes.lifecycle import steps_to
from clearhouse.payments.disputes.model import DisputeMoney
from clearhouse.payments.operations.atlas import FACTS
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.disputes import DisputeStage

MOVERS: Final[Mapping[DisputeStage, str]] = {
    DisputeStage.INQUIRY: "you answer it, or the bank goes away or escalates",
    DisputeStage.NEEDS_RESPONSE: "you: `POST /v1/disputes/{dispute_id}/evidence` or `/accept`",
    DisputeStage.UNDER_REVIEW: "the bank decides",
    DisputeStage.WON: "nobody has to; the bank may open it again",
    DisputeStage.LOST: "nobody has to; an appeal may be won",
    DisputeStage.ACCEPTED: "nobody: final",
    DisputeStage.PREVENTED: "nobody: final",
    DisputeStage.INQUIRY_CLOSED: "nobody: final",
}
"""Every stage of a dispute, and who moves it on."""
_ANSWERS: Final = (
    "done",
    "refused",
    "taken, to be done",
    "nothing done by this call",
    "answer lost",
)
_LATE: Final = timedelta(days=30)


def money_arrows() -> Iterator[Arrow]:
    """What each stage, told as the newest, does to the money, as ``steps_to`` decides it."""
    for stage in DisputeStage:
        for money in DisputeMoney:
            steps = steps_to(money, stage)
            after = steps[-1].after if steps else money
            events = ["`dispute.updated`"]
            if steps:
                events = [_EVENTS[step.after] for step in steps]
            yield Arrow(Place(money.value), f"`{stage}`", Place(after.value), ", ".join(events))


_EVENTS: Final[Mapping[DisputeMoney, str]] = {
    DisputeMoney.HELD: "`dispute.opened`",
    DisputeMoney.RETURNED: "`dispute.closed`, won",
    DisputeMoney.TAKEN: "`dispute.closed`, lost",
}


def answer_arrows() -> Iterator[Arrow]:
    """What each outcome makes of an answer that is under way, as ``apply`` decides it."""
    for fact in FACTS:
        if fact.words not in _ANSWERS:
            continue
        soon = apply(fact.outcome, RetryPolicy(), waited=timedelta(0))
        late = apply(fact.outcome, RetryPolicy(), waited=_LATE)
        follows = "a person is told" if soon.raised else "nothing"
        if soon.status is OperationStatus.SUBMITTED:
            follows = "sent again" + (", and late a person is told" if late.raised else "")
        yield Arrow(Place("SUBMITTED"), fact.words, Place(soon.status, soon.reason), follows)


def _by_when(stage: DisputeStage) -> str:
    if stage not in OPEN:
        return "final"
    due = "" if stage is DisputeStage.UNDER_REVIEW else "`evidence_due_at`; "
    return f"{due}the PSP is asked at half the time that nothing changed, at most hourly"


def sections() -> Mapping[str, str]:
    """What docs/reference/lifecycle.md holds of this, by the name of each part."""
    rows = [(f"`{stage}`", who, _by_when(stage)) for stage, who in MOVERS.items()]
    money = [*money_arrows()]
    answers = [(one.words, one.after.title, one.follows) for one in answer_arrows()]
    return {
        "dispute stages": atlas.table(("stage", "who moves it next", "by when"), rows),
        "dispute diagram": atlas.diagram(
            money,
            Place(DisputeMoney.NONE.value),
            [Place(DisputeMoney.RETURNED.value), Place(DisputeMoney.TAKEN.value)],
            lambda place: place.node,
        ),
        "dispute arrows": atlas.arrows_table(money, [Place(one.value) for one in DisputeMoney]),
        "answer arrows": atlas.table(("the PSP's answer", "becomes", "what follows"), answers),
    }
