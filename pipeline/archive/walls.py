"""What clocks on a wall show, and the moments they mean: whole columns, summer and winter.

A wall time in the hour that is skipped in spring means no moment, one in the hour that comes twice in autumn two.
"""

from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from pipeline.values import Flags, Stamps
from pipeline.walltime import wall_clock

Ambiguous = Literal["refuse", "first", "second"]


class Meant(NamedTuple):
    """The moments (ms UTC) that wall times mean, and which of them mean none or could mean two."""

    moments: Stamps
    skipped: Flags
    twice: Flags


def meant(wall: Stamps, zone: str, ambiguous: Ambiguous) -> Meant:
    """What wall times (ms since 1970 on that wall) mean; of two moments the first unless `second` is asked for."""
    clock = wall_clock(zone)
    changes, offsets = clock.changes, clock.added
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


def added(moments: Stamps, zone: str) -> Stamps:
    """What the zone's clocks are ahead of UTC at each moment (ms)."""
    return wall_clock(zone).wall(moments) - moments


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
