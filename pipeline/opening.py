"""When a market is open: weeks, breaks and holidays of one kind of market, asked in UTC milliseconds.

A calendar is an ordered array of edges: the market opens at the first, closes at the second, opens at the third … Every
question is a search in it, so arrays of millions are as good as one moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np

from pipeline.hours import DAY_MINUTES, EPOCH, LAST_YEAR, WEEK_MINUTES, Closure, Hours, edges_of
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Flags, Stamps
from pipeline.walltime import wall_clock

Wall = TypeVar("Wall", int, Stamps)

FOREVER = 2
"""The edges of a calendar that never closes: it opens and closes once, at the ends of time."""
FEW = 4
"""With so many moments to an edge it is quicker to look for the edges among the moments."""
WEEKEND = 36 * HOUR
"""What is closed for longer, week after week, is a weekend."""
THURSDAY = 3 * DAY_MINUTES
"""The epoch began on one."""

Reason = Literal["weekend", "overnight", "break", "holiday", "unknown"]
"""Why a market is closed; unknown outside of the years a calendar has."""


@dataclass(frozen=True, slots=True)
class State:
    """What a market is doing at a moment. Closed is a state, not an error."""

    at: int
    is_open: bool
    reason: Reason | None
    """Why it is closed; None while it is open."""
    next_open: int | None
    """The first moment after `at` at which it opens; None when it never does."""
    next_close: int | None
    sessions: tuple[str, ...]
    """Which of the cities with a name are at work."""

    @property
    def seconds_to_open(self) -> float | None:
        return None if self.next_open is None else (self.next_open - self.at) / 1000

    @property
    def seconds_to_close(self) -> float | None:
        return None if self.next_close is None else (self.next_close - self.at) / 1000


@dataclass(frozen=True, eq=False)
class Calendar:
    """When one kind of market is open. A moment at which it opens is open, one at which it closes is closed."""

    name: str
    hours: Hours

    @cached_property
    def edges(self) -> Stamps:
        return edges_of(self.hours)

    @property
    def never_closes(self) -> bool:
        return len(self.edges) <= FOREVER

    def is_open(self, ts: int) -> bool:
        return self._passed(ts) % 2 == 1

    def open_mask(self, ts: Stamps) -> Flags:
        """For each moment, whether the market is open. Quickest for moments in order."""
        if not len(ts):
            return np.zeros(0, np.bool_)
        first, last = self._passed(int(ts.min())), self._passed(int(ts.max()))
        if first == last:
            return np.full(len(ts), first % 2 == 1)
        edges = self.edges[first:last]
        if len(edges) * FEW < len(ts) and bool((ts[1:] >= ts[:-1]).all()):
            rows = np.diff(ts.searchsorted(edges), prepend=0, append=len(ts))
            return np.repeat((first + np.arange(len(rows))) % 2 == 1, rows)
        return (first + edges.searchsorted(ts, side="right")) % 2 == 1

    def next_open(self, ts: int) -> int:
        """The first moment at or after `ts` at which the market is open."""
        passed = self._passed(ts)
        if passed % 2 == 1:
            return ts
        if passed == len(self.edges):
            raise ValueError(f"the {self.name} calendar ends with the year {LAST_YEAR}")
        return int(self.edges[passed])

    def next_close(self, ts: int) -> int | None:
        """The first moment after `ts` at which it closes; None when it never does."""
        return self._edge(self._passed(ts) | 1)

    def state(self, ts: int) -> State:
        passed = self._passed(ts)
        is_open = passed % 2 == 1
        return State(
            at=ts,
            is_open=is_open,
            reason=None if is_open else self._reason(ts, passed),
            next_open=self._edge(passed + 1 if is_open else passed),
            next_close=self.next_close(ts),
            sessions=self.session_of(ts),
        )

    def session_of(self, ts: int) -> tuple[str, ...]:
        """The named sessions running at a moment: none while the market is closed, several where they overlap."""
        if not self.is_open(ts):
            return ()
        return tuple(each.name for each in self.hours.windows if each.running(_minute(_wall(each.zone, ts))))

    def trading_day(self, ts: int) -> date:
        """The trading day that is running, or while the market is closed the one that begins next."""
        return date.fromordinal(EPOCH + int(self.trading_days(np.array((ts,), np.int64))[0]))

    def trading_days(self, ts: Stamps) -> Stamps:
        """The same for each moment, as days since 1970-01-01."""
        passed = self.edges.searchsorted(ts, side="right")
        closed = (passed % 2 == 0) & (passed < len(self.edges))
        trading = np.where(closed, self.edges[np.minimum(passed, len(self.edges) - 1)], ts)
        return self._day(wall_clock(self.hours.zone).wall(trading))

    def closures_from(self, ts: int) -> Iterator[Closure]:
        """The days unlike the others, from the day of a moment on."""
        today = self._day(_wall(self.hours.zone, ts))
        return (each for each in self.hours.closures if each.day.toordinal() - EPOCH >= today)

    def open_slots(self, start: int, end: int, tf: int) -> Stamps:
        """The slots of `tf` ms that begin in [start, end) and overlap open time, by their openings."""
        slots = np.arange(-(-start // tf) * tf, end, tf, dtype=np.int64)
        return slots[self.open_parts(slots, tf, tf) > 0]

    def open_parts(self, slots: Stamps, tf: int, base: int) -> Stamps:
        """How many slots of `base` ms of each slot of `tf` ms overlap open time."""
        if not len(slots):
            return np.zeros(0, np.int64)
        begin, end = int(slots.min()), int(slots.max()) + tf
        first, last = self._passed(begin), self._passed(end)
        if first == last:
            return np.full(len(slots), tf // base if first % 2 == 1 else 0)
        edges = self.edges[first - first % 2 : last + last % 2].clip(begin, end)
        opens, closes = edges[::2] // base, -(-edges[1::2] // base)
        # Where it closes and opens again within one slot of `base`, that counts once.
        opens[1:] = np.maximum(opens[1:], closes[:-1])
        count = np.concatenate(((0,), np.cumsum(closes - opens)))
        closes = np.concatenate(((begin // base,), closes))

        def before(slot: Stamps) -> Stamps:
            """How many are open of those before a slot of `base`."""
            number = opens.searchsorted(slot, side="right")
            return count[number] - np.maximum(closes[number] - slot, 0)

        parts: Stamps = before((slots + tf) // base) - before(slots // base)
        return parts

    def holes_closed(self, before: int, after: int, tf: int) -> bool:
        """Whether every slot of `tf` ms strictly between the slots at `before` and `after` lies in closed time.

        A slot that is open in part is not closed: a bar could have been there.
        """
        begin = before + tf
        if begin >= after:
            return True
        passed = self._passed(begin)
        return passed % 2 == 0 and (passed == len(self.edges) or int(self.edges[passed]) >= after)

    def _passed(self, ts: int) -> int:
        """How many edges lie at or before a moment; odd while the market is open."""
        return int(self.edges.searchsorted(ts, side="right"))

    def _day(self, wall: Wall) -> Wall:
        """The number of the trading day of a time on the wall, open or not."""
        begins = self.hours.day_begins * MINUTE
        return (wall + (DAY - begins if begins else 0)) // DAY

    def _edge(self, number: int) -> int | None:
        return int(self.edges[number]) if number < len(self.edges) and not self.never_closes else None

    @cached_property
    def _plain(self) -> "Calendar":
        """The same market without its holidays."""
        return Calendar(self.name, replace(self.hours, closures=()))

    def _reason(self, ts: int, passed: int) -> Reason:
        if passed in (0, len(self.edges)):
            return "unknown"
        plain, wall = self._plain, _wall(self.hours.zone, ts)
        if plain.is_open(ts) or self._on_holiday(wall):
            return "holiday"
        number = int(plain.edges.searchsorted(ts, side="right"))
        closed, opens = int(plain.edges[number - 1]), int(plain.edges[number])
        if opens - closed > WEEKEND:
            return "weekend"
        in_break = any(begin <= _minute(wall) < end for begin, end in self.hours.open_week(breaks=False))
        one_day = plain.trading_day(closed - 1) == plain.trading_day(opens)
        return "break" if in_break or one_day else "overnight"

    def _on_holiday(self, wall: int) -> bool:
        """Whether a time on the wall is on a day without trading that would otherwise have some."""
        day = self._day(wall)
        if day not in self._holidays:
            return False
        begin = self.hours.begin_of(date.fromordinal(EPOCH + day))
        opens, closes = wall_clock(self.hours.zone).utc(np.array((begin, begin + DAY), np.int64)).tolist()
        return self._plain.is_open(opens) or self._plain.next_open(opens) < closes

    @cached_property
    def _holidays(self) -> frozenset[int]:
        return frozenset(each.day.toordinal() - EPOCH for each in self.hours.closures if each.whole)


def _minute(wall: int) -> int:
    """The minute of the week of a time on the wall."""
    return (wall // MINUTE + THURSDAY) % WEEK_MINUTES


def _wall(zone: str, ts: int) -> int:
    return int(wall_clock(zone).wall(np.array((ts,), np.int64))[0])
