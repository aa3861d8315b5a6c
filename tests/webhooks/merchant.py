"""A merchant's server for tests: real HTTP, remembers what it got, answers as told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from aiohttp import web

from clearhouse.access.encryption import FieldCipher
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.messaging.consumer import Consumer
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import OutboxStream, publish
from clearhouse.postgres.connection import Pool
from clearhouse.webhooks.outgoing.announcing import Announcer
from clearhouse.webhooks.outgoing.endpoints import EndpointService
from clearhouse.webhooks.outgoing.log import DeliveryLog
from clearhouse.webhooks.outgoing.model import NewEndpoint, Wanted
from clearhouse.webhooks.outgoing.sender import Sender
from clearhouse.webhooks.outgoing.service import DeliveryService
from clearhouse.workers.dispatcher import Dispatcher

CLOCK, RANDOM = SystemClock(), SystemRandomness()
CIPHER = FieldCipher({"test": b"k" * 32}, RANDOM)


@dataclass
class Got:
    headers: dict[str, str]
    body: str


@dataclass
class Merchant:
    """``answer`` maps the number of the request (from 1) to an HTTP status."""

    answer: Callable[[int], int] = lambda _: 204
    slowly: asyncio.Event | None = None
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    url: str = ""
    _runner: Any = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/in"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.got.append(Got({**request.headers}, await request.text()))
        if self.slowly is not None:
            await self.slowly.wait()
        return web.Response(status=self.answer(len(self.got)), headers=self.headers)


IDS = Ids(CLOCK, RANDOM)


def endpoint_service(
    pool: Pool, *, private: bool = True, cipher: FieldCipher = CIPHER
) -> EndpointService:
    return EndpointService(pool, CLOCK, IDS, RANDOM, cipher, private=private)


def delivery_log(pool: Pool) -> DeliveryLog:
    return DeliveryLog(pool, CLOCK, IDS)


def delivery_service(
    pool: Pool, *, lease: float = 30, share: int = 10, cipher: FieldCipher = CIPHER
) -> DeliveryService:
    given = timedelta(seconds=lease)
    return DeliveryService(pool, CLOCK, IDS, RANDOM, cipher, lease=given, share=share)


def dispatcher(
    pool: Pool, *, private: bool = True, service: DeliveryService | None = None
) -> Dispatcher:
    sender = Sender(CLOCK, timeout_seconds=2, concurrency=10, private=private)
    return Dispatcher(service or delivery_service(pool), sender, CLOCK, concurrency=10)


async def add(
    pool: Pool,
    url: str,
    *filters: str,
    seller: str | None = None,
    private: bool = True,
    cipher: FieldCipher = CIPHER,
) -> NewEndpoint:
    """A new endpoint."""
    service, wanted = endpoint_service(pool, private=private, cipher=cipher), Wanted(None, filters)
    return await service.create("tests", url, wanted, seller)


async def tell(pool: Pool, *events: Event) -> None:
    """Publish events as payments does, and let outgoing webhooks consume them."""
    async with pool.acquire() as connection, connection.transaction():
        await publish(connection, "payments", events)
    [subscription] = Announcer(CLOCK).subscriptions(OutboxStream(pool, "payments"))
    consumer = Consumer(pool, CLOCK, subscription)
    while await consumer.step():
        pass


async def make_due(pool: Pool) -> None:
    """Let all waits be over."""
    await pool.execute("update webhooks.dispatches set next_at = now()")
