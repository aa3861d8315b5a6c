"""Payouts that wait for an answer longer than they may: put before a person, once each.

Time decides nothing: such a payout stays where it is, is asked about as before, and counts as
being on its way. A person finds out with the bank or PSP what became of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import Money
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.payouts.model import OVERDUE, public_id

BATCH: Final = 1000
"""How many are put before a person in one database transaction."""

_QUERIES: Final = load_queries("clearhouse.wallets.payouts", "overdue.sql")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a payout may wait, from when it was put into a batch (or may be put into one).

    ``doubt`` is for one of which nobody knows whether it was sent, or that nobody sends;
    ``answer`` for one that the bank or PSP has.
    """

    doubt: timedelta = timedelta(hours=6)
    answer: timedelta = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Overdue:
    """One that waits too long, in words for people; ``rail`` is empty where none has it yet."""

    payout_id: UUID
    rail: str
    words: str


class OverdueWatch:
    """Looks for payouts that wait too long. Any number may run at once."""

    def __init__(self, pool: Pool, clock: Clock, bounds: Bounds) -> None:
        self._pool = pool
        self._clock = clock
        self._bounds = bounds

    async def step(self) -> list[Overdue]:
        """Put up to ``BATCH`` before a person, those waiting longest first; says which.

        Two statements, however many. A payout is raised once, also when its letter is resolved.
        Raises UnavailableError.
        """
        now, bounds = self._clock.now(), self._bounds

        async def work(connection: Connection) -> list[Overdue]:
            rows = await connection.fetch(
                _QUERIES["overdue"], now, now - bounds.doubt, now - bounds.answer, OVERDUE, BATCH
            )
            found = [
                Overdue(
                    row["payout_id"],
                    row["rail"] or "",
                    f"{public_id(row['payout_id'])} of"
                    f" {Money(row['amount_minor'], row['currency'])}"
                    f" {_standing(row['reason'], row['rail'])} since {row['since']:%Y-%m-%d %H:%M},"
                    " longer than it may",
                )
                for row in rows
            ]
            if found:
                await self._raise(connection, found)
            return found

        return await in_transaction(self._pool, self._clock, work)

    async def count(self) -> dict[str, int]:
        """How many that were raised are still on their way, by rail."""
        rows = await self._pool.fetch(_QUERIES["stuck"], OVERDUE)
        return {row["rail"]: row["payouts"] for row in rows}

    async def _raise(self, connection: Connection, found: Sequence[Overdue]) -> None:
        await connection.execute(
            _QUERIES["raise_overdue"],
            OVERDUE,
            [one.payout_id for one in found],
            [public_id(one.payout_id) for one in found],
            [f"{one.words}: look at it with the bank or PSP" for one in found],
        )


def _standing(reason: str | None, rail: str | None) -> str:
    if rail is None:
        return "waits to be sent"
    words = {
        "under_way": f"is under way by {rail}",
        "contradiction": f"is under way by {rail}, which contradicts itself,",
    }
    return words.get(reason or "", f"may have been sent by {rail}, and nobody knows,")
