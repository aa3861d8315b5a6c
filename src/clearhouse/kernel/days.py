"""Days and months of UTC, as bounds of time: from the first moment to before the next one."""

from datetime import UTC, date, datetime, time


def midnight(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime.combine(day, time(), UTC)


def month_after(first: date) -> date:
    """The first day of the month that follows the one of ``first``."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
