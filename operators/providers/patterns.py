"""Patterns: three bars in a row that tell a story."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Atrs, Presets, before, held, share, spoken
from pipeline.values import Columns, Floats

Part = Annotated[float, Meta(gt=0, lt=1, description="of the bar's range")]


@provider
class ThreeSoldiers:
    """Goes with three bars one way, each closing beyond the close before and opening within the body before.

    The body of each must be at least `body` of its range. The strength is how far the three went: 1 at `full_distance`.
    """

    atr: Column = "atr(period=14)"
    body: Part = 0.5
    full_distance: Atrs = 3.0

    lookback = 2
    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {641: {}, 642: {"body": 0.7}}

    def __call__(self, columns: Columns) -> Floats:
        opened, close = columns["open"], columns["close"]
        part = share(close - opened, columns["high"] - columns["low"])
        first, last = before(opened), before(close)
        within = (opened >= np.minimum(first, last)) & (opened <= np.maximum(first, last))
        up = held(part >= self.body, 3) & held(within & (close > last), 2)
        down = held(part <= -self.body, 3) & held(within & (close < last), 2)
        went = np.abs(close - before(opened, 2))
        return spoken(up, down, share(went, columns[self.atr] * self.full_distance))


@provider
class DayStar:
    """Goes with the third bar of a morning or evening star: a long body, a short one, and a long one back.

    The first and the third body are at least `long`, the middle one at most `short` of the first. The third closes
    beyond the middle of the first. The strength is the third body by twice the first.
    """

    atr: Column = "atr(period=14)"
    long: Atrs = 0.6
    short: Annotated[float, Meta(gt=0, lt=1, description="of the first body")] = 0.4

    lookback = 2
    family: ClassVar[str] = "candle"
    catalogue: ClassVar[Presets] = {651: {}, 652: {"long": 1.0, "short": 0.3}}

    def __call__(self, columns: Columns) -> Floats:
        opened, close = columns["open"], columns["close"]
        body = close - opened
        first, second = before(body, 2), before(body)
        least = columns[self.atr] * self.long
        small = np.abs(second) <= np.abs(first) * self.short
        middle = before((opened + close) / 2, 2)
        up = small & (first <= -least) & (body >= least) & (close > middle)
        down = small & (first >= least) & (body <= -least) & (close < middle)
        return spoken(up & (least > 0), down & (least > 0), share(np.abs(body), 2 * np.abs(first)))
