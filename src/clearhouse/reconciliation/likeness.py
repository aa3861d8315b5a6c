"""Likeness: which order a charge may be of that carries no reference of ours.

Its amount and currency must be an order's, and no more than three days may lie between them; what
is left is how far apart they are, and whether it was the same card. The table is all there is to
it: SQL reads it as it stands here. Nothing is mended by likeness. A person is shown it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.days import midnight
from clearhouse.kernel.ids import floor_of
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.reconciliation.store import QUERIES


class Tail(StrEnum):
    """Whether the last digits of two cards are the same. Where they differ, it is no likeness."""

    SAME = "same"
    UNKNOWN = "unknown"
    """One side does not tell them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a likeness rests on, and how much it is worth in percent, were there no other."""

    apart: timedelta
    tail: Tail
    confidence: int


TABLE: Final = (
    Evidence(timedelta(minutes=2), Tail.SAME, 96),
    Evidence(timedelta(hours=1), Tail.SAME, 90),
    Evidence(timedelta(days=1), Tail.SAME, 80),
    Evidence(timedelta(days=3), Tail.SAME, 60),
    Evidence(timedelta(minutes=2), Tail.UNKNOWN, 80),
    Evidence(timedelta(hours=1), Tail.UNKNOWN, 60),
    Evidence(timedelta(days=1), Tail.UNKNOWN, 40),
    Evidence(timedelta(days=3), Tail.UNKNOWN, 20),
)
"""``apart`` is the most; the first row of a tail that fits counts."""
_WINDOW: Final = max(row.apart for row in TABLE)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """An order that a charge looks like."""

    payment_order_id: str
    status: str
    confidence: int
    apart: timedelta
    tail: Tail

    @property
    def words(self) -> str:
        """In a sentence, for people."""
        same = ", same card" if self.tail is Tail.SAME else ""
        return (
            f"looks like order {self.payment_order_id}, {self.confidence} %: same amount{same},"
            f" {_apart(self.apart)} apart"
        )


def confidence_of(apart: timedelta, ours: str, theirs: str) -> int:
    """What a likeness is worth in percent by itself; 0 where it is none.

    ``ours`` and ``theirs`` are the last digits of the cards, empty where they are not told.
    """
    tail = Tail.SAME if ours and ours == theirs else Tail.UNKNOWN
    if ours and theirs and tail is not Tail.SAME:
        return 0
    fitting = (row.confidence for row in TABLE if row.tail is tail and abs(apart) <= row.apart)
    return next(fitting, 0)


def shared(confidences: Sequence[int]) -> list[int]:
    """What likenesses are worth beside each other: those that are as good share it."""
    return [
        one // max(sum(other >= one for other in confidences), 1) if one else 0
        for one in confidences
    ]


class Likenesses:
    """Finds them, and reads what was found."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def find(self, connection: Connection, psp: str, day: date) -> int:
        """Compare a day's charges of nobody with our orders; how many likenesses there are.

        Orders are those that miss their charge: open ones, failed ones, and sales without a line.
        In the caller's transaction, in a constant number of statements.
        """
        await connection.execute(QUERIES["forget_likenesses"], psp, day)
        start = midnight(day) - _WINDOW
        told = await connection.execute(
            QUERIES["find_likenesses"],
            psp,
            day,
            # An order can be older than what became of it.
            floor_of(start - _WINDOW),
            floor_of(start + 2 * _WINDOW + timedelta(days=1)),
            [row.apart // timedelta(seconds=1) for row in TABLE],
            [row.tail.value for row in TABLE],
            [row.confidence for row in TABLE],
            _SHOWN,
            self._clock.now(),
        )
        return int(told.rsplit(" ", 1)[1])

    async def of(self, break_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Likeness]]:
        """The likenesses of some breaks, the best first; breaks without any are left out."""
        found: dict[UUID, list[Likeness]] = {}
        for row in await self._pool.fetch(QUERIES["likenesses_of"], list(break_ids)):
            found.setdefault(row["break_id"], []).append(
                Likeness(
                    row["payment_order_id"],
                    row["status"],
                    row["confidence"],
                    timedelta(seconds=row["seconds_apart"]),
                    Tail(row["tail"]),
                )
            )
        return found


def _apart(apart: timedelta) -> str:
    seconds = int(apart.total_seconds())
    for length, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds // length} {word}"
    return f"{seconds} seconds"
