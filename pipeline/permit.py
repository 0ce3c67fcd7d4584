"""When trading is allowed: hours and weekdays on a clock of the user's choice."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from pipeline.times import DAY, MINUTE
from pipeline.values import Flags, Stamps
from pipeline.walltime import wall_clock, zone_names

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")

HoursText = Annotated[str, Meta(description="a span of the day such as 07:00-20:30; 22:00-06:00 goes over midnight")]


@dataclass(frozen=True, kw_only=True)
class Permit:
    """The hours and weekdays in which tickets may be placed. A bar is judged by the moment it became final."""

    hours: HoursText = "00:00-24:00"
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not HOURS.fullmatch(self.hours):
            raise ValueError(f"hours {self.hours!r} is not a span of a day; write it like 07:00-20:30")
        if self.timezone not in zone_names():
            raise ValueError(f"timezone {self.timezone!r} is not known; write one like Europe/Istanbul or UTC")

    def allows(self, moments: Stamps) -> Flags:
        if self._always:
            return np.ones(len(moments), np.bool_)
        local = moments if self.timezone == "UTC" else wall_clock(self.timezone).wall(moments)
        minute = local % DAY // MINUTE
        begin, end = self._minutes
        inside = (minute >= begin) & (minute < end) if begin < end else (minute >= begin) | (minute < end)
        allowed = np.array([day in self.weekdays for day in WEEKDAYS])
        # The epoch was a Thursday. A night span that began yesterday still counts as yesterday's.
        day = (local // DAY - (minute < end if begin >= end else np.zeros(len(minute), np.bool_)) + 3) % 7
        return inside & allowed[day]

    @cached_property
    def _minutes(self) -> tuple[int, int]:
        match = HOURS.fullmatch(self.hours)
        assert match is not None, "checked when made"
        begin = int(match[1]) * 60 + int(match[2])
        return begin, int(match[3]) * 60 + int(match[4]) if match[3] else 24 * 60

    @property
    def _always(self) -> bool:
        return self._minutes == (0, 24 * 60) and set(self.weekdays) == set(WEEKDAYS)
