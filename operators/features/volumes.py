"""Volume: how much of it there is, and on whose side."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from typing import Annotated, Any, ClassVar

import numpy as np
import tulipy
from msgspec import Meta

from pipeline.parts import Group, Memory, feature
from pipeline.rolling import led, ratio, silent
from pipeline.stretch import Stretch
from pipeline.values import Floats

ti: Any = tulipy

Period = Annotated[int, Meta(ge=1, le=1000, description="how many bars")]


@feature
class Rvol:
    """Relative volume: the volume of a bar by the mean volume of the `period` bars before it.

    Where these have no volume at all there is no answer.
    """

    period: Period = 20

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period

    def __call__(self, rows: Stretch) -> Floats:
        if len(rows) <= self.period:
            return np.full(len(rows), np.nan)
        volume, before = rows.volume[self.period :], rows.volume[:-1]
        return led(_share(volume * self.period, before, self.period), self.period)


@feature
class Cmf:
    """Chaikin Money Flow: volume by where the close is in the range, as a share of all volume, in [-1, 1].

    A bar without a range counts nothing. Where the last bars have no volume at all there is no answer.
    """

    period: Period = 20

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period - 1

    def __call__(self, rows: Stretch) -> Floats:
        if len(rows) < self.period:
            return np.full(len(rows), np.nan)
        high, low, close, volume = rows.high, rows.low, rows.close, rows.volume
        flow = ratio(2 * close - high - low, high - low, 0.0) * volume
        return led(_share(ti.sum(flow, self.period), volume, self.period), self.period - 1)


def _share(part: Floats, volume: Floats, period: int) -> Floats:
    """A part as a share of the volume of `period` bars, NaN where these have none."""
    made = ratio(part, ti.sum(volume, period), np.nan)
    nothing = silent(volume, period)
    if nothing is not None:
        made[nothing] = np.nan
    return made
