"""The only source of randomness: secrets for the world, a seed for a simulation."""

import random
import secrets
from typing import Protocol


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

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)

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
