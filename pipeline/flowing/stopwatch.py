"""How long each node of a flow works, in real time, while somebody wants to know.

A node works from when it is given something until that call returns, but for what others make of what it gives
meanwhile: each of these has a time of its own.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

T = TypeVar("T")

TURNS_EVERY = 1.0
"""Seconds that a look is of, at the least."""
KEPT = 512
"""So many calls of a look the quantiles are of, the newest."""


class Took(NamedTuple):
    """Of the last look: which share of the time a node worked, and how long (ms) its calls took."""

    busy: float = 0.0
    p50: float = 0.0
    p99: float = 0.0


NOTHING = Took()


class Calls:
    """The calls of one node since the last turn."""

    __slots__ = ("count", "last", "newest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.newest: list[float] = []
        self.last = NOTHING

    def add(self, seconds: float) -> None:
        if self.count < KEPT:
            self.newest.append(seconds)
        else:
            self.newest[self.count % KEPT] = seconds
        self.count += 1
        self.total += seconds

    def turn(self, elapsed: float) -> None:
        some = sorted(self.newest)
        self.last = NOTHING
        if some:
            self.last = Took(min(1.0, self.total / elapsed), _quantile(some, 0.5), _quantile(some, 0.99))
        self.count, self.total, self.newest = 0, 0.0, []


class Stopwatch:
    """Told of each call by what is put around it. All of them are on the flow's one thread."""

    def __init__(self, real: Callable[[], float] = time.perf_counter) -> None:
        self._real = real
        self._calls: dict[str, Calls] = {}
        self._others: list[float] = []
        """For each node that works now: how long others took meanwhile."""
        self._turned = real()

    def around(self, node: str, give: Callable[[T], object]) -> Callable[[T], None]:
        """The same call, as work of a node."""
        calls = self._calls.setdefault(node, Calls())
        real, others = self._real, self._others

        def timed(item: T) -> None:
            others.append(0.0)
            begun = real()
            try:
                give(item)
            finally:
                whole = real() - begun
                calls.add(whole - others.pop())
                if others:
                    others[-1] += whole

        return timed

    def apart(self, tell: Callable[[str, T], object]) -> Callable[[str, T], None]:
        """The same call, as work of no node: that of those who look on."""
        real, others = self._real, self._others

        def timed(node: str, item: T) -> None:
            begun = real()
            try:
                tell(node, item)
            finally:
                if others:
                    others[-1] += real() - begun

        return timed

    def look(self) -> None:
        """Turn when the last look is over: until the next turn everybody is told of the same one."""
        now = self._real()
        elapsed = now - self._turned
        if elapsed >= TURNS_EVERY:
            self._turned = now
            for each in self._calls.values():
                each.turn(elapsed)

    def took(self, node: str) -> Took:
        calls = self._calls.get(node)
        return NOTHING if calls is None else calls.last


def _quantile(some: list[float], share: float) -> float:
    """Of what is sorted, in ms."""
    return some[min(len(some) - 1, int(len(some) * share))] * 1000
