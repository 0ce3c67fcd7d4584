"""Whether stamps look like local time: weeks that are off by whole hours, hours that are skipped in spring."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from pipeline.calendar import Calendar
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Stamps

NEAR = 15 * MINUTE
"""So far from a whole hour a week may begin or end and still be called shifted by it."""
FAR = 14 * HOUR
"""No zone is further from another on one day of a weekend."""
SHORTEST, LONGEST = 20 * HOUR, 4 * DAY
"""How long a weekend may be."""
SEVERAL = 2
MARCH = 3
SMALL_HOURS = 5


class Clock:
    """The ends and beginnings of weeks, as they go by."""

    def __init__(self, calendar: Calendar, tf: int) -> None:
        self._calendar, self._tf = calendar, tf
        self._weeks: list[tuple[int, int, int]] = []
        """When a week should begin, and by how many hours its beginning and the end before are off."""
        self._span = (0, 0)

    def take(self, ts: Stamps) -> None:
        """Take rows; the first is the last of those before."""
        first, last = int(ts.min()), int(ts.max())
        self._span = (self._span[0] or first, last)
        edges = self._calendar.edges
        # The market closes at every second edge and opens at the one after it.
        closes, opens = edges[1:-1:2], edges[2::2]
        middles = closes + (opens - closes) // 2
        weeks = np.flatnonzero(
            (middles > first) & (middles <= last) & (opens - closes >= SHORTEST) & (opens - closes < LONGEST)
        )
        rows = np.searchsorted(ts, middles[weeks])
        for week, row in zip(weeks.tolist(), rows.tolist(), strict=True):
            begins, ends = _hours(int(ts[row] - opens[week])), _hours(int(ts[row - 1] + self._tf - closes[week]))
            if begins is not None and ends is not None:
                self._weeks.append((int(opens[week]), begins, ends))

    def verdict(self, gaps: Sequence[tuple[int, int, int]]) -> tuple[float, str]:
        """The share of weeks (or of changes of the clock) that speak for local time, and that in a sentence."""
        shifted = Counter(begins for _, begins, ends in self._weeks if begins == ends != 0)
        count = sum(shifted.values())
        if count >= SEVERAL:
            by = " and ".join(f"{hours:+d} h" for hours, _ in sorted(shifted.items()))
            what = "stamps look like another time zone's" if len(shifted) == 1 else "stamps look like local time"
            return count / len(self._weeks), f"{count} of {len(self._weeks)} weeks are shifted by {by}: {what}"
        return self._skipped(gaps)

    def _skipped(self, gaps: Sequence[tuple[int, int, int]]) -> tuple[float, str]:
        """A gap of one hour in the small hours of the Sundays on which clocks are put forward."""
        holes = {since // DAY for _, since, until in gaps if until - since == HOUR and since % DAY < SMALL_HOURS * HOUR}
        for where, days in (("Europe", _changes(self._span, last=True)), ("America", _changes(self._span, last=False))):
            hit = sum(day in holes for day in days)
            if hit and 2 * hit > len(days):
                return hit / len(days), f"the hour that {where} skips in spring is missing {hit} times: local time"
        return 0.0, ""


def _hours(off: int) -> int | None:
    """A shift in whole hours; None when it is none."""
    hours = round(off / HOUR)
    return hours if abs(off) <= FAR and abs(off - hours * HOUR) <= NEAR else None


def _changes(span: tuple[int, int], *, last: bool) -> list[int]:
    """The days (since 1970) within a span on which clocks are put forward: the last Sunday of March, or the second."""
    first, final = (datetime.fromtimestamp(at / 1000, UTC).year for at in span)
    days: list[int] = []
    for year in range(first, final + 1):
        day = date(year, MARCH, 31 if last else 14)
        sunday = day - timedelta(days=(day.weekday() + 1) % 7)
        number = (sunday - date(1970, 1, 1)).days
        if span[0] // DAY <= number <= span[1] // DAY:
            days.append(number)
    return days
