"""The dispatcher: sends the messages that merchants are waiting for, many at a time.

A call holds no place of another endpoint's: each has its share, and whatever is answered makes
room at once. What was sent and could not be stored is sent again when its lease is over: an
endpoint tells repeats by their ``webhook-id``.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import TROUBLE
from clearhouse.webhooks.outgoing.log import DeliveryLog
from clearhouse.webhooks.outgoing.model import Claimed, Sent
from clearhouse.webhooks.outgoing.sender import Sender
from clearhouse.webhooks.outgoing.service import DeliveryService
from clearhouse.workers.metrics import (
    DELIVERIES,
    DELIVERIES_WAITING,
    DELIVERY_AGE,
    DELIVERY_SECONDS,
    ENDPOINTS_DISABLED,
)
from clearhouse.workers.turns import store_what_was_learnt

_IDLE_FIRST: Final = 0.01
_IDLE_LONGEST: Final = 0.5
_TROUBLE_WAIT: Final = 0.5
_HOUSEKEEPING_SECONDS: Final = 60.0
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.dispatcher")


class Dispatcher:
    """Claims deliveries, sends at most ``concurrency`` at once, and stores what came of them."""

    def __init__(
        self, service: DeliveryService, sender: Sender, clock: Clock, *, concurrency: int
    ) -> None:
        self._service = service
        self._sender = sender
        self._clock = clock
        self._concurrency = concurrency
        self._calls: set[asyncio.Task[None]] = set()
        self._busy: Counter[UUID] = Counter()
        self._freed = asyncio.Event()
        self._sent: list[Sent] = []
        self._settling = asyncio.Lock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set, then wait for the calls under way to be settled."""
        idle = _IDLE_FIRST
        while not stopping.is_set():
            free = self._concurrency - len(self._calls)
            if free == 0:
                self._freed.clear()
                await self._freed.wait()
                continue
            try:
                count = await self._claim(free)
            except TROUBLE as error:
                _log.warning("dispatcher_waits", error=type(error).__name__)
                await self._clock.sleep(_TROUBLE_WAIT)
                continue
            idle = _IDLE_FIRST if count else min(idle * 2, _IDLE_LONGEST)
            if count < free:
                await self._clock.sleep(idle)
        await self.drain()
        await self._sender.close()

    async def step(self) -> int:
        """Send what is due, as far as it finds places; returns how much it was."""
        count = await self._claim(self._concurrency)
        await self.drain()
        return count

    async def drain(self) -> None:
        """Wait until every call under way is settled."""
        while self._calls:
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def _claim(self, free: int) -> int:
        claimed = await self._service.claim(free, self._busy)
        for one in claimed:
            self._busy[one.key.endpoint_id] += 1
            task = asyncio.create_task(self._send(one), name=f"send {one.key.message_id}")
            self._calls.add(task)
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out and it is sent again; nothing is lost.
            _log.error("delivery_broke", task=task.get_name(), error=repr(error))

    async def _send(self, claimed: Claimed) -> None:
        try:
            sent = await self._sender.send(claimed)
            result = "accepted" if sent.answer.accepted else "refused"
            DELIVERIES.labels(result if sent.answer.status else "unreachable").inc()
            DELIVERY_SECONDS.observe(sent.milliseconds / 1000)
            self._sent.append(sent)
            async with self._settling:
                # While one batch commits, the next gathers; who comes first stores it for all.
                batch, self._sent = self._sent, []
                if batch:
                    await store_what_was_learnt(
                        lambda: self._settle(batch),
                        self._clock,
                        log=_log,
                        trouble="deliveries_wait",
                    )
        finally:
            self._busy[claimed.key.endpoint_id] -= 1
            self._busy = +self._busy

    async def _settle(self, batch: list[Sent]) -> None:
        ENDPOINTS_DISABLED.inc(len(await self._service.settle(batch)))


async def keep_house(log: DeliveryLog, clock: Clock, lifetime: timedelta) -> None:
    """Count what waits and forget what is old, every minute until cancelled."""
    while True:
        try:
            backlog = await log.backlog()
            DELIVERIES_WAITING.set(backlog.waiting)
            DELIVERY_AGE.set(backlog.oldest_seconds)
            while await log.forget(lifetime):
                pass
        except TROUBLE as error:
            _log.warning("housekeeping_waits", error=type(error).__name__)
        await clock.sleep(_HOUSEKEEPING_SECONDS)
