"""What becomes of a dispute when its PSP tells of it: pure, and the same in any order.

Of all that was told, the newest counts: by the PSP's version, else by its time, and of two that
are equally new the one that is further on. So any permutation and repetition ends alike, and a
bank that opens a decided dispute again is believed, because it is newer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clearhouse.payments.disputes.model import DisputeMoney
from clearhouse.psp.disputes import DisputeStage

_RANK: Final = {
    stage: rank
    for rank, stage in enumerate(
        (
            DisputeStage.INQUIRY,
            DisputeStage.INQUIRY_CLOSED,
            DisputeStage.NEEDS_RESPONSE,
            DisputeStage.UNDER_REVIEW,
            DisputeStage.PREVENTED,
            DisputeStage.WON,
            DisputeStage.LOST,
            DisputeStage.ACCEPTED,
        )
    )
}
_MEANS: Final = {
    DisputeStage.INQUIRY: DisputeMoney.NONE,
    DisputeStage.INQUIRY_CLOSED: DisputeMoney.NONE,
    DisputeStage.NEEDS_RESPONSE: DisputeMoney.HELD,
    DisputeStage.UNDER_REVIEW: DisputeMoney.HELD,
    DisputeStage.WON: DisputeMoney.RETURNED,
    DisputeStage.LOST: DisputeMoney.TAKEN,
    DisputeStage.ACCEPTED: DisputeMoney.TAKEN,
    DisputeStage.PREVENTED: DisputeMoney.TAKEN,
}

FINAL: Final = frozenset(
    {
        DisputeStage.INQUIRY_CLOSED,
        DisputeStage.WON,
        DisputeStage.LOST,
        DisputeStage.ACCEPTED,
        DisputeStage.PREVENTED,
    }
)
"""The stages that end a dispute, unless the bank opens it again."""


@dataclass(frozen=True, slots=True)
class Told:
    """How new a fact is, and what it says; ``version`` is None where the PSP counts none."""

    stage: DisputeStage
    as_of: datetime
    version: int | None = None

    @property
    def key(self) -> tuple[int, datetime, int]:
        """Facts of one dispute in their order, the newest last."""
        return (-1 if self.version is None else self.version, self.as_of, _RANK[self.stage])


@dataclass(frozen=True, slots=True)
class Step:
    """One movement of money: from where it was to where it is."""

    before: DisputeMoney
    after: DisputeMoney


def is_news(known: Told, told: Told) -> bool:
    """Whether a fact is newer than what is known."""
    return told.key > known.key


def steps_to(money: DisputeMoney, stage: DisputeStage) -> tuple[Step, ...]:
    """How the money moves when a dispute comes to a stage; empty when it stays where it is.

    What was never held is held first, so that each step has one meaning. What is taken stays so
    while an appeal runs, and comes back only when that is won.
    """
    held, returned, taken = DisputeMoney.HELD, DisputeMoney.RETURNED, DisputeMoney.TAKEN
    match money, _MEANS[stage]:
        case ((DisputeMoney.NONE | DisputeMoney.RETURNED), DisputeMoney.HELD):
            return (Step(money, held),)
        case ((DisputeMoney.NONE | DisputeMoney.RETURNED), DisputeMoney.TAKEN):
            return (Step(money, held), Step(held, taken))
        case DisputeMoney.HELD, DisputeMoney.TAKEN:
            return (Step(held, taken),)
        case DisputeMoney.HELD, (DisputeMoney.RETURNED | DisputeMoney.NONE):
            return (Step(held, returned),)
        case DisputeMoney.TAKEN, (DisputeMoney.RETURNED | DisputeMoney.NONE):
            return (Step(taken, returned),)
        case _:
            return ()


def shares(amount_minor: int, left_minor: int, *, seller_bears: bool) -> tuple[int, int]:
    """What a dispute counts against an order's ceiling, and what of it the seller bears.

    What was refunded already is not counted again: a chargeback on top of it is the platform's
    loss until the PSP is shown the refund, and never the seller's a second time.
    """
    counted = max(0, min(amount_minor, left_minor))
    return counted, counted if seller_bears else 0
