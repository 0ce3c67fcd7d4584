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

    The stop never gives way while the close stays on its side; a close beyond it turns it round. Once warm it
    always has an answer.
    """

    period: Annotated[int, Meta(ge=1, le=1000, description="bars of the average true range")] = 10
    width: Annotated[float, Meta(gt=0, description="how many average true ranges")] = 3.0

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
        line, direction = followed(middle - spread, middle + spread, close)
        return led(line, missing), led(direction, missing)


def followed(lower: Floats, upper: Floats, close: Floats) -> tuple[Floats, Floats]:
    """The stop and where it points: a lower line that only rises or an upper one that only falls.

    Both lines go on at any time, each beginning anew after a close beyond it. As each row stands on the one before it,
    they are walked one by one: in plain numbers that is quicker than finding with columns where lines begin anew.
    """
    stops: list[float] = []
    turns: list[int] = []
    highest, lowest, up = -math.inf, math.inf, True
    for below, above, price in zip(lower.tolist(), upper.tolist(), close.tolist(), strict=True):
        if below > highest:  # noqa: PLR1730  # calling max would double what a row costs
            highest = below
        if above < lowest:  # noqa: PLR1730
            lowest = above
        if highest <= price <= lowest:
            stops.append(highest if up else lowest)
            continue
        fell, rose = price < highest, price > lowest
        if fell if up else rose:
            up = not up
            turns.append(len(stops))
        stops.append(highest if up else lowest)
        if fell:
            highest = -math.inf
        if rose:
            lowest = math.inf
    way = np.ones(len(stops))
    way[turns] = -1.0
    return np.array(stops), np.multiply.accumulate(way)
