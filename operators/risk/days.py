"""The days of a zone: which one a moment lies in, and when it begins and ends."""

from bisect import bisect_right
from functools import cache

import numpy as np

from pipeline.times import DAY
from pipeline.walltime import BEGIN, END, wall_clock

LAST_DAY = (END - BEGIN) // DAY
"""Beyond the years whose changes of clocks are known they are taken to change no more."""


class Days:
    """Days are numbered from 1970-01-01 on. One begins when the zone's clocks first show its midnight, or jump over it;
    so each moment lies in one day, also where clocks are set back over midnight."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        clock = None if zone == "UTC" else wall_clock(zone)
        self._changes: list[int] = [] if clock is None else clock.changes.tolist()
        self._ahead: list[int] = [0] if clock is None else clock.added.tolist()
        self._day = self._begins = self._ends = 0

    def of(self, at: int) -> int:
        """The number of the day of a moment."""
        if not self._begins <= at < self._ends:
            self._turn_to(at)
        return self._day

    def begin(self, at: int) -> int:
        """When the day of a moment began."""
        self.of(at)
        return self._begins

    def end(self, at: int) -> int:
        """When the day after that of a moment begins."""
        self.of(at)
        return self._ends

    def _turn_to(self, at: int) -> None:
        day = (at + self._ahead[bisect_right(self._changes, at)]) // DAY
        while self._midnight(day) > at:
            day -= 1
        while self._midnight(day + 1) <= at:
            day += 1
        self._day, self._begins, self._ends = day, self._midnight(day), self._midnight(day + 1)

    def _midnight(self, day: int) -> int:
        if not self._changes or not 0 < day < LAST_DAY:
            return day * DAY - self._ahead[0 if day <= 0 else -1]
        return _midnight(self.zone, day)


@cache
def days_of(zone: str) -> Days:
    return Days(zone)


@cache
def _midnight(zone: str, day: int) -> int:
    return int(wall_clock(zone).utc(np.array((day * DAY,), np.int64))[0])
