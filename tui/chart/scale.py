"""Where prices stand on a chart, and at which of them its grid is."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tui.chart.bars import Candle


class Scale(NamedTuple):
    """The prices at the upper and the lower edge."""

    high: float
    low: float

    def row(self, price: float, rows: int) -> int:
        """Which of `rows` equal rows a price lies in, the highest being 0."""
        return min(rows - 1, max(0, int((self.high - price) * rows / (self.high - self.low))))


def fitting(candles: Sequence[Candle], entries: Sequence[float], before: Scale | None) -> Scale:
    """A scale for these candles: the one before while it still fits and is filled, so that a tick moves one row."""
    high = max((*(candle.high for candle in candles), *entries))
    low = min((*(candle.low for candle in candles), *entries))
    pad = (high - low) * 0.04 or abs(high) * 1e-5 or 1e-5
    high, low = high + pad, low - pad
    fits = before is not None and before.low <= low and high <= before.high
    if before is not None and fits and high - low > 0.7 * (before.high - before.low):
        return before
    return Scale(high, low)


def nice_step(span: float, parts: int) -> float:
    """A round number that goes about `parts` times into `span`."""
    raw = span / max(1, parts)
    size = 10.0 ** math.floor(math.log10(raw))
    return size * next(round_ for round_ in (1, 2, 2.5, 5, 10) if raw <= round_ * size * (1 + 1e-9))
