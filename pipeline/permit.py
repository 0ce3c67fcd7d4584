"""When trading is allowed: hours, weekdays and sessions on the clocks of their zones, and spans in which it is not."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Meta

from pipeline.exchanges import CITIES
from pipeline.hours import WEEK_MINUTES, Span, spread
from pipeline.times import DAY, MINUTE, parse_moment
from pipeline.values import Flags, Stamps
from pipeline.walltime import wall_clock, zone_names

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
WHOLE_DAY = "00:00-24:00"
MONDAY = 3 * DAY // MINUTE
"""The epoch was a Thursday: so many minutes of a week had passed by then."""
SESSIONS = {city.name.lower().replace(" ", "_"): city for city in CITIES}

HoursText = Annotated[str, Meta(description="a span of the day such as 07:00-20:30; 22:00-06:00 goes over midnight")]
BlackoutText = Annotated[
    str, Meta(description="a day such as 2026-12-25, or from one day or moment to another: 2026-12-24/2026-12-26")
]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Hours on weekdays, or a session by its name: tokyo, london, new_york, each on its own clocks."""

    hours: HoursText = WHOLE_DAY
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    timezone: str = "UTC"
    session: Annotated[str, Meta(description=f"the working hours of a city: {', '.join(SESSIONS)}")] = ""

    def __post_init__(self) -> None:
        if not HOURS.fullmatch(self.hours):
            raise ValueError(f"hours {self.hours!r} is not a span of a day; write it like 07:00-20:30")
        if self.timezone not in zone_names():
            raise ValueError(f"timezone {self.timezone!r} is not known; write one like Europe/Istanbul or UTC")
        if self.session and self.session not in SESSIONS:
            raise ValueError(f"session {self.session!r} is not known; write one of {', '.join(SESSIONS)}")
        if self.session and (self.hours, self.timezone) != (WHOLE_DAY, "UTC"):
            raise ValueError(f"session {self.session} has its own hours and zone; leave hours and timezone out")

    def open(self, moments: Stamps) -> Flags:
        """Which of some moments lie in it."""
        if self._minutes == [(0, WEEK_MINUTES)]:
            return np.ones(len(moments), np.bool_)
        wall = moments if self._zone == "UTC" else wall_clock(self._zone).wall(moments)
        minute = (wall // MINUTE + MONDAY) % WEEK_MINUTES
        edges = np.array(self._minutes, np.int64).ravel()
        return edges.searchsorted(minute, side="right") % 2 == 1

    @property
    def _zone(self) -> str:
        return SESSIONS[self.session].zone if self.session else self.timezone

    @cached_property
    def _minutes(self) -> list[Span]:
        """The spans of its week. A night belongs to the weekday on which it begins."""
        days = [WEEKDAYS.index(day) * DAY // MINUTE for day in self.weekdays]
        if self.session:
            of_week = SESSIONS[self.session].spans
            return spread((begin, end) for begin, end in of_week if begin // (DAY // MINUTE) * (DAY // MINUTE) in days)
        match = HOURS.fullmatch(self.hours)
        assert match is not None, "checked when made"
        begin = int(match[1]) * 60 + int(match[2])
        end = int(match[3]) * 60 + int(match[4]) if match[3] else DAY // MINUTE
        return spread((day + begin, day + end + (DAY // MINUTE if end <= begin else 0)) for day in days)


@dataclass(frozen=True, kw_only=True)
class Permit(Window):
    """When tickets may be placed. A bar is judged by the moment it became final.

    That must lie in its hours, on its weekdays, in one of its `windows` where it has some, and in none of its
    `blackouts`, which are written in its zone.
    """

    windows: tuple[Window, ...] = ()
    blackouts: tuple[BlackoutText, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.blackouts:
            self._blackout(text)

    def allows(self, moments: Stamps) -> Flags:
        allowed = self.open(moments)
        if self.windows:
            allowed &= np.logical_or.reduce([each.open(moments) for each in self.windows])
        for begin, end in self._blackouts:
            allowed &= (moments < begin) | (moments >= end)
        return allowed

    @cached_property
    def _blackouts(self) -> list[Span]:
        return [self._blackout(text) for text in self.blackouts]

    def _blackout(self, text: str) -> Span:
        """From its beginning to its end, without the end; a day lasts until the next one begins."""
        first, _, last = text.partition("/")
        try:
            begin, end = self._moment(first), self._moment(last or first, after=True)
        except ValueError:
            raise ValueError(f"blackouts has {text!r}; write 2026-12-25 or 2026-01-09T13:25/2026-01-09T13:40") from None
        if begin >= end:
            raise ValueError(f"blackouts has {text!r}, which ends before it begins; write the earlier one first")
        return begin, end

    def _moment(self, text: str, *, after: bool = False) -> int:
        if len(text) == len("2026-12-25"):
            text = str(date.fromisoformat(text) + timedelta(days=int(after)))
        return parse_moment(text, ZoneInfo(self.timezone))
