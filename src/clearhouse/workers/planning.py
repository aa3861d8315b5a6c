"""The planner: creates the payouts that are due by schedule."""

from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.wallets.payouts.planner import BATCH, PayoutPlanner
from clearhouse.workers.metrics import PAYOUTS_PLANNED, PAYOUTS_WITHHELD
from clearhouse.workers.turns import seconds_until, work_until_cancelled

_LONGEST: Final = 10.0
_TROUBLE_WAIT: Final = 1.0
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.planner")


class Planner:
    """Runs the planner of payouts until it is cancelled; several processes may.

    Without work it sleeps until the next schedule is due, and at most ten seconds, since one that
    is due sooner may be made.
    """

    def __init__(self, planner: PayoutPlanner, clock: Clock) -> None:
        self._planner = planner
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited for."""
        await work_until_cancelled(
            self.turn, self._clock, log=_log, trouble="planner_waits", trouble_wait=_TROUBLE_WAIT
        )

    async def turn(self) -> float:
        """Run a batch; returns how long to wait for the next one, 0 while there may be more."""
        adopted = await self._planner.adopt()
        planned = await self._planner.step()
        PAYOUTS_PLANNED.inc(len(planned.payouts))
        for reason, count in planned.withheld.items():
            PAYOUTS_WITHHELD.labels(reason).inc(count)
        if planned.due:
            _log.info("payouts_planned", due=planned.due, payouts=len(planned.payouts))
        if planned.due or adopted == BATCH:
            return 0
        due = await self._planner.next_due()
        return seconds_until(due, self._clock.now(), longest=_LONGEST)
