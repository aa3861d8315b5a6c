"""Time and chance of a simulation: a clock that is moved, and luck that follows from a seed."""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Final

from clearhouse.kernel.clock import SystemClock

_STEPS: Final = 2**53
_REAL_WAIT: Final = 0.005
DAY: Final = timedelta(days=1)


class MovedClock(SystemClock):
    """Stands still until it is moved on.

    Leases and waits between calls count by the database's own clock, so sleeping lets a little
    real time pass.
    """

    def __init__(self, begins: date) -> None:
        self._begins = midnight(begins)
        self._now = self._begins

    def now(self) -> datetime:
        """The moment that was moved to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the simulation began."""
        return (self._now - self._begins).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        await super().sleep(min(seconds, _REAL_WAIT))

    def move_to(self, day: date, hour: int) -> None:
        """Move on to an hour of a day, in UTC."""
        self._now = max(self._now, midnight(day) + timedelta(hours=hour))


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Luck:
    """Chances that are the same for the same things of the same seed, in whatever order they come.

    So nothing that happens depends on which of several calls was faster.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def share(self, *of: object) -> float:
        """A number from 0 up to 1, for a chance."""
        return self._number(of) / _STEPS

    def whole(self, low: int, high: int, *of: object) -> int:
        """A whole number from ``low`` to ``high``, for days and amounts."""
        return low + self._number(of) % (high - low + 1)

    def _number(self, of: tuple[object, ...]) -> int:
        digest = blake2b(repr((self._seed, of)).encode(), digest_size=8).digest()
        return int.from_bytes(digest) % _STEPS
