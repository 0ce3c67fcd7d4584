"""What clocks on a wall show, and the moments they mean: whole columns, summer and winter.

A wall time in the hour that is skipped in spring means no moment, one in the hour that comes twice in autumn two.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from pipeline.times import DAY, SECOND
from pipeline.values import Flags, Stamps

Ambiguous = Literal["refuse", "first", "second"]

FIRST_YEAR, LAST_YEAR = 1970, 2100


class Meant(NamedTuple):
    """The moments (ms UTC) that wall times mean, and which of them mean none or could mean two."""

    moments: Stamps
    skipped: Flags
    twice: Flags


def meant(wall: Stamps, zone: str, ambiguous: Ambiguous) -> Meant:
    """What wall times (ms since 1970 on that wall) mean; of two moments the first unless `second` is asked for."""
    changes, offsets = _changes(zone)
    before, after = changes + offsets[:-1], changes + offsets[1:]
    passed = np.searchsorted(np.maximum(before, after), wall, side="right")
    no_more = len(changes)
    within = np.zeros(len(wall), np.bool_)
    ahead = passed < no_more
    within[ahead] = wall[ahead] >= np.minimum(before, after)[passed[ahead]]
    forward = np.append(after > before, False)[passed]
    twice = within & ~forward
    if ambiguous == "second":
        passed = passed + twice
    return Meant(wall - offsets[passed], within & forward, twice & (ambiguous == "refuse"))


def shown(moments: Stamps, zone: str) -> Stamps:
    """What clocks on a wall of the zone show at moments."""
    return moments + added(moments, zone)


def added(moments: Stamps, zone: str) -> Stamps:
    """What the zone adds to UTC at each moment (ms)."""
    changes, offsets = _changes(zone)
    there: Stamps = offsets[np.searchsorted(changes, moments, side="right")]
    return there


def fixed(hours: int) -> str:
    """The zone that is always so many hours ahead of UTC."""
    # The names of these zones have the sign that POSIX gave them.
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def _changes(zone: str) -> tuple[Stamps, Stamps]:
    """The moments at which a zone's clocks are moved, and what they add to UTC before, between and after those."""
    changes, offsets = list[int](), list[int]()
    for change, offset in _walk(ZoneInfo(zone)):
        changes.append(change)
        offsets.append(offset)
    made: tuple[NDArray[np.int64], NDArray[np.int64]] = np.array(changes[1:], np.int64), np.array(offsets, np.int64)
    return made


def _walk(zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    begin, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000 for year in (FIRST_YEAR, LAST_YEAR))
    offset = _offset(zone, begin)
    yield begin, offset
    for day in range(begin, end, DAY):
        later = _offset(zone, day + DAY)
        if later == offset:
            continue
        low, high = day, day + DAY
        while high - low > SECOND:
            middle = (low + high) // 2 // SECOND * SECOND
            low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
        offset = later
        yield high, offset


def _offset(zone: ZoneInfo, ts: int) -> int:
    there = datetime.fromtimestamp(ts / 1000, zone).utcoffset() or timedelta()
    return there // timedelta(milliseconds=1)
