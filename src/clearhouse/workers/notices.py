"""Takes up what PSPs told us: reads webhooks that were stored, and has payments learn from them.

One loop per PSP. The effect commits first and the webhook is marked afterwards: two services'
schemas share no transaction, and every effect may be repeated.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.payments.notices import Missing, NoticeService
from clearhouse.postgres.connection import LOST, Connection, Pool, in_transaction
from clearhouse.psp.notices import Notification, NotReadable, Webhooks
from clearhouse.webhooks.incoming.model import ClaimedWebhook, ReceivedState, Taken, parked
from clearhouse.webhooks.incoming.service import Inbox
from clearhouse.workers.metrics import NOTICE_SECONDS, NOTICES
from clearhouse.workers.turns import Idle, work_in_rounds

_BATCH: Final = 200
_IDLE: Final = Idle(0.005, 0.2)
_AGAIN: Final = (UnavailableError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *LOST)
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.notices")


class NoticeTaker:
    """Handles the stored webhooks of one PSP, in batches."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        inbox: Inbox,
        notices: NoticeService,
        psp: str,
        reader: Webhooks,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._inbox = inbox
        self._notices = notices
        self._psp = psp
        self._reader = reader

    async def run(self) -> None:
        """Work until cancelled; trouble is logged and tried again."""
        await work_in_rounds(
            self.step,
            asyncio.Event(),
            self._clock,
            _IDLE,
            enough=_BATCH,
            log=_log.bind(psp=self._psp),
            trouble="notices_wait",
        )

    async def step(self) -> int:
        """Handle one batch of what is due; returns how many webhooks it was."""
        claimed = await self._inbox.claim(self._psp, _BATCH)
        if not claimed:
            return 0
        readable: list[tuple[ClaimedWebhook, Notification]] = []
        taken: list[Taken] = []
        for webhook in claimed:
            try:
                readable.append((webhook, self._reader.read(webhook.body)))
            except NotReadable as error:
                taken.append(Taken(webhook, ReceivedState.GIVEN_UP, error.message))
            except Exception as error:  # noqa: BLE001 - a bug in an adapter must not stop the rest
                _log.exception("webhook_unreadable", psp=self._psp, kind=webhook.kind)
                detail = f"the adapter failed: {type(error).__name__}"
                taken.append(Taken(webhook, ReceivedState.GIVEN_UP, detail))
        taken += await self._take(readable)
        await self._inbox.settle(taken)
        for one in taken:
            NOTICES.labels(self._psp, one.state.value).inc()
            if one.state is ReceivedState.HANDLED:
                NOTICE_SECONDS.labels(self._psp).observe(one.webhook.age.total_seconds())
        return len(claimed)

    async def _take(self, readable: Sequence[tuple[ClaimedWebhook, Notification]]) -> list[Taken]:
        """All at once; should that fail, one by one, so that a bad one harms no other."""
        if not readable:
            return []
        try:
            answers = await self._learn([notification for _, notification in readable])
        except _AGAIN:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must go on
            if len(readable) == 1:
                webhook = readable[0][0]
                _log.exception("webhook_failed", psp=self._psp, kind=webhook.kind)
                return [parked(webhook, f"{type(error).__name__}: {error}"[:500], ours=True)]
            return [one for pair in readable for one in await self._take([pair])]
        return [
            Taken(webhook, ReceivedState.HANDLED)
            if missing is None
            else parked(webhook, missing.what, ours=missing.ours)
            for (webhook, _), missing in zip(readable, answers, strict=True)
        ]

    async def _learn(self, notifications: Sequence[Notification]) -> list[Missing | None]:
        async def work(connection: Connection) -> list[Missing | None]:
            return await self._notices.take(connection, self._psp, notifications)

        return await in_transaction(self._pool, self._clock, work)
