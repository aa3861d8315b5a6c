"""What is measured: intake, the lone client, the whole life, and the ledger alone."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from clearhouse.bootstrap import Runtime
from clearhouse.cli.bench.load import Load, post_for
from clearhouse.cli.bench.world import House
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import floor_of
from clearhouse.ledger.model import Account, AccountType, JournalEntry, Line, Posted
from clearhouse.ledger.service import LedgerService
from clearhouse.postgres.connection import Connection, in_transaction, row_value
from clearhouse.postgres.group_commit import GroupCommit

_ACCOUNTS: Final = 10_000
_WARM_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.2


async def intake(house: House, clock: Clock, *, connections: int, seconds: float) -> Load:
    """POST /v1/payments over real HTTP, each answered after its durable commit."""
    return await post_for(
        house.target, clock, house.bodies, connections=connections, seconds=seconds
    )


async def whole_life(
    house: House, clock: Clock, *, connections: int, seconds: float, backlog: int
) -> float:
    """Orders per second from the POST to ``is_payment_done``, in the steady state.

    Posting pauses while more than ``backlog`` orders are on their way, so that intake does not
    run away from the rest; afterwards everything is let finish.
    """
    opened = asyncio.Event()
    opened.set()
    posted = 0
    since = floor_of(clock.now())

    async def client() -> None:
        nonlocal posted
        while clock.monotonic() < end:
            await opened.wait()
            load = await post_for(house.target, clock, house.bodies, connections=1, seconds=0.1)
            posted += round(len(load.latencies)) * 2

    begun, warm = clock.monotonic(), min(_WARM_SECONDS, seconds)
    end = begun + warm + seconds
    clients = [asyncio.create_task(client()) for _ in range(connections)]
    first: tuple[float, int] | None = None
    last = (begun, 0)
    while clock.monotonic() < end:
        await clock.sleep(_LOOK_SECONDS)
        last = (clock.monotonic(), await _done(house, since))
        if first is None and last[0] - begun >= warm:
            first = last
        if posted - last[1] > backlog:
            opened.clear()
        else:
            opened.set()
    opened.set()
    await asyncio.gather(*clients)
    while await _done(house, since) < posted:
        await clock.sleep(_LOOK_SECONDS)
    assert first is not None
    return (last[1] - first[1]) / (last[0] - first[0])


async def drain(house: House, clock: Clock) -> None:
    """Wait until nothing is on its way."""
    while await house.pool.fetchval("select exists (select from payments.work)"):
        await clock.sleep(_LOOK_SECONDS)
    await clock.sleep(1.0)


async def _done(house: House, since: UUID) -> int:
    # By the time in their ids, so that millions of old checkouts are not counted each time.
    row = await house.pool.fetchrow(
        "select count(*) filter (where open_orders = 0) * 2 as orders"
        " from payments.payment_events where event_id > $1",
        since,
    )
    return int(row_value(row, "orders"))


class Journal:
    """The ledger alone: entries of one line between accounts that may not be overdrawn."""

    def __init__(self, runtime: Runtime, *, hot: bool) -> None:
        self._runtime = runtime
        self._service = LedgerService(runtime.ids, runtime.clock)
        self._hot = Account("platform_fee_revenue:hot:USD", AccountType.INCOME, "hot", "USD")
        self._is_hot = hot
        self._number = 0

    def entry(self) -> JournalEntry:
        """The next entry: 1.00 USD between two of ten thousand accounts, or into the hot one."""
        self._number += 1
        n = self._number
        debit = self._account(n * 7919 % _ACCOUNTS)
        credit = self._hot if self._is_hot else self._account((n * 104_729 + 1) % _ACCOUNTS)
        if credit.code == debit.code:
            credit = self._account((n * 104_729 + 2) % _ACCOUNTS)
        source: UUID = self._runtime.ids.new()
        line = Line(debit, credit, 100)
        moment = self._runtime.clock.now()
        return JournalEntry("bench", source, f"bench-{n}", moment, "bench", (line,))

    async def post(self, entries: Sequence[JournalEntry]) -> list[Posted]:
        """Book a batch durably."""

        async def work(connection: Connection) -> list[Posted]:
            return await self._service.post(connection, entries)

        return await in_transaction(self._runtime.pool, self._runtime.clock, work)

    @staticmethod
    def _account(number: int) -> Account:
        owner = f"seller-{number}"
        floor = -(10**15)
        return Account(f"seller_payable:{owner}:USD", AccountType.LIABILITY, owner, "USD", floor)


async def posting(journal: Journal, clock: Clock, *, producers: int, seconds: float) -> float:
    """Entries per second with some producers, each waiting for its own durable answer."""

    async def commit(batch: Sequence[JournalEntry]) -> Sequence[Posted | Exception]:
        return await journal.post(batch)

    # Two batches in turn: one is prepared and answered while PostgreSQL works on the other.
    group = GroupCommit[JournalEntry, Posted](commit, committers=2, largest=producers // 2)
    end = clock.monotonic() + seconds
    posted = 0

    async def producer() -> None:
        nonlocal posted
        while clock.monotonic() < end:
            await group.submit(journal.entry())
            posted += 1

    begun = clock.monotonic()
    await asyncio.gather(*(producer() for _ in range(producers)))
    return posted / (clock.monotonic() - begun)


async def bulk_posting(journal: Journal, clock: Clock, *, batch: int, seconds: float) -> float:
    """Entries per second in batches by two writers, each committed durably before its next.

    Two, so that one batch is prepared while PostgreSQL works on the other.
    """
    begun = clock.monotonic()
    posted = 0

    async def writer() -> None:
        nonlocal posted
        while clock.monotonic() - begun < seconds:
            posted += len(await journal.post([journal.entry() for _ in range(batch)]))

    await asyncio.gather(writer(), writer())
    return posted / (clock.monotonic() - begun)
