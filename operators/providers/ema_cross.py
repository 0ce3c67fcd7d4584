"""A cross of two averages, in the direction of the cross."""

from typing import Annotated

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.values import Columns, Floats


@provider
class EmaCross:
    """Votes on the bar where the fast average crosses the slow one, in the direction of the cross.

    With `filter` set, a cross up counts only while that column is at or above `filter_level`, a cross down only while
    it is at or below its mirror (100 − level, made for RSI). The strength grows with the angle of the cross: a
    distance between the averages of `full_distance` of the price is 1.
    """

    fast: Column
    slow: Column
    filter: Column | None = None
    filter_level: Annotated[float, Meta(ge=0, le=100)] = 50.0
    full_distance: Annotated[float, Meta(gt=0)] = 0.0001

    lookback = 1

    def __call__(self, columns: Columns) -> Floats:
        apart = columns[self.fast] - columns[self.slow]
        before = np.empty(len(apart))
        before[:1], before[1:] = np.nan, apart[:-1]
        up = (before <= 0) & (apart > 0)
        down = (before >= 0) & (apart < 0)
        if self.filter is not None:
            level = columns[self.filter]
            up &= level >= self.filter_level
            down &= level <= 100 - self.filter_level
        moved = np.abs(apart - before) / (self.full_distance * columns["close"])
        strength = np.clip(moved, 0.1, 1.0)
        return np.where(up, strength, np.where(down, -strength, np.nan))
