"""Disputes as PSPs tell of them: in any order, as often as they like, with one end.

What is disputed never counts twice: the part of a charge that was refunded already is no seller's
debt again, but a loss of the platform's until the PSP is shown the refund; a person is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.messaging.events import Event
from clearhouse.messaging.outbox import publish
from clearhouse.payments.disputes.facts import step_event, updated_event
from clearhouse.payments.disputes.lifecycle import Step, Told, is_news, shares, steps_to
from clearhouse.payments.disputes.model import (
    BorneBy,
    Dispute,
    DisputeMoney,
    LearntDispute,
)
from clearhouse.payments.disputes.store import QUERIES, dispute_of, store
from clearhouse.payments.model import OrderStatus
from clearhouse.payments.operations.store import QUERIES as OPERATIONS
from clearhouse.payments.operations.store import LockedOrder, lock_orders
from clearhouse.payments.store import SCHEMA
from clearhouse.postgres.connection import Connection
from clearhouse.psp.notices import DisputeNotice

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.disputes")
_COUNTED: Final = {DisputeMoney.HELD, DisputeMoney.TAKEN}
_Key = tuple[str, str]


@dataclass
class _Round:
    """What one batch comes to, before it is written."""

    orders: dict[UUID, LockedOrder]
    disputes: dict[_Key, Dispute]
    new: list[UUID] = field(default_factory=list[UUID])
    changed: set[_Key] = field(default_factory=set[_Key])
    counted: dict[UUID, int] = field(default_factory=dict[UUID, int])
    events: list[Event] = field(default_factory=list[Event])
    letters: list[tuple[str, UUID, str, str]] = field(
        default_factory=list[tuple[str, UUID, str, str]]
    )


class DisputeLearning:
    """Takes in what PSPs tell of disputes."""

    def __init__(self, clock: Clock, ids: Ids, borne_by: BorneBy) -> None:
        self._clock = clock
        self._ids = ids
        self._seller_bears = borne_by is BorneBy.SELLER

    async def learn(self, connection: Connection, learnt: Sequence[LearntDispute]) -> list[bool]:
        """Take in disputes, in the caller's transaction; facts of one dispute in their order.

        Says of each whether its charge is known to us and settled; what is not is to be told again
        later.
        """
        keys = [(one.psp, one.facts.psp_reference) for one in learnt]
        rows = await self._known(connection, keys)
        ids = {(row["psp"], row["psp_reference"]): row["dispute_id"] for row in rows}
        charges = await self._charges(
            connection, [one for one, key in zip(learnt, keys, strict=True) if key not in ids]
        )
        order_ids = {row["order_id"] for row in rows} | {i for f in charges.values() for i in f}
        orders = await lock_orders(connection, sorted(order_ids))
        if charges:
            # Under the orders' locks: who told of the same a moment ago has made it.
            again = await self._known(connection, keys)
            ids = {(row["psp"], row["psp_reference"]): row["dispute_id"] for row in again}
        locked = await connection.fetch(QUERIES["lock"], sorted(ids.values()))
        known = {(one.psp, one.psp_reference): one for one in map(dispute_of, locked)}
        work = _Round(orders, known)
        answers = [
            self._take(work, one, key, charges.get((one.psp, one.facts.charge_reference), []))
            for one, key in zip(learnt, keys, strict=True)
        ]
        await self._write(connection, work)
        return answers

    async def take_dispute(
        self,
        connection: Connection,
        psp: str,
        notice: DisputeNotice,
        order_ids: Sequence[UUID],
        as_of: datetime,
        version: int | None,
    ) -> bool:
        """One dispute as a webhook tells it; False when it is to be told again later.

        ``as_of`` and ``version`` are the notification's. ``order_ids``, the charge's, are found
        anew under their locks.
        """
        del order_ids
        [known] = await self.learn(connection, [LearntDispute(psp, notice.dispute, as_of, version)])
        return known

    def _take(
        self, work: _Round, one: LearntDispute, key: _Key, candidates: Sequence[UUID]
    ) -> bool:
        """One fact into the round; whether its order is known and settled."""
        facts, now = one.facts, self._clock.now()
        told = Told(facts.stage, one.as_of, facts.version if one.version is None else one.version)
        dispute = work.disputes.get(key)
        if dispute is None:
            if not candidates:
                return False
            order = work.orders[candidates[0]]
            if order.charged.status not in {OrderStatus.SUCCESS, OrderStatus.FAILED}:
                return False  # its success is on its way, and is the ceiling of what is counted
            if len(candidates) > 1 or facts.amount.currency != order.charged.amount.currency:
                detail = f"{one.psp} tells of dispute {facts.psp_reference} over {facts.amount}, "
                detail += f"whose charge stands for {len(candidates)} orders, in "
                detail += order.charged.amount.currency
                work.letters.append(("unclear", order.order_id, repr(facts), detail))
                return True
            dispute = self._new(one, told, order, now)
            work.new.append(dispute.dispute_id)
            work.disputes[key] = self._move(work, dispute, told, now, is_new=True)
        else:
            before = Told(dispute.stage, dispute.told_as_of, dispute.told_version)
            if not is_news(before, told):
                return True
            due = facts.evidence_due_at or dispute.evidence_due_at
            dispute = replace(
                dispute, evidence_due_at=due, told_as_of=told.as_of, told_version=told.version
            )
            work.disputes[key] = self._move(work, dispute, told, now, is_new=False)
        work.changed.add(key)
        return True

    def _new(self, one: LearntDispute, told: Told, order: LockedOrder, now: datetime) -> Dispute:
        facts, dispute_id = one.facts, self._ids.at(now)
        return Dispute(
            dispute_id=dispute_id,
            public_id=f"dp_{dispute_id.hex}",
            order_id=order.order_id,
            payment_order_id=order.payment_order_id,
            seller_account=order.seller_account,
            psp=one.psp,
            psp_reference=facts.psp_reference,
            amount=facts.amount,
            counted_minor=0,
            seller_minor=0,
            stage=facts.stage,
            money=DisputeMoney.NONE,
            reason=facts.reason,
            evidence_due_at=facts.evidence_due_at,
            opened_at=facts.opened_at,
            told_as_of=told.as_of,
            told_version=told.version,
            version=0,
            opened_version=0,
            created_at=now,
            updated_at=now,
        )

    def _move(
        self, work: _Round, dispute: Dispute, told: Told, now: datetime, *, is_new: bool
    ) -> Dispute:
        """The dispute after a fact, with its events and what it counts of its order."""
        turned = is_new or told.stage is not dispute.stage
        dispute = replace(dispute, stage=told.stage)
        steps = steps_to(dispute.money, told.stage)
        for step in steps:
            dispute = self._step(work, dispute, step)
            work.events.append(step_event(dispute, step, now))
        if turned and not steps:
            dispute = replace(dispute, version=dispute.version + 1)
            work.events.append(updated_event(dispute, now))
        return dispute

    def _step(self, work: _Round, dispute: Dispute, step: Step) -> Dispute:
        dispute = replace(dispute, money=step.after, version=dispute.version + 1)
        order = work.orders[dispute.order_id]
        if step.after is DisputeMoney.HELD:
            counted, seller = shares(
                dispute.amount.minor, order.charged.left_minor, seller_bears=self._seller_bears
            )
            dispute = replace(
                dispute,
                counted_minor=counted,
                seller_minor=seller,
                opened_version=dispute.version,
            )
            surplus = dispute.amount.minor - counted
            if surplus:
                work.letters.append(_surplus(dispute, surplus))
        change = dispute.counted_minor * ((step.after in _COUNTED) - (step.before in _COUNTED))
        work.counted[order.order_id] = work.counted.get(order.order_id, 0) + change
        charged = replace(order.charged, disputed_minor=order.charged.disputed_minor + change)
        work.orders[order.order_id] = replace(order, charged=charged)
        return dispute

    async def _write(self, connection: Connection, work: _Round) -> None:
        if work.changed:
            changed = [work.disputes[key] for key in sorted(work.changed)]
            await store(connection, changed, work.new, work.counted)
            await publish(connection, SCHEMA, work.events)
        for kind, identity, payload, error in work.letters:
            _log.error("dispute_raised", kind=kind, id=str(identity))
            await connection.execute(QUERIES["raise_to_person"], kind, identity, payload, error)

    async def _known(self, connection: Connection, keys: Sequence[_Key]) -> list[asyncpg.Record]:
        """The disputes that are there, with their orders."""
        return await connection.fetch(
            QUERIES["known"], [psp for psp, _ in keys], [reference for _, reference in keys]
        )

    async def _charges(
        self, connection: Connection, learnt: Sequence[LearntDispute]
    ) -> dict[_Key, list[UUID]]:
        """The orders whose charges are disputed; a charge may stand for several."""
        found: dict[_Key, list[UUID]] = {}
        if learnt:
            rows = await connection.fetch(
                OPERATIONS["orders_by_charge"],
                [one.psp for one in learnt],
                [one.facts.charge_reference for one in learnt],
            )
            for row in rows:
                found.setdefault((row["psp"], row["psp_reference"]), []).append(row["order_id"])
        return found


def _surplus(dispute: Dispute, surplus: int) -> tuple[str, UUID, str, str]:
    lost = Money(surplus, dispute.amount.currency)
    detail = (
        f"{dispute.psp} withdrew {dispute.amount} for {dispute.payment_order_id}, of which {lost}"
        f" was given back already ({dispute.psp_reference}): submit the refund as evidence"
    )
    payload = f"{dispute.psp} {dispute.psp_reference} {dispute.opened_version}"
    return ("refunded_already", dispute.dispute_id, payload, detail)
