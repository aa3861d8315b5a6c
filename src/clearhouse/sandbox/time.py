"""The sandbox's clock, which can be moved on, so that a week of settlement takes no week."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.sandbox.truth import Truth

_OFFSET: Final = "clock_offset_us"


class MovableClock:
    """Another clock plus an offset, which is kept in the truth and survives a restart.

    Only the wall clock moves: waiting and measuring stay real.
    """

    def __init__(self, clock: Clock, truth: Truth) -> None:
        self._clock = clock
        self._truth = truth
        self._offset = timedelta(microseconds=int(truth.state(_OFFSET) or 0))
        self._standing: datetime | None = None

    @property
    def offset(self) -> timedelta:
        """How far it is ahead of the real time."""
        return self._offset

    def now(self) -> datetime:
        return self._standing or self._clock.now() + self._offset

    def unmoved(self) -> datetime:
        """The time of everybody else, in which a webhook's signature is made."""
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        """Move on. Raises ValueError for a step back: what has happened has happened."""
        if by < timedelta(0):
            raise ValueError("the clock never goes back")
        self._offset += by
        micros = self._offset // timedelta(microseconds=1)
        self._truth.set_state(_OFFSET, str(micros))

    @contextmanager
    def standing_at(self, micros: int) -> Generator[None]:
        """Stand at a moment (microseconds since 1970): the time of what is done late."""
        self._standing = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
        try:
            yield
        finally:
            self._standing = None
