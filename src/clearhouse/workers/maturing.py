"""The maturer: lets what sellers earned become available when it is due, reserves among it."""

from typing import Final

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.connection import LOST
from clearhouse.wallets.maturing.service import Maturing
from clearhouse.workers.metrics import MATURED

_SHORTEST: Final = 0.05
_LONGEST: Final = 1.0
_TROUBLE_WAIT: Final = 0.5
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
        while True:
            try:
                wait = await self.turn()
            except (UnavailableError, asyncpg.PostgresError, *LOST) as error:
                _log.warning("maturer_waits", error=type(error).__name__)
                wait = _TROUBLE_WAIT
            if wait:
                await self._clock.sleep(wait)

    async def turn(self) -> float:
        """Mature and release a batch; returns how long to wait then, 0 while there is more."""
        count = await self._maturing.step()
        MATURED.inc(count)
        if count + await self._maturing.release():
            return 0
        due = await self._maturing.next_due()
        if due is None:
            return _LONGEST
        return min(max((due - self._clock.now()).total_seconds(), _SHORTEST), _LONGEST)
