"""How long something took, again and again: in a few kilobytes, however often it is told."""

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

LEAST, MOST = 0.01, 3_600_000.0
"""Milliseconds; what is shorter or longer is taken as these."""
STEP = math.log(1.05)
"""Durations are kept in classes 5 % apart, and told by the middle of their class."""
CLASSES = math.ceil(math.log(MOST / LEAST) / STEP) + 1
BOUNDS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0)
"""Milliseconds; what took no longer than each is counted for ever."""


class Spread:
    """Durations in ms: quantiles of the last minutes, counts of all there ever were.

    Somebody turns it every few minutes: what is older than the last turn but one is in no quantile any more.
    """

    __slots__ = ("by_bound", "classes", "count", "earlier", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.by_bound = [0] * (len(BOUNDS) + 1)
        self.classes = [0] * CLASSES
        self.earlier = [0] * CLASSES

    def add(self, millis: float) -> None:
        taken = min(max(millis, LEAST), MOST)
        self.count += 1
        self.total += max(millis, 0.0)
        self.by_bound[bisect_left(BOUNDS, millis)] += 1
        self.classes[math.ceil(math.log(taken / LEAST) / STEP)] += 1

    def join(self, other: "Spread") -> None:
        self.count += other.count
        self.total += other.total
        for ours, theirs in (
            (self.by_bound, other.by_bound),
            (self.classes, other.classes),
            (self.earlier, other.earlier),
        ):
            ours[:] = [one + more for one, more in zip(ours, theirs, strict=True)]

    def turn(self) -> None:
        self.earlier, self.classes = self.classes, [0] * CLASSES

    @property
    def recent(self) -> int:
        """How many the quantiles are of."""
        return sum(self.classes) + sum(self.earlier)

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """What so large a share of the recent ones did not exceed, within 2.5 %; nothing where there is none."""
        both = [now + before for now, before in zip(self.classes, self.earlier, strict=True)]
        count = sum(both)
        if not count:
            return ()
        up_to = list(accumulate(both))
        places = (bisect_left(up_to, max(1, math.ceil(count * share))) for share in shares)
        return tuple(LEAST * math.exp((place - 0.5) * STEP) for place in places)

    def buckets(self) -> tuple[int, ...]:
        """How many took no longer than each of the bounds; the last one: all."""
        return tuple(accumulate(self.by_bound))


def joined(spreads: Iterable[Spread]) -> Spread:
    """All of some as one."""
    whole = Spread()
    for each in spreads:
        whole.join(each)
    return whole
