"""The one door for everything that is learnt about an order, whoever learnt it and however.

Replies, webhooks, polls, pages, operations and settlement lines are ways to learn one fact. All
of them pass through ``lifecycle.apply`` here, under the order's lock, and what follows from them
(status, attempt, work, events) commits with the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.randomness import Randomness
from clearhouse.payments import deciding
from clearhouse.payments.deciding import Decided
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learnt import Found, Learnt, StrayCharge
from clearhouse.payments.lifecycle import Effect, Transition
from clearhouse.payments.patience import CARD_WINDOW, RetryPolicy
from clearhouse.payments.settling import Settling
from clearhouse.payments.store import QUERIES
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import Declined, Retry

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payments")


class StrayCharges(Protocol):
    """Who gives stray charges back; each ``psp_reference`` once, however often it is told."""

    async def give_back(self, connection: Connection, strays: Sequence[StrayCharge]) -> None:
        """Arrange, in the caller's transaction, that the buyer gets the money back."""
        ...


class LearningService:
    """Learns facts about orders, many in a constant number of statements."""

    def __init__(
        self,
        clock: Clock,
        randomness: Randomness,
        *,
        policy: RetryPolicy,
        default_fee: DefaultFee,
        strays: StrayCharges,
    ) -> None:
        self._clock = clock
        self._randomness = randomness
        self._policy = policy
        self._strays = strays
        self._settling = Settling(default_fee)

    async def learn(self, connection: Connection, facts: Sequence[Learnt]) -> list[Transition]:
        """What each fact led to, in the caller's transaction; facts of one order in their order.

        An unknown order raises ValueError: callers have looked it up.
        """
        answers: dict[int, Transition] = {}
        waiting = list(enumerate(facts))
        while waiting:
            # One fact of each order at a time, so that each meets what the one before it left.
            now: dict[UUID, tuple[int, Learnt]] = {}
            later: list[tuple[int, Learnt]] = []
            for place, fact in waiting:
                if fact.order_id in now:
                    later.append((place, fact))
                else:
                    now[fact.order_id] = (place, fact)
            rows = await connection.fetch(QUERIES["lock_orders"], sorted(now))
            if len(rows) < len(now):
                raise ValueError("there is no such order to learn about")
            decided = await self.decide(
                connection, [(row, now[row["order_id"]][1]) for row in rows]
            )
            await self.write(connection, decided, leased=False)
            for one in decided:
                answers[now[one.row["order_id"]][0]] = one.transition
            waiting = later
        return [answers[place] for place in range(len(facts))]

    async def decide(
        self, connection: Connection, facts: Sequence[tuple[asyncpg.Record, Learnt]]
    ) -> list[Decided]:
        """What follows for rows of ``lock_orders``; counts soft declines by the networks' rules."""
        soft = [
            (row, fact)
            for row, fact in facts
            if isinstance(fact.outcome, Declined) and fact.outcome.retry is Retry.SOFT
        ]
        allowed: Mapping[UUID, bool] = await self._allowed(connection, soft) if soft else {}
        return [
            deciding.decide(
                row,
                fact,
                self._policy,
                self._randomness.uniform(0, 1),
                may_retry=allowed.get(row["order_id"], False),
            )
            for row, fact in facts
        ]

    async def write(
        self, connection: Connection, decided: Sequence[Decided], *, leased: bool
    ) -> None:
        """Store what was decided; ``leased`` when the caller holds the orders' leases."""
        await self._settling.write(connection, decided, self._clock.now(), leased=leased)
        strays = [_stray(one) for one in decided if one.transition.effect is Effect.STRAY]
        if strays:
            for stray in strays:
                _log.warning("stray_charge", payment_order_id=stray.payment_order_id)
            await self._strays.give_back(connection, strays)

    async def _allowed(
        self, connection: Connection, soft: Sequence[tuple[asyncpg.Record, Learnt]]
    ) -> Mapping[UUID, bool]:
        """Which orders may be tried again after this soft decline."""
        if self._policy.soft_declines == 0:
            return {}
        rows = await connection.fetch(
            QUERIES["note_declines"],
            [row["order_id"] for row, _ in soft],
            [fact.attempt or row["attempt"] for row, fact in soft],
            self._clock.now(),
            CARD_WINDOW,
        )
        counts = {row["order_id"]: row["declines"] for row in rows}
        return {
            row["order_id"]: row["declines"] < self._policy.soft_declines
            and counts[row["order_id"]] < self._policy.card_declines
            for row, _ in soft
        }

    async def find_orders(
        self,
        connection: Connection,
        psp: str,
        psp_references: Sequence[str] = (),
        payment_order_ids: Sequence[str] = (),
    ) -> dict[str, list[Found]]:
        """The orders that a PSP's charges and our own ids lead to, by those words."""
        rows = await connection.fetch(
            QUERIES["orders_of_charges"], psp, list(psp_references), list(payment_order_ids)
        )
        found: dict[str, list[Found]] = {}
        for row in rows:
            found.setdefault(row["word"], []).append(Found(row["order_id"], row["attempt"]))
        return found

    async def ask_now(self, connection: Connection, order_ids: Sequence[UUID]) -> None:
        """Have the PSP asked about orders at once; final ones are left alone."""
        await connection.execute(QUERIES["ask_now"], list(order_ids))


def _stray(one: Decided) -> StrayCharge:
    row, transition = one.row, one.transition
    assert transition.charged is not None
    assert transition.psp_reference is not None
    return StrayCharge(
        order_id=row["order_id"],
        payment_order_id=row["payment_order_id"],
        seller_account=row["seller_account"],
        psp=one.told_by,
        psp_reference=transition.psp_reference,
        amount=transition.charged,
        detail=transition.detail,
    )


class RaisedStrays:
    """Puts stray charges before a person: for where nothing can give them back by itself."""

    async def give_back(self, connection: Connection, strays: Sequence[StrayCharge]) -> None:
        """A dead letter for each, once."""
        arguments: list[list[Any]] = [
            ["stray_charge" for _ in strays],
            ["outcome" for _ in strays],
            [stray.order_id for stray in strays],
            [1 for _ in strays],
            [f"{stray.psp} {stray.psp_reference}" for stray in strays],
            [stray.detail for stray in strays],
        ]
        await connection.execute(QUERIES["raise_to_person"], *arguments)
