"""The HTTP API."""

import asyncpg
from litestar import Litestar
from prometheus_client import REGISTRY

from clearhouse.access.service import ApiKeys
from clearhouse.api.app import create_app
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.bootstrap.merchants import delivery_log, endpoint_service
from clearhouse.bootstrap.payouts import bank_details_desk, payout_desk, timetable
from clearhouse.bootstrap.policies import wallet_terms
from clearhouse.bootstrap.psps import LazyAdapters
from clearhouse.bootstrap.reconciliation import break_queue, uploads
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.services import (
    dispute_service,
    operation_service,
    page_service,
    payment_service,
)
from clearhouse.bootstrap.wallets import hold_desk, wallet_service
from clearhouse.bootstrap.webhooks import inbox_of
from clearhouse.kernel.errors import UnavailableError
from clearhouse.payments.pages.desk import PageDesk
from clearhouse.payments.routes import Router
from clearhouse.postgres.connection import LOST
from clearhouse.psp import registry
from clearhouse.settings import Settings
from clearhouse.webhooks.incoming.door import WebhookDoor


def api_app(runtime: Runtime, settings: Settings, pepper: bytes) -> Litestar:
    """The HTTP API as an ASGI application; ``pepper`` is what API keys are hashed with."""

    async def ready() -> None:
        try:
            await runtime.pool.fetchval("select 1")
        except (asyncpg.PostgresError, *LOST) as error:
            raise UnavailableError("PostgreSQL does not answer.") from error

    inbox = inbox_of(runtime)
    lazily = LazyAdapters(settings)
    access = ApiKeys(runtime.pool, runtime.clock, runtime.ids, runtime.randomness, pepper)
    dependencies = ApiDependencies(
        payments=payment_service(runtime, settings),
        operations=operation_service(runtime, settings),
        disputes=dispute_service(runtime, settings),
        holds=hold_desk(runtime, settings.api.idempotency_lifetime),
        wallets=wallet_service(runtime, wallet_terms(settings)),
        payouts=payout_desk(runtime, settings),
        breaks=break_queue(runtime, settings),
        files=uploads(runtime, settings),
        max_file_bytes=settings.reconciliation.upload_megabytes * 1_000_000,
        bank_details=bank_details_desk(runtime, settings),
        schedules=timetable(runtime),
        webhooks=WebhookDoor(inbox, runtime.clock, lazily.get, settings.api.public_url),
        endpoints=endpoint_service(runtime, settings),
        deliveries=delivery_log(runtime),
        pages=PageDesk(
            page_service(runtime, settings),
            runtime.ids,
            runtime.randomness,
            lazily.get,
            names=[name for name in settings.psps if registry.has_pages(name)],
            lifetime=settings.pages.lifetime,
            router=Router(settings.routing, runtime.randomness),
        ),
        keys=access,
        psps=frozenset(settings.psps),
        clock=runtime.clock,
        ids=runtime.ids,
        ready=ready,
        registry=REGISTRY,
        max_body_bytes=settings.api.max_body_bytes,
        public_url=settings.api.public_url,
        drop_in_script=settings.pages.drop_in_script,
    )
    return create_app(dependencies)
