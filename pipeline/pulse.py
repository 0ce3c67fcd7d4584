"""What the quotes of one product say of themselves: silences, prices that cannot be, lag, a price that stands still.

A pulse takes quotes one by one or in blocks ahead of their time, and tells the turns: the moments from which on
something is otherwise. They are the same however the quotes are cut. Meaning is by `received`; a quote that came
earlier than the one before it counts as come with it.
"""

import itertools
from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from pipeline.calendar import Calendar
from pipeline.pace import Floor, Pace
from pipeline.quality import prices_fit, unfit_prices
from pipeline.rhythm import Rhythm
from pipeline.stillness import Stillness
from pipeline.times import MINUTE
from pipeline.turns import DOUBT, EVER, FLOW, PACE, REST, TELLS, Turn
from pipeline.values import Flags, Quotes, Stamps


class Limits(NamedTuple):
    """All in ms, but `suspect`, which counts quotes; a `flat` of 0 is not looked for."""

    quiet: int
    stale: int
    span: int
    lag: int
    skew: int
    suspect: int
    flat: int


class Pulse:
    """One product's."""

    def __init__(self, limits: Limits, calendar: Calendar) -> None:
        self._limits = limits
        self._pace = Pace(limits.span, limits.lag, limits.skew)
        self._rhythm = Rhythm(calendar, limits.quiet, limits.stale)
        self._stillness = Stillness(limits.flat)
        self._unfit = 0
        self._tells = False
        self._span = -1
        self._floor = self._count = self._early = 0
        """Of the span that is not over: its least lag, its quotes, and those that came before their time."""
        self.at = EVER
        """When the last quote came."""

    @property
    def quiet(self) -> int:
        """After how long without another quote the product is quiet, ms."""
        return self._rhythm.quiet

    @property
    def stale(self) -> int:
        """After how long without another quote it may be stale, ms."""
        return self._rhythm.stale

    def one(self, ts: int, received: int, bid: float, ask: float) -> list[Turn]:
        """The turns with one more quote, but for its own flow and rest."""
        self.at = max(self.at, received)
        at, lag, turns = self.at, received - ts, list[Turn]()
        if not 0 < bid <= ask < np.inf:
            self._unfit += 1
            if self._unfit == self._limits.suspect:
                turns.append(Turn(at, DOUBT, 1, lag))
            return turns
        if self._unfit:
            self._cleared(at, lag, turns)
        if at // MINUTE == self._rhythm.minute:
            self._rhythm.count(1)
        else:
            self._minute(at, turns)
        span = at // self._limits.span
        if span != self._span:
            self._spanned(at, span, lag, turns)
        elif lag < self._floor:
            self._floor = lag
        self._count += 1
        if lag < -self._limits.skew:
            self._early += 1
        if self._limits.flat:
            turns += self._stillness.one(at, bid, ask)
        return turns

    def moments(self, quotes: Quotes) -> Stamps:
        """When quotes came, each no earlier than the one before."""
        at = quotes.received
        if int(at[0]) < self.at or not (at[1:] >= at[:-1]).all():
            return np.maximum.accumulate(np.maximum(at, self.at))
        return at

    def many(self, quotes: Quotes, at: Stamps) -> list[Turn]:
        """The turns with more quotes, which came at these moments, in time order: the first goes on, the last rests."""
        self.at = int(at[-1])
        lag: Stamps = quotes.received - quotes.ts
        turns = [Turn(int(at[0]), FLOW, lag=float(lag[0]))]
        before = (0, self.quiet, self.stale)
        if prices_fit(quotes):
            self._cleared(int(at[0]), int(lag[0]), turns)
            usual = self._fit(at, lag, turns)
            fit = None
        else:
            bad = unfit_prices(quotes)
            self._doubted(at, lag, bad, turns)
            fit = np.flatnonzero(~bad)
            usual = [(int(fit[row]), quiet, stale) for row, quiet, stale in self._fit(at[fit], lag[fit], turns)]
        if self._limits.flat:
            rows = slice(None) if fit is None else fit
            turns += self._stillness.many(at[rows], quotes.bid[rows], quotes.ask[rows])
        self._rested(at, lag, [before, *usual], turns)
        turns.sort(key=_order)
        return turns

    def _cleared(self, at: int, lag: int, turns: list[Turn]) -> None:
        if self._unfit >= self._limits.suspect:
            turns.append(Turn(at, DOUBT, 0, lag))
        self._unfit = 0

    def _doubted(self, at: Stamps, lag: Stamps, bad: Flags, turns: list[Turn]) -> None:
        """Runs of prices that cannot be, and of those that can."""
        edges = np.flatnonzero(np.diff(bad, prepend=not bad[0], append=not bad[-1])).tolist()
        for begin, end in itertools.pairwise(edges):
            if bad[begin]:
                reached = begin + self._limits.suspect - self._unfit - 1
                if begin <= reached < end:
                    turns.append(Turn(int(at[reached]), DOUBT, 1, float(lag[reached])))
                self._unfit += end - begin
            else:
                self._cleared(int(at[begin]), int(lag[begin]), turns)

    def _fit(self, at: Stamps, lag: Stamps, turns: list[Turn]) -> list[tuple[int, int, int]]:
        """Take in quotes whose prices can be; from which row on which silence makes quiet, and which stale."""
        usual = list[tuple[int, int, int]]()
        if not len(at):
            return usual
        rhythm, counted = self._rhythm, 0
        for row in _begins(at, MINUTE):
            if row:
                rhythm.count(row - counted - 1)
            elif int(at[0]) // MINUTE == rhythm.minute:
                rhythm.count(1)
                continue
            self._minute(int(at[row]), turns)
            usual.append((row, rhythm.quiet, rhythm.stale))
            counted = row
        rhythm.count(len(at) - 1 - counted)
        self._lags(at, lag, turns)
        return usual

    def _minute(self, at: int, turns: list[Turn]) -> None:
        """The first quote of a minute."""
        self._rhythm.turn(at)
        tells = self._rhythm.usual_within(self._limits.span)
        if tells != self._tells:
            self._tells = tells
            turns.append(Turn(at, TELLS, int(tells)))

    def _lags(self, at: Stamps, lag: Stamps, turns: list[Turn]) -> None:
        """Spans of time: those that are over are judged, the last goes on."""
        begins = np.array(_begins(at, self._limits.span))
        spans, floors = at[begins] // self._limits.span, np.minimum.reduceat(lag, begins)
        counts: Stamps = np.diff(begins, append=len(at))
        skew = -self._limits.skew
        early: Stamps = np.zeros_like(floors)
        if int(floors.min()) < skew:
            early = np.add.reduceat(lag < skew, begins, dtype=np.int64)
        if self._count and int(spans[0]) == self._span:
            floors[0] = min(int(floors[0]), self._floor)
            counts[0] += self._count
            early[0] += self._early
        elif self._count:
            self._spanned(int(at[0]), int(spans[0]), 0, turns)
        over = slice(0, len(spans) - 1)
        if len(spans) > 1 and not self._pace.calm_over(
            spans[over], floors[over], counts[over], bool(early[over].any())
        ):
            columns = (each.tolist() for each in (at[begins[1:]], spans[over], floors[over], counts[over], early[over]))
            for moment, *floor in zip(*columns, strict=True):
                self._judged(moment, Floor(*floor), turns)
        self._span, self._floor, self._count, self._early = (int(each[-1]) for each in (spans, floors, counts, early))

    def _spanned(self, at: int, span: int, lag: int, turns: list[Turn]) -> None:
        """The first quote of a span ends the one before it."""
        if self._count:
            self._judged(at, Floor(self._span, self._floor, self._count, self._early), turns)
        self._span, self._floor, self._count, self._early = span, lag, 0, 0

    def _judged(self, at: int, floor: Floor, turns: list[Turn]) -> None:
        if self._pace.after(floor):
            turns.append(Turn(at, PACE, self._pace.pace, self._pace.lag, self._pace.limit))

    def _rested(self, at: Stamps, lag: Stamps, usual: list[tuple[int, int, int]], turns: list[Turn]) -> None:
        """After which quotes no other came for long."""
        gaps = np.diff(at)
        for row in np.flatnonzero(gaps > self._limits.quiet).tolist():
            _, quiet, stale = usual[bisect_right(usual, row, key=_row) - 1]
            if gaps[row] > quiet:
                turns.append(Turn(int(at[row]), REST, quiet, float(lag[row]), stale))
                turns.append(Turn(int(at[row + 1]), FLOW, lag=float(lag[row + 1])))
        turns.append(Turn(self.at, REST, self.quiet, float(lag[-1]), self.stale))


def _begins(at: Stamps, span: int) -> list[int]:
    """The rows with which a new span of time begins; the first always."""
    first, last = int(at[0]) // span, int(at[-1]) // span
    if first == last:
        return [0]
    if last - first < len(at):
        edges = np.arange(first + 1, last + 1) * span
        rows = at.searchsorted(edges)
        return [0, *rows[np.diff(rows, prepend=0) > 0].tolist()]
    return [0, *(np.flatnonzero(np.diff(at // span)) + 1).tolist()]


def _order(turn: Turn) -> tuple[int, int]:
    return turn[:2]


def _row(limits: tuple[int, int, int]) -> int:
    return limits[0]
