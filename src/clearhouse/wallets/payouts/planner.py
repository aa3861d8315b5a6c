"""Payouts by schedule: who is due is paid all that may be, in batches, once for each period."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.payouts import store
from clearhouse.wallets.payouts.amounts import SCHEDULE_ACTOR, Limits, Withheld, payable
from clearhouse.wallets.payouts.desk import new_payout
from clearhouse.wallets.payouts.model import Payout
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.schedule import Run, Schedule, due, next_due
from clearhouse.wallets.payouts.standing import Standing, limits_of, standings
from clearhouse.wallets.payouts.store import Wallet
from clearhouse.wallets.payouts.timetable import (
    PLANNING,
    StoredSchedule,
    beginning,
    columns,
    schedule_of,
)
from clearhouse.wallets.service import WalletService

NO_DETAILS: Final = "no_details"
"""Why nothing is paid to a seller who has not said where to."""

BATCH: Final = 1000
"""How many schedules are run in one database transaction."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of the schedules that were due; ``withheld`` counts by reason."""

    due: int = 0
    payouts: tuple[Payout, ...] = ()
    withheld: Counter[str] = field(default_factory=Counter[str])


class _Times(NamedTuple):
    run: Run | None
    next_due_at: datetime


class PayoutPlanner:
    """Creates the payouts that are due by schedule. Any number may run at once.

    ``default`` is the schedule of every seller who has bank details and none of their own; None
    where such sellers are paid on request alone.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        wallets: WalletService,
        policy: PayoutPolicy,
        *,
        default: Schedule | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._wallets = wallets
        self._policy = policy
        self._default = default

    async def step(self, limit: int = BATCH) -> Planned:
        """Run up to ``limit`` schedules that are due, in one transaction.

        Raises UnavailableError.
        """

        async def work(connection: Connection) -> Planned:
            return await self.run(connection, limit)

        return await in_transaction(self._pool, self._clock, work)

    async def run(self, connection: Connection, limit: int = BATCH) -> Planned:
        """The same in the caller's transaction: a constant number of statements, however many.

        A period is noted with its payout, and only grows, so that neither a repetition nor a
        second planner pays it again. What may not be paid now carries over to the next period.
        """
        now = self._clock.now()
        rows = await connection.fetch(PLANNING["claim_due"], now, limit)
        claimed = [schedule_of(row) for row in rows]
        return await self._run(connection, claimed, now) if claimed else Planned()

    async def adopt(self, limit: int = BATCH) -> int:
        """Give the default schedule to sellers who have none; says to how many."""
        default = self._default
        if default is None:
            return 0

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(PLANNING["without_schedule"], limit)
            now = self._clock.now()
            begins = {
                currency: beginning(default, currency, None, now)
                for currency in {row["currency"] for row in rows}
            }
            await connection.execute(
                PLANNING["adopt"],
                [row["seller_account"] for row in rows],
                [row["currency"] for row in rows],
                *columns(default),
                [begins[row["currency"]][0] for row in rows],
                [begins[row["currency"]][1] for row in rows],
                SCHEDULE_ACTOR,
                now,
            )
            return len(rows)

        return await in_transaction(self._pool, self._clock, work)

    async def count_due(self) -> int:
        """How many schedules are due now."""
        return int(await self._pool.fetchval(PLANNING["count_due"], self._clock.now()))

    async def next_due(self) -> datetime | None:
        """When the next schedule is due (UTC); None when there is none."""
        return await self._pool.fetchval(PLANNING["next_due"])

    async def _run(
        self, connection: Connection, claimed: Sequence[StoredSchedule], now: datetime
    ) -> Planned:
        times = _times(claimed, now)
        running = [one for one, when in zip(claimed, times, strict=True) if when.run is not None]
        wallets = [(one.seller_account, one.currency) for one in running]
        available = await store.available(connection, wallets)
        standing = await standings(connection, wallets, now)
        limits = await limits_of(connection, self._policy, wallets, now)
        withheld: Counter[str] = Counter()
        payouts: list[Payout] = []
        for one, when in zip(claimed, times, strict=True):
            if when.run is None:
                continue
            wallet = (one.seller_account, one.currency)
            found = _payable(one, available.get(wallet, 0), limits[wallet], standing[wallet])
            if isinstance(found, str):
                withheld[found] += 1
            else:
                period = when.run.period
                payouts.append(self._payout(wallet, found, limits[wallet], period, now))
        await store.create(connection, self._wallets, payouts, now)
        await connection.execute(
            PLANNING["note_runs"],
            [one.seller_account for one in claimed],
            [one.currency for one in claimed],
            [when.run and when.run.period for when in times],
            [when.next_due_at for when in times],
        )
        return Planned(len(running), tuple(payouts), withheld)

    def _payout(
        self, wallet: Wallet, minor: int, limits: Limits, period: str, now: datetime
    ) -> Payout:
        seller, currency = wallet
        return new_payout(
            self._ids.at(now),
            seller,
            Money(minor, currency),
            limits,
            created_by=SCHEDULE_ACTOR,
            moment=now,
            period=period,
        )


def _payable(one: StoredSchedule, available: int, limits: Limits, standing: Standing) -> int | str:
    if standing.rail is None:
        return NO_DETAILS
    threshold = one.schedule.threshold_minor or 0
    found = payable(available, limits, held=standing.held, threshold=threshold)
    return found.value if isinstance(found, Withheld) else found


def _times(claimed: Sequence[StoredSchedule], now: datetime) -> list[_Times]:
    """What is due of each, and when it is due again; most sellers share a few schedules."""
    known: dict[tuple[Schedule, str, str | None], _Times] = {}
    times: list[_Times] = []
    for one in claimed:
        key = (one.schedule, one.currency, one.last_period)
        if key not in known:
            run = due(one.schedule, one.currency, one.last_period, now)
            last = run.period if run is not None else one.last_period
            known[key] = _Times(run, next_due(one.schedule, one.currency, last, now))
        times.append(known[key])
    return times
