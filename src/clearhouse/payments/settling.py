"""Stores what was decided about orders: a constant number of statements for a whole batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog

from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import publish
from clearhouse.payments.deciding import Decided, columns
from clearhouse.payments.facts import done_event, transition_events
from clearhouse.payments.fees.deciding import Fees
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learnt import Source
from clearhouse.payments.lifecycle import BEGINNING, Effect, outcome_word
from clearhouse.payments.store import QUERIES, SCHEMA, close_orders
from clearhouse.postgres.connection import Connection

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payments")


class Settling:
    """Writes orders, attempts, work, letters and events, in the caller's transaction."""

    def __init__(self, default_fee: DefaultFee) -> None:
        self._fees = Fees(default_fee)

    async def write(
        self, connection: Connection, decided: Sequence[Decided], now: datetime, *, leased: bool
    ) -> None:
        """Store a batch of different orders; ``leased`` when the caller holds their leases."""
        changed = [one for one in decided if one.changes]
        fees = await self._fees.decide(connection, changed)
        if changed:
            await connection.execute(QUERIES["settle_orders"], *columns(changed, fees), now)
            await self._write_attempts(connection, changed, now)
        await self._move_work(connection, decided, leased=leased)
        await self._raise(connection, decided)
        failed = [one.row["event_id"] for one in changed if one.effect is Effect.FAIL]
        done = await close_orders(connection, failed, now)
        events: list[Event] = [
            event
            for one, fee in zip(changed, fees, strict=True)
            for event in transition_events(one, fee.fee_minor, now)
        ]
        events += [done_event(row, now) for row in done]
        await publish(connection, SCHEMA, events)

    async def _write_attempts(
        self, connection: Connection, changed: Sequence[Decided], now: datetime
    ) -> None:
        await connection.execute(
            QUERIES["settle_attempts"],
            [one.row["order_id"] for one in changed],
            [one.fact.attempt or one.row["attempt"] for one in changed],
            [outcome_word(one.fact.outcome) for one in changed],
            [one.transition.detail or None for one in changed],
            [now if one.is_final or one.effect in BEGINNING else None for one in changed],
            [int(one.fact.source is Source.REPLY) for one in changed],
            [getattr(one.fact.outcome, "card_tail", "") or None for one in changed],
        )

    async def _move_work(
        self, connection: Connection, decided: Sequence[Decided], *, leased: bool
    ) -> None:
        ended = [one.row["order_id"] for one in decided if one.ends]
        if ended:
            await connection.execute(QUERIES["finish_work"], ended)
        waiting = [one for one in decided if not one.is_final]
        if not leased:
            # Whoever holds the lease goes on with it, unless its attempt was given up.
            waiting = [one for one in waiting if one.effect in BEGINNING]
            if waiting:
                await connection.execute(
                    QUERIES["restart_work"],
                    [one.row["order_id"] for one in waiting],
                    [one.transition.wait for one in waiting],
                    [one.psp for one in waiting],
                )
        elif waiting:
            await connection.execute(
                QUERIES["postpone_work"],
                [one.row["order_id"] for one in waiting],
                [one.transition.wait for one in waiting],
                [0 if one.effect in BEGINNING else one.row["tries"] for one in waiting],
                [one.psp for one in waiting],
            )

    async def _raise(self, connection: Connection, decided: Sequence[Decided]) -> None:
        """Put before a person what contradicts itself and what has waited too long, once each."""
        raised = [("lifecycle", one) for one in decided if one.effect is Effect.RAISE]
        raised += [(f"time_limit.{one.transition.reason}", one) for one in decided if one.overdue]
        if not raised:
            return
        for consumer, one in raised:
            _log.error(
                "raised_to_person", by=consumer, payment_order_id=one.row["payment_order_id"]
            )
        await connection.execute(
            QUERIES["raise_to_person"],
            [consumer for consumer, _ in raised],
            ["outcome" for _ in raised],
            [one.row["order_id"] for _, one in raised],
            [one.version for _, one in raised],
            [repr(one.fact.outcome) for _, one in raised],
            [_why(one) for _, one in raised],
        )


def _why(one: Decided) -> str:
    if one.effect is Effect.RAISE:
        return one.transition.detail
    return f"waits for {one.transition.reason} longer than it may; last heard: " + (
        one.transition.detail or outcome_word(one.fact.outcome)
    )
