"""The only source of randomness: secrets for the world, a seed for a simulation."""

import os
import random
import secrets
from typing import Final, Protocol

_POOL_BYTES: Final = 4096


class Randomness(Protocol):
    """Random bytes and numbers, either unguessable or repeatable."""

    def token(self, size: int) -> bytes:
        """``size`` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high, for jitter and load; never for money."""
        ...


class SystemRandomness:
    """The operating system's randomness; unguessable, so fit for keys and ids."""

    def __init__(self) -> None:
        self._jitter = random.Random(secrets.randbits(64))  # noqa: S311 - only for uniform()
        self._pool = b""
        self._used = 0
        self._owner = os.getpid()

    def token(self, size: int) -> bytes:
        # Asking the kernel for ten bytes costs as much as for a thousand, and ids need many.
        end = self._used + size
        # A forked process must not hand out its parent's bytes again.
        if end > len(self._pool) or self._owner != os.getpid():
            self._owner = os.getpid()
            self._pool = secrets.token_bytes(max(_POOL_BYTES, size))
            self._used, end = 0, size
        taken = self._pool[self._used : end]
        self._used = end
        return taken

    def uniform(self, low: float, high: float) -> float:
        return self._jitter.uniform(low, high)


class SeededRandomness:
    """The same numbers for the same seed: for tests, simulations and the demo's marketplace."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
