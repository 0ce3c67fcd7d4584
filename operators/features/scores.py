"""Scores: where a value stands among its own of late."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from typing import Annotated, Any, ClassVar

import numpy as np
import tulipy
from msgspec import Meta
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.parts import Column, Group, Memory, feature
from pipeline.rolling import WILDER, led, ratio, still
from pipeline.stretch import Stretch
from pipeline.values import Floats

ti: Any = tulipy

Period = Annotated[int, Meta(ge=2, le=1000, description="how many bars")]
Smoothing = Annotated[int, Meta(ge=1, le=1000, description="over how many bars it is smoothed")]


@feature
class Zscore:
    """Z-score: how many standard deviations (of the whole, not a sample) a value is from the mean of the last bars.

    Of values that do not move there is no answer.
    """

    period: Period = 20
    price: Column = "close"

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period - 1

    def __call__(self, rows: Stretch) -> Floats:
        if len(rows) < self.period:
            return np.full(len(rows), np.nan)
        values = rows[self.price]
        # Squares of moves keep the digits that squares of prices would lose.
        moved = values - values[0]
        apart = moved[self.period - 1 :] - ti.sma(moved, self.period)
        made = ratio(apart, np.maximum(ti.stddev(moved, self.period), 0.0), np.nan)
        flat = still(values, self.period)
        if flat is not None:
            made[flat] = np.nan
        return led(made, self.period - 1)


@feature
class AtrPercentile:
    """The share of the last `period` bars whose average true range was not above that of this bar, in (0, 1].

    Once warm it always has an answer.
    """

    atr: Annotated[int, Meta(ge=1, le=1000, description="bars of the average true range")] = 14
    period: Annotated[int, Meta(ge=2, le=500, description="among how many bars it stands")] = 100

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "fading"

    def warmup(self) -> int:
        return WILDER * self.atr + self.period - 1

    def __call__(self, rows: Stretch) -> Floats:
        missing = self.atr + self.period - 2
        if len(rows) <= missing:
            return np.full(len(rows), np.nan)
        atr = ti.atr(rows.high, rows.low, rows.close, self.atr)
        lately = sliding_window_view(atr, self.period)
        not_above = np.count_nonzero(lately <= atr[self.period - 1 :, None], axis=1)
        return led(not_above / self.period, missing)


@feature
class StochRsi:
    """Stochastic RSI: where the RSI stands in its range of the last bars, in [0, 100], smoothed, and the mean of that.

    The RSI of a price that does not move is 50, and one within no range counts 50.
    """

    rsi: Period = 14
    period: Period = 14
    k: Smoothing = 3
    d: Smoothing = 3
    price: Column = "close"

    outputs: ClassVar[tuple[str, ...]] = ("k", "d")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "fading"

    def warmup(self) -> int:
        return WILDER * self.rsi + self.period + self.k + self.d - 3

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        missing = self.rsi + self.period + self.k + self.d - 3
        if len(rows) <= missing:
            return (np.full(len(rows), np.nan),) * 2
        rsi = ti.rsi(rows[self.price], self.rsi)
        rsi[np.isnan(rsi)] = 50.0
        lowest = ti.min(rsi, self.period)
        raw = ratio(100 * (rsi[self.period - 1 :] - lowest), ti.max(rsi, self.period) - lowest, 50.0)
        k = ti.sma(raw, self.k)
        return led(k[self.d - 1 :], missing), led(ti.sma(k, self.d), missing)
