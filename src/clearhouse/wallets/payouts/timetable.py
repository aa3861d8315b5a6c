"""Schedules as they are stored: a seller's, in one currency."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule, due, next_due

PLANNING: Final = load_queries("clearhouse.wallets.payouts", "planning.sql")


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """When a seller is paid in a currency; times are UTC.

    ``last_period`` is the newest one that is over, None where none is. Nothing is paid by a
    schedule that ``is_paused``.
    """

    seller_account: str
    currency: str
    schedule: Schedule
    is_paused: bool
    last_period: str | None
    next_due_at: datetime
    updated_by: str
    updated_at: datetime


def schedule_of(row: asyncpg.Record) -> StoredSchedule:
    """A row of wallets.payout_schedules."""
    return StoredSchedule(
        row["seller_account"],
        row["currency"],
        Schedule(
            Rhythm(row["rhythm"]),
            row["time_zone"],
            row["weekday"],
            row["month_day"],
            row["threshold_minor"],
            row["at_time"],
        ),
        row["is_paused"],
        row["last_period"],
        row["next_due_at"],
        row["updated_by"],
        row["updated_at"],
    )


class Timetable:
    """Says when sellers are paid, and tells it."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def put(
        self,
        seller_account: str,
        currency: str,
        schedule: Schedule,
        by: str,
        *,
        is_paused: bool = False,
    ) -> StoredSchedule:
        """Set a seller's schedule, from now on; a period that is over stays so."""

        async def work(connection: Connection) -> StoredSchedule:
            now = self._clock.now()
            row = await connection.fetchrow(PLANNING["lock_schedule"], seller_account, currency)
            earlier: str | None = None if row is None else row["last_period"]
            last, due_at = beginning(schedule, currency, earlier, now)
            await connection.execute(
                PLANNING["put_schedule"],
                seller_account,
                currency,
                *columns(schedule),
                is_paused,
                last,
                due_at,
                by,
                now,
            )
            return StoredSchedule(
                seller_account, currency, schedule, is_paused, last, due_at, by, now
            )

        return await in_transaction(self._pool, self._clock, work)

    async def of(self, seller_account: str) -> list[StoredSchedule]:
        """All schedules of a seller, by currency; none where the seller has none."""
        rows = await self._pool.fetch(PLANNING["schedules_of"], seller_account)
        return [schedule_of(row) for row in rows]


def beginning(
    schedule: Schedule, currency: str, last_period: str | None, now: datetime
) -> tuple[str | None, datetime]:
    """The last period and the next moment of a schedule that begins now.

    Who sets "monthly, on the 1st" on the 20th is first paid on the 1st that comes: a period that
    began before counts as over.
    """
    over = due(schedule, currency, last_period, now)
    last = last_period if over is None else over.period
    return last, next_due(schedule, currency, last, now)


def columns(schedule: Schedule) -> tuple[object, ...]:
    """A schedule in the order of its columns."""
    return (
        schedule.rhythm.value,
        schedule.time_zone,
        schedule.weekday,
        schedule.day,
        schedule.threshold_minor,
        schedule.at,
    )
