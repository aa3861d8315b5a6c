"""Group commit: concurrent requests share one database transaction, without any timer.

While one transaction commits, the next batch gathers. An idle system therefore answers
at once, and a loaded one divides the cost of its fsync among all who wait.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class GroupCommit(Generic[Request, Answer]):
    """Gathers requests into batches for ``handler``, with at most ``committers`` at work.

    ``handler`` gets 1 to ``largest`` requests and returns one answer or exception for each,
    in order: one bad request gets its own exception and never harms its neighbours. When the
    handler itself raises, every request of that batch gets that exception.
    """

    def __init__(
        self,
        handler: Callable[[Sequence[Request]], Awaitable[Sequence[Answer | Exception]]],
        *,
        committers: int = 2,
        largest: int = 256,
    ) -> None:
        self._handler = handler
        self._committers = committers
        self._largest = largest
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = 0

    async def submit(self, request: Request) -> Answer:
        """Wait until the request's batch is committed; returns its answer or raises its exception.

        A caller that is cancelled does not cancel the commit: the others still wait for it.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._at_work < self._committers:
            # A task, not a call: requests that arrive in the same turn of the loop join in.
            self._at_work += 1
            task = asyncio.create_task(self._commit_waiting())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def close(self) -> None:
        """Wait until all that was submitted is answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._largest]
                del self._waiting[: self._largest]
                await self._commit(batch)
        finally:
            # Here, not when the task is done: whoever submits in between must start another.
            self._at_work -= 1

    async def _commit(self, batch: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._handler([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - each waiting caller must hear of it
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
