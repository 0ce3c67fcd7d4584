"""A trend that two averages and the RSI agree on."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Presets
from pipeline.values import Columns, Floats


@provider
class EmaTrend:
    """Votes with a trend: up while the fast average is above the slow one and the RSI above `above`, down in the
    mirror case.

    The strength is 0.7 × how far the RSI is from 50, and 0.3 when the averages are `full_distance` of the price apart.
    """

    fast: Column = "ema(period=20)"
    slow: Column = "ema(period=50)"
    rsi: Column = "rsi(period=14)"
    above: Annotated[
        float,
        Meta(ge=50, lt=100, description="the RSI of a trend up; its mirror (100 less it) is that of a trend down"),
    ] = 55.0
    full_distance: Annotated[float, Meta(gt=0, description="of the price")] = 0.001

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {
        5: {},
        6: {"above": 60.0},
        7: {"above": 52.0},
        8: {"fast": "ema(period=9)", "slow": "ema(period=21)"},
        9: {"fast": "ema(period=12)", "slow": "ema(period=26)", "rsi": "rsi(period=9)"},
        10: {"fast": "ema(period=50)", "slow": "ema(period=100)"},
    }

    def __call__(self, columns: Columns) -> Floats:
        apart = (columns[self.fast] - columns[self.slow]) / columns["close"]
        rsi = columns[self.rsi]
        strength = 0.7 * np.abs(rsi - 50) / 50 + 0.3 * np.clip(np.abs(apart) / self.full_distance, 0, 1)
        up = (apart > 0) & (rsi > self.above)
        down = (apart < 0) & (rsi < 100 - self.above)
        # What is named need not be an RSI.
        strength = np.minimum(strength, 1.0)
        return np.where(up, strength, np.where(down, -strength, np.nan))
