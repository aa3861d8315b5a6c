"""What a look-up concludes from the charges that a PSP's records show for one order.

Pure: adapters turn each record into ``Found``, and this file weighs them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clearhouse.psp.contract import (
    Declined,
    NotCharged,
    Pending,
    PspOutcome,
    Reversed,
    Succeeded,
    Unknown,
)

SKEW: Final = timedelta(minutes=10)
"""How far our clock and the PSP's may differ (invariant I11); added on both sides of a window."""


@dataclass(frozen=True, slots=True)
class Found:
    """One record of the order: what it says, and whether it is of this very attempt."""

    outcome: PspOutcome
    this_attempt: bool


def verdict(found: Iterable[Found]) -> PspOutcome | None:
    """The heaviest outcome, or None where the records say nothing of this attempt.

    A success, or what may become one, counts whichever attempt it is of: the order is
    charged. A decline counts for its own attempt only, since a later one may yet succeed.
    """
    heaviest: PspOutcome | None = None
    for each in found:
        if isinstance(each.outcome, Declined | NotCharged) and not each.this_attempt:
            continue
        if heaviest is None or _weight(each.outcome) > _weight(heaviest):
            heaviest = each.outcome
    return heaviest


def _weight(outcome: PspOutcome) -> int:
    match outcome:
        case Reversed():
            return 5
        case Succeeded():
            return 4
        case Pending():
            return 3
        case Unknown():
            return 2
        case Declined():
            return 1
        case NotCharged():
            return 0
