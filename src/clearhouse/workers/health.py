"""How the PSPs answer one process: a breaker for each PSP and kind of call, and its metrics."""

from dataclasses import dataclass
from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.payments.model import Call
from clearhouse.psp import breaker
from clearhouse.psp.breaker import Breaker, BreakerPolicy, State
from clearhouse.psp.contract import PspOutcome
from clearhouse.psp.routing import Health
from clearhouse.workers.metrics import BREAKER_OPENINGS, BREAKER_STATE

_SHOWN: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_HEALTH: Final = {
    State.CLOSED: Health.UP,
    State.HALF_OPEN: Health.ON_TRIAL,
    State.OPEN: Health.DOWN,
}
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.executor")


@dataclass(frozen=True, slots=True)
class Permit:
    """A call that began, to be given back with its answer."""

    call: Call
    era: int


class PspHealth:
    """The breakers of one PSP."""

    def __init__(self, psp: str, clock: Clock, policy: BreakerPolicy) -> None:
        self._psp = psp
        self._clock = clock
        self._policy = policy
        self._breakers = {call: Breaker() for call in Call}
        for call in Call:
            BREAKER_STATE.labels(psp, call.value).set(0)

    def allowance(self, call: Call) -> int | None:
        """How many such calls may begin now; None for any number."""
        return breaker.allowance(self._breakers[call], self._clock.monotonic(), self._policy)

    def rests_for(self, call: Call) -> float:
        """Seconds until such a call may be tried again."""
        return breaker.rests_for(self._breakers[call], self._clock.monotonic(), self._policy)

    def health(self, call: Call = Call.CHARGE) -> Health:
        """How the PSP answers such calls at present, as routing wants to know it."""
        return _HEALTH[self._breakers[call].state]

    def begin(self, call: Call) -> Permit:
        """Note that a call begins."""
        now = self._clock.monotonic()
        self._keep(call, breaker.begun(self._breakers[call], now, self._policy))
        return Permit(call, self._breakers[call].era)

    def end(self, permit: Permit, outcome: PspOutcome) -> None:
        """Note what a call was answered."""
        call = permit.call
        bad = breaker.is_bad(outcome, charging=call is Call.CHARGE)
        now = self._clock.monotonic()
        after = breaker.heard(self._breakers[call], permit.era, now, self._policy, bad=bad)
        self._keep(call, after)

    def _keep(self, call: Call, after: Breaker) -> None:
        before = self._breakers[call]
        self._breakers[call] = after
        if after.state is before.state:
            return
        BREAKER_STATE.labels(self._psp, call.value).set(_SHOWN[after.state])
        if after.state is State.OPEN:
            BREAKER_OPENINGS.labels(self._psp, call.value).inc()
        tell = _log.warning if after.state is State.OPEN else _log.info
        tell("breaker", psp=self._psp, call=call.value, state=after.state.value)
