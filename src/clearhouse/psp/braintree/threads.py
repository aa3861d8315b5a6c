"""A bounded pool of threads for an SDK that blocks, with a time limit per call."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """At most ``concurrency`` calls at a time, each on a thread of its own.

    A thread cannot be stopped: when a call's time is up, the caller is told at once, but the
    place stays taken until the thread comes back. So a call never waits in the pool's queue
    with its time running, and there are never more threads than asked for.
    """

    def __init__(self, name: str, concurrency: int, timeout_seconds: float) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"{name}-calls")
        self._places = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._timeout_seconds = timeout_seconds

    async def run(self, call: Callable[[], T]) -> T:
        """Wait for a place, then make the call. Raises TimeoutError when it takes too long."""
        loop = asyncio.get_running_loop()

        def give_back(_job: Future[Any]) -> None:
            loop.call_soon_threadsafe(self._places.release)

        await self._places.acquire()
        try:
            job = self._pool.submit(call)
        except BaseException:
            self._places.release()
            raise
        job.add_done_callback(give_back)
        async with asyncio.timeout(self._timeout_seconds):
            return await asyncio.wrap_future(job)

    async def close(self) -> None:
        """Wait for the calls in flight and end all threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for _ in range(self._concurrency):
            await self._places.acquire()
        self._pool.shutdown(wait=True)
