"""Days and months of UTC as bounds of time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.days import midnight, month_after


@pytest.mark.parametrize(
    ("day",              "following"),
    [
        ("2026-01-01",   "2026-02-01"),
        ("2026-11-30",   "2026-12-01"),
        ("2026-12-01",   "2027-01-01"),
        ("2026-12-31",   "2027-01-01"),
        ("2028-02-29",   "2028-03-01"),
    ],
)  # fmt: skip
def test_the_month_that_follows(day: str, following: str) -> None:
    assert month_after(date.fromisoformat(day)) == date.fromisoformat(following)


@given(st.dates(date(1970, 1, 1), date(9998, 12, 31)))
def test_a_day_begins_at_midnight_and_a_month_has_no_gap(day: date) -> None:
    assert midnight(day) == datetime(day.year, day.month, day.day, tzinfo=UTC)
    last = month_after(day) - timedelta(days=1)
    assert (last.year, last.month) == (day.year, day.month)
