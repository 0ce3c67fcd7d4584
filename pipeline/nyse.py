"""The days on which the New York Stock Exchange does not trade, or closes early, by its rules.

The rules are today's. They hold back to 2013 with their early closes, and to 1998 for whole days; before that the
exchange kept others. Days that no rule knows, such as a president's funeral, stand in a table.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from pipeline.hours import Closure

EARLY = 13 * 60
"""At 13:00 New York it closes on the eve of some holidays."""
MONDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = 0, 3, 4, 5, 6
JUNETEENTH_SINCE = 2022
NO_RULE = {
    **dict.fromkeys((date(2001, 9, day) for day in range(11, 15)), "September 11"),
    date(2004, 6, 11): "Mourning for Ronald Reagan",
    date(2007, 1, 2): "Mourning for Gerald Ford",
    **dict.fromkeys((date(2012, 10, 29), date(2012, 10, 30)), "Hurricane Sandy"),
    date(2018, 12, 5): "Mourning for George H. W. Bush",
    date(2025, 1, 9): "Mourning for Jimmy Carter",
}


def closures(first: int, last: int) -> tuple[Closure, ...]:
    """All of the years from `first` to `last`, by their days."""
    single = [Closure(day, name=name) for day, name in NO_RULE.items() if first <= day.year <= last]
    ruled = [each for year in range(first, last + 1) for each in _of(year)]
    return tuple(sorted([*single, *ruled], key=lambda each: each.day))


def _of(year: int) -> Iterator[Closure]:
    new_year, independence, christmas = date(year, 1, 1), date(year, 7, 4), date(year, 12, 25)
    thanksgiving = _nth(year, 11, THURSDAY, 4)
    if new_year.weekday() != SATURDAY:  # the old year's last Friday is traded, whatever follows it
        yield Closure(_observed(new_year), name="New Year's Day")
    yield Closure(_nth(year, 1, MONDAY, 3), name="Martin Luther King Jr. Day")
    yield Closure(_nth(year, 2, MONDAY, 3), name="Washington's Birthday")
    yield Closure(_easter(year) - timedelta(days=2), name="Good Friday")
    yield Closure(_nth(year, 6, MONDAY, 1) - timedelta(days=7), name="Memorial Day")
    if year >= JUNETEENTH_SINCE:
        yield Closure(_observed(date(year, 6, 19)), name="Juneteenth")
    if independence.weekday() not in (SATURDAY, SUNDAY, MONDAY):
        yield Closure(independence - timedelta(days=1), closes=EARLY, name="Eve of Independence Day")
    yield Closure(_observed(independence), name="Independence Day")
    yield Closure(_nth(year, 9, MONDAY, 1), name="Labor Day")
    yield Closure(thanksgiving, name="Thanksgiving")
    yield Closure(thanksgiving + timedelta(days=1), closes=EARLY, name="Day after Thanksgiving")
    if christmas.weekday() not in (SATURDAY, SUNDAY, MONDAY):
        yield Closure(christmas - timedelta(days=1), closes=EARLY, name="Christmas Eve")
    yield Closure(_observed(christmas), name="Christmas Day")


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    """The first such weekday of a month, the second …"""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _observed(day: date) -> date:
    """A holiday at the weekend is kept on the Friday before or the Monday after."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the rule of Meeus, Jones and Butcher."""
    century, rest = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
