"""Two timeframes: a bar's own view, and that of longer bars."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, before, crossed, returned, share, spoken
from pipeline.values import Columns, Floats


def _longer(fast: int, slow: int, timeframe: str) -> dict[str, object]:
    return {
        "longer_fast": f"higher(of=ema(period={fast}), timeframe='{timeframe}')",
        "longer_slow": f"higher(of=ema(period={slow}), timeframe='{timeframe}')",
    }


@provider
class TimeframeTrend:
    """Goes with a trend that two averages show on the bars themselves and on longer bars alike.

    The strength is how far the averages of the bars themselves are apart: 1 at `full_distance`.
    """

    fast: Column = "ema(period=9)"
    slow: Column = "ema(period=21)"
    longer_fast: Column = "higher(of=ema(period=9), timeframe='15m')"
    longer_slow: Column = "higher(of=ema(period=21), timeframe='15m')"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.5

    lookback = 0
    family: ClassVar[str] = "timeframe"
    catalogue: ClassVar[Presets] = {801: {}, 802: _longer(9, 21, "5m"), 803: _longer(9, 21, "1h")}

    def __call__(self, columns: Columns) -> Floats:
        apart, longer = columns[self.fast] - columns[self.slow], columns[self.longer_fast] - columns[self.longer_slow]
        strength = share(np.abs(apart), columns[self.atr] * self.full_distance)
        return spoken((apart > 0) & (longer > 0), (apart < 0) & (longer < 0), strength)


@provider
class TimeframeEntry:
    """Goes with the cross of two averages in the direction of the trend that longer bars show.

    The strength is how far the averages came apart on this bar: 1 at `full_step`.
    """

    fast: Column = "ema(period=9)"
    slow: Column = "ema(period=21)"
    longer_fast: Column = "higher(of=ema(period=9), timeframe='15m')"
    longer_slow: Column = "higher(of=ema(period=21), timeframe='15m')"
    atr: Column = "atr(period=14)"
    full_step: Atrs = 0.3

    lookback = 1
    family: ClassVar[str] = "timeframe"
    catalogue: ClassVar[Presets] = {811: {}, 812: _longer(9, 21, "5m"), 813: _longer(9, 21, "1h")}

    def __call__(self, columns: Columns) -> Floats:
        apart, longer = columns[self.fast] - columns[self.slow], columns[self.longer_fast] - columns[self.longer_slow]
        up, down = crossed(apart)
        strength = share(np.abs(apart - before(apart)), columns[self.atr] * self.full_step)
        return spoken(up & (longer > 0), down & (longer < 0), strength)


@provider
class TimeframePullback:
    """Goes with the trend of longer bars when the RSI of the bars themselves comes back from the other side.

    It comes back up over `dip`, or down under its mirror (100 less it). The strength is how far it came back on this
    bar: 1 at a quarter of its scale.
    """

    rsi: Column = "rsi(period=7)"
    longer_fast: Column = "higher(of=ema(period=9), timeframe='15m')"
    longer_slow: Column = "higher(of=ema(period=21), timeframe='15m')"
    dip: Annotated[float, Meta(gt=0, lt=50, description="where it was on the other side")] = 35.0

    lookback = 1
    family: ClassVar[str] = "timeframe"
    catalogue: ClassVar[Presets] = {821: {}, 822: _longer(9, 21, "5m"), 823: _longer(9, 21, "1h")}

    def __call__(self, columns: Columns) -> Floats:
        place, longer = columns[self.rsi] - 50, columns[self.longer_fast] - columns[self.longer_slow]
        up, down = returned(place, 50 - self.dip)
        return spoken(up & (longer > 0), down & (longer < 0), np.abs(place - before(place)) / 25)


@provider
class TimeframeBreak:
    """Goes with the close that passes the highest high or the lowest low of the last longer bars.

    The strength is how far beyond it is: 1 at `full_distance`.
    """

    lower: Column = "higher(of=donchian(period=8).lower, timeframe='15m')"
    upper: Column = "higher(of=donchian(period=8).upper, timeframe='15m')"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 1
    family: ClassVar[str] = "timeframe"
    catalogue: ClassVar[Presets] = {
        831: {},
        832: {
            "lower": "higher(of=donchian(period=4).lower, timeframe='1h')",
            "upper": "higher(of=donchian(period=4).upper, timeframe='1h')",
        },
    }

    def __call__(self, columns: Columns) -> Floats:
        close = columns["close"]
        earlier = before(close)
        # As they stood before this bar, which may itself be the last of a longer one.
        lower, upper = before(columns[self.lower]), before(columns[self.upper])
        over, under = close - upper, lower - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken((over > 0) & (earlier <= upper), (under > 0) & (earlier >= lower), strength)
