"""Alerts: when so much does not agree, or for so long, that somebody must be told at once.

Told once for each day and cause, by an event that leaves the house as a webhook; a night that is
repeated, or done by two at once, tells nothing again.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import ReconciliationAlert
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.reconciliation.report import Report
from clearhouse.reconciliation.store import QUERIES, SCHEMA


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on somebody must be told: unmatched value of a day, and age of a break."""

    basis_points: int
    age_days: int


class AlertKind(StrEnum):
    """What there is too much of."""

    UNMATCHED_VALUE = "unmatched_value"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something above its limit; ``over`` is by how much it is told: basis points or days.

    ``day`` is the day whose value is unmatched, or the day on which something was too old.
    """

    kind: AlertKind
    psp: str
    cause: str
    currency: str
    amount_minor: int
    day: date
    over: int
    limit: int


def alerts_of(report: Report, psp: str, limits: Limits) -> list[Alert]:
    """What of a PSP is above its limit in a report of one day. Pure.

    What time alone will mend is neither too much nor too old.
    """
    unmatched = [
        Alert(
            AlertKind.UNMATCHED_VALUE,
            psp,
            "",
            one.currency,
            one.unmatched_minor,
            report.first,
            one.basis_points,
            limits.basis_points,
        )
        for one in report.figures
        if one.psp == psp and one.basis_points > limits.basis_points
    ]
    old = [
        Alert(
            AlertKind.AGE,
            psp,
            one.cause.word,
            one.currency,
            one.at_stake_minor,
            report.made_on,
            one.age_days,
            limits.age_days,
        )
        for one in report.breaks
        if one.psp == psp and not one.is_timing and one.age_days > limits.age_days
    ]
    return unmatched + old


class Alarm:
    """Tells alerts, each once."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, limits: Limits) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._limits = limits

    async def tell(self, report: Report, psp: str) -> list[Alert]:
        """Tell what a report of one day says of a PSP; those that are told now."""
        found = alerts_of(report, psp, self._limits)
        if not found:
            return []
        now = self._clock.now()
        ids = [self._ids.at(now) for _ in found]

        async def work(connection: Connection) -> list[Alert]:
            rows = await connection.fetch(
                QUERIES["keep_alerts"],
                [one.day for one in found],
                [one.kind.value for one in found],
                [one.psp for one in found],
                [one.cause for one in found],
                [one.currency for one in found],
                ids,
                now,
            )
            new = {row["alert_id"] for row in rows}
            told = [(name, one) for name, one in zip(ids, found, strict=True) if name in new]
            await publish(connection, SCHEMA, [self._event(name, one) for name, one in told])
            return [one for _, one in told]

        return await in_transaction(self._pool, self._clock, work)

    def _event(self, identifier: UUID, one: Alert) -> ReconciliationAlert:
        is_age = one.kind is AlertKind.AGE
        return ReconciliationAlert(
            aggregate_id=identifier,
            version=1,
            occurred_at=self._clock.now(),
            alert_id=f"alert_{identifier.hex}",
            kind=one.kind.value,
            psp=one.psp,
            cause=one.cause,
            currency=one.currency,
            amount_minor=one.amount_minor,
            day=one.day.isoformat(),
            basis_points=None if is_age else one.over,
            age_days=one.over if is_age else None,
            limit=one.limit,
        )
