"""Reconciliation's frozen values: what was read, what was found, and what differs."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from clearhouse.messaging.events import SettlementBooked
from clearhouse.psp.settlements import Trouble
from clearhouse.reconciliation.likeness import Likeness
from clearhouse.reconciliation.matching import Cause


class Area(StrEnum):
    """What is compared with what."""

    PSP = "psp"
    """A PSP's lines beside payments."""
    BANK = "bank"
    """Payouts beside bank lines."""
    BOOKS = "books"
    """Orders beside ledger, wallets and attempts."""


class FileState(StrEnum):
    """What came of reading a file."""

    READ = "read"
    """Every line was understood."""
    READ_IN_PART = "read_in_part"
    """Some of it was not, and is told line by line; the rest counts."""
    REJECTED = "rejected"
    """It is not such a report at all; nothing was taken from it."""
    KNOWN = "known"
    """The same bytes were read before; nothing was done."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in the vault, under its hash; ``size`` in bytes."""

    path: str
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of reading one file.

    ``lines`` is how many it has, ``new`` how many no earlier file had, ``changed`` how many it
    corrects. ``first`` and ``last`` are the days that it speaks of, None for none.
    """

    file_id: UUID
    state: FileState
    lines: int
    new: int
    changed: int
    troubles: tuple[Trouble, ...]
    trouble_count: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Collected:
    """A file that came in: its name, whose it is (a PSP's name), and what came of reading it."""

    name: str
    source: str
    read: FileRead


@dataclass(frozen=True, slots=True)
class Break:
    """One difference. Amounts in minor units of ``currency``; None where a side has nothing.

    ``subject`` names it for ever: the same difference met on another night is the same break.
    """

    break_id: UUID
    cause: Cause
    area: Area
    subject: str
    psp: str
    day: date
    order_id: UUID | None
    line_key: str | None
    reference: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    at_stake_minor: int
    detail: str
    state: str
    owner: str
    opened_at: datetime
    closed_at: datetime | None
    told_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened to a break, and who did it."""

    at: datetime
    actor: str
    deed: str
    note: str


@dataclass(frozen=True, slots=True)
class Near:
    """Another break that could be the other half; ``confidence`` in percent."""

    found: Break
    confidence: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision above the limit that waits for a second person."""

    deed: str
    amount_minor: int
    asked_by: str
    reason: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class BreakDetail:
    """A break with all that helps to decide.

    ``proposed`` is what accepting would book, and ``likes`` are orders that a charge of nobody
    looks like.
    """

    found: Break
    history: tuple[HistoryEntry, ...]
    proposed: SettlementBooked | None
    near: tuple[Near, ...]
    asked: Asked | None
    likes: tuple[Likeness, ...] = ()


@dataclass(frozen=True, slots=True)
class CauseFigures:
    """The open breaks of one cause and currency: how many, over how much, and the oldest's day."""

    cause: Cause
    currency: str
    count: int
    at_stake_minor: int
    oldest: date


@dataclass(frozen=True, slots=True)
class Matched:
    """What agreed in one currency: how many lines, over how much in absolute amounts."""

    currency: str
    count: int
    value_minor: int
    fees_minor: int


@dataclass(frozen=True, slots=True)
class Night:
    """The result of reconciling one PSP's day."""

    run_id: UUID
    psp: str
    day: date
    started_at: datetime
    ended_at: datetime
    matched: tuple[Matched, ...]
    new_breaks: int
    closed_breaks: int
    open_breaks: tuple[CauseFigures, ...]


@dataclass(frozen=True, slots=True)
class BankNight:
    """The result of holding payouts against bank lines."""

    matched: int
    booked: int
    new_breaks: int
    closed_breaks: int
    open_breaks: tuple[CauseFigures, ...]
