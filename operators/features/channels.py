"""Channels: lines above and below the price."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from typing import Annotated, Any, ClassVar

import numpy as np
import tulipy
from msgspec import Meta

from pipeline.parts import Column, Group, Memory, feature
from pipeline.rolling import FORGETTING, WILDER, led
from pipeline.stretch import Stretch
from pipeline.values import Floats

ti: Any = tulipy

Period = Annotated[int, Meta(ge=1, le=1000, description="how many bars")]
BANDS = ("lower", "middle", "upper")


@feature
class Donchian:
    """Donchian Channel: the lowest low and the highest high of the last bars, and the middle of the two.

    Once warm it always has an answer.
    """

    period: Period = 20

    outputs: ClassVar[tuple[str, ...]] = BANDS
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return self.period - 1

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        if len(rows) < self.period:
            return (np.full(len(rows), np.nan),) * 3
        upper = led(ti.max(rows.high, self.period), self.period - 1)
        lower = led(ti.min(rows.low, self.period), self.period - 1)
        return lower, 0.5 * (lower + upper), upper


@feature
class Keltner:
    """Keltner Channel: bands of `width` average true ranges around an exponential average.

    Once warm it always has an answer.
    """

    period: Period = 20
    atr: Period = 10
    width: Annotated[float, Meta(gt=0, description="how many average true ranges")] = 1.5
    price: Column = "close"

    outputs: ClassVar[tuple[str, ...]] = BANDS
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "fading"

    def warmup(self) -> int:
        return max(FORGETTING * self.period, WILDER * self.atr)

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        if len(rows) < self.atr:
            return (np.full(len(rows), np.nan),) * 3
        middle = ti.ema(rows[self.price], self.period)
        spread = self.width * led(ti.atr(rows.high, rows.low, rows.close, self.atr), self.atr - 1)
        return middle - spread, middle, middle + spread


@feature
class Ichimoku:
    """Ichimoku Cloud as it is known at the bar: the cloud that stands over it was computed `shift` bars ago.

    Each line is the middle of the range of the last `fast`, `medium` or `slow` bars; the span that charts draw behind
    the price would be the future and is not there. Once warm it always has an answer.
    """

    fast: Period = 9
    medium: Period = 26
    slow: Period = 52
    shift: Period = 26

    outputs: ClassVar[tuple[str, ...]] = ("conversion", "base", "span_a", "span_b")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return max(self.fast, self.medium, self.slow) - 1 + self.shift

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        conversion, base, slow = (self._middle(rows, period) for period in (self.fast, self.medium, self.slow))
        spans = (0.5 * (conversion + base), slow)
        kept = max(0, len(rows) - self.shift)
        return conversion, base, *(led(span[:kept], len(rows) - kept) for span in spans)

    def _middle(self, rows: Stretch, period: int) -> Floats:
        if len(rows) < period:
            return np.full(len(rows), np.nan)
        return led(0.5 * (ti.max(rows.high, period) + ti.min(rows.low, period)), period - 1)
