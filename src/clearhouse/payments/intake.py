"""Taking payments in: one database transaction for a whole batch of concurrent requests.

The idempotency record, the payment event, its orders, their work and the outbox event are
written together or not at all, and nobody is answered before the commit.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from clearhouse.access.replay import IntakeAnswer, judge
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import (
    Conflict,
    Fault,
    KeyInUse,
)
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import OrderAccepted, PaymentEventAccepted
from clearhouse.messaging.outbox import columns_of, publish_clause
from clearhouse.payments.model import (
    Intake,
    NewPayment,
    OrderStatus,
    PaymentEvent,
    PaymentOrder,
)
from clearhouse.payments.pages.intake import store_pages
from clearhouse.payments.routes import Route, Router
from clearhouse.payments.store import QUERIES, SCHEMA
from clearhouse.postgres.barrier import pass_barrier
from clearhouse.postgres.connection import Connection, Pool, RaceLost, in_race
from clearhouse.postgres.group_commit import GroupCommit

_Answer = IntakeAnswer | Exception
_STORE: Final = QUERIES["store_payments"].replace("{publish}", publish_clause(SCHEMA, 27))


class IntakeService:
    """Accepts payments, each idempotency key once, as fast as the database commits batches."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        *,
        idempotency_lifetime: timedelta,
        router: Router,
        committers: int = 2,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._lifetime = idempotency_lifetime
        self._router = router
        self._in_flight: set[tuple[object, str]] = set()
        self._commits = GroupCommit[Intake, IntakeAnswer](self._commit, committers=committers)

    def prepare(self, payment: NewPayment) -> PaymentEvent:
        """Give a checked payment its ids and its time, so that its answer can be rendered."""
        now = self._clock.now()
        event_id, *order_ids = self._ids.consecutive(now, len(payment.orders) + 1)
        routes = self._routes(payment)
        orders = tuple(
            PaymentOrder(
                order_id=order_id,
                payment_order_id=order.payment_order_id,
                checkout_id=payment.checkout_id,
                seller_account=order.seller_account,
                amount=order.amount,
                psp=route.psps[0] if route else payment.psp,
                status=OrderStatus.NOT_STARTED,
                status_reason=None,
                failure_code=None,
                attempt=0,
                psp_reference=None,
                fee_minor=None,
                ledger_updated=False,
                wallet_updated=False,
                version=1,
                created_at=now,
                updated_at=now,
                finalized_at=None,
                capture_mode=payment.capture_mode,
                route=route.psps[1:] if route else None,
                routed_by=route.reason if route else payment.routed_by,
            )
            for order_id, order, route in zip(order_ids, payment.orders, routes, strict=True)
        )
        return PaymentEvent(event_id, payment.checkout_id, payment.psp, False, now, orders)

    def _routes(self, payment: NewPayment) -> Sequence[Route | None]:
        """The route of each order; None where there is no choice."""
        if not payment.alternatives:
            return [None] * len(payment.orders)
        psps = [alternative.psp for alternative in payment.alternatives]
        return [self._router.route(psps, order) for order in payment.orders]

    async def accept(self, intake: Intake) -> IntakeAnswer:
        """Store the payment durably, or replay the stored answer of its idempotency key.

        Raises KeyInUse while the first request with the key is in flight, IdempotencyMismatch
        for the same key with another body, Conflict when the checkout or an order exists
        already, and UnavailableError when the database is lost (nothing is known then; the
        client repeats with the same key).
        """
        key = (intake.api_key_id, intake.idempotency_key)
        if key in self._in_flight:
            raise KeyInUse("The first request with this idempotency key is still in flight.")
        self._in_flight.add(key)
        try:
            return await self._commits.submit(intake)
        finally:
            self._in_flight.discard(key)

    async def close(self) -> None:
        """Wait until every accepted request is answered."""
        await self._commits.close()

    async def _commit(self, batch: Sequence[Intake]) -> Sequence[_Answer]:
        # Ids are nearly always new: only when one turns out to be taken are all looked for, so
        # that the usual batch is spared a round trip.
        closely = False

        async def work(connection: Connection) -> list[_Answer]:
            nonlocal closely
            try:
                return await self._store(connection, batch, closely=closely)
            except RaceLost:
                closely = True
                raise

        answers = await in_race(self._pool, self._clock, work, over="the same ids", lost=RaceLost)
        if any(isinstance(answer, IntakeAnswer) and answer.replayed for answer in answers):
            await pass_barrier(self._pool)
        return answers

    async def _store(
        self, connection: Connection, batch: Sequence[Intake], *, closely: bool
    ) -> list[_Answer]:
        verdicts = await self._look(connection, batch, closely=closely)
        fresh = [intake for intake, verdict in zip(batch, verdicts, strict=True) if not verdict]
        if fresh:
            await self._insert(connection, fresh)
        return [
            verdict or IntakeAnswer(intake.answer, replayed=False)
            for intake, verdict in zip(batch, verdicts, strict=True)
        ]

    async def _look(
        self, connection: Connection, batch: Sequence[Intake], *, closely: bool
    ) -> list[_Answer | None]:
        """An answer for each request that is decided already; None for those to be stored."""
        rows = await connection.fetch(
            QUERIES["look_before_intake"],
            list(range(len(batch))),
            [intake.api_key_id for intake in batch],
            [intake.idempotency_key for intake in batch],
            [intake.payment.checkout_id for intake in batch],
        )
        verdicts: list[_Answer | None] = [None] * len(batch)
        expired: list[Intake] = []
        for row in rows:
            place: int = row["place"]
            intake = batch[place]
            verdict = _judge(intake, row)
            if verdict is None and row["expired"]:
                expired.append(intake)
            verdicts[place] = verdict
        if expired:
            await connection.execute(
                QUERIES["forget_keys"],
                [intake.api_key_id for intake in expired],
                [intake.idempotency_key for intake in expired],
            )
        used = await self._used_ids(connection, batch, verdicts) if closely else set[str]()
        _refuse_used_ids(batch, verdicts, used)
        return verdicts

    async def _used_ids(
        self,
        connection: Connection,
        batch: Sequence[Intake],
        verdicts: Sequence[_Answer | None],
    ) -> set[str]:
        wanted = [
            order.payment_order_id
            for intake, verdict in zip(batch, verdicts, strict=True)
            if verdict is None
            for order in intake.payment.orders
        ]
        rows = await connection.fetch(QUERIES["used_order_ids"], wanted) if wanted else []
        return {str(row["payment_order_id"]) for row in rows}

    async def _insert(self, connection: Connection, fresh: Sequence[Intake]) -> None:
        # Sorted, so that two batches which race for the same keys wait in the same order.
        fresh = sorted(fresh, key=lambda intake: intake.payment.checkout_id)
        orders = [(order, intake.event) for intake in fresh for order in intake.event.orders]
        orders.sort(key=lambda pair: pair[0].payment_order_id)
        paged = {intake.event.event_id for intake in fresh if intake.page is not None}
        row = await connection.fetchrow(
            _STORE,
            [intake.payment.checkout_id for intake in fresh],
            [intake.event.event_id for intake in fresh],
            [intake.api_key_id for intake in fresh],
            [intake.idempotency_key for intake in fresh],
            [intake.body_hash for intake in fresh],
            [intake.answer for intake in fresh],
            [intake.event.created_at for intake in fresh],
            [intake.payment.psp for intake in fresh],
            self._lifetime,
            [intake.payment.payment_method for intake in fresh],
            [intake.payment.buyer_info for intake in fresh],
            [len(intake.payment.orders) for intake in fresh],
            [order.order_id for order, _ in orders],
            [order.payment_order_id for order, _ in orders],
            [event.event_id for _, event in orders],
            [order.checkout_id for order, _ in orders],
            [order.seller_account for order, _ in orders],
            [order.amount.minor for order, _ in orders],
            [order.amount.currency for order, _ in orders],
            [order.psp for order, _ in orders],
            [order.created_at for order, _ in orders],
            [intake.payment.return_url for intake in fresh],
            [order.capture_mode.value for order, _ in orders],
            [event.event_id in paged for _, event in orders],
            [order.routed_by for order, _ in orders],
            [None if order.route is None else " ".join(order.route) for order, _ in orders],
            *columns_of([_accepted(intake.event) for intake in fresh]),
        )
        stored = (len(fresh), len(fresh), len(orders))
        if row is None or tuple(row.values()) != stored:
            raise RaceLost
        several = [intake for intake in fresh if intake.payment.alternatives]
        if several:
            await _store_alternatives(connection, several)
        if paged:
            await store_pages(connection, [intake for intake in fresh if intake.page is not None])


async def _store_alternatives(connection: Connection, several: Sequence[Intake]) -> None:
    each = [
        (intake.event.event_id, one) for intake in several for one in intake.payment.alternatives
    ]
    await connection.execute(
        QUERIES["store_alternatives"],
        [event_id for event_id, _ in each],
        [alternative.psp for _, alternative in each],
        [alternative.payment_method for _, alternative in each],
    )


def _judge(intake: Intake, row: asyncpg.Record) -> _Answer | None:
    known = judge(intake.body_hash, row)
    if known is None and row["checkout_event"] is not None:
        return _checkout_exists()
    return known


def _refuse_used_ids(
    batch: Sequence[Intake], verdicts: list[_Answer | None], used: set[str]
) -> None:
    """Refuse whoever wants an id that is ``used``, or that an earlier one of the batch takes."""
    checkouts: set[str] = set()
    for place, intake in enumerate(batch):
        if verdicts[place] is not None:
            continue
        payment = intake.payment
        if payment.checkout_id in checkouts:
            verdicts[place] = _checkout_exists()
            continue
        taken = [n for n, order in enumerate(payment.orders) if order.payment_order_id in used]
        if taken:
            verdicts[place] = _orders_exist(taken)
            continue
        checkouts.add(payment.checkout_id)
        used.update(order.payment_order_id for order in payment.orders)


def _checkout_exists() -> Conflict:
    fault = Fault("/checkout_id", "already-used", "a payment with this checkout_id exists")
    return Conflict("This checkout was already accepted.", faults=[fault])


def _orders_exist(places: Sequence[int]) -> Conflict:
    faults = [
        Fault(
            f"/payment_orders/{place}/payment_order_id", "already-used", "must be globally unique"
        )
        for place in places
    ]
    return Conflict("A payment_order_id was already used.", faults=faults)


def _accepted(event: PaymentEvent) -> PaymentEventAccepted:
    return PaymentEventAccepted(
        aggregate_id=event.event_id,
        version=1,
        occurred_at=event.created_at,
        checkout_id=event.checkout_id,
        psp=event.psp,
        orders=[
            OrderAccepted(
                order_id=order.order_id,
                payment_order_id=order.payment_order_id,
                seller_account=order.seller_account,
                amount_minor=order.amount.minor,
                currency=order.amount.currency,
            )
            for order in event.orders
        ],
    )
