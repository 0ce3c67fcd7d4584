"""The hours that are built in, by name."""

from collections.abc import Callable, Mapping
from functools import cache

from pipeline import nyse
from pipeline.hours import DAY_MINUTES, FIRST_YEAR, LAST_YEAR, WEEK_MINUTES, Hours, Span, Window

NEW_YORK = "America/New_York"
FRIDAY, SUNDAY = 4 * DAY_MINUTES, 6 * DAY_MINUTES
FIVE = 17 * 60
ROLLOVER = tuple((day * DAY_MINUTES + FIVE, day * DAY_MINUTES + FIVE + 60) for day in range(7))
"""The hour after 17:00 in New York, every day."""


def _weekdays(begin: int, end: int) -> tuple[Span, ...]:
    return tuple((day * DAY_MINUTES + begin, day * DAY_MINUTES + end) for day in range(5))


CITIES = (
    Window("Tokyo", "Asia/Tokyo", _weekdays(8 * 60, 16 * 60)),
    Window("London", "Europe/London", _weekdays(8 * 60, 16 * 60 + 30)),
    Window("New York", NEW_YORK, _weekdays(8 * 60, 16 * 60 + 55)),
)


@cache
def always() -> Hours:
    """Open at every moment there is."""
    return Hours(zone="UTC", sessions=((0, WEEK_MINUTES),), windows=CITIES)


@cache
def fx() -> Hours:
    """From Sunday 17:00 to Friday 17:00 in New York."""
    return _week(SUNDAY + FIVE, FRIDAY + FIVE)


@cache
def metals() -> Hours:
    """The week of fx with a break from 17:00 to 18:00 in New York, so from Sunday 18:00."""
    return _week(SUNDAY + FIVE, FRIDAY + FIVE, breaks=ROLLOVER)


@cache
def fxcm() -> Hours:
    """From Sunday 18:00 to Friday 16:55 in New York, with a break from 17:00 to 18:00."""
    return _week(SUNDAY + FIVE + 60, FRIDAY + FIVE - 5, breaks=ROLLOVER)


@cache
def us_equities() -> Hours:
    """The regular session of New York, 09:30 to 16:00, with the holidays and early closes of its exchange."""
    sessions = _weekdays(9 * 60 + 30, 16 * 60)
    return Hours(zone=NEW_YORK, sessions=sessions, closures=nyse.closures(FIRST_YEAR, LAST_YEAR))


BUILT_IN: Mapping[str, Callable[[], Hours]] = {
    "fx": fx,
    "metals": metals,
    "fxcm": fxcm,
    "us_equities": us_equities,
    "always": always,
}


def _week(begin: int, end: int, breaks: tuple[Span, ...] = ()) -> Hours:
    sessions = ((begin, end + WEEK_MINUTES),)
    return Hours(zone=NEW_YORK, sessions=sessions, breaks=breaks, day_begins=FIVE, windows=CITIES)
