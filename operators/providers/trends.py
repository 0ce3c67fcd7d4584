"""Trends: going with a market that goes somewhere."""

from typing import ClassVar

import numpy as np

from pipeline.parts import Column, provider
from pipeline.scoring import Adx, Atrs, Presets, share, spoken
from pipeline.values import Columns, Floats


@provider
class SupertrendAdx:
    """Goes the way the supertrend points while the ADX is above `adx_min`.

    The strength is how far the ADX is above it by 30, and a tenth for each average true range between close and stop.
    """

    line: Column = "supertrend(period=10, width=3.0).line"
    direction: Column = "supertrend(period=10, width=3.0).direction"
    adx: Column = "adx(period=14)"
    atr: Column = "atr(period=14)"
    adx_min: Adx = 20.0

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {
        25: {"adx_min": 18.0},
        26: {"adx_min": 20.0},
        27: {"adx_min": 22.0},
        28: {"adx_min": 24.0},
        29: {"adx_min": 26.0},
        30: {"adx_min": 28.0},
    }

    def __call__(self, columns: Columns) -> Floats:
        way, above = columns[self.direction], columns[self.adx] - self.adx_min
        away = share(np.abs(columns["close"] - columns[self.line]), columns[self.atr])
        return spoken((way > 0) & (above > 0), (way < 0) & (above > 0), above / 30 + 0.1 * away)


@provider
class TripleAverage:
    """Goes up while a fast average is above a medium one and that above a slow one, down in the mirror case.

    The strength is the smaller of the two distances: 1 when it is `full_distance`.
    """

    fast: Column = "sma(period=5)"
    medium: Column = "sma(period=20)"
    slow: Column = "sma(period=50)"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 2.0

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {
        34: {},
        901: {"fast": "ema(period=9)", "medium": "ema(period=21)", "slow": "ema(period=55)"},
    }

    def __call__(self, columns: Columns) -> Floats:
        medium = columns[self.medium]
        upper, lower = columns[self.fast] - medium, medium - columns[self.slow]
        least = np.minimum(np.abs(upper), np.abs(lower))
        strength = share(least, columns[self.atr] * self.full_distance)
        return spoken((upper > 0) & (lower > 0), (upper < 0) & (lower < 0), strength)


@provider
class IchimokuTrend:
    """Goes up while the close is above the cloud and the conversion line above the base line, down in the mirror case.

    The strength is how far the close is from the cloud: 1 at `full_distance`.
    """

    conversion: Column = "ichimoku(fast=9, medium=26, slow=52, shift=26).conversion"
    base: Column = "ichimoku(fast=9, medium=26, slow=52, shift=26).base"
    span_a: Column = "ichimoku(fast=9, medium=26, slow=52, shift=26).span_a"
    span_b: Column = "ichimoku(fast=9, medium=26, slow=52, shift=26).span_b"
    atr: Column = "atr(period=14)"
    full_distance: Atrs = 6.0

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {911: {}}

    def __call__(self, columns: Columns) -> Floats:
        close, one, other = columns["close"], columns[self.span_a], columns[self.span_b]
        apart = columns[self.conversion] - columns[self.base]
        over, under = close - np.maximum(one, other), np.minimum(one, other) - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken((over > 0) & (apart > 0), (under > 0) & (apart < 0), strength)


@provider
class SlopeTrend:
    """Goes the way a straight line through the last closes slopes, from `least` average true ranges a bar on.

    The strength is the slope: 1 at four times the least.
    """

    slope: Column = "linregslope(period=14)"
    atr: Column = "atr(period=14)"
    least: Atrs = 0.1

    lookback = 0
    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {921: {}, 922: {"slope": "linregslope(period=30)", "least": 0.08}}

    def __call__(self, columns: Columns) -> Floats:
        steep = share(columns[self.slope], columns[self.atr] * self.least)
        return spoken(steep >= 1, steep <= -1, np.abs(steep) / 4)
