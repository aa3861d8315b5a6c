"""A circuit breaker, pure: whether a PSP is asked at all while it answers hardly anything.

It rests a PSP that is down instead of heaping up unknown outcomes. Drawn as text::

    CLOSED ──too many bad answers──▶ OPEN ──its rest is over──▶ HALF_OPEN
       ▲                              ▲                          │    │
       │                              └──────── a bad trial ─────┘    │
       └──────────────────── all trials answered ────────────────────┘

There is one for each PSP and kind of call, since a PSP may answer look-ups and refuse charges.
Each process keeps its own: what it cannot reach another may.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from clearhouse.psp.contract import NotCharged, PspOutcome, Unknown


class State(StrEnum):
    """Where a breaker is."""

    CLOSED = "closed"
    """All calls pass."""
    HALF_OPEN = "half_open"
    """Some calls pass, to find out whether the PSP answers again."""
    OPEN = "open"
    """No call passes until the rest is over."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens and how long it rests.

    It opens when at least ``percent`` of the last ``window`` answers were bad, once there were
    ``least`` of them. The rest doubles with each opening in a row, up to ``longest``; then
    ``trials`` calls must all be answered.
    """

    window: int = 50
    least: int = 20
    percent: int = 50
    rest: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=2)
    trials: int = 3

    def rest_after(self, openings: int) -> float:
        """Seconds of rest after so many openings in a row (from 1)."""
        doubled = self.rest * 2 ** min(openings - 1, 30)
        return min(doubled, self.longest).total_seconds()


@dataclass(frozen=True, slots=True)
class Breaker:
    """What one breaker remembers.

    ``recent`` holds the last answers as bits, 1 for a bad one. ``era`` grows with each change of
    state, so that answers to calls of an earlier one count no more. ``opened_at`` is in seconds
    of a monotonic clock.
    """

    state: State = State.CLOSED
    era: int = 0
    recent: int = 0
    answers: int = 0
    openings: int = 0
    opened_at: float = 0.0
    under_way: int = 0
    passed: int = 0


def is_bad(outcome: PspOutcome, *, charging: bool) -> bool:
    """Whether an answer speaks against the PSP: none came, or it took nothing.

    A look-up that finds nothing is a good answer, and so is a decline.
    """
    return isinstance(outcome, Unknown) or (charging and isinstance(outcome, NotCharged))


def allowance(breaker: Breaker, now: float, policy: BreakerPolicy) -> int | None:
    """How many calls may begin now; None for as many as are wanted."""
    if breaker.state is State.CLOSED:
        return None
    if breaker.state is State.HALF_OPEN:
        return max(policy.trials - breaker.under_way - breaker.passed, 0)
    return policy.trials if _has_rested(breaker, now, policy) else 0


def begun(breaker: Breaker, now: float, policy: BreakerPolicy) -> Breaker:
    """The breaker after a call began; the first one after the rest is the first trial."""
    if breaker.state is State.OPEN and _has_rested(breaker, now, policy):
        return Breaker(State.HALF_OPEN, breaker.era + 1, openings=breaker.openings, under_way=1)
    if breaker.state is State.HALF_OPEN:
        return replace(breaker, under_way=breaker.under_way + 1)
    return breaker


def heard(breaker: Breaker, era: int, now: float, policy: BreakerPolicy, *, bad: bool) -> Breaker:
    """The breaker after an answer to a call that began in ``era``."""
    if era != breaker.era:
        return breaker
    if breaker.state is State.HALF_OPEN:
        if bad:
            return _opened(breaker, now)
        if breaker.passed + 1 >= policy.trials:
            return Breaker(State.CLOSED, breaker.era + 1)
        return replace(breaker, under_way=max(breaker.under_way - 1, 0), passed=breaker.passed + 1)
    if breaker.state is State.OPEN:
        return breaker
    recent = (breaker.recent << 1 | bad) & ((1 << policy.window) - 1)
    answers = min(breaker.answers + 1, policy.window)
    if bad and answers >= policy.least and recent.bit_count() * 100 >= policy.percent * answers:
        return _opened(breaker, now)
    return replace(breaker, recent=recent, answers=answers)


def rests_for(breaker: Breaker, now: float, policy: BreakerPolicy) -> float:
    """Seconds until the next trial may begin; 0 when calls pass."""
    if breaker.state is not State.OPEN:
        return 0.0
    return max(breaker.opened_at + policy.rest_after(breaker.openings) - now, 0.0)


def _has_rested(breaker: Breaker, now: float, policy: BreakerPolicy) -> bool:
    return rests_for(breaker, now, policy) == 0


def _opened(breaker: Breaker, now: float) -> Breaker:
    return Breaker(State.OPEN, breaker.era + 1, openings=breaker.openings + 1, opened_at=now)
