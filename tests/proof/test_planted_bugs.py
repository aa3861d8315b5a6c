"""Each bug that payment systems are known for, planted: the checks catch every one.

Each test runs the same seeds twice: sound, and nothing may be found; with the bug, and within
these seeds it must be. Nothing of src is changed for that: a bug is a subclass or a wrapper.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.proof.flow import consume
from tests.proof.till import DECLINED, Till, luck
from tests.proof.worlds import (
    CLOCK,
    Stalling,
    accept,
    consumer_of,
    execute,
    executions,
    found_within,
    sell,
)

from clearhouse.bootstrap import Role
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.ledger import service as ledger_service
from clearhouse.ledger import store as ledger_store
from clearhouse.ledger.model import JournalEntry, Outcome
from clearhouse.ledger.rules import entry_for
from clearhouse.messaging.consumer import Consumer
from clearhouse.messaging.events import AnyEvent
from clearhouse.messaging.outbox import Envelope, OutboxStream, Position
from clearhouse.payments import deciding, execution
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.lifecycle import OrderState, Transition, apply
from clearhouse.payments.model import ClaimedOrder, Settlement
from clearhouse.payments.patience import RetryPolicy
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.contract import Capabilities, PspOutcome, Unknown

SEEDS = 5
STALE_SEEDS = 15
"""More, since who waits for whom depends on the machine too: the seed that shows it moves."""


async def test_sound_worlds_pass_every_seed(database: str) -> None:
    assert await found_within(database, sell, SEEDS) == (SEEDS, set())


# (a) A fresh PSP key for each retry.


async def test_a_fresh_key_per_retry_is_caught(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = execution.claimed_order

    def fresh_key(row: asyncpg.Record, limits: Capabilities) -> ClaimedOrder:
        order = sound(row, limits)
        return replace(order, idempotency_key=f"{order.idempotency_key}-try-{order.tries}")

    monkeypatch.setattr(execution, "claimed_order", fresh_key)
    _, broken = await found_within(database, sell, SEEDS)
    assert "psp.once" in broken


# (b) A timeout taken for a failure.


async def test_a_timeout_taken_for_a_failure_is_caught(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hasty(
        order: OrderState, outcome: PspOutcome, policy: RetryPolicy, *rest: Any
    ) -> Transition:
        return apply(order, DECLINED if isinstance(outcome, Unknown) else outcome, policy, *rest)

    monkeypatch.setattr(deciding, "apply", hasty)
    _, broken = await found_within(database, sell, SEEDS)
    assert broken == {"psp.uncharged"}


# (c) and (d) Effects and positions that do not commit together. A crash between the two ends
# the process; the next one goes on from the stored position.


class _Crash(Exception):
    pass


class _Apart(Consumer):
    """What both ways of separating an effect from its position share."""

    crashes = 0

    async def crash_at_times(self, last: Position) -> None:
        # Once per place, since whoever crashes there for ever is no consumer at all.
        if self._subscription.batch and luck(last.number, "crash", type(self).crashes) < 0.4:
            type(self).crashes += 1
            raise _Crash

    async def read(self) -> list[Envelope]:
        row = await self._pool.fetchrow(self._queries["read_position"], self.name)
        after = Position(row["xid"], row["position"]) if row else Position(0, 0)
        return await self._subscription.stream.read(after, self._subscription.batch)

    async def effect(self, batch: Sequence[Envelope]) -> None:
        await in_transaction(self._pool, self._clock, lambda c: self._handle(c, batch))

    async def store(self, last: Position) -> None:
        async def work(connection: Connection) -> None:
            await connection.fetchrow(self._queries["take_position"], self.name)
            await connection.execute(
                self._queries["store_position"], self.name, str(last.xid), last.number
            )

        await in_transaction(self._pool, self._clock, work)


class PositionFirst(_Apart):
    """Stores its place, then books: a crash between the two loses what was to be booked."""

    async def step(self) -> int:
        batch = await self.read()
        if batch:
            await self.store(batch[-1].position)
            await self.crash_at_times(batch[-1].position)
            await self.effect(batch)
        return len(batch)


class PositionLast(_Apart):
    """Books, then stores its place: after a crash between the two it books again."""

    async def step(self) -> int:
        batch = await self.read()
        if batch:
            await self.effect(batch)
            await self.crash_at_times(batch[-1].position)
            await self.store(batch[-1].position)
        return len(batch)


def books_kept_by(kind: type[Consumer]) -> Callable[[Pool, int], Any]:
    """A seed's world whose ledger is kept by such a consumer, started again after each crash."""

    async def world(pool: Pool, seed: int) -> Till:
        till = Till(seed)
        await accept(pool, seed)
        await execute(pool, Stalling(executions(pool, seed, lease=0.0), till))
        busy = True
        while busy:
            try:
                busy = bool(await consumer_of(pool, Role.LEDGER, kind).step())
            except _Crash:
                busy = True
        await consume(pool)
        return till

    return world


async def test_a_ledger_that_keeps_its_position_with_the_effect_is_sound(database: str) -> None:
    assert await found_within(database, books_kept_by(Consumer), SEEDS) == (SEEDS, set())


async def test_a_position_stored_before_its_effect_is_caught(database: str) -> None:
    PositionFirst.crashes = 0
    _, broken = await found_within(database, books_kept_by(PositionFirst), SEEDS)
    assert PositionFirst.crashes > 0
    assert "proof.booked" in broken


async def test_a_position_stored_after_its_effect_meets_the_wall(
    database: str, pool: Pool, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redelivery alone books nothing twice: one sale per order is a key of the journal."""
    PositionLast.crashes = 0
    refused: list[JournalEntry] = []
    post = ledger_store.post

    async def watched(*arguments: Any) -> Any:
        answers = await post(*arguments)
        refused.extend(one.entry for one in answers if one.outcome is Outcome.DUPLICATE)
        return answers

    monkeypatch.setattr(ledger_store, "post", watched)
    assert await found_within(database, books_kept_by(PositionLast), SEEDS) == (SEEDS, set())
    assert PositionLast.crashes > 0
    assert refused
    # And who goes around the ledger's own look meets the key itself.
    with pytest.raises(asyncpg.UniqueViolationError, match="journal_entries"):
        await owner.execute(
            "insert into ledger.journal_entries select (e).* from"
            " (select e from ledger.journal_entries e limit 1) s"
        )


async def test_a_double_posting_is_caught(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redelivery without the wall: each later delivery gives its entry an id of its own."""
    PositionLast.crashes = 0
    ids, booked = Ids(CLOCK, SystemRandomness()), set[object]()

    def around_the_wall(event: AnyEvent) -> JournalEntry | None:
        entry = entry_for(event)
        if entry is not None and entry.source_id in booked:
            return replace(entry, source_id=ids.new())
        booked.add(event.aggregate_id)
        return entry

    monkeypatch.setattr(ledger_service, "entry_for", around_the_wall)
    _, broken = await found_within(database, books_kept_by(PositionLast), SEEDS)
    assert PositionLast.crashes > 0
    assert "proof.booked" in broken


# (e) A stale owner that writes.


class Unfenced(ExecutionService):
    """Takes every settlement, whoever holds the order now and whatever attempt it speaks of."""

    async def _store(self, connection: Connection, batch: Sequence[Settlement]) -> Any:
        rows = await connection.fetch(
            "select order_id, fence from payments.work where order_id = any($1::uuid[])",
            [one.order_id for one in batch],
        )
        fences = {row["order_id"]: row["fence"] for row in rows}
        return await super()._store(
            connection,
            [replace(one, fence=fences.get(one.order_id, -1), attempt=None) for one in batch],
        )


def stalling_owners(kind: type[ExecutionService]) -> Callable[[Pool, int], Any]:
    """A seed's world of executors that lose their leases, with a PSP that forgets keys at once."""

    async def world(pool: Pool, seed: int) -> Till:
        till = Till(seed, lifetime=timedelta(0), lost_requests=0.45, lost_answers=0.5)
        await accept(pool, seed)
        await execute(pool, Stalling(executions(pool, seed, kind, lease=0.0), till))
        await consume(pool)
        return till

    return world


async def test_stale_owners_are_fenced_off(database: str) -> None:
    world = stalling_owners(ExecutionService)
    assert await found_within(database, world, STALE_SEEDS) == (STALE_SEEDS, set())


async def test_a_stale_owner_that_writes_is_caught(database: str) -> None:
    _, broken = await found_within(database, stalling_owners(Unfenced), STALE_SEEDS)
    assert broken & {"psp.once", "payments.orders"}


# (f) An outbox read by position alone.


class ByPosition(OutboxStream):
    """Reads whatever lies beyond its position, also while earlier rows are still uncommitted."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, "payments")
        self._by_position = pool

    async def read(self, after: Position, limit: int) -> list[Envelope]:
        rows = await self._by_position.fetch(
            "select xid::text::bigint as xid, position, aggregate_id, version, type, payload"
            " from payments.outbox where position > $1 order by position limit $2",
            after.number,
            limit,
        )
        return [
            Envelope(
                Position(row["xid"], row["position"]),
                row["aggregate_id"],
                row["version"],
                row["type"],
                row["payload"],
            )
            for row in rows
        ]


class Overlapping(ExecutionService):
    """Settles each order in a transaction of its own; all are open at once."""

    async def settle_overlapping(
        self, settlements: Sequence[Settlement], order: Sequence[int], between: Callable[[], Any]
    ) -> None:
        """Write all, then commit in the given order, with something done after each commit."""
        opened: list[tuple[Any, Any]] = []
        for settlement in settlements:
            connection = await self._pool.acquire()
            transaction = connection.transaction()
            await transaction.start()
            await self._store(connection, [settlement])
            opened.append((connection, transaction))
        for place in order:
            connection, transaction = opened[place]
            await transaction.commit()
            await self._pool.release(connection)
            await between()


def overlapping_writers(stream: Callable[[Pool], Any]) -> Callable[[Pool, int], Any]:
    """A seed's world whose settlements overlap, with a ledger that reads such a stream."""

    async def world(pool: Pool, seed: int) -> Till:
        till = Till(seed)
        # One order each, since two that fail would wait for each other's checkout.
        await accept(pool, seed, orders=1)
        service = executions(pool, seed, Overlapping)
        assert isinstance(service, Overlapping)
        made: Any = consumer_of(pool, Role.LEDGER)
        ledger = Consumer(pool, CLOCK, replace(made._subscription, stream=stream(pool), batch=1000))
        while await pool.fetchval("select count(*) from payments.work"):
            settlements: list[Settlement] = []
            for claimed in await service.claim("stripe", till.capabilities, 6):
                outcome = await Stalling(service, till).ask(claimed)
                settlements.append(Settlement(claimed.order_id, claimed.fence, outcome))
            order = sorted(range(len(settlements)), key=lambda n: till.luck("commits", n))
            await service.settle_overlapping(settlements, order, ledger.step)
        while await ledger.step():
            pass
        await consume(pool, Role.WALLETS, Role.PAYMENTS)
        return till

    return world


async def test_overlapping_writers_lose_no_event(database: str) -> None:
    world = overlapping_writers(lambda pool: OutboxStream(pool, "payments"))
    assert await found_within(database, world, SEEDS) == (SEEDS, set())


async def test_an_outbox_read_by_position_alone_is_caught(database: str) -> None:
    _, broken = await found_within(database, overlapping_writers(ByPosition), SEEDS)
    assert "proof.booked" in broken
