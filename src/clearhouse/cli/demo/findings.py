"""What was planted beside what the nights found: each once, for what it is, and nothing else.

Pure, so that a test can let the nights miss a fault, mistake it, or invent one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clearhouse.cli.demo.faults import BANK, Planted
from clearhouse.reconciliation.matching import CAUSES, Cause, Mender

Sums = Mapping[tuple[str, str], int]
"""Minor units by PSP and currency."""


@dataclass(frozen=True, slots=True)
class Differs:
    """One break as it is at the end."""

    psp: str
    cause: str
    area: str
    reference: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    at_stake_minor: int
    state: str
    was_told: bool

    @property
    def mender(self) -> Mender:
        """Who closes it."""
        return CAUSES[self.cause].mender


@dataclass(frozen=True, slots=True)
class Findings:
    """What was planted, each with the breaks found of it; and breaks that nobody planted.

    ``apart`` is what the PSPs took more than the books say, ``explained`` how much more that is
    by the breaks that wait for a person; what is nothing is left out.
    """

    found: Sequence[tuple[Planted, Sequence[Differs]]]
    invented: Sequence[Differs]
    apart: Sums
    explained: Sums


def findings(
    planted: Sequence[Planted], breaks: Sequence[Differs], taken: Sums, booked: Sums
) -> Findings:
    """Set faults against breaks, and what PSPs took against what is booked."""
    found = [(one, [each for each in breaks if _is(each, one)]) for one in planted]
    known = {id(each) for _, some in found for each in some}
    # What was awaited and has come was never a fault.
    invented = [
        each
        for each in breaks
        if id(each) not in known and (each.state == "open" or each.mender is not Mender.TIME)
    ]
    apart = Counter(taken)
    apart.subtract(Counter(booked))
    explained: Counter[tuple[str, str]] = Counter()
    for each in breaks:
        # A fee is between the PSP and us, and no money of buyers.
        if each.state == "open" and each.area == "psp" and each.cause != Cause.FEE_DIFFERS.word:
            more = (each.theirs_minor or 0) - (each.ours_minor or 0)
            explained[each.psp, each.currency] += more
    return Findings(found, invented, _something(apart), _something(explained))


def _is(found: Differs, planted: Planted) -> bool:
    if found.cause != planted.cause.word:
        return False
    if planted.where == BANK:
        return found.area == "bank"
    return (found.psp, found.reference) == (planted.where, planted.reference)


def _something(sums: Sums) -> Sums:
    return {key: minor for key, minor in sums.items() if minor}
