"""The frozen values of statements."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a wallet, or their changes, in minor units."""

    pending: int = 0
    available: int = 0
    reserved: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.pending + self.available + self.reserved

    def __add__(self, other: "Parts") -> "Parts":
        """The parts after a change."""
        return Parts(
            self.pending + other.pending,
            self.available + other.available,
            self.reserved + other.reserved,
        )


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement. ``sequence`` counts the wallet's movements without a gap, from 1.

    ``event_at`` is when it happened, ``recorded_at`` when the wallet learnt it, which is what
    statements go by: it never goes back.
    """

    sequence: int
    kind: str
    reference: str
    event_at: datetime
    recorded_at: datetime
    change: Parts
    after: Parts


@dataclass(frozen=True, slots=True)
class Statement:
    """One wallet from ``begins`` (inclusive) to ``ends`` (exclusive), in UTC.

    ``opening`` plus the changes of all ``count`` lines is ``closing``. ``pages`` reads the lines
    page by page, in their order; it may be called again.
    """

    seller_account: str
    currency: str
    begins: datetime
    ends: datetime
    opening: Parts
    closing: Parts
    count: int
    pages: Callable[[], AsyncIterator[Sequence[StatementLine]]]
