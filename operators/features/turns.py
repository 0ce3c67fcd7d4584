"""A stop that follows a trend and turns with it."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

import math
from typing import Annotated, Any, ClassVar

import numpy as np
import tulipy
from msgspec import Meta

from pipeline.parts import Group, Memory, feature
from pipeline.rolling import TURNS, WILDER, led
from pipeline.stretch import Stretch
from pipeline.values import Floats

ti: Any = tulipy


@feature
class Supertrend:
    """Supertrend: a stop `width` average true ranges from the middle of the bar, and where it points, 1 up, -1 down.

    The stop never gives way while the close stays on its side; a close beyond it turns it round. It divides by nothing:
    once warm it always has an answer.
    """

    period: Annotated[int, Meta(ge=1, le=1000)] = 10
    width: Annotated[float, Meta(gt=0)] = 3.0

    outputs: ClassVar[tuple[str, ...]] = ("line", "direction")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "path"

    def warmup(self) -> int:
        return WILDER * self.period + TURNS

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        missing = self.period - 1
        if len(rows) <= missing:
            return (np.full(len(rows), np.nan),) * 2
        high, low, close = rows.high, rows.low, rows.close
        spread = self.width * ti.atr(high, low, close, self.period)
        middle, close = ti.medprice(high, low)[missing:], close[missing:]
        lower, upper = followed(middle - spread, middle + spread, close)
        turns = np.where(close < lower, -1.0, np.where(close > upper, 1.0, 0.0))
        turns[0] = turns[0] or 1.0
        last = np.maximum.accumulate(np.where(turns != 0, np.arange(len(turns)), 0))
        direction = turns[last]
        return led(np.where(direction > 0, lower, upper), missing), led(direction, missing)


def followed(lower: Floats, upper: Floats, close: Floats) -> tuple[Floats, Floats]:
    """A lower line that only rises and an upper one that only falls, each beginning anew after a close beyond it.

    Each row stands on the one before it, so they are walked one by one: in plain numbers that is quicker than finding
    with columns where lines begin anew.
    """
    below: list[float] = []
    above: list[float] = []
    lowest, highest = math.inf, -math.inf
    for line, other, price in zip(lower.tolist(), upper.tolist(), close.tolist(), strict=True):
        highest = max(highest, line)
        lowest = min(lowest, other)
        below.append(highest)
        above.append(lowest)
        if price < highest:
            highest = -math.inf
        if price > lowest:
            lowest = math.inf
    return np.array(below), np.array(above)
