"""The only source of ids: UUIDv7, so that keys sort by time and partitions stay narrow."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.randomness import Randomness

_RANDOM_BITS: Final = (1 << 74) - 1


class Ids:
    """Makes UUIDv7 values (RFC 9562, section 5.7) from a clock and a randomness handed in."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness

    def new(self) -> UUID:
        """One new id; its first 48 bits are the clock's milliseconds since 1970 in UTC."""
        return self.at(self._clock.now())

    def at(self, moment: datetime) -> UUID:
        """One new id of a given moment, so that an id and a ``created_at`` tell the same time."""
        milliseconds = int(moment.timestamp() * 1000)
        return _assemble(milliseconds, int.from_bytes(self._randomness.token(10)))

    def consecutive(self, moment: datetime, count: int) -> list[UUID]:
        """``count`` ids of one moment that sort in the order given; 1 to 256 of them.

        For a thing and its parts: they stay together on disk, in the order they were asked for.
        Raises ValueError for another count.
        """
        if not 1 <= count <= 256:
            raise ValueError("1 to 256 consecutive ids can be made")
        first = self.at(moment).int & ~0xFF
        return [UUID(int=first + step) for step in range(count)]


def floor_of(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the bound of a partition or of a time filter."""
    return _assemble(int(moment.timestamp() * 1000), 0)


def moment_of(identifier: UUID, epoch: datetime) -> datetime:
    """When a UUIDv7 was made; ``epoch`` is 1970-01-01 in the time zone the caller wants."""
    return epoch + timedelta(milliseconds=identifier.int >> 80)


def _assemble(milliseconds: int, noise: int) -> UUID:
    noise &= _RANDOM_BITS
    high, low = noise >> 62, noise & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
