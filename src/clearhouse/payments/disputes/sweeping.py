"""Reading a PSP's list of disputes: the ones that no webhook told of, and the ones that moved on.

A webhook is sent again for hours or days, and then never. A dispute that nobody here has heard of
is in no work list either, so that only the PSP's own list can tell of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import LearntDispute
from clearhouse.payments.disputes.store import QUERIES
from clearhouse.postgres.connection import Connection, Pool, RaceLost, in_race, in_transaction
from clearhouse.psp.disputes import DisputeFacts

EVERY: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=10)
"""How long a reading may take; one that takes longer is begun by another too, which is harmless."""
_AGAIN: Final = timedelta(minutes=1)
_FIRST: Final = timedelta(days=180)
"""How far back the first reading goes: longer than card networks let a buyer dispute."""
_OVERLAP: Final = timedelta(days=3)
"""How far each later reading goes back behind the one before, since a PSP's days are its own, its
list may lag, and a dispute whose order is not settled yet is not taken."""


@dataclass(frozen=True, slots=True)
class ClaimedSweep:
    """One PSP's list that is to be read now, by who holds the ``fence``; UTC."""

    psp: str
    since: datetime
    begun_at: datetime
    fence: int


class DisputeSweep:
    """Says when a PSP's list is to be read, and takes in what it told."""

    def __init__(self, pool: Pool, clock: Clock, learning: DisputeLearning) -> None:
        self._pool = pool
        self._clock = clock
        self._learning = learning

    async def claim(self, psp: str) -> ClaimedSweep | None:
        """Lease the reading of a PSP's list; None while it is not due, or another reads it."""
        now = self._clock.now()

        async def work(connection: Connection) -> ClaimedSweep | None:
            row = await connection.fetchrow(QUERIES["claim_sweep"], psp, now - _FIRST, now, LEASE)
            if row is None:
                return None
            return ClaimedSweep(psp, row["swept_to"] - _OVERLAP, now, row["fence"])

        return await in_transaction(self._pool, self._clock, work)

    async def take(self, psp: str, found: Sequence[DisputeFacts]) -> int:
        """Learn what is new to us of a part of the list; returns how many disputes that were.

        A dispute that is known in another stage is asked about by itself, since the list may be
        older than what was told since. Raises UnavailableError when the database is lost.
        """

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(
                QUERIES["unheard"],
                psp,
                [one.psp_reference for one in found],
                [one.stage.value for one in found],
            )
            unheard = {row["psp_reference"] for row in rows}
            now = self._clock.now()
            learnt = [
                LearntDispute(psp, one, max(now, one.opened_at or now), one.version)
                for one in found
                if one.psp_reference in unheard
            ]
            return sum(await self._learning.learn(connection, learnt)) if learnt else 0

        # A webhook may tell of one between our look and our insert.
        return await in_race(self._pool, self._clock, work, over="the same disputes", lost=RaceLost)

    async def finish(self, claimed: ClaimedSweep) -> bool:
        """The list was read to its end; False when the lease was lost."""
        return await self._leave(claimed, claimed.begun_at, EVERY)

    async def give_up(self, claimed: ClaimedSweep) -> bool:
        """The list could not be read; it is tried again soon. False when the lease was lost."""
        return await self._leave(claimed, None, _AGAIN)

    async def _leave(
        self, claimed: ClaimedSweep, swept_to: datetime | None, wait: timedelta
    ) -> bool:
        until = self._clock.now() + wait

        async def work(connection: Connection) -> bool:
            done = await connection.fetchval(
                QUERIES["leave_sweep"], claimed.psp, claimed.fence, swept_to, until
            )
            return done is not None

        return await in_transaction(self._pool, self._clock, work)
