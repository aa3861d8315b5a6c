"""The days on which a currency's banks settle: computed from published rules, without tables.

Sources: EUR, the calendar of TARGET (European Central Bank); USD, the holidays of the Federal
Reserve Banks; GBP, the bank holidays of England and Wales (Banking and Financial Dealings Act
1971, and gov.uk for what was proclaimed for one year). Other currencies know weekends alone.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final

_DAY: Final = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def is_business_day(day: date, currency: str) -> bool:
    """Whether banks settle this currency on a day."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year, currency)


def business_day_from(day: date, currency: str) -> date:
    """The day itself, or the first business day after it."""
    while not is_business_day(day, currency):
        day += _DAY
    return day


@cache
def holidays(year: int, currency: str) -> frozenset[date]:
    """The days of a year, beyond weekends, on which banks do not settle this currency."""
    rule = _RULES.get(currency)
    return frozenset(rule(year)) if rule else frozenset()


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (the anonymous algorithm of 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def _target(year: int) -> set[date]:
    sunday = easter(year)
    return {
        date(year, 1, 1),
        sunday - 2 * _DAY,
        sunday + _DAY,
        date(year, 5, 1),
        date(year, 12, 25),
        date(year, 12, 26),
    }


def _fed(year: int) -> set[date]:
    fixed = {date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)}
    if year >= _JUNETEENTH_SINCE:
        fixed.add(date(year, 6, 19))
    # One that falls on a Sunday is kept on Monday; on a Saturday the banks are open on Friday.
    kept = {day + _DAY if day.weekday() == _SUNDAY else day for day in fixed}
    return kept | {
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        _last(year, 5, _MONDAY),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
    }


_JUNETEENTH_SINCE: Final = 2022


def _england(year: int) -> set[date]:
    sunday = easter(year)
    kept = {
        sunday - 2 * _DAY,
        sunday + _DAY,
        _nth(year, 5, _MONDAY, 1),
        _last(year, 5, _MONDAY),
        _last(year, 8, _MONDAY),
    }
    for day in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        # Each that falls on a weekend is kept on the next weekday that is none already.
        there = day
        while there.weekday() >= _SATURDAY or there in kept:
            there += _DAY
        kept.add(there)
    return (kept - _MOVED_AWAY) | {day for day in _PROCLAIMED if day.year == year}


_MOVED_AWAY: Final = frozenset({date(2020, 5, 4), date(2022, 5, 30)})
_PROCLAIMED: Final = frozenset(
    {
        date(2020, 5, 8),
        date(2022, 6, 2),
        date(2022, 6, 3),
        date(2022, 9, 19),
        date(2023, 5, 8),
    }
)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (n - 1)) * _DAY


def _last(year: int, month: int, weekday: int) -> date:
    end = date(year, month + 1, 1) - _DAY
    return end - (end.weekday() - weekday) % 7 * _DAY


_RULES: Final[Mapping[str, Callable[[int], set[date]]]] = MappingProxyType(
    {"EUR": _target, "USD": _fed, "GBP": _england}
)
