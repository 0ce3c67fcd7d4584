"""States: the regime a market is in, told from other features as small whole numbers."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, Group, Memory, feature
from pipeline.rolling import folded, led, ratio
from pipeline.stretch import Stretch
from pipeline.values import Floats


@feature
class TrendState:
    """Trend: 1 while the fast average is above the slow one and that is strong enough, -1 in the mirror case, else 0.

    Without `adx` every trend is strong enough. It has no answer where one of its columns has none.
    """

    fast: Column
    slow: Column
    adx: Column | None = None
    adx_min: Annotated[float, Meta(ge=0, le=100, description="from which on a trend counts")] = 20.0

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "states"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        way = np.sign(rows[self.fast] - rows[self.slow])
        return way if self.adx is None else way * (rows[self.adx] >= self.adx_min)


@feature
class VolatilityState:
    """Volatility: -1 while a measure of it is under `low`, 1 while it is over `high`, else 0.

    The bounds are made for `atr_percentile`. It has no answer where its column has none.
    """

    of: Column
    low: float = 0.25
    high: float = 0.75

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "states"
    memory: ClassVar[Memory] = "window"

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low is {self.low}, more than high, which is {self.high}; exchange them")

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        level = rows[self.of]
        return (level > self.high).astype(np.float64) - (level < self.low)


@feature
class RangeState:
    """Range: 1 while the price gets nowhere: its way over `period` bars is under `share` of all its moves; else 0.

    A price that does not move gets nowhere.
    """

    period: Annotated[int, Meta(ge=2, le=1000, description="how many bars")] = 20
    share: Annotated[float, Meta(gt=0, lt=1, description="of all moves")] = 0.25
    price: Column = "close"

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "states"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period

    def __call__(self, rows: Stretch) -> Floats:
        price = rows[self.price]
        if len(price) <= self.period:
            return np.full(len(price), np.nan)
        walked = np.cumsum(np.abs(np.diff(price, prepend=price[:1])))
        way = np.abs(price[self.period :] - price[: -self.period])
        nowhere = ratio(way, walked[self.period :] - walked[: -self.period], 0.0) < self.share
        return led(nowhere.astype(np.float64), self.period)


@feature
class BreakoutState:
    """Breakout: 1 while the close is above all highs of `period` bars before, -1 while it is under all lows, else 0.

    Once warm it always has an answer.
    """

    period: Annotated[int, Meta(ge=1, le=1000, description="how many bars before")] = 20

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "states"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period

    def __call__(self, rows: Stretch) -> Floats:
        if len(rows) <= self.period:
            return np.full(len(rows), np.nan)
        close = rows.close[self.period :]
        highest = folded(np.maximum, rows.high, self.period)[:-1]
        lowest = folded(np.minimum, rows.low, self.period)[:-1]
        return led((close > highest).astype(np.float64) - (close < lowest), self.period)
