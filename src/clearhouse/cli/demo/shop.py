"""The marketplace's checkout: sends baskets over HTTP, as a well-behaved client does.

What gets no answer, or one that asks to come again, is repeated with the same body and so
with the same idempotency key; now and then a buyer presses the button twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec

from clearhouse.cli.demo.marketplace import Basket, Marketplace
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError

_DOUBLE_CLICKS_PER_CENT: Final = 3
_MOST_AT_ONCE: Final = 64
_LONGEST_PAUSE: Final = 2.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)


@dataclass(slots=True)
class Tally:
    """What the shop has seen so far. Latencies are seconds of answered requests, in order."""

    payments: int = 0
    orders: int = 0
    double_clicks: int = 0
    repeats: int = 0
    refused: list[str] = field(default_factory=list[str])
    latencies: list[float] = field(default_factory=list[float])


class Shop:
    """Sends the baskets of a marketplace to one API."""

    def __init__(self, url: str, key: str, marketplace: Marketplace, clock: Clock) -> None:
        self._url = f"{url}/v1/payments"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._marketplace = marketplace
        self._clock = clock
        self.tally = Tally()

    async def sell(self, per_second: float, until: Callable[[], bool]) -> None:
        """Let buyers come until ``until`` says so, then wait for those still at the checkout."""
        connector = aiohttp.TCPConnector(limit=_MOST_AT_ONCE)
        places = asyncio.Semaphore(_MOST_AT_ONCE)
        async with (
            aiohttp.ClientSession(
                connector=connector, headers=self._headers, timeout=_TIMEOUT
            ) as session,
            asyncio.TaskGroup() as buyers,
        ):
            for basket in self._marketplace.baskets():
                if until():
                    break
                await places.acquire()
                task = buyers.create_task(self._buy(session, basket))
                task.add_done_callback(lambda _task: places.release())
                await self._clock.sleep(self._marketplace.gap_seconds(per_second))

    async def _buy(self, session: aiohttp.ClientSession, basket: Basket) -> None:
        body = msgspec.json.encode(basket.body)
        first, _ = await self._send(session, body)
        if first is None:
            return
        self.tally.payments += 1
        self.tally.orders += basket.orders
        if self._marketplace.chance(_DOUBLE_CLICKS_PER_CENT):
            again, replayed = await self._send(session, body)
            if again != first or not replayed:
                raise UnavailableError(
                    f"The API answered the same request differently: {basket.checkout_id}."
                )
            self.tally.double_clicks += 1

    async def _send(self, session: aiohttp.ClientSession, body: bytes) -> tuple[bytes | None, bool]:
        """The answer and whether it was a replay; None for a request that was refused."""
        pause = 0.1
        while True:
            begun = self._clock.monotonic()
            try:
                async with session.post(self._url, data=body) as response:
                    answer = await response.read()
                    if response.status == 202:
                        self.tally.latencies.append(self._clock.monotonic() - begun)
                        return answer, "Idempotency-Replayed" in response.headers
                    if response.status < 500 and response.status != 429:
                        self.tally.refused.append(f"{response.status}: {answer[:300].decode()}")
                        return None, False
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.tally.repeats += 1
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
