"""A cross of two averages, in the direction of the cross."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Adx, Presets, before, crossed
from pipeline.values import Columns, Floats


@provider
class EmaCross:
    """Votes on the bar where the fast average crosses the slow one, in the direction of the cross.

    With `confirm` it must stay crossed for so many bars, and the last of them is voted on. With `filter` set, a cross
    up counts only while that column is at or above `filter_level`, a cross down only while it is at or below its mirror
    (100 − level, made for RSI); with `adx` set, either only while that column is at least `adx_min`. The strength grows
    with the angle of the cross: 1 when the averages moved `full_distance` of the price against each other.
    """

    fast: Column = "ema(period=9)"
    slow: Column = "ema(period=21)"
    filter: Annotated[Column | None, Meta(description="a column that must agree, such as an RSI")] = None
    filter_level: Annotated[
        float, Meta(ge=0, le=100, description="for a cross up; its mirror (100 less it) for a cross down")
    ] = 50.0
    adx: Annotated[Column | None, Meta(description="a column that says how strong a trend is")] = None
    adx_min: Adx = 20.0
    confirm: Annotated[int, Meta(ge=1, le=10, description="for how many bars it must stay crossed")] = 1
    full_distance: Annotated[float, Meta(gt=0, description="of the price")] = 0.0001

    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {14: {"confirm": 2, "adx": "adx(period=14)", "adx_min": 20.0}}

    @property
    def lookback(self) -> int:
        return self.confirm

    def __call__(self, columns: Columns) -> Floats:
        apart = columns[self.fast] - columns[self.slow]
        up, down = crossed(apart, self.confirm)
        if self.filter is not None:
            level = columns[self.filter]
            up &= level >= self.filter_level
            down &= level <= 100 - self.filter_level
        if self.adx is not None:
            strong = columns[self.adx] >= self.adx_min
            up &= strong
            down &= strong
        moved = np.abs(apart - before(apart, self.confirm)) / (self.full_distance * columns["close"])
        strength = np.clip(moved, 0.1, 1.0)
        return np.where(up, strength, np.where(down, -strength, np.nan))
