"""What a PSP says that it settled: its reports, line by line, in the contract's words.

A report is bytes as they came. ``read`` turns them into settlement lines one after the other, in
constant memory; a line that cannot be understood is a ``Trouble`` of its own and harms no
neighbour. What is wrong with the file as a whole (not that report at all, cut off, in another
encoding, a total that is not the sum) is a trouble too, so that nothing is ever dropped in silence.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable


class LineKind(StrEnum):
    """What a settlement line is about, in words that mean the same for all PSPs.

    The sign is the balance's at the PSP: a charge adds, a refund takes.
    """

    CHARGE = "charge"
    """A charge that was settled; ``reference`` is the charge's."""
    CHARGE_REVERSAL = "charge_reversal"
    """A charge that was taken back after it had been settled or accepted."""
    REFUND = "refund"
    """A refund; ``reference`` is the refund's, ``charge_reference`` the charge's."""
    REFUND_REVERSAL = "refund_reversal"
    """A refund that failed and came back."""
    DISPUTE = "dispute"
    """Money withdrawn for a dispute; ``reference`` is the dispute's."""
    DISPUTE_REVERSAL = "dispute_reversal"
    """A dispute's money that came back."""
    PAYOUT = "payout"
    """Money sent to our bank account: takes from the balance; ``reference`` is the payout's, and
    ``charge_reference`` what the bank may show of it, where the PSP tells that."""
    PAYOUT_REVERSAL = "payout_reversal"
    """A payout that came back from the bank."""
    TRANSFER = "transfer"
    """Money moved to a seller's account at the PSP, or back."""
    FEE = "fee"
    """A fee that belongs to no single charge."""
    RESERVE = "reserve"
    """Kept back by the PSP for a time, or released."""
    OTHER = "other"
    """Anything else that moved the balance; a person must look."""


class SettlementLine(NamedTuple):
    """One line of a PSP's report. Amounts in minor units of ``currency``; net = gross - fee.

    ``key`` names the movement for ever at its PSP: a line with the same key in another file is
    the same line. ``order_hint`` is our payment_order_id where the report carries it, and
    ``settlement`` the PSP's payout that contains the line. ``occurred_at`` is ISO 8601 in UTC.
    A tuple, not a dataclass, since a day has a million of them.
    """

    key: str
    kind: LineKind
    reference: str
    charge_reference: str
    order_hint: str
    currency: str
    gross_minor: int
    fee_minor: int
    occurred_at: str
    settlement: str
    card_tail: str

    @property
    def net_minor(self) -> int:
        """What the line moved at the PSP: gross less fee."""
        return self.gross_minor - self.fee_minor


class LineBlock(NamedTuple):
    """Many lines by column, in the order of a line's fields; amounts as digits.

    What a reader can tell of thousands of lines at once it need not tell line by line. No field
    holds a tab, a backslash, a line's end or a zero byte.
    """

    keys: Sequence[str]
    kinds: Sequence[LineKind]
    references: Sequence[str]
    charge_references: Sequence[str]
    order_hints: Sequence[str]
    currencies: Sequence[str]
    gross_minors: Sequence[str]
    fee_minors: Sequence[str]
    occurred_ats: Sequence[str]
    settlements: Sequence[str]
    card_tails: Sequence[str]

    def lines(self) -> Iterator[SettlementLine]:
        """The same line by line."""
        return map(
            SettlementLine,
            *self[:6],
            map(int, self.gross_minors),
            map(int, self.fee_minors),
            *self[8:],
        )


class TroubleKind(StrEnum):
    """What can be wrong with a report."""

    NOT_THIS_REPORT = "not_this_report"
    """Empty, or without the columns that the report must have."""
    WRONG_ENCODING = "wrong_encoding"
    """Not UTF-8."""
    CUT_OFF = "cut_off"
    """It ends in the middle of a line or of the document."""
    UNREADABLE_LINE = "unreadable_line"
    """One line that says something impossible: an amount that is none, an unknown currency."""
    WRONG_TOTAL = "wrong_total"
    """The report's own total is not the sum of its lines."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a report that was not understood. ``line`` counts from 1; 0 is the whole file.

    ``text`` is one sentence for people; it quotes no more of the line than names and amounts.
    """

    line: int
    kind: TroubleKind
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it came: ``name`` says which one of which day, whenever it is fetched.

    ``content`` can be read once. ``troubles`` are what its PSP says against it elsewhere, such as
    a total of the day that is not the sum of its lines.
    """

    name: str
    content: Iterable[bytes]
    troubles: tuple[Trouble, ...] = ()


class ReportReader(Protocol):
    """Reads one PSP's reports: pure, no I/O. Each folder beside this file may have one."""

    def __call__(self, content: Iterable[bytes]) -> Iterator[SettlementLine | Trouble]:
        """The lines in the file's order, and what was wrong, where it was met."""
        ...


class BlockReader(Protocol):
    """The same with lines in blocks where that is faster; a reader that has none is one, too."""

    def __call__(self, content: Iterable[bytes]) -> Iterator[LineBlock | SettlementLine | Trouble]:
        """As ReportReader, and the same lines in the same order."""
        ...


@runtime_checkable
class Settlements(Protocol):
    """A PSP whose reports can be fetched."""

    def reports(self, day: date) -> AsyncIterator[Report]:
        """The reports of one UTC day, ready or made for it. Raises UnavailableError.

        Asking again for the same day is harmless and may tell more: corrections come late.
        """
        ...
