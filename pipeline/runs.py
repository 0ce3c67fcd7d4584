"""Runs: final bars one after another without an unrepaired hole, kept as long as later bars need them for context."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.calendar import Calendar
from pipeline.values import BAR_COLUMNS, VENUE, Bars, Counts, Flags, Stamps

KINDS = {"open_ts": np.int64, "final_at": np.int64, "closed_by": np.int8, "ticks": np.int32, "revision": np.int32}
PRICES = ("open", "high", "low", "close", "volume")
ROOM = 1024

Store = dict[str, NDArray[np.generic]]


class Run:
    """The unbroken bars of one stream up to now, and some from before its last hole, in case that is mended.

    Rows once written are never written again, so what was given stays true: a store that is full, or has rows that
    are to change, is left to whoever still looks at it, and what later bars need moves to a new one.
    """

    def __init__(self, product: str, tf: int, context: int, calendar: Calendar) -> None:
        self._product, self._tf, self._context, self._calendar = product, tf, context, calendar
        self._columns: Store = {}
        self._first = self._begin = self._end = self._size = 0
        self._newest: int | None = None

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def newest(self) -> int | None:
        """The opening of the newest bar."""
        return self._newest

    @property
    def kept(self) -> Bars:
        """All bars still known, those before the last hole too."""
        return self._rows(self._first, self._end, 0)

    def last(self, rows: int, fresh: int = 0) -> Bars:
        """The newest `rows` bars (fewer at the beginning of a run)."""
        return self._rows(max(self._begin, self._end - rows), self._end, fresh)

    # --- new bars ----------------------------------------------------------------------------------------------------

    def extend(self, bars: Bars) -> None:
        """Take bars as context only."""
        for _ in self.extended(bars):
            pass

    def extended(self, bars: Bars) -> Iterator[Bars]:
        """Take new bars and give them with their context; one batch for each stretch without a hole.

        Bars that are not newer than the last one are passed over: a bar is given once.
        """
        bars = self._newer(bars)
        if len(bars) == 1:
            # Live it is one bar, and this a third of the work.
            if self._newest is not None and self._missing(self._newest, bars.open_ts.item(0)):
                self._begin = self._end
            self._write(bars, 0, 1)
            yield self.last(self._context + 1, 1)
            return
        starts = [0, *self._holes(bars.open_ts)]
        for start, stop in zip(starts, [*starts[1:], len(bars)], strict=True):
            if start == stop:
                continue
            if start or (self._newest is not None and self._missing(self._newest, int(bars.open_ts[0]))):
                self._begin = self._end
            self._write(bars, start, stop)
            yield self.last(self._context + stop - start, stop - start)

    def _newer(self, bars: Bars) -> Bars:
        if self._newest is None or not len(bars) or bars.open_ts[0] > self._newest:
            return bars
        first = int(bars.open_ts.searchsorted(self._newest, side="right"))
        return bars.rows(first, len(bars), len(bars) - first)

    def _holes(self, open_ts: Stamps) -> list[int]:
        """Rows before which slots are missing that the market was open for."""
        if len(open_ts) < 2:
            return []
        steps = np.flatnonzero(np.diff(open_ts) != self._tf) + 1
        return [int(row) for row in steps if self._missing(int(open_ts[row - 1]), int(open_ts[row]))]

    def _missing(self, before: int, after: int) -> bool:
        return after - before != self._tf and not self._calendar.holes_closed(before, after, self._tf)

    # --- bars of before ----------------------------------------------------------------------------------------------

    def knows(self, open_ts: Stamps) -> Flags:
        """Which of these slots it has a bar of."""
        return np.isin(open_ts, self._stamps())

    def changed(self, bars: Bars) -> Flags:
        """Which of these bars are known and have other prices or another volume."""
        rows = np.searchsorted(self._stamps(), bars.open_ts)
        kept, known = self.kept, self.knows(bars.open_ts)
        rows = np.where(known, rows, 0)
        differs = np.zeros(len(bars), np.bool_)
        for name in PRICES:
            differs |= getattr(kept, name)[rows] != getattr(bars, name)
        return differs & known

    def mend(self, bars: Bars) -> bool:
        """Put bars into the holes they fit in; whether any did. A bar that is known stays as it is."""
        if self._newest is None or not len(bars):
            return False
        fills = (bars.open_ts < self._newest) & ~self.knows(bars.open_ts)
        if not fills.any():
            return False
        order = np.argsort(np.concatenate((self._stamps(), bars.open_ts[fills])), kind="stable")
        self._adopt(
            {
                name: np.concatenate((column[self._first : self._end], getattr(bars, name)[fills]))[order]
                for name, column in self._columns.items()
            }
        )
        return True

    def revise(self, bars: Bars) -> Bars | None:
        """Let bars that are known be what the venue now says they are.

        Those from the first that changed on, with their context; None when none is another than it was, or only some
        from before the last hole.
        """
        differs = self.changed(bars)
        if not differs.any():
            return None
        changed = np.searchsorted(self._stamps(), bars.open_ts[differs])
        after = self._end - self._first - int(changed[0])
        copies = {name: column[self._first : self._end].copy() for name, column in self._columns.items()}
        for name in PRICES:
            copies[name][changed] = getattr(bars, name)[differs]
        copies["closed_by"][changed] = VENUE
        revision: Counts = copies["revision"]  # type: ignore[assignment]  # an int32 column
        revision[changed] += 1
        self._adopt(copies)
        return self.last(self._context + after, after) if after <= len(self) else None

    def _adopt(self, columns: Store) -> None:
        """Go on with these rows as all that is known."""
        holes = self._holes(columns["open_ts"])  # type: ignore[arg-type]  # an int64 column
        self._first, self._begin, self._end = 0, holes[-1] if holes else 0, len(columns["open_ts"])
        self._columns, self._size = columns, self._end

    # --- the store ---------------------------------------------------------------------------------------------------

    def _stamps(self) -> Stamps:
        if self._newest is None:
            return np.zeros(0, np.int64)
        return self._columns["open_ts"][self._first : self._end]  # type: ignore[return-value]  # an int64 column

    def _rows(self, start: int, stop: int, fresh: int) -> Bars:
        if not self._columns:
            self._move(0)
        return Bars(self._product, self._tf, *(column[start:stop] for column in self._columns.values()), fresh=fresh)  # type: ignore[arg-type]  # by BAR_COLUMNS

    def _write(self, bars: Bars, start: int, stop: int) -> None:
        if self._end + stop - start > self._size:
            self._move(stop - start)
        if stop - start == 1:
            for name, column in self._columns.items():
                column[self._end] = getattr(bars, name)[start]
            self._end += 1
        else:
            into = slice(self._end, self._end + stop - start)
            for name, column in self._columns.items():
                column[into] = getattr(bars, name)[start:stop]
            self._end = into.stop
        self._newest = bars.open_ts.item(stop - 1)

    def _move(self, rows: int) -> None:
        """Go on in a new store, with the context that later bars need."""
        kept = min(self._end - self._first, self._context)
        unbroken = min(len(self), kept)
        self._size = kept + 2 * rows + ROOM
        old = self._columns
        self._columns = {name: np.empty(self._size, KINDS.get(name, np.float64)) for name in BAR_COLUMNS}
        for name, column in old.items():
            self._columns[name][:kept] = column[self._end - kept : self._end]
        self._first, self._begin, self._end = 0, kept - unbroken, kept
