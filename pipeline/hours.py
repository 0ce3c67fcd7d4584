"""The hours of a market as rules: its week, its breaks and holidays on the clocks of its zone, and their edges in UTC.

Minutes of a week count from Monday 00:00, minutes of a day from 00:00, both on the wall. A trading day has the date of
the day on which it ends: where it begins at 17:00, Monday runs from Sunday 17:00 to Monday 17:00.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.times import DAY, MINUTE
from pipeline.values import Stamps
from pipeline.walltime import wall_clock

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""The years whose weeks are known; outside of them a market that closes at all counts as closed."""

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, AFTER_LAST_DAY = 0, (date(LAST_YEAR + 1, 1, 1).toordinal() - EPOCH) * DAY
FIRST_MONDAY = (date(1969, 12, 22).toordinal() - EPOCH) * DAY

Span = tuple[int, int]
"""From one minute of the week to another, which may lie in the next week."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A trading day unlike the others: closed, or with `opens` or `closes` (minutes of the day) open in part."""

    day: date
    opens: int | None = None
    closes: int | None = None
    name: str = ""

    @property
    def whole(self) -> bool:
        return self.opens is None and self.closes is None


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a city with a name, on its own clocks."""

    name: str
    zone: str
    spans: tuple[Span, ...]

    def running(self, minute: int) -> bool:
        """Whether it runs at a minute of the week."""
        return any(begin <= at < end for begin, end in self.spans for at in (minute, minute + WEEK_MINUTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a market is open."""

    zone: str
    sessions: tuple[Span, ...]
    breaks: tuple[Span, ...] = ()
    closures: tuple[Closure, ...] = ()
    day_begins: int = 0
    windows: tuple[Window, ...] = ()

    def open_week(self, *, breaks: bool = True) -> list[Span]:
        """The open spans of a week without holidays, in order, disjoint, none over the end of the week."""
        return _without(spread(self.sessions), spread(self.breaks) if breaks else [])

    def begin_of(self, day: date) -> int:
        """When a trading day begins, on the wall (ms)."""
        eve = DAY if self.day_begins else 0
        return (day.toordinal() - EPOCH) * DAY - eve + self.day_begins * MINUTE

    def opening(self, closure: Closure) -> int:
        """When on the wall the market opens on such a day."""
        begin = self.begin_of(closure.day)
        return begin if closure.opens is None else begin + (closure.opens - self.day_begins) % DAY_MINUTES * MINUTE

    def closing(self, closure: Closure) -> int:
        """When on the wall it closes; a time at which the day begins is here its end."""
        begin = self.begin_of(closure.day)
        if closure.closes is None:
            return begin + (DAY if closure.opens is not None else 0)
        return begin + ((closure.closes - self.day_begins - 1) % DAY_MINUTES + 1) * MINUTE


def edges_of(hours: Hours) -> Stamps:
    """When the market opens and closes in turn (ms UTC), from the first opening on."""
    week = hours.open_week()
    if week == [(0, WEEK_MINUTES)] and not hours.closures:
        return np.array((np.iinfo(np.int64).min, np.iinfo(np.int64).max))
    mondays = np.arange(FIRST_MONDAY, AFTER_LAST_DAY, 7 * DAY, dtype=np.int64)
    minutes = np.array(week, np.int64).ravel() * MINUTE
    spans = _turning((mondays[:, None] + minutes).ravel()).reshape(-1, 2)
    edges = spans[(spans[:, 1] > FIRST_DAY) & (spans[:, 0] < AFTER_LAST_DAY)].ravel()
    if hours.closures:
        edges = _closed_between(edges, *_closed(hours))
    return _turning(wall_clock(hours.zone).utc(edges))


def _closed(hours: Hours) -> tuple[Stamps, Stamps]:
    """The spans in which holidays keep a market closed, on the wall: their beginnings and their ends."""
    begins: list[int] = []
    ends: list[int] = []
    for closure in hours.closures:
        begin = hours.begin_of(closure.day)
        begins += (begin, hours.closing(closure))
        ends += (hours.opening(closure), begin + DAY)
    return np.array(sorted(begins), np.int64), np.array(sorted(ends), np.int64)


def _closed_between(edges: Stamps, begins: Stamps, ends: Stamps) -> Stamps:
    """The edges of what is open and in none of the spans."""
    at = np.unique(np.concatenate((edges, begins, ends)))
    closed = begins.searchsorted(at, side="right") > ends.searchsorted(at, side="right")
    is_open = (edges.searchsorted(at, side="right") % 2 == 1) & ~closed
    return at[np.diff(is_open, prepend=False)]


def _turning(edges: Stamps) -> Stamps:
    """Edges in order without those that undo each other: what closes and opens at one moment stays as it was."""
    at, times = np.unique(edges, return_counts=True)
    return at[times % 2 == 1]


def spread(spans: Iterable[Span]) -> list[Span]:
    """Spans in order and disjoint, none over the end of the week."""
    made: list[Span] = []
    for begin, end in sorted(_cut(spans)):
        if made and begin <= made[-1][1]:
            made[-1] = made[-1][0], max(end, made[-1][1])
        else:
            made.append((begin, end))
    return made


def _cut(spans: Iterable[Span]) -> Iterator[Span]:
    for begin, end in spans:
        yield begin, min(end, WEEK_MINUTES)
        if end > WEEK_MINUTES:
            yield 0, end - WEEK_MINUTES


def _without(spans: list[Span], holes: list[Span]) -> list[Span]:
    for begin, end in holes:
        kept = [piece for span in spans for piece in ((span[0], min(span[1], begin)), (max(span[0], end), span[1]))]
        spans = [each for each in kept if each[0] < each[1]]
    return spans
