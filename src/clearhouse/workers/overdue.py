"""The watch over payouts: puts before a person what waits for an answer longer than it may."""

from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.wallets.payouts.overdue import BATCH, OverdueWatch
from clearhouse.workers.metrics import PAYOUTS_STUCK
from clearhouse.workers.turns import work_until_cancelled

_EVERY_SECONDS: Final = 60.0
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payouts")


class OverduePayouts:
    """Looks every minute until it is cancelled; several processes may."""

    def __init__(self, watch: OverdueWatch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock
        self._rails: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited for."""
        await work_until_cancelled(self.turn, self._clock, log=_log, trouble="overdue_waits")

    async def turn(self) -> float:
        """Raise a batch; returns how long to wait for the next one, 0 while there may be more."""
        raised = await self._watch.step()
        for one in raised:
            _log.error("payout_overdue", payout=str(one.payout_id), rail=one.rail, why=one.words)
        counts = await self._watch.count()
        self._rails |= counts.keys()
        for rail in self._rails:
            PAYOUTS_STUCK.labels(rail).set(counts.get(rail, 0))
        return 0 if len(raised) == BATCH else _EVERY_SECONDS
