"""Candles: what the shape of a bar, and of a bar beside the one before it, says."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, before, highest, lowest, share, spoken
from pipeline.values import Columns, Floats

Reach = Annotated[int, Meta(ge=2, le=500, description="the shape must stand at the extreme of so many bars")]
Part = Annotated[float, Meta(gt=0, lt=1, description="of the bar's range")]


@provider
class Engulfing:
    """Goes with a body that covers that of the bar before, which went the other way, at the extreme of `reach` bars.

    The strength is the body: 1 at `full_body`.
    """

    atr: Column = "atr(period=14)"
    reach: Reach = 10
    full_body: Atrs = 1.5

    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {601: {}, 602: {"reach": 30}}

    @property
    def lookback(self) -> int:
        return self.reach - 1

    def __call__(self, columns: Columns) -> Floats:
        opened, high, low, close = columns["open"], columns["high"], columns["low"], columns["close"]
        body, earlier = close - opened, before(close - opened)
        first, last = before(opened), before(close)
        # Either of the two bars may have gone farthest.
        bottom = np.minimum(low, before(low)) <= lowest(low, self.reach)
        top = np.maximum(high, before(high)) >= highest(high, self.reach)
        up = (body > 0) & (earlier < 0) & (opened <= last) & (close >= first) & bottom
        down = (body < 0) & (earlier > 0) & (opened >= last) & (close <= first) & top
        return spoken(up, down, share(np.abs(body), columns[self.atr] * self.full_body))


@provider
class PinBar:
    """Goes against a long wick: at least `wick` of the range of a bar that goes farther than `reach` bars before it.

    The strength is the range: 1 at `full_range`.
    """

    atr: Column = "atr(period=14)"
    wick: Annotated[float, Meta(gt=0.5, lt=1, description="of the bar's range")] = 0.6
    reach: Reach = 10
    full_range: Atrs = 2.0

    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {611: {}, 612: {"wick": 0.75, "reach": 5}}

    @property
    def lookback(self) -> int:
        return self.reach

    def __call__(self, columns: Columns) -> Floats:
        opened, high, low, close = columns["open"], columns["high"], columns["low"], columns["close"]
        spread = high - low
        upper = share(high - np.maximum(opened, close), spread)
        lower = share(np.minimum(opened, close) - low, spread)
        up = (lower >= self.wick) & (low < lowest(before(low), self.reach))
        down = (upper >= self.wick) & (high > highest(before(high), self.reach))
        return spoken(up, down, share(spread, columns[self.atr] * self.full_range))


@provider
class InsideBreak:
    """Goes with the close beyond an inside bar and the bar that held it, within two bars of the inside bar.

    The strength is how far beyond it is: 1 at `full_distance`.
    """

    atr: Column = "atr(period=14)"
    full_distance: Atrs = 1.0

    lookback = 3
    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {621: {}, 622: {"full_distance": 2.0}}

    def __call__(self, columns: Columns) -> Floats:
        high, low, close = columns["high"], columns["low"], columns["close"]
        mother_high, mother_low = before(high), before(low)
        inside = (high <= mother_high) & (low >= mother_low)
        # What held the inside bar stands on the inside bar's row from here on, and nothing on other rows.
        top, bottom = np.where(inside, mother_high, np.nan), np.where(inside, mother_low, np.nan)
        one, two = before(top), before(top, 2)
        last, bottom_two = before(close), before(bottom, 2)
        waits = np.isnan(one) & (last <= two) & (last >= bottom_two)
        held_top, held_bottom = np.where(waits, two, one), np.where(waits, bottom_two, before(bottom))
        over, under = close - held_top, held_bottom - close
        strength = share(np.maximum(over, under), columns[self.atr] * self.full_distance)
        return spoken(over > 0, under > 0, strength)


@provider
class FullBar:
    """Goes with a bar that is nearly all body, at least `body` of its range, and `least` average true ranges long.

    The strength is the body: 1 at twice the least.
    """

    atr: Column = "atr(period=14)"
    body: Part = 0.85
    least: Atrs = 1.0

    lookback = 0
    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {631: {}, 632: {"least": 1.8}}

    def __call__(self, columns: Columns) -> Floats:
        body, spread = columns["close"] - columns["open"], columns["high"] - columns["low"]
        part, long = share(body, spread), share(np.abs(body), columns[self.atr] * self.least)
        return spoken((part >= self.body) & (long >= 1), (part <= -self.body) & (long >= 1), long / 2)
