"""Bounds on the calls to one PSP: how many at a time, and how long each may take."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Calls:
    """At most ``concurrency`` calls in flight; each gets ``timeout_seconds`` of its own.

    Waiting for a free place does not count as time of the call: a busy adapter is slow, it
    does not lose answers. The limit is kept here and not only in the SDK, since SDKs bound
    the silence between two bytes and not the whole.
    """

    def __init__(self, concurrency: int, timeout_seconds: float) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._timeout_seconds = timeout_seconds

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Wait for a place, then make the call. Raises TimeoutError when it takes too long."""
        async with self._places, asyncio.timeout(self._timeout_seconds):
            return await call()
