"""When sellers are due, as a table; the calendars; and that no period is paid twice or skipped."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.wallets.payouts.calendar import (
    business_day_from,
    easter,
    holidays,
    is_business_day,
)
from clearhouse.wallets.payouts.schedule import (
    Rhythm,
    Schedule,
    ScheduleError,
    due,
    next_due,
)

DAILY = Schedule(Rhythm.DAILY)
MONDAYS = Schedule(Rhythm.WEEKLY, weekday=0)
FIRSTS = Schedule(Rhythm.MONTHLY, day=1)
LASTS = Schedule(Rhythm.MONTHLY, day=31)
THRESHOLD = Schedule(Rhythm.THRESHOLD, threshold_minor=10_000)
TOKYO = Schedule(Rhythm.DAILY, "Asia/Tokyo")
NEW_YORK = Schedule(Rhythm.DAILY, "America/New_York", at=time(2, 30))

# fmt: off
DUE: list[tuple[Schedule, str, str | None, str, str | None, str]] = [
    # schedule currency last period   now                 due period    at, else the next moment
    (DAILY,     "EUR",  None,         "2026-03-04 05:59", "2026-03-03", "2026-03-03 06:00"),
    (DAILY,     "EUR",  None,         "2026-03-04 06:00", "2026-03-04", "2026-03-04 06:00"),
    (DAILY,     "EUR",  "2026-03-04", "2026-03-04 06:00", None,         "2026-03-05 06:00"),
    (DAILY,     "EUR",  "2026-03-06", "2026-03-07 12:00", None,         "2026-03-09 06:00"),
    (DAILY,     "EUR",  "2026-02-02", "2026-03-04 06:00", "2026-03-04", "2026-03-04 06:00"),
    (DAILY,     "EUR",  "2026-04-02", "2026-04-06 12:00", None,         "2026-04-07 06:00"),
    (DAILY,     "USD",  "2026-04-02", "2026-04-06 12:00", "2026-04-06", "2026-04-06 06:00"),
    (MONDAYS,   "EUR",  "2026-03-30", "2026-04-06 12:00", None,         "2026-04-07 06:00"),
    (MONDAYS,   "EUR",  "2026-03-30", "2026-04-07 06:00", "2026-04-06", "2026-04-07 06:00"),
    (MONDAYS,   "EUR",  "2026-04-06", "2026-04-07 06:00", None,         "2026-04-13 06:00"),
    (MONDAYS,   "USD",  "2026-03-30", "2026-04-06 06:00", "2026-04-06", "2026-04-06 06:00"),
    (FIRSTS,    "EUR",  "2026-02-01", "2026-03-01 12:00", None,         "2026-03-02 06:00"),
    (FIRSTS,    "EUR",  "2026-02-01", "2026-03-02 06:00", "2026-03-01", "2026-03-02 06:00"),
    (FIRSTS,    "EUR",  "2025-12-01", "2026-01-01 12:00", None,         "2026-01-02 06:00"),
    (LASTS,     "JPY",  "2026-03-31", "2026-04-30 06:00", "2026-04-30", "2026-04-30 06:00"),
    (LASTS,     "JPY",  "2026-01-31", "2026-02-28 12:00", None,         "2026-03-02 06:00"),
    (LASTS,     "JPY",  "2028-01-31", "2028-02-29 06:00", "2028-02-29", "2028-02-29 06:00"),
    (THRESHOLD, "GBP",  "2026-12-24", "2026-12-28 12:00", None,         "2026-12-29 06:00"),
    (TOKYO,     "JPY",  "2026-03-03", "2026-03-03 20:59", None,         "2026-03-03 21:00"),
    (TOKYO,     "JPY",  "2026-03-03", "2026-03-03 21:00", "2026-03-04", "2026-03-03 21:00"),
    (NEW_YORK,  "USD",  "2026-03-06", "2026-03-09 06:29", None,         "2026-03-09 06:30"),
    (NEW_YORK,  "USD",  "2026-10-30", "2026-11-02 07:29", None,         "2026-11-02 07:30"),
]

HOLIDAYS = {
    "EUR": {
        2026: ["01-01", "04-03", "04-06", "05-01", "12-25", "12-26"],
        2027: ["01-01", "03-26", "03-29", "05-01", "12-25", "12-26"],
    },
    "USD": {
        2021: ["01-01", "01-18", "02-15", "05-31", "07-05", "09-06", "10-11", "11-11", "11-25",
               "12-25"],
        2026: ["01-01", "01-19", "02-16", "05-25", "06-19", "07-04", "09-07", "10-12", "11-11",
               "11-26", "12-25"],
        2027: ["01-01", "01-18", "02-15", "05-31", "06-19", "07-05", "09-06", "10-11", "11-11",
               "11-25", "12-25"],
    },
    "GBP": {
        2020: ["01-01", "04-10", "04-13", "05-08", "05-25", "08-31", "12-25", "12-28"],
        2022: ["01-03", "04-15", "04-18", "05-02", "06-02", "06-03", "08-29", "09-19", "12-26",
               "12-27"],
        2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
        2027: ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"],
    },
    "JPY": {2026: []},
}

REFUSED = [
    # rhythm     fields                                      says
    ("weekly",    {},                                        "a weekly schedule needs weekday"),
    ("weekly",    {"weekday": 7},                            "at least 0 and at most 6, not 7"),
    ("monthly",   {"day": 0},                                "at least 1 and at most 31, not 0"),
    ("monthly",   {"day": 1, "weekday": 1},                  "a monthly schedule has no weekday"),
    ("daily",     {"day": 1},                                "a daily schedule has no day"),
    ("threshold", {},                                        "needs threshold_minor"),
    ("threshold", {"threshold_minor": 0},                    "must be at least 1, not 0"),
    ("daily",     {"time_zone": "Europe/Atlantis"},          "is not a time zone"),
    ("daily",     {"time_zone": "../../etc/passwd"},         "is not a time zone"),
    ("daily",     {"time_zone": ""},                         "is not a time zone"),
]
# fmt: on


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("schedule", "currency", "last", "now", "period", "at"), DUE)
def test_when_a_seller_is_due(
    schedule: Schedule, currency: str, last: str | None, now: str, period: str | None, at: str
) -> None:
    run = due(schedule, currency, last, moment(now))
    assert (run.period if run else None) == period
    if run is not None:
        assert run.due_at == moment(at)
    assert next_due(schedule, currency, last, moment(now)) == moment(at)


@pytest.mark.parametrize(
    ("currency", "year", "days"),
    [(currency, year, days) for currency, of in HOLIDAYS.items() for year, days in of.items()],
)
def test_the_holidays_of_a_currency(currency: str, year: int, days: list[str]) -> None:
    assert sorted(day.strftime("%m-%d") for day in holidays(year, currency)) == days


@pytest.mark.parametrize(
    ("year", "day"),
    [(1961, "04-02"), (2000, "04-23"), (2008, "03-23"), (2038, "04-25"), (2076, "04-19")],
)
def test_easter(year: int, day: str) -> None:
    assert easter(year).strftime("%m-%d") == day


@pytest.mark.parametrize(("rhythm", "fields", "says"), REFUSED)
def test_a_schedule_that_cannot_be_is_refused(
    rhythm: str, fields: dict[str, str | int], says: str
) -> None:
    with pytest.raises(ScheduleError, match=says):
        Schedule(Rhythm(rhythm), **fields)  # pyright: ignore[reportArgumentType] - a table's row


SCHEDULES = st.sampled_from([DAILY, MONDAYS, FIRSTS, LASTS, THRESHOLD, TOKYO, NEW_YORK])
CURRENCIES = st.sampled_from(["EUR", "USD", "GBP", "JPY"])


@given(SCHEDULES, CURRENCIES, st.lists(st.integers(0, 90), min_size=1, max_size=40))
def test_a_period_is_run_once_and_never_before_its_moment(
    schedule: Schedule, currency: str, waits: list[int]
) -> None:
    now, last = moment("2026-01-01 00:00"), None
    periods: list[str] = []
    for wait in waits:
        now += timedelta(hours=wait)
        run = due(schedule, currency, last, now)
        if run is not None:
            assert run.due_at <= now
            periods.append(run.period)
            last = run.period
        assert due(schedule, currency, last, now) is None
        assert next_due(schedule, currency, last, now) > now
    assert periods == sorted(set(periods))


@given(SCHEDULES, CURRENCIES, st.integers(0, 700))
def test_a_run_is_due_at_the_moment_that_was_foretold_on_a_business_day(
    schedule: Schedule, currency: str, days: int
) -> None:
    now = moment("2026-01-01 09:00") + timedelta(days=days)
    made = due(schedule, currency, None, now)
    last = made.period if made else None
    then = next_due(schedule, currency, last, now)
    run = due(schedule, currency, last, then)
    assert run is not None
    assert run.due_at == then
    assert due(schedule, currency, last, then - timedelta(seconds=1)) is None
    assert is_business_day(business_day_from(date.fromisoformat(run.period), currency), currency)
