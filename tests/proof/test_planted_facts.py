"""Bugs in what is believed, planted: a webhook that comes late, and is taken for the newest news.

As in test_planted_bugs: the same story twice, sound and with the bug; nothing of src is changed.
"""

from collections.abc import Iterator

import pytest
from tests.payments.rooms import execution_service
from tests.proof.flow import consume
from tests.proof.shops import accept, adapter_of, charge_behind_our_back, findings, verdict_with

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments import deciding
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import Age
from clearhouse.payments.patience import RetryPolicy
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
)
from clearhouse.sandbox.server import Running, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


async def late_decline(pool: Pool, sandbox: Running, database: str) -> dict[str, list[str]]:
    """A card is declined, the buyer tries another on the PSP's page, and the news swap places."""
    async with adapter_of("stripe", sandbox.base_url) as adapter:
        await accept(pool, adapter, "lamp")
        [order] = await execution_service(pool).claim("stripe", adapter.capabilities, 1)
        reference = await charge_behind_our_back(adapter, "lamp")
        learning = LearningService(
            SystemClock(),
            SystemRandomness(),
            policy=RetryPolicy(),
            default_fee=DefaultFee(290, {}),
            strays=RaisedStrays(),
        )

        async def hear(outcome: PspOutcome, version: int) -> None:
            fact = Learnt(order.order_id, outcome, Source.WEBHOOK, version=version)
            async with pool.acquire() as connection, connection.transaction():
                await learning.learn(connection, [fact])

        await hear(Pending(PendingReason.PROCESSING, reference), 3)
        await hear(Declined(DeclineReason.CARD_DECLINED, Retry.CUSTOMER, "declined", reference), 1)
        row = await pool.fetchrow("select status, status_reason from payments.payment_orders")
        assert row is not None
        if row["status"] == "EXECUTING":
            assert row["status_reason"] == "processing"
        await consume(pool)
        return findings(await verdict_with(database, {"stripe": adapter}))


async def test_a_late_webhook_changes_nothing(pool: Pool, sandbox: Running, database: str) -> None:
    assert await late_decline(pool, sandbox, database) == {}


async def test_believing_a_late_webhook_is_caught(
    pool: Pool, sandbox: Running, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "age_of", lambda *_: Age.CURRENT)
    assert "psp.uncharged" in await late_decline(pool, sandbox, database)
