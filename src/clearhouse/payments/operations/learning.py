"""Refunds that a PSP tells of by itself.

A refund of ours is found by its name or by the PSP's reference. One that was made in the PSP's
dashboard is adopted, if the ceiling allows it; else a person must look, since the buyer then got
back more than was paid. One that is told as failed is adopted as well, so that older news of it,
which may come later, finds it failed.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import ClearhouseError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.payments.model import OrderStatus
from clearhouse.payments.operations.facts import created_event
from clearhouse.payments.operations.intake import new_operation
from clearhouse.payments.operations.model import (
    Kind,
    LearntRefund,
    OperationStatus,
    Origin,
    id_of,
)
from clearhouse.payments.operations.outcomes import OperationOutcomes, Told
from clearhouse.payments.operations.store import (
    QUERIES,
    LockedOrder,
    lock_orders,
    store_operations,
)
from clearhouse.payments.operations.terms import FeePolicy, terms_of
from clearhouse.postgres.connection import Connection
from clearhouse.psp.notices import RefundNotice
from clearhouse.psp.operations import Refused

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.operations")
_SETTLED: Final = {OrderStatus.SUCCESS, OrderStatus.FAILED}


class OperationLearning:
    """Takes in what was not asked for."""

    def __init__(
        self, clock: Clock, ids: Ids, outcomes: OperationOutcomes, fee_policy: FeePolicy
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._outcomes = outcomes
        self._fee_policy = fee_policy

    async def take_refund(
        self,
        connection: Connection,
        psp: str,
        notice: RefundNotice,
        order_ids: Sequence[UUID],
    ) -> bool:
        """Take in what one webhook says; False when neither refund nor charge is known yet."""
        return (await self.learn(connection, [LearntRefund(psp, notice)]))[0]

    async def learn(self, connection: Connection, learnt: Sequence[LearntRefund]) -> list[bool]:
        """Take in refunds as PSPs tell of them, in the caller's transaction, in their order.

        Says of each whether its refund, or its charge with its end, is known to us; what is not is
        to be told again later. Telling the same twice changes nothing.
        """
        known = [False] * len(learnt)
        ours = await self._ours(connection, learnt)
        await self._tell(connection, [(learnt[n], ours[n]) for n in sorted(ours)])
        rest = [n for n in range(len(learnt)) if n not in ours]
        charges = await self._charges(connection, [learnt[n] for n in rest])
        orders = await lock_orders(connection, sorted({i for ids in charges.values() for i in ids}))
        adopted: list[tuple[LearntRefund, UUID]] = []
        for n in rest:
            one = learnt[n]
            found = charges.get((one.psp, one.notice.charge_reference), ())
            # While the charge's own end is on its way, nothing says how much may be given back.
            if found and all(orders[i].charged.status in _SETTLED for i in found):
                known[n] = True
                adopted += await self._adopt(connection, one, orders, found)
        await self._tell(connection, adopted)
        for n in ours:
            known[n] = True
        return known

    async def _tell(
        self, connection: Connection, pairs: Sequence[tuple[LearntRefund, UUID]]
    ) -> None:
        """Write outcomes; several of one operation one after the other, in their order."""
        waiting = list(pairs)
        while waiting:
            first = dict[UUID, LearntRefund]()
            later: list[tuple[LearntRefund, UUID]] = []
            for one, operation_id in waiting:
                if operation_id in first:
                    later.append((one, operation_id))
                else:
                    first[operation_id] = one
            work = await connection.fetch(QUERIES["lock_work"], [*first])
            tries = {row["operation_id"]: row["tries"] for row in work}
            rows = await connection.fetch(QUERIES["lock_operations"], [*first])
            await self._outcomes.store(
                connection,
                [
                    Told(
                        row,
                        first[row["operation_id"]].notice.outcome,
                        tries.get(row["operation_id"], 0),
                    )
                    for row in rows
                ],
            )
            waiting = later

    async def _ours(
        self, connection: Connection, learnt: Sequence[LearntRefund]
    ) -> dict[int, UUID]:
        """The operations that are known already, by place."""
        named = {
            n: identity
            for n, one in enumerate(learnt)
            if (identity := id_of(one.notice.operation_id or "")) is not None
        }
        rows = await connection.fetch(QUERIES["operations_by_id"], [*named.values()])
        there = {row["operation_id"] for row in rows}
        found = {n: identity for n, identity in named.items() if identity in there}
        rows = await connection.fetch(
            QUERIES["operations_by_reference"], [one.notice.psp_reference for one in learnt]
        )
        by_reference = {(row["psp"], row["psp_reference"]): row["operation_id"] for row in rows}
        for n, one in enumerate(learnt):
            identity = by_reference.get((one.psp, one.notice.psp_reference))
            if n not in found and identity is not None:
                found[n] = identity
        return found

    async def _charges(
        self, connection: Connection, learnt: Sequence[LearntRefund]
    ) -> dict[tuple[str, str], list[UUID]]:
        """The orders whose charges are refunded; a charge may stand for several."""
        found: dict[tuple[str, str], list[UUID]] = {}
        if learnt:
            rows = await connection.fetch(
                QUERIES["orders_by_charge"],
                [one.psp for one in learnt],
                [one.notice.charge_reference for one in learnt],
            )
            for row in rows:
                found.setdefault((row["psp"], row["psp_reference"]), []).append(row["order_id"])
        return found

    async def _adopt(
        self,
        connection: Connection,
        one: LearntRefund,
        orders: dict[UUID, LockedOrder],
        candidates: Sequence[UUID],
    ) -> list[tuple[LearntRefund, UUID]]:
        """Make the dashboard's refund an operation; nothing for one that is known by now."""
        order_id = candidates[0]
        notice, order = one.notice, orders[order_id]
        # Under the order's lock: whoever told of it a moment ago has made it ours.
        again = await self._ours(connection, [one])
        if again:
            return [(one, again[0])]
        try:
            if len(candidates) > 1:
                raise ClearhouseError(f"its charge stands for {len(candidates)} orders.")
            if notice.amount.currency != order.charged.amount.currency:
                raise ClearhouseError(f"its order is in {order.charged.amount.currency}.")
            terms = terms_of(Kind.REFUND, order.charged, notice.amount.minor, self._fee_policy)
        except ClearhouseError as refusal:
            if isinstance(notice.outcome, Refused):
                return []
            _log.error("refund_not_ours", payment_order_id=order.payment_order_id, psp=order.psp)
            await connection.execute(
                QUERIES["raise_foreign_refund"],
                order_id,
                repr(notice),
                f"{order.psp} refunded {notice.amount} by itself ({notice.psp_reference}):"
                f" {refusal.message}",
            )
            return []
        now = self._clock.now()
        operation = replace(
            new_operation(
                self._ids.at(now),
                Kind.REFUND,
                order,
                Money(terms.amount_minor, notice.amount.currency),
                now,
                origin=Origin.PSP,
                fee_returned_minor=terms.fee_returned_minor,
                note=f"made at {order.psp}",
            ),
            status=OperationStatus.SUBMITTED,
            psp_reference=notice.psp_reference,
        )
        event = created_event(operation, order.seller_account)
        assert event is not None
        await store_operations(connection, [operation], [terms.charged_minor], [event])
        charged = order.charged
        orders[order_id] = replace(
            order,
            charged=replace(
                charged,
                refunded_minor=charged.refunded_minor + terms.amount_minor,
                fee_returned_minor=charged.fee_returned_minor + terms.fee_returned_minor,
            ),
        )
        return [(one, operation.operation_id)]
