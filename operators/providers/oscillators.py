"""Oscillators at their ends: going against a market that is stretched, or back with one that was."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Extreme, Presets, before, crossed, highest, lowest, returned, share, spoken
from pipeline.values import Columns, Floats

Bars = Annotated[int, Meta(ge=1, le=100, description="how many bars")]


@provider
class RsiReturn:
    """Goes back with an RSI that comes out of one of its ends: up over 100 less `extreme`, or down under `extreme`.

    The strength is how far into the end it was on one of the `bars` bars before.
    """

    rsi: Column = "rsi(period=14)"
    extreme: Extreme = 70.0
    bars: Bars = 3

    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {104: {}, 105: {"rsi": "rsi(period=7)", "extreme": 80.0}}

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        rsi = columns[self.rsi] - 50
        limit, earlier = self.extreme - 50, before(rsi)
        up, down = returned(rsi, limit)
        deepest = np.where(up, -lowest(earlier, self.bars), highest(earlier, self.bars))
        return spoken(up, down, (deepest - limit) / (50 - limit))


@provider
class StochReversal:
    """Goes with the stochastic's first line when it crosses the second at one of the ends.

    The strength is how far in the end the first line was on the bar before.
    """

    k: Column = "stoch(k=14, smooth=3, d=3).k"
    d: Column = "stoch(k=14, smooth=3, d=3).d"
    extreme: Extreme = 80.0

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {
        121: {},
        122: {"k": "stoch(k=5, smooth=3, d=3).k", "d": "stoch(k=5, smooth=3, d=3).d"},
        123: {"k": "stoch_rsi(rsi=14, period=14, k=3, d=3).k", "d": "stoch_rsi(rsi=14, period=14, k=3, d=3).d"},
    }

    def __call__(self, columns: Columns) -> Floats:
        k = columns[self.k]
        apart = k - columns[self.d]
        # Lines that both lie at an end of the scale differ by rounding only.
        up, down = crossed(np.where(np.abs(apart) < 1e-6, 0.0, apart))
        inside = before(k) - 50
        limit = self.extreme - 50
        depth = (np.abs(inside) - limit) / (100 - self.extreme)
        return spoken(up & (inside <= -limit), down & (inside >= limit), depth)


@provider
class WillrReversal:
    """Goes back with Williams' %R when it comes out of one of its ends with a bar that closes that way.

    The ends are as wide as `end`. The strength is how far the bar's body goes: 1 at `full_body` average true ranges.
    """

    willr: Column = "willr(period=14)"
    atr: Column = "atr(period=14)"
    end: Annotated[float, Meta(gt=0, lt=50, description="how wide an end is, on the scale of 100")] = 10.0
    full_body: Atrs = 1.0

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {151: {}, 152: {"willr": "willr(period=28)", "end": 5.0}}

    def __call__(self, columns: Columns) -> Floats:
        up, down = returned(columns[self.willr] + 50, 50 - self.end)
        body = columns["close"] - columns["open"]
        return spoken(up & (body > 0), down & (body < 0), share(np.abs(body), columns[self.atr] * self.full_body))


@provider
class CciReturn:
    """Goes back with a CCI that comes inside `limit` or its mirror after having been beyond it.

    The strength is how far it came back on this bar: 1 when that is the limit.
    """

    cci: Column = "cci(period=20)"
    limit: Annotated[float, Meta(gt=0, description="beyond it and its mirror (less than 0) is an end")] = 100.0

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {141: {}, 142: {"limit": 200.0}}

    def __call__(self, columns: Columns) -> Floats:
        cci = columns[self.cci]
        up, down = returned(cci, self.limit)
        return spoken(up, down, np.abs(cci - before(cci)) / self.limit)


@provider
class ZscoreReversal:
    """Goes against a close that is at least `limit` standard deviations from its mean.

    The strength is how far beyond the limit it is: 1 at one more standard deviation.
    """

    zscore: Column = "zscore(period=20)"
    limit: Annotated[float, Meta(gt=0, description="in standard deviations")] = 2.0

    lookback = 0
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {131: {}, 132: {"zscore": "zscore(period=50)", "limit": 2.5}}

    def __call__(self, columns: Columns) -> Floats:
        zscore = columns[self.zscore]
        return spoken(zscore <= -self.limit, zscore >= self.limit, np.abs(zscore) - self.limit)


@provider
class FisherTurn:
    """Goes with the Fisher transform when it turns beyond `limit`: it crosses its value of the bar before.

    The strength is how far beyond the limit it was: 1 when as much again.
    """

    line: Column = "fisher(period=9).line"
    signal: Column = "fisher(period=9).signal"
    limit: Annotated[float, Meta(gt=0, description="beyond it and its mirror (less than 0) is an end")] = 1.5

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {161: {}, 162: {"limit": 2.0}}

    def __call__(self, columns: Columns) -> Floats:
        line = columns[self.line]
        up, down = crossed(line - columns[self.signal])
        earlier = before(line)
        depth = np.abs(earlier) / self.limit - 1
        return spoken(up & (earlier <= -self.limit), down & (earlier >= self.limit), depth)
