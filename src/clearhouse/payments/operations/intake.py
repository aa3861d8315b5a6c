"""Taking operations in: each idempotency key once, each cent at most once, in batches.

The order's row is locked first, so that of two requests for the same money the later one sees
what the earlier one took; the database's own ceiling stands behind it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from clearhouse.access.replay import IntakeAnswer, judge
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import (
    ClearhouseError,
    Conflict,
    Fault,
    KeyInUse,
    NotFound,
)
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.payments.operations.facts import created_event
from clearhouse.payments.operations.model import (
    Kind,
    NewOperation,
    Operation,
    OperationStatus,
    Origin,
    name_of,
)
from clearhouse.payments.operations.store import (
    QUERIES,
    IdempotencyRecord,
    LockedOrder,
    lock_orders,
    order_ids,
    store_operations,
)
from clearhouse.payments.operations.terms import FeePolicy, terms_of
from clearhouse.payments.store import QUERIES as PAYMENTS
from clearhouse.postgres.barrier import pass_barrier
from clearhouse.postgres.connection import Connection, Pool, RaceLost, in_race
from clearhouse.postgres.group_commit import GroupCommit

_Answer = IntakeAnswer | Exception


class OperationIntake:
    """Accepts operations that clients ask for."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        *,
        idempotency_lifetime: timedelta,
        fee_policy: FeePolicy,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._lifetime = idempotency_lifetime
        self._fee_policy = fee_policy
        self._in_flight: set[tuple[UUID, str]] = set()
        self._commits = GroupCommit[NewOperation, IntakeAnswer](self._commit)

    async def accept(self, wanted: NewOperation) -> IntakeAnswer:
        """Store an operation durably, or replay the stored answer of its idempotency key.

        Raises KeyInUse, IdempotencyMismatch, NotFound for an order that does not exist, Conflict
        for a public id that is used, NotRefundable, RefundExceedsCapture, NotCapturable, and
        UnavailableError when the database is lost (repeat with the same key).
        """
        key = (wanted.api_key_id, wanted.idempotency_key)
        if key in self._in_flight:
            raise KeyInUse("The first request with this idempotency key is still in flight.")
        self._in_flight.add(key)
        try:
            return await self._commits.submit(wanted)
        finally:
            self._in_flight.discard(key)

    async def close(self) -> None:
        """Wait until every accepted request is answered."""
        await self._commits.close()

    async def _commit(self, batch: Sequence[NewOperation]) -> Sequence[_Answer]:
        async def work(connection: Connection) -> list[_Answer]:
            return await self._store(connection, batch)

        answers = await in_race(self._pool, self._clock, work, over="the same ids", lost=RaceLost)
        if any(isinstance(answer, IntakeAnswer) and answer.replayed for answer in answers):
            await pass_barrier(self._pool)
        return answers

    async def _store(self, connection: Connection, batch: Sequence[NewOperation]) -> list[_Answer]:
        answers = await self._look(connection, batch)
        fresh = [place for place, answer in enumerate(answers) if answer is None]
        names = await order_ids(connection, [batch[place].payment_order_id for place in fresh])
        orders = await lock_orders(connection, list(names.values()))
        granted: list[tuple[NewOperation, Operation, LockedOrder, bytes]] = []
        for place in fresh:
            wanted = batch[place]
            order_id = names.get(wanted.payment_order_id)
            try:
                if order_id is None:
                    raise NotFound("There is no payment order with this id.")
                order = orders[order_id]
                operation, orders[order_id] = self._grant(wanted, order)
            except ClearhouseError as refusal:
                answers[place] = refusal
                continue
            answer = wanted.render(operation)
            granted.append((wanted, operation, order, answer))
            answers[place] = IntakeAnswer(answer, replayed=False)
        if granted:
            await self._insert(connection, granted)
        return [answer for answer in answers if answer is not None]

    def _grant(self, wanted: NewOperation, order: LockedOrder) -> tuple[Operation, LockedOrder]:
        """The operation, and its order as the next request of the batch must see it."""
        terms = terms_of(wanted.kind, order.charged, wanted.amount_minor, self._fee_policy)
        now = self._clock.now()
        operation_id = self._ids.at(now)
        operation = new_operation(
            operation_id,
            wanted.kind,
            order,
            Money(terms.amount_minor, order.charged.amount.currency),
            now,
            origin=Origin.CLIENT,
            public_id=wanted.public_id,
            fee_returned_minor=terms.fee_returned_minor,
            note=wanted.note,
        )
        charged = order.charged
        after = (
            replace(
                charged,
                refunded_minor=charged.refunded_minor + terms.amount_minor,
                fee_returned_minor=charged.fee_returned_minor + terms.fee_returned_minor,
            )
            if wanted.kind is Kind.REFUND
            else replace(charged, ending=True)
        )
        return operation, replace(order, charged=after)

    async def _look(
        self, connection: Connection, batch: Sequence[NewOperation]
    ) -> list[_Answer | None]:
        """An answer for each request that is decided already; None for the others."""
        rows = await connection.fetch(
            QUERIES["look_before_operation"],
            list(range(len(batch))),
            [wanted.api_key_id for wanted in batch],
            [wanted.idempotency_key for wanted in batch],
            [wanted.public_id for wanted in batch],
        )
        answers: list[_Answer | None] = [None] * len(batch)
        expired: list[NewOperation] = []
        taken: set[str] = set()
        by_place = {row["place"]: row for row in rows}
        for place, wanted in enumerate(batch):
            row = by_place[place]
            answer = judge(wanted.body_hash, row)
            if answer is None and (row["taken_by"] is not None or wanted.public_id in taken):
                answer = _id_used()
            if answer is None and row["expired"]:
                expired.append(wanted)
            if answer is None and wanted.public_id is not None:
                taken.add(wanted.public_id)
            answers[place] = answer
        if expired:
            await connection.execute(
                PAYMENTS["forget_keys"],
                [wanted.api_key_id for wanted in expired],
                [wanted.idempotency_key for wanted in expired],
            )
        return answers

    async def _insert(
        self,
        connection: Connection,
        granted: Sequence[tuple[NewOperation, Operation, LockedOrder, bytes]],
    ) -> None:
        events = [
            created_event(operation, order.seller_account) for _, operation, order, _ in granted
        ]
        await store_operations(
            connection,
            [operation for _, operation, _, _ in granted],
            [_whole(operation, order) for _, operation, order, _ in granted],
            [event for event in events if event is not None],
            [
                IdempotencyRecord(
                    wanted.api_key_id, wanted.idempotency_key, wanted.body_hash, answer
                )
                for wanted, _, _, answer in granted
            ],
            self._lifetime,
        )


def new_operation(
    operation_id: UUID,
    kind: Kind,
    order: LockedOrder,
    amount: Money,
    now: datetime,
    *,
    origin: Origin,
    public_id: str | None = None,
    fee_returned_minor: int = 0,
    note: str = "",
    charge_reference: str | None = None,
) -> Operation:
    """An operation as it is at its creation."""
    return Operation(
        operation_id=operation_id,
        public_id=public_id or name_of(kind, operation_id),
        order_id=order.order_id,
        payment_order_id=order.payment_order_id,
        kind=kind,
        origin=origin,
        amount=amount,
        fee_returned_minor=fee_returned_minor,
        psp=order.psp,
        charge_reference=charge_reference or order.psp_reference or "",
        status=OperationStatus.CREATED,
        reason=None,
        note=note,
        psp_reference=None,
        version=int(kind.gives_back),
        created_at=now,
        updated_at=now,
        finalized_at=None,
    )


def _whole(operation: Operation, order: LockedOrder) -> int:
    charged = order.charged
    return charged.captured_minor if operation.kind is Kind.REFUND else charged.amount.minor


def _id_used() -> Conflict:
    fault = Fault("/refund_id", "already-used", "another refund has this refund_id")
    return Conflict("This refund_id was already used.", faults=[fault])
