"""What can be wrong with a settlement report: lines that lie, are missing or late, broken files.

An order stands until it is withdrawn, so a report that is asked for again says the same, and
one that is asked for afterwards is the correction. The truth stays what it was.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Final

import msgspec

from clearhouse.sandbox.movements import Movement, Movements, day_of


class Spoil(StrEnum):
    """One way in which a report is wrong. The first eight are of lines, the rest of the file."""

    MISSING_LINE = "missing-line"
    """The line is left out."""
    EXTRA_LINE = "extra-line"
    """A line more, of a charge that never happened and is nobody's."""
    WRONG_AMOUNT = "wrong-amount"
    """100 minor units more than was charged."""
    WRONG_CURRENCY = "wrong-currency"
    """The same amount in another currency."""
    WRONG_FEE = "wrong-fee"
    """A fee 25 minor units higher."""
    WRONG_STATUS = "wrong-status"
    """The charge stands there as one that failed and was taken back."""
    DUPLICATE_CHARGE = "duplicate-charge"
    """The order was charged a second time, under another id."""
    LATE_LINE = "late-line"
    """The line stands in the next day's report."""
    HALF_WRITTEN = "half-written"
    """The file ends in the middle."""
    WRONG_ENCODING = "wrong-encoding"
    """The file is UTF-16."""
    WRONG_TOTAL = "wrong-total"
    """A total that is not the sum of its lines."""
    SAME_FILE_TWICE = "same-file-twice"
    """The report of the day before once more."""
    OVERLAPPING = "overlapping"
    """The lines of the day before as well."""


class SpoilOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report to be spoilt. ``psp`` and ``day`` (UTC, YYYY-MM-DD) of None fit all.

    ``match`` is our reference or an id of the PSP's; without it the first ``count`` charges of
    the report are meant. Both are for faults of lines only.
    """

    fault: Spoil
    psp: str | None = None
    day: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    match: str | None = None
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Spoils:
    """The orders that stand."""

    def __init__(self) -> None:
        self._orders: list[SpoilOrder] = []

    def order(self, order: SpoilOrder) -> None:
        """Let one stand from now on."""
        self._orders.append(order)

    def standing(self) -> list[SpoilOrder]:
        """All that stand."""
        return list(self._orders)

    def clear(self) -> None:
        """Withdraw all."""
        self._orders.clear()

    def has(self, fault: Spoil, psp: str, start: int) -> bool:
        """Whether the report of a PSP that begins at a moment has this fault."""
        return any(each.fault is fault for each in self._of(psp, start))

    def strikes(self, fault: Spoil, psp: str, at: int, names: set[str]) -> bool:
        """Whether a thing of these names, at a moment, has this fault."""
        found = (each for each in self._of(psp, at) if each.fault is fault)
        return any(each.match is None or each.match in names for each in found)

    def lines(
        self, movements: Movements, psp: str, account: str, start: int, end: int, place: str | None
    ) -> Iterator[Movement]:
        """The lines of a report over some time, as it tells them."""
        length = end - start
        return self.told(
            movements.between(psp, account, start, end, place),
            lambda: movements.between(psp, account, start - length, start, place),
            psp,
            start,
            start - length,
        )

    def told(
        self,
        lines: Iterable[Movement],
        before: Callable[[], Iterable[Movement]],
        psp: str,
        start: int,
        start_before: int,
    ) -> Iterator[Movement]:
        """The lines of a report as it tells them; ``before`` are those of the report before it."""
        orders, earlier = self._of(psp, start), self._of(psp, start_before)
        if not orders and not earlier:
            return iter(lines)
        if any(each.fault is Spoil.SAME_FILE_TWICE for each in orders):
            return _spoilt(before(), earlier)
        if any(each.fault is Spoil.OVERLAPPING for each in orders):
            return iter([*_spoilt(before(), earlier), *_spoilt(lines, orders)])
        late = [each for each in earlier if each.fault is Spoil.LATE_LINE]
        return iter([*_late(before(), late), *_spoilt(lines, orders)])

    def by_day(self, lines: Iterable[Movement], psp: str) -> Iterator[Movement]:
        """Lines of several days, each told as the report of its own day tells it."""
        for _, group in groupby(lines, lambda line: day_of(line.at)):
            first, *rest = group
            orders = [e for e in self._of(psp, first.at) if e.fault is not Spoil.LATE_LINE]
            yield from _spoilt([first, *rest], orders)

    def file(self, content: bytes, psp: str, start: int) -> bytes:
        """A whole file as it is handed out."""
        if self.has(Spoil.WRONG_ENCODING, psp, start):
            content = content.decode().encode("utf-16")
        if self.has(Spoil.HALF_WRITTEN, psp, start):
            content = content[: len(content) // 2].rstrip(b"\r\n")
        return content

    def _of(self, psp: str, start: int) -> list[SpoilOrder]:
        if not self._orders:
            return []
        day = day_of(start)
        return [e for e in self._orders if e.psp in {None, psp} and e.day in {None, day}]


def _spoilt(lines: Iterable[Movement], orders: list[SpoilOrder]) -> Iterator[Movement]:
    """The lines with what the orders do to them; a line suffers the first that fits."""
    left = [[order, order.count] for order in orders if order.fault in _LINES]
    for line in lines:
        for waiting in left:
            order, count = waiting
            assert isinstance(order, SpoilOrder)
            assert isinstance(count, int)
            if count and _fits(order, line):
                waiting[1] = count - 1
                yield from _LINES[order.fault](line)
                break
        else:
            yield line


def _late(lines: Iterable[Movement], orders: list[SpoilOrder]) -> Iterator[Movement]:
    left = {number: order.count for number, order in enumerate(orders)}
    for line in lines:
        for number, order in enumerate(orders):
            if left[number] and _fits(order, line):
                left[number] -= 1
                yield line
                break


def _fits(order: SpoilOrder, line: Movement) -> bool:
    if order.match is not None:
        return order.match in {line.id, line.source, line.charge, line.reference}
    return line.kind == "charge"


def _changed(line: Movement, **changes: object) -> Movement:
    return msgspec.structs.replace(line, **changes)


def _another(line: Movement, letter: str, **changes: object) -> Movement:
    """A line of something that does not exist; the same each time it is told."""
    source = f"{line.source}{letter}"
    charge = f"{line.charge}{letter}" if line.kind == "charge" else line.charge
    return _changed(line, id=f"{line.id}{letter}", source=source, charge=charge, **changes)


def _missing(_line: Movement) -> list[Movement]:
    return []


def _extra(line: Movement) -> list[Movement]:
    return [line, _another(line, "x", reference="")]


def _wrong_amount(line: Movement) -> list[Movement]:
    return [_changed(line, gross_minor=line.gross_minor + 100)]


def _wrong_currency(line: Movement) -> list[Movement]:
    return [_changed(line, currency="USD" if line.currency == "EUR" else "EUR")]


def _wrong_fee(line: Movement) -> list[Movement]:
    return [_changed(line, fee_minor=line.fee_minor + 25)]


def _wrong_status(line: Movement) -> list[Movement]:
    return [_changed(line, kind="charge_failure", gross_minor=-line.gross_minor, fee_minor=0)]


def _duplicate(line: Movement) -> list[Movement]:
    return [line, _another(line, "d")]


_LINES: Final[dict[Spoil, Callable[[Movement], list[Movement]]]] = {
    Spoil.MISSING_LINE: _missing,
    Spoil.EXTRA_LINE: _extra,
    Spoil.WRONG_AMOUNT: _wrong_amount,
    Spoil.WRONG_CURRENCY: _wrong_currency,
    Spoil.WRONG_FEE: _wrong_fee,
    Spoil.WRONG_STATUS: _wrong_status,
    Spoil.DUPLICATE_CHARGE: _duplicate,
    Spoil.LATE_LINE: _missing,
}
