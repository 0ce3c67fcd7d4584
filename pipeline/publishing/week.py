"""The week of a calendar as a person reads it: when it opens, when it closes, and its daily breaks."""

from dataclasses import dataclass
from functools import lru_cache

from pipeline.hours import DAY_MINUTES, WEEK_MINUTES, Span
from pipeline.hours_text import SHORT, time_text
from pipeline.opening import Calendar


@dataclass(frozen=True, slots=True)
class Week:
    """All times are those of `timezone`; nothing opens or closes where the market never closes."""

    tag: str = ""
    timezone: str = "UTC"
    weekly_open: str = ""
    """`Sun 18:00`."""
    weekly_close: str = ""
    daily_breaks: tuple[str, ...] = ()
    """`17:00-18:00`."""


NO_WEEK = Week()


@lru_cache(maxsize=64)
def week_of(calendar: Calendar) -> Week:
    """What is closed longest is the weekend, what is closed besides is a break."""
    hours = calendar.hours
    closed = _closed(hours.open_week())
    if not closed:
        return Week(calendar.name, hours.zone)
    weekend = max(closed, key=lambda span: span[1] - span[0])
    breaks = dict.fromkeys(_daily(span) for span in closed if span != weekend)
    return Week(calendar.name, hours.zone, _weekly(weekend[1]), _weekly(weekend[0]), tuple(breaks))


def _closed(week: list[Span]) -> list[Span]:
    """The spans between those that are open, the last one over the end of the week."""
    turned = [*week[1:], (week[0][0] + WEEK_MINUTES, 0)]
    return [(span[1], after[0]) for span, after in zip(week, turned, strict=True) if span[1] < after[0]]


def _weekly(minute: int) -> str:
    day, at = divmod(minute % WEEK_MINUTES, DAY_MINUTES)
    return f"{SHORT[day]} {time_text(at)}"


def _daily(span: Span) -> str:
    return f"{time_text(span[0] % DAY_MINUTES)}-{time_text(span[1] % DAY_MINUTES)}"
