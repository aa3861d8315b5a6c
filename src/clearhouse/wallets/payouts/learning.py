"""What is learnt about payouts, decided and written: by a call's answer or by a rail's news.

Both come to the same pure lifecycle, under the payouts' locks, so that any order and any number
of them ends in the same place, with the money in the same place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from clearhouse.access.encryption import FieldCipher
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import Money
from clearhouse.messaging.events import Event
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.rails import Corrected, PaidOut, PayoutNews, PayoutOutcome, Submitted
from clearhouse.wallets.payouts import store
from clearhouse.wallets.payouts.batching import ClaimedBatch
from clearhouse.wallets.payouts.details import correction_place
from clearhouse.wallets.payouts.facts import (
    corrected_event,
    failed_event,
    paid_event,
    returned_event,
)
from clearhouse.wallets.payouts.lifecycle import Effect, PayoutState, Transition, learn
from clearhouse.wallets.payouts.model import Payout, key_id, payout_id_of
from clearhouse.wallets.payouts.sending import Patience, is_settled, next_wait
from clearhouse.wallets.payouts.store import QUERIES, payout_of
from clearhouse.wallets.service import WalletService

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payouts")
_GIVES_BACK: Final = {Effect.FAIL, Effect.FAIL_PAID, Effect.RETURN, Effect.PAY_AND_RETURN}


@dataclass(frozen=True, slots=True)
class Learnt:
    """One thing that was told of a payout; ``moved`` is what the rail says it moved."""

    payout_id: UUID
    outcome: PayoutOutcome | Corrected
    moved: Money | None = None


@dataclass(slots=True)
class _Life:
    """A payout while it learns: as it is by now, and what that means for others."""

    payout: Payout
    moment: datetime
    events: list[Event] = field(default_factory=list[Event])
    raised: list[str] = field(default_factory=list[str])
    corrections: list[Corrected] = field(default_factory=list[Corrected])
    is_back: bool = False
    is_changed: bool = False

    def learn(self, learnt: Learnt) -> None:
        if isinstance(learnt.outcome, Corrected):
            self.corrections.append(learnt.outcome)
            return
        state = PayoutState(self.payout.status, self.payout.reason, self.payout.amount)
        made = learn(state, learnt.outcome, learnt.moved)
        if made.effect is Effect.RAISE:
            self.raised.append(made.detail)
        if (made.status, made.reason) == (self.payout.status, self.payout.reason):
            return
        self.is_changed = True
        self.is_back = self.is_back or made.effect in _GIVES_BACK
        self._tell(made, learnt.outcome)
        self.payout = replace(
            self.payout,
            status=made.status,
            reason=made.reason,
            detail=made.detail or self.payout.detail,
            reference=_reference(learnt.outcome) or self.payout.reference,
            paid_at=_paid_at(made, learnt.outcome, self.moment) or self.payout.paid_at,
            version=self.payout.version + _EVENTS.get(made.effect, 0),
        )

    def _tell(self, made: Transition, outcome: PayoutOutcome) -> None:
        payout, now, version = self.payout, self.moment, self.payout.version
        reason = str(made.reason or "")
        match made.effect:
            case Effect.PAY:
                reference = _reference(outcome) or ""
                self.events.append(paid_event(payout, version + 1, now, reference))
            case Effect.FAIL | Effect.FAIL_PAID:
                was_paid = made.effect is Effect.FAIL_PAID
                self.events.append(
                    failed_event(payout, version + 1, now, reason, was_paid=was_paid)
                )
            case Effect.PAY_AND_RETURN:
                self.events += [
                    paid_event(payout, version + 1, now, payout.reference or ""),
                    returned_event(payout, version + 2, now, reason, was_back=False),
                ]
            case Effect.RETURN | Effect.RENAME:
                was_back = made.effect is Effect.RENAME
                self.events.append(
                    returned_event(payout, version + 1, now, reason, was_back=was_back)
                )
            case _:
                pass


_EVENTS: Final[Mapping[Effect, int]] = {
    Effect.PAY: 1,
    Effect.FAIL: 1,
    Effect.FAIL_PAID: 1,
    Effect.RETURN: 1,
    Effect.RENAME: 1,
    Effect.PAY_AND_RETURN: 2,
}
"""How many events each effect is told by."""


class PayoutLearning:
    """Writes what rails answer and tell, each in one transaction with all that follows."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        wallets: WalletService,
        cipher: FieldCipher,
        *,
        patience: Patience,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._wallets = wallets
        self._cipher = cipher
        self._patience = patience

    async def settle(self, claimed: ClaimedBatch, outcomes: Mapping[str, PayoutOutcome]) -> bool:
        """Store a rail's answer about a batch; False when the lease was lost.

        ``outcomes`` are by the payouts' names. Raises UnavailableError when the database is lost.
        """
        learnt = [
            Learnt(identity, outcome)
            for name, outcome in outcomes.items()
            if (identity := payout_id_of(name)) is not None
        ]

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(QUERIES["lock_batch_work"], claimed.batch_id)
            if row is None or row["fence"] != claimed.fence:
                return False
            rows = await connection.fetch(QUERIES["members_now"], claimed.batch_id)
            members = {one.payout_id: one for one in map(payout_of, rows)}
            after = await self._learn(connection, members, learnt)
            await self._plan_next(connection, claimed.batch_id, after, row["tries"])
            return True

        return await in_transaction(self._pool, self._clock, work)

    async def claim_news(self, rail: str, lease: timedelta) -> tuple[str | None, int] | None:
        """The cursor and fence of whoever may read a rail's news now; None: somebody else does."""
        row = await self._pool.fetchrow(QUERIES["claim_news"], rail, lease)
        return None if row is None else (row["cursor"], row["fence"])

    async def store_news(
        self,
        rail: str,
        fence: int,
        news: Sequence[PayoutNews],
        cursor: str | None,
        pause: timedelta,
    ) -> int:
        """Store what a rail told, with its cursor; returns how many were about payouts of ours.

        Keys that are not ours are passed over. 0 as well when the lease was lost.
        """

        async def work(connection: Connection) -> int:
            if await connection.fetchval(QUERIES["store_news"], rail, fence, cursor, pause) is None:
                return 0
            learnt = [
                Learnt(identity, one.outcome, one.amount)
                for one in news
                if (identity := key_id(one.key)) is not None
            ]
            known = await store.locked(connection, [one.payout_id for one in learnt])
            ours = [one for one in learnt if one.payout_id in known]
            await self._learn(connection, known, ours)
            return len(ours)

        return await in_transaction(self._pool, self._clock, work)

    async def _learn(
        self,
        connection: Connection,
        known: Mapping[UUID, Payout],
        learnt: Iterable[Learnt],
    ) -> list[Payout]:
        """The payouts after all that was learnt; ``known`` are locked."""
        now = self._clock.now()
        lives = {identity: _Life(payout, now) for identity, payout in known.items()}
        for one in learnt:
            if one.payout_id in lives:
                lives[one.payout_id].learn(one)
        await self._correct(connection, list(lives.values()), now)
        await self._write(connection, [one for one in lives.values() if one.is_changed], now)
        await store.give_back(
            connection, self._wallets, [one.payout for one in lives.values() if one.is_back], now
        )
        await store.tell(connection, [event for one in lives.values() for event in one.events])
        await self._raise(connection, [one for one in lives.values() if one.raised])
        return [one.payout for one in lives.values()]

    async def _write(self, connection: Connection, changed: Sequence[_Life], now: datetime) -> None:
        if not changed:
            return
        payouts = [one.payout for one in changed]
        await connection.execute(
            QUERIES["settle_payouts"],
            [one.payout_id for one in payouts],
            [one.status.value for one in payouts],
            [one.reason for one in payouts],
            [one.detail[:500] for one in payouts],
            [one.reference for one in payouts],
            [one.paid_at for one in payouts],
            [one.version for one in payouts],
            now,
        )

    async def _correct(self, connection: Connection, lives: Sequence[_Life], now: datetime) -> None:
        """Keep what banks say should be others, sealed, each payout's first one."""
        told = [one for one in lives if one.corrections and one.payout.details_id is not None]
        if not told:
            return
        rows = await connection.fetch(
            QUERIES["store_corrections"],
            [one.payout.payout_id for one in told],
            [one.payout.details_id for one in told],
            [one.corrections[0].code for one in told],
            [
                self._cipher.seal(
                    one.corrections[0].correction, correction_place(one.payout.payout_id)
                )
                for one in told
            ],
            now,
        )
        stored = {row["payout_id"] for row in rows}
        for one in told:
            if one.payout.payout_id in stored:
                version = one.payout.version + 1
                code = one.corrections[0].code
                one.events.append(corrected_event(one.payout, version, now, code))
                one.payout = replace(one.payout, version=version)
                one.is_changed = True

    async def _raise(self, connection: Connection, raised: Sequence[_Life]) -> None:
        if not raised:
            return
        for one in raised:
            _log.error("payout_raised", payout=one.payout.public_id, why=one.raised[-1])
        await connection.execute(
            QUERIES["raise_payouts"],
            [one.payout.payout_id for one in raised],
            [one.payout.version for one in raised],
            [one.payout.public_id for one in raised],
            [f"{one.raised[-1]}: look at it with the bank or PSP" for one in raised],
        )

    async def _plan_next(
        self, connection: Connection, batch_id: UUID, members: Sequence[Payout], tries: int
    ) -> None:
        fresh = [
            replace(one, finalized_at=self._clock.now())
            if one.finalized_at is None and one.paid_at is not None
            else one
            for one in members
        ]
        wait = next_wait(fresh, tries, self._clock.now(), self._patience)
        if wait is None:
            await connection.execute(QUERIES["finish_batch"], batch_id)
        else:
            left = 0 if is_settled(fresh) else tries
            await connection.execute(QUERIES["postpone_batch"], batch_id, wait, left)


def _reference(outcome: PayoutOutcome) -> str | None:
    return outcome.reference if isinstance(outcome, PaidOut | Submitted) else None


def _paid_at(made: Transition, outcome: PayoutOutcome, moment: datetime) -> datetime | None:
    if made.effect is Effect.PAY and isinstance(outcome, PaidOut):
        return outcome.at
    return moment if made.effect is Effect.PAY_AND_RETURN else None
