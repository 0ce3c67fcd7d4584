"""Volatility: what a market does when it wakes up or is startled."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Presets, before, lately, share, spoken
from pipeline.values import Columns, Floats

Times = Annotated[float, Meta(gt=0, description="times the average true range of the bar before")]
Part = Annotated[float, Meta(gt=0, lt=0.5, description="of the bar's range")]


@provider
class AtrExpansion:
    """Goes with a bar whose true range is at least `factor` average ones when it closes near the end of its range.

    Near is within `near` of the range. The strength is the true range: 1 at twice what it must be.
    """

    tr: Column = "tr()"
    atr: Column = "atr(period=14)"
    factor: Times = 1.8
    near: Part = 0.25

    lookback = 1
    family: ClassVar[str] = "volatility"
    catalogue: ClassVar[Presets] = {401: {}, 402: {"factor": 2.5}}

    def __call__(self, columns: Columns) -> Floats:
        high, low, close = columns["high"], columns["low"], columns["close"]
        large = share(columns[self.tr], before(columns[self.atr]) * self.factor)
        wide, near = large >= 1, (high - low) * self.near
        return spoken(wide & (high - close <= near), wide & (close - low <= near), large / 2)


@provider
class SpikeFade:
    """Goes against a spike: a bar of at least `factor` average true ranges most of which is a wick.

    Most is `wick` of its range. The strength is the wick: 1 when it is all of the range.
    """

    tr: Column = "tr()"
    atr: Column = "atr(period=14)"
    factor: Times = 1.8
    wick: Annotated[float, Meta(gt=0.5, lt=1, description="of the bar's range")] = 0.6

    lookback = 1
    family: ClassVar[str] = "volatility"
    catalogue: ClassVar[Presets] = {421: {}, 422: {"factor": 2.5, "wick": 0.55}}

    def __call__(self, columns: Columns) -> Floats:
        opened, high, low, close = columns["open"], columns["high"], columns["low"], columns["close"]
        large = share(columns[self.tr], before(columns[self.atr])) >= self.factor
        spread = high - low
        upper = share(high - np.maximum(opened, close), spread)
        lower = share(np.minimum(opened, close) - low, spread)
        return spoken(large & (lower >= self.wick), large & (upper >= self.wick), np.maximum(upper, lower))


@provider
class WakingMarket:
    """Goes with the move of the last `bars` bars when volatility wakes up: its percentile comes from low to high.

    It must come to `high` on this bar and have been at most `low` on one of the `bars` bars before. The strength is the
    move: 1 at one average true range for each two bars.
    """

    percentile: Column = "atr_percentile(atr=14, period=100)"
    atr: Column = "atr(period=14)"
    low: Annotated[float, Meta(gt=0, lt=1, description="the percentile it comes from")] = 0.4
    high: Annotated[float, Meta(gt=0, le=1, description="the percentile it comes to")] = 0.8
    bars: Annotated[int, Meta(ge=1, le=100, description="within how many bars")] = 10

    family: ClassVar[str] = "volatility"
    catalogue: ClassVar[Presets] = {431: {}, 432: {"low": 0.25, "high": 0.75, "bars": 20}}

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low}, not less than high, which is {self.high}; exchange them")

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        percentile, close = columns[self.percentile], columns["close"]
        earlier = before(percentile)
        wakes = (percentile >= self.high) & (earlier < self.high) & lately(earlier <= self.low, self.bars)
        moved = close - before(close, self.bars)
        strength = share(np.abs(moved), columns[self.atr] * (self.bars / 2))
        return spoken(wakes & (moved > 0), wakes & (moved < 0), strength)
