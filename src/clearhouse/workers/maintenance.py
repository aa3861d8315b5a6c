"""Housekeeping that every installation needs: partitions ahead of time, expired keys gone."""

from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.messaging.letters import waiting_letters
from clearhouse.payments import store as payments
from clearhouse.payments.fees.store import forget_volumes
from clearhouse.postgres.connection import TROUBLE, Pool
from clearhouse.postgres.partitions import ensure_partitions
from clearhouse.wallets.payouts import store as payouts
from clearhouse.workers.metrics import DEAD_LETTERS

_EVERY_SECONDS: Final = 600.0
_DAYS_AHEAD: Final = 14
_KEYS_AT_ONCE: Final = 10_000
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.maintenance")


async def maintain(pool: Pool) -> None:
    """One round of housekeeping; safe to run in many processes at once."""
    made = await ensure_partitions(pool, _DAYS_AHEAD)
    expired = 0
    for expire in (payments.expire_idempotency_keys, payouts.expire_idempotency_keys):
        removed = _KEYS_AT_ONCE
        while removed == _KEYS_AT_ONCE:
            removed = await expire(pool, _KEYS_AT_ONCE)
            expired += removed
    await payments.forget_declines(pool)
    await forget_volumes(pool)
    for service, count in (await waiting_letters(pool)).items():
        DEAD_LETTERS.labels(service).set(count)
    if made or expired:
        _log.info("maintained", partitions=made, expired_keys=expired)


async def run_maintenance(pool: Pool, clock: Clock) -> None:
    """Housekeeping every ten minutes until cancelled; trouble is logged and tried again."""
    while True:
        try:
            await maintain(pool)
        except TROUBLE as error:
            _log.warning("maintenance_waits", error=type(error).__name__)
        await clock.sleep(_EVERY_SECONDS)
