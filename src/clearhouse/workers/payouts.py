"""The payout worker: puts payouts into batches, hands these to their rail, and learns the rest.

One loop per rail. A batch is committed before the rail hears of it, calls are made in no database
transaction, and a worker that lost its lease cannot write; so one that dies anywhere leaves a
batch that another asks about, and never sends under another identity.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import PayoutOutcome, Rail
from clearhouse.wallets.payouts.batching import Batching, ClaimedBatch
from clearhouse.wallets.payouts.learning import PayoutLearning
from clearhouse.wallets.payouts.lifecycle import outcome_word
from clearhouse.wallets.payouts.sending import Call
from clearhouse.workers.metrics import LEASES_LOST, PAYOUT_NEWS, PAYOUTS_ANSWERED, PAYOUTS_BATCHED
from clearhouse.workers.turns import Idle, call_for_all, store_what_was_learnt, work_in_rounds

_IDLE: Final = Idle(0.05, 2.0)
_BATCHES_AT_ONCE: Final = 4
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payouts")


class PayoutWorker:
    """Pays sellers by one rail; any number may run beside each other."""

    def __init__(
        self,
        batching: Batching,
        learning: PayoutLearning,
        rail: Rail,
        clock: Clock,
        *,
        lease: timedelta,
        news_every: timedelta,
    ) -> None:
        self._batching = batching
        self._learning = learning
        self._rail = rail
        self._clock = clock
        self._lease = lease
        self._news_every = news_every

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set; the calls under way are settled first."""
        await work_in_rounds(
            self.round,
            stopping,
            self._clock,
            _IDLE,
            enough=1,
            log=_log.bind(rail=self._rail.name),
            trouble="payouts_wait",
        )

    async def round(self) -> int:
        """One look at all there is to do; returns how many things were done."""
        done = formed = await self._batching.form(self._rail)
        PAYOUTS_BATCHED.labels(self._rail.name).inc(formed)
        claimed = await self._batching.claim(self._rail.name, _BATCHES_AT_ONCE)
        log = _log.bind(rail=self._rail.name)
        await call_for_all(map(self._ask, claimed), log=log, broken="payout_batch_broke")
        return done + len(claimed) + await self._read_news()

    async def _ask(self, claimed: ClaimedBatch) -> None:
        outcomes = await self._call(claimed)
        for outcome in outcomes.values():
            word = outcome_word(outcome)
            PAYOUTS_ANSWERED.labels(self._rail.name, claimed.call.value, word).inc()

        async def settle() -> None:
            if not await self._learning.settle(claimed, outcomes):
                LEASES_LOST.inc()

        await store_what_was_learnt(settle, self._clock, log=_log)

    async def _call(self, claimed: ClaimedBatch) -> Mapping[str, PayoutOutcome]:
        batch = claimed.batch
        if not batch.instructions:
            return {}
        try:
            if claimed.call is Call.SUBMIT:
                return await self._rail.submit(batch)
            return await self._rail.inquire(batch)
        except Exception as error:  # noqa: BLE001 - a bug in a rail is no proof of anything
            _log.exception("rail_broke", rail=self._rail.name, batch=batch.batch_id)
            lost = Unknown(f"the rail failed: {type(error).__name__}")
            return {each.payout_id: lost for each in batch.instructions}

    async def _read_news(self) -> int:
        held = await self._learning.claim_news(self._rail.name, self._lease)
        if held is None:
            return 0
        cursor, fence = held
        try:
            news, following = await self._rail.news(cursor)
        except Exception:  # noqa: BLE001 - they are still there at the next look
            _log.exception("rail_news_unread", rail=self._rail.name)
            news, following = (), cursor
        more = following != cursor
        # What was told is often followed by more; else the next look can wait.
        pause = timedelta(0) if more else self._news_every
        known = await self._learning.store_news(self._rail.name, fence, news, following, pause)
        PAYOUT_NEWS.labels(self._rail.name, "known").inc(known)
        PAYOUT_NEWS.labels(self._rail.name, "foreign").inc(len(news) - known)
        return int(more)
