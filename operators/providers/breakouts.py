"""Breakouts: going with a close beyond a price that had held."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, before, lowest, share, spoken
from pipeline.values import Columns, Floats


@provider
class DonchianBreak:
    """Goes with a close beyond the highest high or the lowest low of the bars before it.

    The strength is how far beyond it is: 1 at `full_distance`.
    """

    lower: Column = "donchian(period=20).lower"
    upper: Column = "donchian(period=20).upper"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 1
    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {
        201: {},
        202: {"lower": "donchian(period=55).lower", "upper": "donchian(period=55).upper"},
    }

    def __call__(self, columns: Columns) -> Floats:
        close = columns["close"]
        over, under = close - before(columns[self.upper]), before(columns[self.lower]) - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken(over > 0, under > 0, strength)


@provider
class NarrowBreak:
    """Goes with a close beyond the bar before when that had the narrowest range of `bars` bars.

    The strength is how far beyond it is: 1 at `full_distance`.
    """

    atr: Column = "atr(period=14)"
    bars: Annotated[int, Meta(ge=2, le=100, description="among how many bars it is the narrowest")] = 7
    full_distance: Atrs = 1.0

    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {231: {}, 232: {"bars": 4}}

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        high, low, close = columns["high"], columns["low"], columns["close"]
        spread = high - low
        narrow = before(spread) <= before(lowest(spread, self.bars))
        over, under = close - before(high), before(low) - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken(narrow & (over > 0), narrow & (under > 0), strength)


@provider
class PivotBreak:
    """Goes with the close that passes the first pivot level above or below yesterday's pivot.

    The strength is how far beyond the level it is: 1 at `full_distance`.
    """

    resistance: Column = "pivots().r1"
    support: Column = "pivots().s1"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 1
    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {241: {}, 242: {"resistance": "pivots().r2", "support": "pivots().s2"}}

    def __call__(self, columns: Columns) -> Floats:
        close, resistance, support = columns["close"], columns[self.resistance], columns[self.support]
        earlier = before(close)
        over, under = close - resistance, support - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken((earlier <= resistance) & (over > 0), (earlier >= support) & (under > 0), strength)


@provider
class PivotBounce:
    """Goes back from a pivot level that the bar touched and did not close beyond.

    The bar must have opened and closed on the side from which it came, and close away from the level. The strength is
    how far away from it: 1 at `full_distance`.
    """

    resistance: Column = "pivots().r1"
    support: Column = "pivots().s1"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 0
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {181: {}, 182: {"resistance": "pivots().r2", "support": "pivots().s2"}}

    def __call__(self, columns: Columns) -> Floats:
        opened, close = columns["open"], columns["close"]
        resistance, support = columns[self.resistance], columns[self.support]
        up = (columns["low"] <= support) & (opened > support) & (close > support)
        down = (columns["high"] >= resistance) & (opened < resistance) & (close < resistance)
        away = np.where(up, close - support, resistance - close)
        strength = share(away, columns[self.atr] * self.full_distance)
        return spoken(up, down, strength)
