"""Bands around the price: going with what leaves them, or against it."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Adx, Presets, before, held, returned, share, spoken
from pipeline.values import Columns, Floats

Bars = Annotated[int, Meta(ge=1, le=100, description="how many bars")]


def _keltner(width: float, adx_min: float) -> dict[str, object]:
    channel = f"keltner(period=20, atr=10, width={width})"
    return {"lower": f"{channel}.lower", "upper": f"{channel}.upper", "adx_min": adx_min}


def _bollinger(width: float, **keys: object) -> dict[str, object]:
    bands = f"bollinger(period=20, width={width})"
    return {"lower": f"{bands}.lower", "upper": f"{bands}.upper", **keys}


@provider
class KeltnerBreak:
    """Goes with a close beyond the Keltner channel while the ADX is at least `adx_min`.

    The strength is three tenths for each average true range that the close is beyond it, and three for an ADX of 50.
    """

    lower: Column = "keltner(period=20, atr=10, width=1.5).lower"
    upper: Column = "keltner(period=20, atr=10, width=1.5).upper"
    adx: Column = "adx(period=14)"
    atr: Column = "atr(period=14)"
    adx_min: Adx = 20.0

    lookback = 0
    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {
        35: _keltner(1.5, 0.0),
        36: _keltner(1.5, 20.0),
        37: _keltner(1.65, 0.0),
        38: _keltner(1.65, 20.0),
        39: _keltner(1.8, 0.0),
        40: _keltner(1.8, 20.0),
    }

    def __call__(self, columns: Columns) -> Floats:
        close, adx = columns["close"], columns[self.adx]
        over, under = close - columns[self.upper], columns[self.lower] - close
        strong = adx >= self.adx_min
        strength = 0.3 * (share(np.maximum(over, under), columns[self.atr]) + adx / 50)
        return spoken((over > 0) & strong, (under > 0) & strong, strength)


@provider
class BollingerWalk:
    """Goes with a price that walks along a Bollinger band: `closes` closes in a row on it or beyond.

    A close is on the band when it is no further inside than `near` of half the bands' width. The strength is one half
    on the band, and more by how many half widths the close is beyond it.
    """

    lower: Column = "bollinger(period=20, width=2.0).lower"
    upper: Column = "bollinger(period=20, width=2.0).upper"
    closes: Annotated[int, Meta(ge=1, le=20, description="how many closes in a row")] = 2
    near: Annotated[float, Meta(ge=0, lt=1, description="of half the width of the bands")] = 0.1

    family: ClassVar[str] = "trend"
    catalogue: ClassVar[Presets] = {
        45: _bollinger(2.0, closes=2),
        46: _bollinger(2.0, closes=3),
        47: _bollinger(2.1, closes=2),
        48: _bollinger(2.1, closes=3),
        49: _bollinger(2.2, closes=2),
        50: _bollinger(2.2, closes=3),
    }

    @property
    def lookback(self) -> int:
        return self.closes - 1

    def __call__(self, columns: Columns) -> Floats:
        place = _place(columns, self.lower, self.upper)
        up, down = held(place >= 1 - self.near, self.closes), held(place <= self.near - 1, self.closes)
        return spoken(up, down, np.abs(place) - 0.5)


@provider
class BollingerFade:
    """Goes against a close beyond a Bollinger band.

    The strength is how many half widths of the bands the close is beyond: 1 at one half of one.
    """

    lower: Column = "bollinger(period=20, width=2.0).lower"
    upper: Column = "bollinger(period=20, width=2.0).upper"

    lookback = 0
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {111: _bollinger(2.0), 112: _bollinger(2.5)}

    def __call__(self, columns: Columns) -> Floats:
        place = _place(columns, self.lower, self.upper)
        return spoken(place < -1, place > 1, 2 * (np.abs(place) - 1))


@provider
class BollingerReturn:
    """Goes inward on the bar that closes inside the Bollinger bands after one that closed on a band or beyond.

    The strength is how many half widths of the bands the close came back: 1 at one half of one.
    """

    lower: Column = "bollinger(period=20, width=2.0).lower"
    upper: Column = "bollinger(period=20, width=2.0).upper"

    lookback = 1
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {113: _bollinger(2.0), 114: _bollinger(2.5)}

    def __call__(self, columns: Columns) -> Floats:
        place = _place(columns, self.lower, self.upper)
        return spoken(*returned(place, 1.0), 2 * np.abs(place - before(place)))


@provider
class SqueezeRelease:
    """Goes with the close when the Bollinger bands leave the Keltner channel in which they lay for `bars` bars.

    The direction is that of the close from the middle of the bands, the strength how far it is from it: 1 at half the
    width of the channel.
    """

    lower: Column = "bollinger(period=20, width=2.0).lower"
    upper: Column = "bollinger(period=20, width=2.0).upper"
    channel_lower: Column = "keltner(period=20, atr=10, width=1.5).lower"
    channel_upper: Column = "keltner(period=20, atr=10, width=1.5).upper"
    bars: Bars = 3

    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {211: {}, 212: {"bars": 6}}

    @property
    def lookback(self) -> int:
        return self.bars

    def __call__(self, columns: Columns) -> Floats:
        lower, upper = columns[self.lower], columns[self.upper]
        floor, top = columns[self.channel_lower], columns[self.channel_upper]
        apart = columns["close"] - (upper + lower) / 2
        squeezed = held((upper < top) & (lower > floor), self.bars)
        released = (upper >= top) | (lower <= floor)
        released[1:] &= squeezed[:-1]
        released[:1] = False
        strength = share(np.abs(apart), (top - floor) / 2)
        return spoken(released & (apart > 0), released & (apart < 0), strength)


def _place(columns: Columns, lower: str, upper: str) -> Floats:
    """Where the close stands between two lines: -1 on the lower one, 1 on the upper one."""
    floor, top = columns[lower], columns[upper]
    return share(columns["close"] - (top + floor) / 2, (top - floor) / 2)
