"""Whether a stream keeps up with its market, read off its lag: how old each quote was when it came.

Time is cut into spans. Of each only the least lag counts, its floor: a stall that passes leaves the floor where it was,
a stream that falls behind lifts it span after span, and clocks apart move it once.
"""

import itertools
from collections import deque
from typing import NamedTuple

import numpy as np

from pipeline.times import HOUR, MINUTE
from pipeline.turns import NEVER
from pipeline.values import Stamps

SPANS = 8
"""So many spans make the time within which a stream that falls behind is found."""
RISING = 6
"""Floors in a row that must rise; with a span that was begun and one to see it, fewer than SPANS."""
LEAST_SLOWNESS = 0.02
"""A stream falls behind when it loses at least this share of the time that passes."""
STEADY = 3
"""Floors in a row that show a clock that was moved, rather than a lag that grows."""
FEWEST = 8
"""Quotes that must be seen before anything is said of clocks."""
AGE = 5 * MINUTE
USUAL_OVER = HOUR
"""What is usual is the least floor of this long."""

FINE, SLOW, SKEWED = 0, 1, 2


class Floor(NamedTuple):
    """One span that is over: its number, its least lag, how many quotes it had and how many came before their time."""

    span: int
    lag: int
    quotes: int
    early: int


class Pace:
    """Remembers the floors of late, and judges at the end of each span."""

    __slots__ = (
        "_age",
        "_ages",
        "_early",
        "_latest",
        "_max_lag",
        "_max_skew",
        "_span",
        "_window",
        "lag",
        "limit",
        "pace",
    )

    def __init__(self, span: int, max_lag: int, max_skew: int) -> None:
        self._span, self._max_lag, self._max_skew = span, max_lag, max_skew
        self.pace = FINE
        self.lag = self.limit = float("nan")
        """The floor that decided, and what it was held against."""
        self._window: deque[Floor] = deque()
        self._early = 0
        self._latest: deque[Floor] = deque(maxlen=STEADY)
        self._age = max(1, AGE // span)
        self._ages: deque[tuple[int, int]] = deque()
        """The least floor of each age, the latest spans aside."""

    def after(self, floor: Floor) -> bool:
        """Take in a span that is over; whether the judgement is another now."""
        window = self._window
        window.append(floor)
        self._early += floor.early
        while window[0].span <= floor.span - SPANS:
            self._early -= window.popleft().early
        usual = self._usual(floor)
        near = floor.lag <= self._max_lag and (usual is None or floor.lag - usual < self._max_skew)
        if near and self.pace == FINE and not self._early:
            return False
        was = self.pace
        self.pace, limit = self._judged(floor, usual)
        if self.pace != was:
            self.lag, self.limit = float(floor.lag), float(limit)
        return self.pace != was

    def calm_over(self, spans: Stamps, lags: Stamps, quotes: Stamps, early: bool) -> bool:
        """Take in spans that are over, if bounds alone show that the judgement stays fine over all of them."""
        known = [*(lag for _, lag in self._ages), *(max(0, each.lag) for each in self._latest)]
        highest, lowest = int(lags.max()), min(max(0, int(lags.min())), *known, NEVER)
        rows = len(lags)
        if self.pace != FINE or early or self._early or highest > self._max_lag or highest - lowest >= self._max_skew:
            return False
        kept = slice(max(0, rows - SPANS), rows)
        last = [
            Floor(*each, 0)
            for each in zip(spans[kept].tolist(), lags[kept].tolist(), quotes[kept].tolist(), strict=True)
        ]
        older = rows - STEADY
        for each in itertools.islice(self._latest, max(0, min(len(self._latest), len(self._latest) + older))):
            self._grow_old(each.span // self._age, each.lag)
        if older > 0:
            ages = spans[:older] // self._age
            begins = np.flatnonzero(np.diff(ages, prepend=-1))
            for age, lag in zip(ages[begins].tolist(), np.minimum.reduceat(lags[:older], begins).tolist(), strict=True):
                self._grow_old(age, lag)
        self._latest = deque((*self._latest, *last), STEADY)
        self._window = deque(each for each in (*self._window, *last) if each.span > last[-1].span - SPANS)
        return True

    def _usual(self, floor: Floor) -> int | None:
        """The least floor of the last hour, without the latest ones, which are judged by it."""
        latest = self._latest
        if len(latest) == STEADY:
            self._grow_old(latest[0].span // self._age, latest[0].lag)
        latest.append(floor)
        return min([lag for _, lag in self._ages]) if self._ages else None

    def _grow_old(self, age: int, lag: int) -> None:
        """A floor is among the latest no more.

        Nothing comes before its time: what seemed to, while clocks were apart, is taken as no lag.
        """
        ages, lag = self._ages, max(0, lag)
        if ages and ages[-1][0] == age:
            ages[-1] = (age, min(lag, ages[-1][1]))
            return
        ages.append((age, lag))
        while (age - ages[0][0]) * self._age * self._span > USUAL_OVER:
            ages.popleft()

    def _judged(self, floor: Floor, usual: int | None) -> tuple[int, int]:
        quotes = sum(each.quotes for each in self._window)
        if quotes >= FEWEST and 2 * self._early > quotes:
            return SKEWED, -self._max_skew
        if self._rises(RISING) or (self.pace == SLOW and self._rises(2)):
            return SLOW, self._max_skew
        if floor.lag > self._max_lag and (self.pace == SLOW or (len(self._latest) > 1 and self._last_two_late())):
            return SLOW, self._max_lag
        if usual is not None and floor.lag - usual > self._max_skew and (self.pace == SKEWED or self._moved(usual)):
            return SKEWED, usual + self._max_skew
        return FINE, 0

    def _rises(self, floors: int) -> bool:
        """Whether each of the last floors is above the one before and, of many, they lose a share of the time."""
        window = self._window
        if len(window) < floors:
            return False
        last = [window[row] for row in range(-floors, 0)]
        if not all(after.lag > before.lag for before, after in itertools.pairwise(last)):
            return False
        lost, passed = last[-1].lag - last[0].lag, (last[-1].span - last[0].span) * self._span
        return lost >= LEAST_SLOWNESS * passed and (floors == 2 or lost >= self._max_skew)

    def _last_two_late(self) -> bool:
        return self._latest[-2].lag > self._max_lag

    def _moved(self, usual: int) -> bool:
        """Whether the latest floors are all far above the usual one, and near each other."""
        latest = self._latest
        lags = [each.lag for each in latest]
        return (
            len(latest) == STEADY
            and min(lags) - usual > self._max_skew
            and 2 * (max(lags) - min(lags)) <= self._max_skew
            and sum(each.quotes for each in latest) >= FEWEST
        )
