"""When a seller is due for a payout: pure, from the schedule, the last run and now.

A run is of a *period*, the local day it is due on as the schedule counts. Its word is unique per
seller and currency, so that a schedule that is run twice, or by two schedulers at once, pays once.
Periods that were missed are not made up for one by one: one payout takes all that is available.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clearhouse.wallets.payouts.calendar import business_day_from, is_business_day

_DAY = timedelta(days=1)
_LAST_WEEKDAY = 6
_LONGEST_MONTH = 31


class Rhythm(StrEnum):
    """How often a seller is paid."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    THRESHOLD = "threshold"
    """On any business day, once so much is available."""


class ScheduleError(ValueError):
    """A schedule that cannot be; the text is for people."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a seller is paid, in the seller's own time zone.

    ``weekday`` (Monday is 0) belongs to WEEKLY, ``day`` of the month to MONTHLY (31 is the last
    day of any month), ``threshold_minor`` to THRESHOLD. ``at`` is the local time from which on a
    run is due. Raises ScheduleError.
    """

    rhythm: Rhythm
    time_zone: str = "UTC"
    weekday: int | None = None
    day: int | None = None
    threshold_minor: int | None = None
    at: time = time(6)

    def __post_init__(self) -> None:
        for name, rhythm, low, high in (
            ("weekday", Rhythm.WEEKLY, 0, _LAST_WEEKDAY),
            ("day", Rhythm.MONTHLY, 1, _LONGEST_MONTH),
            ("threshold_minor", Rhythm.THRESHOLD, 1, None),
        ):
            value: int | None = getattr(self, name)
            if (value is None) == (self.rhythm is rhythm):
                word = "needs" if value is None else "has no"
                raise ScheduleError(f"a {self.rhythm} schedule {word} {name}")
            if value is not None and (value < low or (high is not None and value > high)):
                most = f" and at most {high}" if high is not None else ""
                raise ScheduleError(f"{name} must be at least {low}{most}, not {value}")
        zone(self.time_zone)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is due: its period, and the moment (UTC) from which on it was."""

    period: str
    due_at: datetime


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ScheduleError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"{name[:64]!r} is not a time zone such as Europe/Berlin") from None


def due(schedule: Schedule, currency: str, last_period: str | None, now: datetime) -> Run | None:
    """The newest run that is due and was not made; None where there is none.

    ``now`` is UTC. ``last_period`` is that of the newest run that was made. What is available, and
    whether it passes a threshold, is for the caller to see.
    """
    today = now.astimezone(zone(schedule.time_zone)).date()
    # A period is carried over weekends and holidays to later days, so look back from tomorrow on.
    for back in range(_LONGEST_MONTH + 1):
        period = today - back * _DAY
        if not _is_period(schedule, period, currency):
            continue
        if last_period is not None and period.isoformat() <= last_period:
            return None
        due_at = _moment(schedule, period, currency)
        if due_at <= now:
            return Run(period.isoformat(), due_at)
    return None


def next_due(schedule: Schedule, currency: str, last_period: str | None, now: datetime) -> datetime:
    """The moment (UTC) at which a run is due next: in the past where one is due already."""
    ready = due(schedule, currency, last_period, now)
    if ready is not None:
        return ready.due_at
    last = date.fromisoformat(last_period) if last_period else None
    # A period whose day was carried on to a later one may have begun already.
    period = now.astimezone(zone(schedule.time_zone)).date() - _LONGEST_MONTH * _DAY
    while True:
        is_new = last is None or period > last
        if is_new and _is_period(schedule, period, currency):
            moment = _moment(schedule, period, currency)
            if moment > now:
                return moment
        period += _DAY


def _is_period(schedule: Schedule, day: date, currency: str) -> bool:
    match schedule.rhythm:
        case Rhythm.WEEKLY:
            return day.weekday() == schedule.weekday
        case Rhythm.MONTHLY:
            wanted = schedule.day or 1
            return day.day == min(wanted, monthrange(day.year, day.month)[1])
        case Rhythm.DAILY | Rhythm.THRESHOLD:
            return is_business_day(day, currency)


def _moment(schedule: Schedule, period: date, currency: str) -> datetime:
    """The moment from which on a period is due: on its day, or on the business day that follows."""
    day = business_day_from(period, currency)
    local = datetime.combine(day, schedule.at, zone(schedule.time_zone))
    return local.astimezone(UTC)
