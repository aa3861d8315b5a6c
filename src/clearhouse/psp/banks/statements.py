"""What a bank says that it booked: its statements, line by line, whatever their format.

``camt053``, ``mt940`` and ``csv_statements`` read them as streams, in constant memory, into the
values here. A line that cannot be understood is a Trouble and harms no neighbour; an opening
balance and lines that do not add up to the closing balance are one as well.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import NamedTuple, Protocol

from clearhouse.kernel.money import format_minor
from clearhouse.psp.settlements import Trouble, TroubleKind


class BankLine(NamedTuple):
    """One line of a statement. ``amount_minor`` is negative where money left the account.

    ``key`` names the line for ever, so that the same line in another file, or the same statement
    in another format of the same bank, is known again: the bank's own reference where it gives
    one. ``reference`` is the end-to-end id, and ``returned`` the code of a payment that came back.
    """

    key: str
    account: str
    currency: str
    amount_minor: int
    booked_on: date
    value_on: date
    reference: str
    text: str
    counterparty: str
    returned: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What was on an account before and after the lines of a statement; None is not told."""

    account: str
    currency: str
    day: date
    opening_minor: int | None
    closing_minor: int | None


Said = BankLine | Balance | Trouble
"""What readers yield, in the file's order; a balance comes after the lines it is about."""


class StatementReader(Protocol):
    """Reads one format: pure, no I/O."""

    def __call__(self, content: Iterable[bytes]) -> Iterator[Said]:
        """All that a file says."""
        ...


class Keys:
    """Names for lines to which the bank gives none: what they say, and the how many-th it is.

    Two equal payments on one day are two lines, and both are the same two in a file that
    overlaps. Counts are forgotten with the day, so memory does not grow with a file.
    """

    def __init__(self) -> None:
        self._day: tuple[str, date] | None = None
        self._seen: Counter[bytes] = Counter()

    def key(self, line: BankLine) -> str:
        """The name of a line whose ``key`` is still empty."""
        if self._day != (line.account, line.booked_on):
            self._day = (line.account, line.booked_on)
            self._seen.clear()
        digest = blake2b(repr(line).encode(), digest_size=12)
        self._seen[digest.digest()] += 1
        return f"~{digest.hexdigest()}{self._seen[digest.digest()]:x}"


class Sums:
    """Checks that the lines of one statement lead from its opening to its closing balance."""

    def __init__(self) -> None:
        self.moved = 0
        self.count = 0

    def add(self, amount_minor: int) -> None:
        """One line."""
        self.moved += amount_minor
        self.count += 1

    def check(self, balance: Balance, line: int) -> Iterator[Balance | Trouble]:
        """The balance, after a trouble where it is not the sum."""
        opening, closing = balance.opening_minor, balance.closing_minor
        if opening is not None and closing is not None and opening + self.moved != closing:
            code = balance.currency
            text = (
                f"The statement of {balance.day} goes from {format_minor(opening, code)} to"
                f" {format_minor(closing, code)} {code}, and its {self.count} lines move"
                f" {format_minor(self.moved, code)}."
            )
            yield Trouble(line, TroubleKind.WRONG_TOTAL, text)
        yield balance
