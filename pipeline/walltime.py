"""What clocks on the wall show and when they show it, for whole columns: zones with their summer and winter times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import Stamps

BEGIN = -14 * DAY
END = int(datetime(2101, 1, 15, tzinfo=UTC).timestamp()) * SECOND
"""Between them changes of clocks are known: two weeks more on each side than the years of calendars."""
QUARTER = 15 * MINUTE
MILLISECOND = timedelta(milliseconds=1)
LONG_AGO = int(np.iinfo(np.int64).min)
STEP = 6 * DAY
"""No zone has moved its clocks there and back within six days since 1970; some have within seven."""


@dataclass(frozen=True, slots=True, eq=False)
class WallClock:
    """The clocks of one zone. Wall times are ms, as if the clocks' own 1970 were the epoch."""

    changes: Stamps
    """When clocks are moved (ms UTC)."""
    added: Stamps
    """What they are ahead of UTC: before the first change, and after each."""

    def wall(self, ts: Stamps) -> Stamps:
        """What the clocks show at moments (ms UTC)."""
        return ts + self.added[self.changes.searchsorted(ts, side="right")]

    def utc(self, wall: Stamps) -> Stamps:
        """When the clocks show a time.

        One that comes twice counts the first time. One that is skipped is the moment at which the clocks jump over it.
        So later times on the wall are never earlier moments.
        """
        number = (self.changes + self.added[:-1]).searchsorted(wall, side="right")
        return np.maximum(wall - self.added[number], np.concatenate(((LONG_AGO,), self.changes))[number])


@cache
def zone_names() -> frozenset[str]:
    """The names of all zones; `zoneinfo` walks the folders of its files each time it is asked."""
    return frozenset(available_timezones())


@cache
def wall_clock(zone: str) -> WallClock:
    """The clocks of a zone by its name, as `zoneinfo` knows them."""
    clock = ZoneInfo(zone)
    changes = list(_changes(clock))
    added = [_added(clock, each) for each in (BEGIN, *changes)]
    return WallClock(np.array(changes, np.int64), np.array(added, np.int64))


def _changes(clock: ZoneInfo) -> Iterator[int]:
    before = _added(clock, BEGIN)
    for step in range(BEGIN + STEP, END + 1, STEP):
        after = _added(clock, step)
        if after != before:
            # Almost all changes are at a full quarter of an hour, where few steps lead to.
            change = _change(clock, step - STEP, step, QUARTER)
            if _added(clock, change - SECOND) == after:
                change = _change(clock, change - QUARTER, change, SECOND)
            yield change
            before = after


def _change(clock: ZoneInfo, before: int, after: int, unit: int) -> int:
    """The first of the moments in whole units that shows the new time, between two that differ."""
    old = _added(clock, before)
    while after - before > unit:
        middle = (before + after) // (2 * unit) * unit
        before, after = (middle, after) if _added(clock, middle) == old else (before, middle)
    return after


def _added(clock: ZoneInfo, ts: int) -> int:
    return (datetime.fromtimestamp(ts // SECOND, clock).utcoffset() or timedelta()) // MILLISECOND
