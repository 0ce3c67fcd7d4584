"""What was asked within a span of time, against what may be: in any span of that length, not only in whole minutes."""

from collections import deque
from typing import NamedTuple

from pipeline.connections.contract import Limit
from pipeline.times import HOUR, MINUTE, SECOND

NEVER = 2**62
LONGEST_HOLD = 15 * MINUTE
"""A venue that wants us to keep away for longer is asked again after that."""
SLACK, LEAST_SLACK = 60, 100
"""A span is counted a sixtieth longer (and by 100 ms): calls that left a minute apart may arrive closer together."""


class Call(NamedTuple):
    """A call that is let go, or waits for it: how much it counts, and whether it is an order's."""

    weight: int
    order: bool


class Windows:
    """One limit's: a second's, a minute's and an hour's. Others may tell us to keep away until a moment."""

    def __init__(self, name: str, limit: Limit | None = None) -> None:
        self.name = name
        self._windows = () if limit is None else _windows(limit)
        self._held = 0

    def free_at(self, call: Call, now: int, ahead: int = 0) -> int:
        """From when on there is room for a call, after others that count `ahead` together; `NEVER` if there is none."""
        self._held = min(self._held, now + LONGEST_HOLD)
        return max((now, self._held, *(each.free_at(call, now, ahead) for each in self._windows)))

    def take(self, call: Call, now: int) -> None:
        for each in self._windows:
            each.take(call, now)

    def give_back(self, call: Call, at: int) -> None:
        """A call that was let go at a moment was not made after all."""
        for each in self._windows:
            each.give_back(call, at)

    def hold(self, until: int) -> None:
        self._held = max(self._held, until)

    def share(self, now: int) -> float:
        """How much of it is taken, as a part of one: of the span that has least left."""
        return max((each.share(now) for each in self._windows), default=0.0)


class _Window:
    """At most `most` in any `span` ms, of which `reserve` are kept for orders."""

    def __init__(self, span: int, most: int, reserve: int) -> None:
        self._span = span + max(span // SLACK, LEAST_SLACK)
        self._most = most
        self._for_others = most - reserve
        self._all = _Counted()
        self._others = _Counted()
        """Those that are not orders: they have a smaller room of their own."""

    def free_at(self, call: Call, now: int, ahead: int) -> int:
        self._tidy(now)
        when = self._all.fits(call.weight, ahead, self._most, now, self._span)
        if call.order:
            return when
        return max(when, self._others.fits(call.weight, ahead, self._for_others, now, self._span))

    def take(self, call: Call, now: int) -> None:
        self._all.add(now, call.weight)
        if not call.order:
            self._others.add(now, call.weight)

    def give_back(self, call: Call, at: int) -> None:
        self._all.remove(at, call.weight)
        if not call.order:
            self._others.remove(at, call.weight)

    def share(self, now: int) -> float:
        self._tidy(now)
        return self._all.total / self._most

    def _tidy(self, now: int) -> None:
        self._all.forget(now - self._span, now)
        self._others.forget(now - self._span, now)


class _Counted:
    """Calls by the moment they were let go."""

    def __init__(self) -> None:
        self.total = 0
        self._calls = deque[tuple[int, int]]()

    def fits(self, weight: int, ahead: int, most: int, now: int, span: int) -> int:
        """When so much more will not be too much: at the earliest, where it depends on those ahead."""
        if weight > most:
            return NEVER
        over = self.total + ahead + weight - most
        if over <= 0:
            return now
        for at, gone in self._calls:
            over -= gone
            if over <= 0:
                return at + span
        first = self._calls[0][0] + span if self.total >= most else now
        return first + span  # somebody ahead has to go, and then to be forgotten, too

    def add(self, at: int, weight: int) -> None:
        self._calls.append((at, weight))
        self.total += weight

    def remove(self, at: int, weight: int) -> None:
        if (at, weight) in self._calls:
            self._calls.remove((at, weight))
            self.total -= weight

    def forget(self, until: int, now: int) -> None:
        """Those up to a moment. A clock that was set back takes those that are still to come with it."""
        calls = self._calls
        while calls and calls[0][0] <= until:
            self.total -= calls.popleft()[1]
        if calls and calls[-1][0] > now:
            self._calls = deque((min(at, now), weight) for at, weight in calls)


def _windows(limit: Limit) -> tuple[_Window, ...]:
    minute = _Window(MINUTE, limit.per_minute, limit.reserve)
    found = [minute]
    if limit.burst is not None:
        found.append(_Window(SECOND, limit.burst, limit.burst * limit.reserve // limit.per_minute))
    if limit.per_hour is not None:
        found.append(_Window(HOUR, limit.per_hour, limit.per_hour * limit.reserve // limit.per_minute))
    return tuple(found)
