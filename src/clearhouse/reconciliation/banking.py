"""The rules of matching what PSPs say that they paid out with what the bank says that it booked.

Pure. By the first rule that fits, and each with a stated confidence in percent:

==========  ====  ==========================================================================
reference    100  a line names the payout or its trace; several of either are one match
amount        90  same currency and amount within the window, and the line names the PSP
                  (70 where it names nobody)
batch         75  one line is the sum of payouts of one PSP that follow each other
split         75  one payout is the sum of lines that follow each other and name the PSP
near          50  the one payout and the one line that are left of a PSP, and no more than a
                  tenth apart
==========  ====  ==========================================================================

It works on values and not in SQL, since a PSP pays out once a day and account: these are hundreds
where settlement lines are millions.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from clearhouse.psp.banks.statements import BankLine

T = TypeVar("T")
EARLY: Final = timedelta(days=1)
"""A bank may value a payout on the day before the PSP says it was sent."""
LATE: Final = timedelta(days=6)
"""How long a payout may be on its way: two bank days, a weekend and a holiday on either side."""
_SHORTEST_NAME: Final = 6
_TOKEN: Final = re.compile(r"[A-Za-z0-9_:.-]{6,}", re.ASCII)
_NEAR: Final = 10


@dataclass(frozen=True, slots=True)
class Payout:
    """What a PSP says that it sent. ``traces`` are further names that a bank may show."""

    psp: str
    reference: str
    currency: str
    amount_minor: int
    sent_on: date
    traces: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What payouts and lines are together; the words are those of breaks."""

    MATCHED = "matched"
    SHORT = "bank_short"
    """The bank booked less."""
    OVER = "bank_over"
    """The bank booked more."""
    RETURNED = "payout_returned"
    """It was booked and went back."""
    OTHER_CURRENCY = "currency_differs"
    """The bank booked it in another currency."""
    ON_ITS_WAY = "not_settled_yet"
    """No line yet, and its time is not over."""
    NOT_AT_BANK = "not_at_bank"
    """No line, though its time is over."""
    UNEXPLAINED = "unexplained"
    """A line that names a PSP, and no payout of it."""


class Basis(StrEnum):
    """The rule that a match was found by."""

    REFERENCE = "reference"
    AMOUNT = "amount"
    BATCH = "batch"
    SPLIT = "split"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Found:
    """One match, or what is left alone. ``difference_minor`` is the bank's less the PSP's."""

    verdict: Verdict
    payouts: tuple[Payout, ...] = ()
    lines: tuple[BankLine, ...] = ()
    basis: Basis | None = None
    confidence: int = 0
    difference_minor: int = 0


def match(payouts: Iterable[Payout], lines: Iterable[BankLine], today: date) -> tuple[Found, ...]:
    """What the payouts and the lines are; each payout is in exactly one answer.

    A line is in at most one: those that name no PSP and fit no payout are none of our business.
    The order of what is given does not matter.
    """
    matching = _Matching(
        sorted(payouts, key=lambda one: (one.sent_on, one.psp, one.reference)),
        sorted(lines, key=lambda one: (one.booked_on, one.key)),
    )
    matching.by_reference()
    matching.by_amount()
    matching.by_sum()
    matching.by_nearness()
    matching.returns()
    matching.rest(today)
    return tuple(matching.found)


class _Matching:
    """The payouts and lines that are left, and what was found of the others."""

    def __init__(self, payouts: list[Payout], lines: list[BankLine]) -> None:
        self._psps = sorted({payout.psp for payout in payouts})
        self._payouts = payouts
        self._lines = lines
        self._named = {line.key: self._psp_of(line) for line in lines}
        self.found: list[Found] = []

    def by_reference(self) -> None:
        """Payouts and lines that name each other, directly or through one another."""
        owners: dict[str, list[int]] = defaultdict(list)
        for place, payout in enumerate(self._payouts):
            for name in {payout.reference, *payout.traces}:
                if len(name) >= _SHORTEST_NAME:
                    owners[name.casefold()].append(place)
        group_of = list(range(len(self._payouts)))
        named: list[tuple[int, BankLine]] = []
        for line in self._lines:
            places = sorted({p for name in _names(line) for p in owners.get(name, ())})
            for place in places[1:]:
                _join(group_of, places[0], place)
            if places:
                named.append((places[0], line))
        groups: dict[int, list[BankLine]] = defaultdict(list)
        for place, line in named:
            groups[_root(group_of, place)].append(line)
        members: dict[int, list[Payout]] = defaultdict(list)
        for place, payout in enumerate(self._payouts):
            members[_root(group_of, place)].append(payout)
        for root, found in sorted(groups.items()):
            self._take(members[root], found, Basis.REFERENCE, 100)

    def by_amount(self) -> None:
        """One payout and one line of the same amount; lines that name the PSP come first."""
        for is_named, confidence in ((True, 90), (False, 70)):
            for payout in list(self._payouts):
                wanted = payout.psp if is_named else None
                fitting = (
                    line
                    for line in self._lines
                    if line.amount_minor == payout.amount_minor
                    and self._named[line.key] == wanted
                    and _in_time(payout, line)
                )
                line = next(fitting, None)
                if line is not None:
                    self._take([payout], [line], Basis.AMOUNT, confidence)

    def by_sum(self) -> None:
        """One line for several payouts, and one payout for several lines."""
        for line in list(self._lines):
            psp = self._named[line.key]
            fitting = [one for one in self._payouts if one.psp == psp and _in_time(one, line)]
            run = _run(fitting, lambda one: one.amount_minor, line.amount_minor)
            if run:
                self._take(run, [line], Basis.BATCH, 75)
        for payout in list(self._payouts):
            of_psp = [
                line
                for line in self._lines
                if self._named[line.key] == payout.psp and _in_time(payout, line)
            ]
            parts = _run(of_psp, lambda line: line.amount_minor, payout.amount_minor)
            if parts:
                self._take([payout], parts, Basis.SPLIT, 75)

    def by_nearness(self) -> None:
        """What is left of a PSP and currency, where it is one of each and nearly the same."""
        for payout in list(self._payouts):
            lines = [
                line
                for line in self._lines
                if self._named[line.key] == payout.psp and _in_time(payout, line)
            ]
            if len(lines) != 1:
                continue
            rivals = [p for p in self._payouts if p.psp == payout.psp and _in_time(p, lines[0])]
            apart = abs(lines[0].amount_minor - payout.amount_minor)
            if len(rivals) == 1 and apart * _NEAR <= payout.amount_minor:
                self._take([payout], lines, Basis.NEAR, 50)

    def returns(self) -> None:
        """Lines that take back what was matched without a reference."""
        for line in [one for one in self._lines if one.amount_minor < 0]:
            for place, found in enumerate(self.found):
                matched = found.verdict is Verdict.MATCHED and found.payouts
                if (
                    matched
                    and found.payouts[0].psp == self._named[line.key]
                    and found.payouts[0].currency == line.currency
                    and sum(one.amount_minor for one in found.payouts) == -line.amount_minor
                    and line.booked_on >= found.lines[-1].booked_on
                ):
                    self.found[place] = replace(
                        found,
                        verdict=Verdict.RETURNED,
                        lines=(*found.lines, line),
                        difference_minor=line.amount_minor,
                    )
                    self._lines.remove(line)
                    break

    def rest(self, today: date) -> None:
        """What fits nothing."""
        for payout in self._payouts:
            late = today > payout.sent_on + LATE
            verdict = Verdict.NOT_AT_BANK if late else Verdict.ON_ITS_WAY
            self.found.append(Found(verdict, (payout,), difference_minor=-payout.amount_minor))
        for line in self._lines:
            if self._named[line.key] is not None:
                moved = line.amount_minor
                self.found.append(Found(Verdict.UNEXPLAINED, (), (line,), difference_minor=moved))

    def _take(
        self, payouts: Sequence[Payout], lines: Sequence[BankLine], basis: Basis, confidence: int
    ) -> None:
        self.found.append(_judged(tuple(payouts), tuple(lines), basis, confidence))
        self._payouts = [one for one in self._payouts if one not in payouts]
        keys = {line.key for line in lines}
        self._lines = [line for line in self._lines if line.key not in keys]

    def _psp_of(self, line: BankLine) -> str | None:
        told = f"{line.text} {line.counterparty}".casefold()
        return next((psp for psp in self._psps if psp.casefold() in told), None)


def _judged(
    payouts: tuple[Payout, ...], lines: tuple[BankLine, ...], basis: Basis, confidence: int
) -> Found:
    if len({one.currency for one in payouts} | {line.currency for line in lines}) > 1:
        return Found(Verdict.OTHER_CURRENCY, payouts, lines, basis, confidence)
    sent = sum(one.amount_minor for one in payouts)
    came = sum(line.amount_minor for line in lines)
    back = -sum(line.amount_minor for line in lines if line.amount_minor < 0)
    difference = came - sent
    if difference == 0:
        verdict = Verdict.MATCHED
    elif back and difference == -back:
        verdict = Verdict.RETURNED
    else:
        verdict = Verdict.SHORT if difference < 0 else Verdict.OVER
    return Found(verdict, payouts, lines, basis, confidence, difference)


def _in_time(payout: Payout, line: BankLine) -> bool:
    after = line.booked_on - payout.sent_on
    return line.currency == payout.currency and -EARLY <= after <= LATE


def _names(line: BankLine) -> set[str]:
    """All that a line may call a payout by."""
    told = {line.reference, *_TOKEN.findall(line.text)}
    return {name.strip(".:-").casefold() for name in told if len(name) >= _SHORTEST_NAME}


def _run(items: Sequence[T], amount: Callable[[T], int], total: int) -> list[T]:
    """The first run of at least two neighbours that adds up to a total; empty without one."""
    places, added = {0: -1}, 0
    for place, item in enumerate(items):
        added += amount(item)
        start = places.get(added - total)
        if start is not None and place - start >= 2:
            return list(items[start + 1 : place + 1])
        places.setdefault(added, place)
    return []


def _root(group_of: list[int], place: int) -> int:
    while group_of[place] != place:
        group_of[place] = group_of[group_of[place]]
        place = group_of[place]
    return place


def _join(group_of: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(group_of, one), _root(group_of, other)))
    group_of[second] = first
