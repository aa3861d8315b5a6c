"""The only source of time. Every other floor is handed a Clock.

Why: a simulation moves time by itself, and a service that asks the operating system
behind its back could not be replayed. Lease times come from the database instead,
so that skewed machines agree (invariant I11).
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time is it, how long did it take, and wait."""

    def now(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds for measuring durations; never goes backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a simulation returns as soon as its virtual time has passed."""
        ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
