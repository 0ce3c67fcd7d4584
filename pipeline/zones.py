"""Local time of whole columns of moments: what a zone adds to UTC, summer and winter."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Stamps


def local(ts: Stamps, zone: str) -> Stamps:
    """What clocks in a zone show at moments (ms UTC), as ms since the epoch of that clock."""
    if zone == "UTC" or not len(ts):
        return ts
    first, last = (datetime.fromtimestamp(int(each) / 1000, UTC).year for each in (ts[0], ts[-1]))
    if first == last:
        return ts + _added(ts, zone, first)
    years = np.array([_begin(year) for year in range(first + 1, last + 1)])
    edges = [0, *np.searchsorted(ts, years).tolist(), len(ts)]
    made = [_added(ts[start:stop], zone, first + number) for number, (start, stop) in enumerate(pairwise(edges))]
    return ts + np.concatenate(made)


def longest_day(zone: str) -> int:
    """The longest that a day of a zone's clocks takes (ms)."""
    return DAY if zone == "UTC" else DAY + HOUR


def known_zone(zone: str) -> bool:
    return zone in available_timezones()


def _added(ts: Stamps, zone: str, year: int) -> Stamps:
    edges, added = _changes(zone, year)
    return added[np.searchsorted(edges, ts, side="right")]


@cache
def _changes(zone: str, year: int) -> tuple[Stamps, Stamps]:
    """When within a year (UTC) a zone's clocks are moved, and what they add to UTC before, between and after that."""
    clock = ZoneInfo(zone)
    days = range(_begin(year), _begin(year + 1) + 1, DAY)
    added = [_offset(clock, day) for day in days]
    edges: list[int] = []
    for number in range(1, len(added)):
        if added[number] != added[number - 1]:
            before, after = days[number - 1], days[number]
            while after - before > MINUTE:
                middle = (before + after) // 2 // MINUTE * MINUTE
                before, after = (middle, after) if _offset(clock, middle) == added[number - 1] else (before, middle)
            edges.append(after)
    offsets = [added[0], *(_offset(clock, edge) for edge in edges)]
    return np.array(edges, np.int64), np.array(offsets, np.int64)


def _offset(clock: ZoneInfo, ts: int) -> int:
    return (datetime.fromtimestamp(ts / 1000, clock).utcoffset() or timedelta()) // timedelta(milliseconds=1)


def _begin(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000
