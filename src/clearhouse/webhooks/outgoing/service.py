"""The verbs of a dispatcher: claim deliveries, and store what came of sending them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.access.encryption import FieldCipher, NotOpened
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.webhooks.outgoing import store
from clearhouse.webhooks.outgoing.endpoints import secret_place
from clearhouse.webhooks.outgoing.lifecycle import (
    Answer,
    Delivered,
    DeliveryState,
    Standing,
    after,
    standing,
)
from clearhouse.webhooks.outgoing.messages import DISABLED
from clearhouse.webhooks.outgoing.model import Claimed, Endpoint, Sent
from clearhouse.webhooks.outgoing.store import QUERIES, columns, key_of

_ON_TRIAL: Final = 2
"""How many calls at once an endpoint gets that took nothing last."""
_AUTHOR: Final = "clearhouse"
"""Who switches an endpoint off that fails, in the audit log."""
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.webhooks")


class DeliveryService:
    """Claims deliveries and settles what came of them, each in batches that commit together.

    ``share`` is how many calls one endpoint gets at once, so that a slow one holds up no other.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        randomness: Randomness,
        cipher: FieldCipher,
        *,
        lease: timedelta,
        share: int,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._randomness = randomness
        self._cipher = cipher
        self._lease = lease
        self._share = share

    async def claim(self, limit: int, busy: Mapping[UUID, int]) -> list[Claimed]:
        """Lease at most ``limit`` deliveries that are due; commits before it returns.

        ``busy`` says how many calls each endpoint has under way here.
        """
        share, trial = self._share, min(_ON_TRIAL, self._share)

        async def work(connection: Connection) -> list[asyncpg.Record]:
            under_way = (list(busy), list(busy.values()))
            return await connection.fetch(
                QUERIES["claim"], limit, self._lease, share, trial, *under_way
            )

        rows = await in_transaction(self._pool, self._clock, work)
        return [
            Claimed(
                key=key_of(row),
                fence=row["fence"],
                tries=row["tries"],
                url=row["url"],
                payload=row["payload"],
                secrets=self._opened(row),
            )
            for row in rows
        ]

    async def settle(self, batch: Sequence[Sent]) -> list[Endpoint]:
        """Store what came of a batch; what another dispatcher has claimed since is left alone.

        Returns the endpoints that were switched off for it.
        """

        async def work(connection: Connection) -> list[Endpoint]:
            keys = [sent.claimed.key for sent in batch]
            rows = await connection.fetch(QUERIES["lock_sent"], *columns(keys))
            fences = {key_of(row): row["fence"] for row in rows}
            held = [one for one in batch if fences.get(one.claimed.key) == one.claimed.fence]
            return await self._store(connection, held) if held else []

        return await in_transaction(self._pool, self._clock, work)

    def _opened(self, row: asyncpg.Record) -> tuple[str, ...]:
        """The secrets that open; one whose key is lost must not hold up all other endpoints."""
        opened: list[str] = []
        for secret_id, sealed in zip(row["secret_ids"], row["sealed"], strict=True):
            try:
                opened.append(self._cipher.open(sealed, secret_place(secret_id)))
            except NotOpened as error:
                _log.error("secret_not_opened", secret_id=str(secret_id), reason=error.message)
        return tuple(opened)

    async def _store(self, connection: Connection, held: Sequence[Sent]) -> list[Endpoint]:
        decided = [
            (one, after(one.answer, one.claimed.tries, self._randomness.uniform(0, 1)))
            for one in held
        ]
        await connection.execute(
            QUERIES["store_sent"],
            *columns([one.claimed.key for one, _ in decided]),
            [what.state.value for _, what in decided],
            [one.answer.status for one, _ in decided],
            [one.answer.error for one, _ in decided],
            [one.at for one, _ in decided],
            [one.milliseconds for one, _ in decided],
        )
        await self._move_work(connection, decided)
        return await self._note_endpoints(connection, held)

    async def _move_work(
        self, connection: Connection, decided: Sequence[tuple[Sent, Delivered]]
    ) -> None:
        waiting = [(s, d) for s, d in decided if d.state is DeliveryState.WAITING]
        finished = [s.claimed.key for s, d in decided if d.state is not DeliveryState.WAITING]
        if finished:
            await connection.execute(QUERIES["finish"], *columns(finished))
        if waiting:
            await connection.execute(
                QUERIES["postpone"],
                *columns([sent.claimed.key for sent, _ in waiting]),
                [what.wait for _, what in waiting],
            )

    async def _note_endpoints(self, connection: Connection, held: Sequence[Sent]) -> list[Endpoint]:
        """Since when each endpoint fails, and whether it is switched off for it."""
        answers: dict[UUID, list[tuple[datetime, Answer]]] = {}
        for one in sorted(held, key=lambda sent: sent.at):
            answers.setdefault(one.claimed.key.endpoint_id, []).append((one.at, one.answer))
        rows = await connection.fetch(QUERIES["lock_endpoints"], sorted(answers))
        changed: dict[UUID, Standing] = {}
        for row in rows:
            now = standing(row["failing_since"], answers[row["endpoint_id"]])
            if now.failing_since != row["failing_since"] or now.reason:
                changed[row["endpoint_id"]] = now
        if not changed:
            return []
        await connection.execute(
            QUERIES["note_endpoints"],
            list(changed),
            [one.failing_since for one in changed.values()],
            [one.state.value for one in changed.values()],
            [one.reason for one in changed.values()],
            self._clock.now(),
        )
        off = [endpoint_id for endpoint_id, one in changed.items() if one.reason]
        return await self._give_notice(connection, off) if off else []

    async def _give_notice(self, connection: Connection, off: Sequence[UUID]) -> list[Endpoint]:
        """What was switched off is told to those who can still hear it, and written down."""
        now = self._clock.now()
        await connection.execute(QUERIES["drop_dispatches"], off, now)
        notices = await store.notify(connection, DISABLED, off, now)
        await store.lay_out(connection, [message for _, message in notices], now)
        for endpoint, _ in notices:
            name, reason = endpoint.public_id, endpoint.disabled_reason or ""
            action = "webhook_endpoint.disabled"
            await note_deed(connection, Deed(self._ids.new(), now, _AUTHOR, action, name, reason))
            _log.error("endpoint_disabled", endpoint=name, reason=reason)
        return [endpoint for endpoint, _ in notices]
