"""Runs: final bars one after another without an unrepaired hole, kept as long as later bars need them for context."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.calendar import Calendar
from pipeline.values import BAR_COLUMNS, Bars

KINDS = {"open_ts": np.int64, "final_at": np.int64, "closed_by": np.int8, "ticks": np.int32, "revision": np.int32}
ROOM = 1024


class Run:
    """The unbroken bars of one stream up to now.

    Rows once written are never written again, so what was given stays true: a full store is left to whoever still
    looks at it and the last `context` rows move to a new one.
    """

    def __init__(self, product: str, tf: int, context: int, calendar: Calendar) -> None:
        self._product, self._tf, self._context, self._calendar = product, tf, context, calendar
        self._columns: dict[str, NDArray[np.generic]] = {}
        self._begin = self._end = self._size = 0

    def __len__(self) -> int:
        return self._end - self._begin

    def extend(self, bars: Bars) -> None:
        """Take bars as context only."""
        for _ in self.extended(bars):
            pass

    def extended(self, bars: Bars) -> Iterator[Bars]:
        """Take new bars and give them with their context; one batch for each stretch without a hole.

        Bars that are not newer than the last one are passed over: a bar is given once.
        """
        bars = self._newer(bars)
        starts = [0, *self._holes(bars)]
        for start, stop in zip(starts, [*starts[1:], len(bars)], strict=True):
            if start == stop:
                continue
            if start or not self._continues(bars):
                self._begin = self._end
            self._write(bars, start, stop)
            yield self.last(self._context + stop - start, stop - start)

    def last(self, rows: int, fresh: int = 0) -> Bars:
        """The newest `rows` bars (fewer at the beginning of a run)."""
        cut = slice(max(self._begin, self._end - rows), self._end)
        columns = {name: column[cut] for name, column in self._columns.items()}
        return Bars(product=self._product, tf=self._tf, **columns, fresh=fresh)  # type: ignore[arg-type]  # by KINDS

    def _newer(self, bars: Bars) -> Bars:
        if not self._end:
            return bars
        newest = int(self._columns["open_ts"][self._end - 1])  # type: ignore[call-overload]  # an int64 column
        first = int(bars.open_ts.searchsorted(newest, side="right"))
        return bars.rows(first, len(bars), len(bars) - first)

    def _holes(self, bars: Bars) -> list[int]:
        """Rows of `bars` before which slots are missing that the market was open for."""
        steps = np.flatnonzero(np.diff(bars.open_ts) != self._tf) + 1
        return [int(row) for row in steps if self._missing(int(bars.open_ts[row - 1]), int(bars.open_ts[row]))]

    def _continues(self, bars: Bars) -> bool:
        if self._begin == self._end:
            return True
        newest = int(self._columns["open_ts"][self._end - 1])  # type: ignore[call-overload]  # an int64 column
        return not self._missing(newest, int(bars.open_ts[0]))

    def _missing(self, before: int, after: int) -> bool:
        return after - before != self._tf and not self._calendar.holes_closed(before, after, self._tf)

    def _write(self, bars: Bars, start: int, stop: int) -> None:
        if self._end + stop - start > self._size:
            self._move(stop - start)
        into = slice(self._end, self._end + stop - start)
        for name, column in self._columns.items():
            column[into] = getattr(bars, name)[start:stop]
        self._end = into.stop

    def _move(self, rows: int) -> None:
        """Go on in a new store, with the context that later bars need."""
        kept = min(len(self), self._context)
        self._size = kept + 2 * rows + ROOM
        old = self._columns
        self._columns = {name: np.empty(self._size, KINDS.get(name, np.float64)) for name in BAR_COLUMNS}
        for name, column in old.items():
            self._columns[name][:kept] = column[self._end - kept : self._end]
        self._begin, self._end = 0, kept
