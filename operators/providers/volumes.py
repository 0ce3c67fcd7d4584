"""Volume: moves that are traded on, and moves that are not."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Extreme, Presets, before, crossed, highest, lowest, returned, share, spoken
from pipeline.values import Columns, Floats

Rvol = Annotated[float, Meta(gt=0, description="times the usual volume")]


@provider
class VwapReclaim:
    """Goes with the close that passes the VWAP on at least `rvol_min` times the usual volume, up or down.

    With `confirm` it must stay there for so many bars, and the last of them have the volume. The strength is how far
    the close is from the VWAP in average true ranges, and half of what the volume is beyond the usual.
    """

    vwap: Column = "vwap()"
    rvol: Column = "rvol(period=20)"
    atr: Column = "atr(period=14)"
    rvol_min: Rvol = 1.2
    confirm: Annotated[int, Meta(ge=1, le=10, description="for how many bars it must stay there")] = 1

    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {
        15: {"rvol_min": 1.1},
        16: {"rvol_min": 1.15},
        17: {"rvol_min": 1.2},
        18: {"rvol_min": 1.3},
        19: {"rvol_min": 1.5},
        20: {"rvol_min": 1.2, "confirm": 2},
    }

    @property
    def lookback(self) -> int:
        return self.confirm

    def __call__(self, columns: Columns) -> Floats:
        apart, rvol = columns["close"] - columns[self.vwap], columns[self.rvol]
        up, down = crossed(apart, self.confirm)
        traded = rvol >= self.rvol_min
        strength = share(np.abs(apart), columns[self.atr]) + 0.5 * (rvol - 1)
        return spoken(up & traded, down & traded, strength)


@provider
class CmfTrend:
    """Goes with the Chaikin money flow from `least` on while the close is on the same side of an average.

    The strength is the money flow: 1 at `full`.
    """

    cmf: Column = "cmf(period=20)"
    average: Column = "ema(period=20)"
    least: Annotated[float, Meta(gt=0, lt=1, description="from which on the money flow counts")] = 0.1
    full: Annotated[float, Meta(gt=0, le=1, description="the money flow that is full strength")] = 0.4

    lookback = 0
    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {501: {}, 502: {"least": 0.2}}

    def __call__(self, columns: Columns) -> Floats:
        cmf, apart = columns[self.cmf], columns["close"] - columns[self.average]
        return spoken((cmf >= self.least) & (apart > 0), (cmf <= -self.least) & (apart < 0), np.abs(cmf) / self.full)


@provider
class MfiReversal:
    """Goes back with a money flow index that comes out of one of its ends, over 100 less `extreme` or under `extreme`.

    The strength is how far it came back on this bar: 1 when as far as the end is wide.
    """

    mfi: Column = "mfi(period=14)"
    extreme: Extreme = 80.0

    lookback = 1
    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {511: {}, 512: {"mfi": "mfi(period=7)", "extreme": 90.0}}

    def __call__(self, columns: Columns) -> Floats:
        place = columns[self.mfi] - 50
        up, down = returned(place, self.extreme - 50)
        return spoken(up, down, np.abs(place - before(place)) / (100 - self.extreme))


@provider
class ObvSlope:
    """Goes the way the on balance volume slopes while the close slopes the same way.

    The slope of the volume counts in mean volumes a bar, from `least` on. The strength is this slope: 1 at `full`.
    """

    slope: Column = "linregslope(period=14, price=obv())"
    volume: Column = "sma(period=20, price=volume)"
    price_slope: Column = "linregslope(period=14)"
    least: Annotated[float, Meta(gt=0, description="in mean volumes a bar")] = 0.25
    full: Annotated[float, Meta(gt=0, description="in mean volumes a bar")] = 0.8

    lookback = 0
    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {521: {}, 522: {"least": 0.4}}

    def __call__(self, columns: Columns) -> Floats:
        slope, price = share(columns[self.slope], columns[self.volume]), columns[self.price_slope]
        return spoken(
            (slope >= self.least) & (price > 0), (slope <= -self.least) & (price < 0), np.abs(slope) / self.full
        )


@provider
class VolumeThrust:
    """Goes with a bar of at least `rvol_min` times the usual volume whose body is most of its range.

    Most is `body` of the range. The strength is the volume: 1 at three times the least.
    """

    rvol: Column = "rvol(period=20)"
    rvol_min: Rvol = 1.8
    body: Annotated[float, Meta(gt=0, lt=1, description="of the bar's range")] = 0.6

    lookback = 0
    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {531: {}, 532: {"rvol_min": 3.0}}

    def __call__(self, columns: Columns) -> Floats:
        rvol = columns[self.rvol]
        body = share(columns["close"] - columns["open"], columns["high"] - columns["low"])
        traded = rvol >= self.rvol_min
        return spoken(traded & (body >= self.body), traded & (body <= -self.body), rvol / (3 * self.rvol_min))


@provider
class VolumeDivergence:
    """Goes against a new extreme close of `bars` bars which the on balance volume does not follow: it slopes back.

    The slope counts in mean volumes a bar. The strength is this slope: 1 at `full`.
    """

    slope: Column = "linregslope(period=14, price=obv())"
    volume: Column = "sma(period=20, price=volume)"
    bars: Annotated[int, Meta(ge=2, le=500, description="how many bars before")] = 20
    full: Annotated[float, Meta(gt=0, description="in mean volumes a bar")] = 0.5

    family: ClassVar[str] = "volume"
    catalogue: ClassVar[Presets] = {541: {}, 542: {"bars": 40}}

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        close, slope = columns["close"], share(columns[self.slope], columns[self.volume])
        earlier = before(close)
        up = (close < lowest(earlier, self.bars)) & (slope > 0)
        down = (close > highest(earlier, self.bars)) & (slope < 0)
        return spoken(up, down, np.abs(slope) / self.full)
