"""The maturer: lets what sellers earned become available when it is due, reserves among it."""

from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.wallets.maturing.service import Maturing
from clearhouse.workers.metrics import MATURED
from clearhouse.workers.turns import seconds_until, work_until_cancelled

_LONGEST: Final = 1.0
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.maturer")


class Maturer:
    """Runs maturing until it is cancelled; several processes may, and none waits for another.

    Without work it sleeps until the next is due, and at most a second, since one that is due
    sooner may come in.
    """

    def __init__(self, maturing: Maturing, clock: Clock) -> None:
        self._maturing = maturing
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited for."""
        await work_until_cancelled(self.turn, self._clock, log=_log, trouble="maturer_waits")

    async def turn(self) -> float:
        """Mature and release a batch; returns how long to wait then, 0 while there is more."""
        count = await self._maturing.step()
        MATURED.inc(count)
        if count + await self._maturing.release():
            return 0
        due = await self._maturing.next_due()
        return seconds_until(due, self._clock.now(), longest=_LONGEST)
