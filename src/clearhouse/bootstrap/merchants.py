"""Outgoing webhooks: whom they go to, who lays them out, and who sends them."""

import asyncio
from datetime import timedelta
from typing import Final

from clearhouse.bootstrap.encryption import field_cipher
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.settings import Settings
from clearhouse.webhooks.outgoing.endpoints import EndpointService
from clearhouse.webhooks.outgoing.log import DeliveryLog
from clearhouse.webhooks.outgoing.service import DeliveryService

_SPARE: Final = timedelta(seconds=30)
"""What a lease is longer than a call may take."""


def endpoint_service(runtime: Runtime, settings: Settings) -> EndpointService:
    """The endpoints of merchants. Raises ConfigurationError without a key for their secrets."""
    return EndpointService(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        runtime.randomness,
        field_cipher(settings, runtime.randomness),
        private=settings.webhooks.private_destinations,
    )


def delivery_log(runtime: Runtime) -> DeliveryLog:
    """What was sent to them."""
    return DeliveryLog(runtime.pool, runtime.clock, runtime.ids)


def dispatching(
    runtime: Runtime, settings: Settings, stopping: asyncio.Event
) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
    """The loops that send: the dispatcher, which ends what it has begun, and its housekeeping."""
    # Who only looks at what was sent needs no HTTP client, which takes long to load.
    from clearhouse.webhooks.outgoing.sender import Sender
    from clearhouse.workers.dispatcher import Dispatcher, keep_house

    given = settings.webhooks
    service = DeliveryService(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        runtime.randomness,
        field_cipher(settings, runtime.randomness),
        lease=timedelta(seconds=given.timeout_seconds) + _SPARE,
        share=given.endpoint_concurrency,
    )
    sender = Sender(
        runtime.clock,
        timeout_seconds=given.timeout_seconds,
        concurrency=given.concurrency,
        private=given.private_destinations,
    )
    dispatcher = Dispatcher(service, sender, runtime.clock, concurrency=given.concurrency)
    house = keep_house(delivery_log(runtime), runtime.clock, given.retention)
    return (
        asyncio.create_task(dispatcher.run(stopping), name="dispatcher"),
        asyncio.create_task(house, name="webhooks' housekeeping"),
    )
