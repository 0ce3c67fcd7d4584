"""Rows of files and stores, given to a flow when their time comes, or in blocks ahead; what was before is history.

A bar comes when it is final, a quote when it was received. Nothing is read before it is wanted.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np

from pipeline.archive.minutes import bars_of
from pipeline.archive.series import Batch, Series
from pipeline.candles import as_history
from pipeline.host import Host
from pipeline.times import DAY, MINUTE, slot_of
from pipeline.values import Bars, Quotes, Stamps

Rows = Callable[[int, int], Iterator[Batch]]
"""The rows from a moment on and before another, by their own times, a part at a time."""

NEVER = 2**62
LONGEST_CLOSED = 5 * DAY
"""Longer than a weekend with holidays."""


class Row(NamedTuple):
    """One row, when it comes, and the product that says which is first of those that come at one moment."""

    at: int
    product: str
    row: Batch


class Reel:
    """The rows of one product, in the order they come."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._batch: Batch | None = None
        self._row = 0

    def until(self, moment: int) -> Iterator[Batch]:
        """What has come by a moment and was not given yet: bars final at it too, quotes received before it."""
        while self._batch is not None or self._next():
            batch = cast("Batch", self._batch)
            start, stop = self._row, _come_by(batch, moment)
            if stop > start:
                yield batch.rows(start, stop, stop - start) if isinstance(batch, Bars) else batch.rows(start, stop)
            self._row = max(start, stop)
            if stop < len(batch):
                return
            self._batch = None

    def singles(self, limit: int) -> Iterator[Row]:
        """The same row by row."""
        for batch in self.until(limit):
            for row, at in enumerate(_times(batch).tolist()):
                one = batch.rows(row, row + 1, 1) if isinstance(batch, Bars) else batch.rows(row, row + 1)
                yield Row(at, batch.product, one)

    def _next(self) -> bool:
        self._batch, self._row = next(self._batches, None), 0
        return self._batch is not None


async def played(host: Host, reels: Sequence[Reel], start: int, limit: int) -> AsyncIterator[Batch]:
    """Everything from `start` until `limit`, across products in order of time (in blocks: product by product)."""
    if not host.block:
        for at, _, row in heapq.merge(*(reel.singles(limit) for reel in reels), key=_turn):
            await host.until(at)
            yield row
        await host.until(limit)
        return
    while start < limit:
        end = min(start + host.block, limit)
        for reel in reels:
            for batch in reel.until(end):
                yield batch
        await host.until(end)
        start = end


class Kept:
    """One series as a flow meets it at a moment: its past, then what comes. `rows` reads those of a span of time."""

    def __init__(self, series: Series, rows: Rows, host: Host) -> None:
        self._series, self._rows = series, rows
        self._history, self._calendar = host.history, host.calendars.of(series.product)
        now = self._now = host.now()
        self._begin = slot_of(now, min(host.history, default=MINUTE))
        """Quotes stamped before it are history."""

    def past(self) -> Iterator[Batch]:
        """The last bars that were final, as context; of quotes besides those that had come of the slot that is open."""
        if self._history:
            bars = list(self._before())
            if bars:
                whole = _joined(bars)
                whole = whole.rows(0, _come_by(whole, self._now), 0)
                if self._series.of_quotes and len(whole):
                    self._begin = int(whole.open_ts[-1]) + whole.tf
                yield from as_history(whole, self._history, self._now, self._calendar)
        if self._series.of_quotes:
            for batch in self._rows(self._begin, self._now):
                yield from self._of_open_slot(batch)

    def reel(self) -> Reel:
        """What comes after `past`."""
        if self._series.of_quotes:
            return Reel(fresh for each in self._rows(self._now, NEVER) for fresh in self._of_open_slot(each))
        reel = Reel(self._rows(slot_of(self._now, self._series.tf) - DAY, NEVER))
        for _ in reel.until(self._now):
            pass
        return reel

    def _before(self) -> Iterator[Bars]:
        """Bars of the shortest timeframe there is, enough for the history that is asked for."""
        # Of a week's slots at least half are open; two more, as the last may not be final yet.
        since = min(self._now - 2 * (rows + 2) * tf for tf, rows in self._history.items()) - LONGEST_CLOSED
        before = self._rows(slot_of(since, DAY), self._now)
        if self._series.of_quotes:
            return bars_of(cast("Iterator[Quotes]", before), min(self._history), keep_ends=True)
        return cast("Iterator[Bars]", before)

    def _of_open_slot(self, batch: Batch) -> Iterator[Quotes]:
        quotes = cast("Quotes", batch)
        late = quotes.ts < self._begin
        fresh = quotes.chosen(~late) if late.any() else quotes
        if len(fresh):
            yield fresh


def _times(batch: Batch) -> Stamps:
    return batch.final_at if isinstance(batch, Bars) else batch.received


def _come_by(batch: Batch, moment: int) -> int:
    return int(np.searchsorted(_times(batch), moment, side="right" if isinstance(batch, Bars) else "left"))


def _joined(bars: list[Bars]) -> Bars:
    whole = bars[0]
    for each in bars[1:]:
        whole = whole.followed_by(each)
    return whole


def _turn(row: Row) -> tuple[int, str]:
    return row[:2]
