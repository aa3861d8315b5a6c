"""The ledger's frozen values: accounts, journal entries, and what became of them.

A *journal entry* is a list of *lines*. A line moves one amount from one account to another:
it is two *postings*, a debit and a credit, so an entry cannot be written out of balance.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clearhouse.kernel.errors import ClearhouseError
from clearhouse.kernel.money import Money


class PostingRefused(ClearhouseError):
    """An entry was refused: it would break an account's floor, or names an account wrongly."""


class AccountType(StrEnum):
    """What an account is; the type decides which side raises its balance.

    Sign convention: a balance counts in the account's normal side, so that every healthy
    balance is positive. ``seller_payable`` of 97.00 means that 97.00 is owed to the seller.
    """

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def grows_by_debit(self) -> bool:
        """True for assets and expenses, false for what is owed, owned or earned."""
        return self in {AccountType.ASSET, AccountType.EXPENSE}


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the chart, in one currency. ``owner`` is a PSP, seller or bank, else empty.

    ``floor_minor`` is the lowest balance allowed, at most 0, and None for none: 0 can never be
    overdrawn, -5000 may owe 50.00. It is stored when the account is first used.
    """

    code: str
    type: AccountType
    owner: str
    currency: str
    floor_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """``amount_minor`` (greater than zero) debited to one account and credited to another.

    Raises ValueError for what the database would refuse: no amount, one account for both
    sides, or accounts of two currencies.
    """

    debit: Account
    credit: Account
    amount_minor: int

    def __post_init__(self) -> None:
        if self.amount_minor <= 0:
            raise ValueError(f"a line moves more than zero, not {self.amount_minor}")
        if self.debit.code == self.credit.code:
            raise ValueError(f"{self.debit.code} cannot be debited and credited by one line")
        if self.debit.currency != self.credit.currency:
            raise ValueError(f"{self.debit.code} and {self.credit.code} differ in currency")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What the ledger books for one fact, at most once per (``source_id``, ``kind``).

    ``source_id`` is the UUIDv7 of what is booked (for a sale, the payment order's), ``reference``
    its public name, ``event_at`` when it happened. Raises ValueError when it has no line.
    """

    kind: str
    source_id: UUID
    reference: str
    event_at: datetime
    description: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("a journal entry has at least one line")


class Outcome(StrEnum):
    """What became of an entry that was to be posted."""

    POSTED = "posted"
    """It is in the books now."""
    DUPLICATE = "duplicate"
    """The same kind was booked for the same source before; nothing was done."""
    OVERDRAWN = "overdrawn"
    """It would have taken an account below its floor; nothing was done."""
    MISMATCHED = "mismatched"
    """One of its accounts exists with another type or currency; nothing was done."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer for one entry; ``entry_id`` is the stored one's, None when it was refused."""

    entry: JournalEntry
    outcome: Outcome
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """An account's kept balance, in its normal side, after ``posting_count`` postings."""

    code: str
    type: AccountType
    owner: str
    balance: Money
    posting_count: int


@dataclass(frozen=True, slots=True)
class TrialLine:
    """All accounts of one type and currency, as debit or as credit balance.

    Over all types of a currency the debits equal the credits, or the books are wrong.
    """

    currency: str
    type: AccountType
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a line, as stored, with the account's balance after it."""

    entry_id: UUID
    kind: str
    line: int
    side: str
    account: str
    amount: Money
    balance_after: Money
    event_at: datetime
    posted_at: datetime
