"""What a guard knows as of any moment not long past: series of values, each in force until the next."""

from collections import deque

import numpy as np

from pipeline.values import Floats, Payouts, Quotes, Stamps


class Series:
    """Columns of values from each moment on until the next. What is told later replaces what was foretold."""

    def __init__(self, columns: int) -> None:
        self._ts = np.zeros(0, np.int64)
        self._columns: tuple[Floats, ...] = tuple(np.zeros(0) for _ in range(columns))

    def extend(self, ts: Stamps, *columns: Floats) -> None:
        """Later rows; of those known, only the one in force until they begin is kept."""
        if not len(ts):
            return
        kept = max(0, int(self._ts.searchsorted(int(ts[0]))) - 1)
        self._ts = np.concatenate((self._ts[kept : kept + 1], ts))
        self._columns = tuple(
            np.concatenate((old[kept : kept + 1], new)) for old, new in zip(self._columns, columns, strict=True)
        )

    def at(self, moment: int) -> tuple[float, ...]:
        """The row in force; nothing before the first."""
        row = int(self._ts.searchsorted(moment, side="right")) - 1
        return tuple(float(column[row]) for column in self._columns) if row >= 0 else ()

    @property
    def first(self) -> tuple[float, ...]:
        """The earliest row known."""
        return tuple(float(column[0]) for column in self._columns) if len(self._ts) else ()


class PayoutSeries:
    """One product's payout."""

    def __init__(self) -> None:
        self._series = Series(1)

    def extend(self, payouts: Payouts) -> None:
        self._series.extend(payouts.ts, payouts.ratio)

    def at(self, moment: int) -> float:
        return next(iter(self._series.at(moment)), float("nan"))


class LastQuote:
    """The stamp of one product's last quote, when quotes may be given ahead of their time."""

    def __init__(self) -> None:
        self._blocks: deque[Quotes] = deque()

    def extend(self, quotes: Quotes, now: int) -> None:
        """Later quotes, at a moment before which nothing will be asked."""
        self._blocks.append(quotes)
        while len(self._blocks) > 1 and int(self._blocks[1].received[0]) <= now:
            self._blocks.popleft()

    def stamp(self, moment: int) -> int | None:
        for quotes in reversed(self._blocks):
            row = int(quotes.received.searchsorted(moment, side="right")) - 1
            if row >= 0:
                return int(quotes.ts[row])
        return None
