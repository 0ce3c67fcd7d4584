"""Stretches: a price that went far and fast is expected back."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, before, held, share, spoken
from pipeline.values import Columns, Floats


@provider
class LineStretch:
    """Goes back to a line (an average, the VWAP) with the first close towards it from `stretch` average ranges away.

    The strength is how far the close before was beyond the stretch: 1 at as much again.
    """

    line: Column = "ema(period=50)"
    atr: Column = "atr(period=14)"
    stretch: Atrs = 2.5

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {171: {}, 172: {"line": "vwap()", "stretch": 3.0}}

    def __call__(self, columns: Columns) -> Floats:
        close = columns["close"]
        away = before(share(close - columns[self.line], columns[self.atr]))
        moved = close - before(close)
        up, down = (away <= -self.stretch) & (moved > 0), (away >= self.stretch) & (moved < 0)
        return spoken(up, down, np.abs(away) / self.stretch - 1)


@provider
class StreakFade:
    """Goes against `bars` closes in a row one way.

    The strength is how far these went together: 1 when that is one average true range for each bar.
    """

    atr: Column = "atr(period=14)"
    bars: Annotated[int, Meta(ge=2, le=50, description="how many closes in a row")] = 5

    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {191: {}, 192: {"bars": 7}}

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        close = columns["close"]
        moved = close - before(close)
        went = np.abs(close - before(close, self.bars))
        return spoken(
            held(moved < 0, self.bars), held(moved > 0, self.bars), share(went, columns[self.atr] * self.bars)
        )


@provider
class QuietFade:
    """Goes against a close far from its mean while the market is quiet.

    It is quiet while the percentile of the average true range is at most `quiet`, and far from `limit` standard
    deviations on. The strength is how far beyond the limit it is: 1 at one more standard deviation.
    """

    zscore: Column = "zscore(period=20)"
    percentile: Column = "atr_percentile(atr=14, period=100)"
    quiet: Annotated[float, Meta(gt=0, le=1, description="the highest percentile of a quiet market")] = 0.3
    limit: Annotated[float, Meta(gt=0, description="in standard deviations")] = 1.5

    lookback = 0
    family: ClassVar[str] = "volatility"
    catalogue: ClassVar[Presets] = {411: {}, 412: {"quiet": 0.2, "limit": 2.0}}

    def __call__(self, columns: Columns) -> Floats:
        zscore, quiet = columns[self.zscore], columns[self.percentile] <= self.quiet
        up, down = quiet & (zscore <= -self.limit), quiet & (zscore >= self.limit)
        return spoken(up, down, np.abs(zscore) - self.limit)
