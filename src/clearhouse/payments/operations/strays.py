"""Charges that no order stands for: each is owed to the buyer, and given back once."""

from collections.abc import Sequence
from dataclasses import replace

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.payments.learnt import StrayCharge
from clearhouse.payments.operations.facts import created_event
from clearhouse.payments.operations.intake import new_operation
from clearhouse.payments.operations.model import Kind, Operation, Origin
from clearhouse.payments.operations.store import QUERIES, lock_orders, store_operations
from clearhouse.postgres.connection import Connection


class StrayRefunds:
    """Gives stray charges back, through operators like any other refund."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def give_back(self, connection: Connection, strays: Sequence[StrayCharge]) -> None:
        """Create a refund for each charge that has none yet, in the caller's transaction.

        Under the lock of the order that it was found for, so that two who find the same charge
        make one refund.
        """
        orders = await lock_orders(connection, sorted({one.order_id for one in strays}))
        rows = await connection.fetch(
            QUERIES["strays_by_charge"], [one.psp_reference for one in strays]
        )
        seen = {(row["psp"], row["charge_reference"]) for row in rows}
        new: list[Operation] = []
        for one in strays:
            if (one.psp, one.psp_reference) in seen:
                continue
            seen.add((one.psp, one.psp_reference))
            now = self._clock.now()
            operation = new_operation(
                self._ids.at(now),
                Kind.STRAY_REFUND,
                replace(orders[one.order_id], psp=one.psp),
                one.amount,
                now,
                origin=Origin.ENGINE,
                note=one.detail[:200],
                charge_reference=one.psp_reference,
            )
            new.append(operation)
        if new:
            events = [created_event(operation, "") for operation in new]
            await store_operations(
                connection,
                new,
                [operation.amount.minor for operation in new],
                [event for event in events if event is not None],
            )
