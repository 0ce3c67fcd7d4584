"""Entries into a trend: the bar on which it begins, begins again, or is confirmed."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, crossed, held, share, spoken
from pipeline.values import Columns, Floats


@provider
class Pullback:
    """Goes with a trend on the bar that dips to the fast average and closes beyond it, in the direction of the trend.

    The trend is up while the fast average is above the slow one. The strength is how far the close came away from the
    fast average: 1 at `full_distance`.
    """

    fast: Column = "ema(period=20)"
    slow: Column = "ema(period=50)"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {931: {}, 932: {"fast": "ema(period=9)", "slow": "ema(period=21)"}}

    def __call__(self, columns: Columns) -> Floats:
        fast, slow = columns[self.fast], columns[self.slow]
        opened, close = columns["open"], columns["close"]
        up = (fast > slow) & (columns["low"] <= fast) & (close > fast) & (close > opened)
        down = (fast < slow) & (columns["high"] >= fast) & (close < fast) & (close < opened)
        return spoken(up, down, share(np.abs(close - fast), columns[self.atr] * self.full_distance))


@provider
class PsarTurn:
    """Goes the new way on the bar on which the price passes the parabolic stop, which turns round.

    The strength is how far the close is from the new stop: 1 at `full_distance`.
    """

    stop: Column = "psar(step=0.02, maximum=0.2)"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 5.0

    lookback = 1
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {941: {}, 942: {"stop": "psar(step=0.01, maximum=0.1)"}}

    def __call__(self, columns: Columns) -> Floats:
        apart = columns["close"] - columns[self.stop]
        return spoken(*crossed(apart), share(np.abs(apart), columns[self.atr] * self.full_distance))


@provider
class HeikinAshiRun:
    """Goes with `bars` Heikin-Ashi bars of one colour in a row when the last of them has no wick against them.

    The strength is the body of the last one: 1 at `full_body`.
    """

    opened: Column = "heikin_ashi().open"
    high: Column = "heikin_ashi().high"
    low: Column = "heikin_ashi().low"
    closed: Column = "heikin_ashi().close"
    atr: Column = "atr(period=14)"
    bars: Annotated[int, Meta(ge=1, le=20, description="how many bars in a row")] = 3
    full_body: Atrs = 1.5

    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {951: {}, 952: {"bars": 5}}

    @property
    def lookback(self) -> int:
        return self.bars - 1

    def __call__(self, columns: Columns) -> Floats:
        opened = columns[self.opened]
        body = columns[self.closed] - opened
        up = held(body > 0, self.bars) & (columns[self.low] >= opened)
        down = held(body < 0, self.bars) & (columns[self.high] <= opened)
        return spoken(up, down, share(np.abs(body), columns[self.atr] * self.full_body))
