"""How good a series is: what is missing, impossible, frozen or shifted. Read once, a few thousand rows at a time.

Quotes are judged as bars of one minute, and besides each for itself.
"""

import heapq
from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pipeline.archive.findings import Audit, Found, Hole, Jump
from pipeline.archive.grades import Grade, Measure, grade_of, worst
from pipeline.archive.minutes import bars_of
from pipeline.archive.series import Batch, Series
from pipeline.archive.shifts import Clock
from pipeline.calendar import Calendar
from pipeline.candles import possible
from pipeline.quality import unfit_prices
from pipeline.times import MINUTE
from pipeline.values import Bars, Flags, Floats, Quotes, Stamps

AT_ONCE = 5_000
"""Jumps are told from what is usual among so many bars at least."""
ABSURD = 50.0
"""A move is absurd when it is so many times as large as is usual (1.4826 times the median move, which of a bell curve
is its spread)."""
TO_SPREAD = 1.4826
FROZEN = 30
"""So many bars in a row at one price are a feed that stands still."""
MOST_SHOWN = 1_000
"""Gaps and jumps beyond these are counted only."""


def audited(series: Series, batches: Iterator[Batch], calendar: Calendar) -> Audit:
    found = Found()
    bars = _minutes(batches, found) if series.of_quotes else cast("Iterator[Bars]", batches)
    tf = MINUTE if series.of_quotes else series.tf
    _look(_gathered(bars), calendar, tf, found, counted=series.of_quotes)
    shares = found.shares()
    measure, grade = worst(shares)
    grades: dict[Measure, Grade] = {each: grade_of(each, share) for each, share in shares.items()}
    return Audit(series.product, series.timeframe, grade, measure, grades, shares, found)


def _minutes(batches: Iterator[Batch], found: Found) -> Iterator[Bars]:
    """The bars that quotes make; what is wrong with the quotes themselves is counted."""

    def counted() -> Iterator[Quotes]:
        last: int | None = None
        for batch in cast("Iterator[Quotes]", batches):
            if not len(batch):
                continue
            found.first = int(batch.received[0]) if last is None else found.first
            found.rows += len(batch)
            unfit = unfit_prices(batch)
            found.impossible += int(unfit.sum())
            steps = np.diff(batch.received, prepend=batch.received[0] if last is None else last)
            found.disordered += int((steps < 0).sum())
            found.last = last = int(batch.received[-1])
            yield batch.chosen(~unfit) if unfit.any() else batch

    return bars_of(counted(), MINUTE, keep_ends=True)


def _gathered(batches: Iterator[Bars]) -> Iterator[Bars]:
    """Batches joined until each has enough rows to judge."""
    waiting: Bars | None = None
    for batch in batches:
        waiting = batch if waiting is None else waiting.followed_by(batch)
        if len(waiting) >= AT_ONCE:
            yield waiting
            waiting = None
    if waiting is not None and len(waiting):
        yield waiting


def _look(batches: Iterator[Bars], calendar: Calendar, tf: int, found: Found, *, counted: bool) -> None:
    clock = Clock(calendar, tf)
    before: Bars | None = None
    flat = 0
    for bars in batches:
        whole = bars if before is None else before.followed_by(bars)
        fresh = len(bars)
        found.bars += fresh
        if not counted:
            _count(bars, whole, found, first=before is None)
        _holes(whole, calendar, found, int(bars.open_ts[0]) if before is None else None)
        _jumps(whole, found)
        flat = _flat(whole, flat, found)
        clock.take(whole.open_ts)
        before = bars.rows(fresh - 1, fresh, 1)
    if flat >= FROZEN:
        found.flat += flat
    found.clock, found.clock_says = clock.verdict(found.longest)


def _count(bars: Bars, whole: Bars, found: Found, *, first: bool) -> None:
    if first:
        found.first = int(bars.open_ts[0])
    found.last = int(bars.open_ts[-1])
    found.rows += len(bars)
    found.impossible += int((~possible(bars)).sum())
    found.disordered += int((whole.open_ts[1:] <= whole.open_ts[:-1]).sum())


def _holes(whole: Bars, calendar: Calendar, found: Found, alone: int | None) -> None:
    """What is missing between bars, and bars that lie in closed time."""
    ts, tf = whole.open_ts, whole.tf
    slots = calendar.open_slots(int(ts.min()), int(ts.max()) + tf, tf)
    fresh = ts if alone is not None else ts[1:]
    at = np.minimum(np.searchsorted(slots, fresh), max(0, len(slots) - 1))
    open_ = slots[at] == fresh if len(slots) else np.zeros(len(fresh), np.bool_)
    found.closed += int((~open_).sum())
    missing = np.searchsorted(slots, ts[1:]) - np.searchsorted(slots, ts[:-1] + tf)
    rows = np.flatnonzero(missing > 0)
    found.missing += int(missing[rows].sum())
    found.gaps += len(rows)
    holes = [
        Hole(*each)
        for each in zip(missing[rows].tolist(), (ts[:-1][rows] + tf).tolist(), ts[1:][rows].tolist(), strict=True)
    ]
    found.longest = heapq.nlargest(MOST_SHOWN, [*found.longest, *holes])


def _jumps(whole: Bars, found: Found) -> None:
    """Moves between neighbours, and wicks, beside what is usual."""
    with np.errstate(invalid="ignore", divide="ignore"):
        price: NDArray[np.float64] = np.log(np.column_stack((whole.open, whole.high, whole.low, whole.close)))
    open_, high, low, close = (price[:, column] for column in range(4))
    next_to = whole.open_ts[1:] - whole.open_ts[:-1] == whole.tf
    move = np.abs(np.where(next_to, close[1:] - close[:-1], close[1:] - open_[1:]))
    move = np.fmax(move, np.fmax(high - np.fmax(open_, close), np.fmin(open_, close) - low)[1:])
    usual = _usual(np.abs(close[1:] - close[:-1])[next_to])
    if not usual:
        return
    times = move / usual
    # An infinite move is of a price that cannot be, which is counted as that.
    rows = np.flatnonzero((times > ABSURD) & (times < np.inf))
    found.jumps += len(rows)
    largest = [Jump(*each) for each in zip(times[rows].tolist(), whole.open_ts[1:][rows].tolist(), strict=True)]
    found.largest = heapq.nlargest(MOST_SHOWN, [*found.largest, *largest])


def _usual(moves: Floats) -> float:
    """How large a move usually is, whatever a few of them are; 0 when too few are known."""
    moves = moves[(moves > 0) & np.isfinite(moves)]
    return float(np.median(moves)) * TO_SPREAD if len(moves) >= FROZEN else 0.0


def _flat(whole: Bars, flat: int, found: Found) -> int:
    """Count bars in long stretches at one price; the length of the stretch that is going on at the end."""
    still: Flags = (
        (whole.high[1:] == whole.low[1:])
        & (whole.close[1:] == whole.close[:-1])
        & (whole.open_ts[1:] - whole.open_ts[:-1] == whole.tf)
    )
    edges: Stamps = np.flatnonzero(np.diff(still.astype(np.int8), prepend=0, append=0))
    stretches = (edges[1::2] - edges[::2]).tolist()
    if len(still) and still[0]:
        stretches[0] += flat
    elif flat >= FROZEN:
        found.flat += flat
    going = stretches.pop() if len(still) and still[-1] else 0
    found.flat += sum(length for length in stretches if length >= FROZEN)
    found.longest_flat = max([found.longest_flat, going, *stretches])
    return going
