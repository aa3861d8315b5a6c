"""What the API says of payout schedules."""

from typing import Annotated

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Amount, Moment
from clearhouse.api.schedule_bodies import WEEKDAYS
from clearhouse.kernel.money import format_minor
from clearhouse.wallets.payouts.timetable import StoredSchedule


class ScheduleView(msgspec.Struct, frozen=True):
    """When a seller is paid in a currency."""

    currency: Annotated[str, Meta(description="ISO 4217.")]
    rhythm: Annotated[str, Meta(description="`daily`, `weekly`, `monthly` or `threshold`.")]
    weekday: Annotated[str | None, Meta(description="Of `weekly`.")]
    day: Annotated[int | None, Meta(description="Of `monthly`; 31 is the last of any month.")]
    threshold: Annotated[Amount | None, Meta(description="Of `threshold`.")]
    at: Annotated[str, Meta(description="The local time from which on it is due.")]
    time_zone: Annotated[str, Meta(description="The seller's.")]
    paused: Annotated[bool, Meta(description="Whether nothing is paid by it.")]
    last_period: Annotated[
        str | None, Meta(description="The newest day it counts as over; it is not paid again.")
    ]
    next_due_at: Annotated[
        Moment, Meta(description="When it is due next: on a day on which banks settle.")
    ]
    changed_by: Annotated[str, Meta(description="An API key, or `schedule` for the default one.")]
    changed_at: Moment


class ScheduleListView(msgspec.Struct, frozen=True):
    """All schedules of a seller, by currency; none where the seller is paid on request alone."""

    seller_account: str
    items: list[ScheduleView]


def view_schedule(one: StoredSchedule) -> ScheduleView:
    """One schedule."""
    schedule = one.schedule
    threshold = schedule.threshold_minor
    return ScheduleView(
        one.currency,
        schedule.rhythm.value,
        None if schedule.weekday is None else WEEKDAYS[schedule.weekday],
        schedule.day,
        None if threshold is None else format_minor(threshold, one.currency),
        f"{schedule.at:%H:%M}",
        schedule.time_zone,
        one.is_paused,
        one.last_period,
        one.next_due_at,
        one.updated_by,
        one.updated_at,
    )
