"""Candles: the shape of a bar, and of a bar beside the one before it, as numbers."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from typing import Annotated, Any, ClassVar

import numpy as np
import tulipy
from msgspec import Meta

from pipeline.parts import Group, Memory, feature
from pipeline.rolling import FORGETTING, ratio
from pipeline.stretch import Stretch
from pipeline.values import Flags, Floats

ti: Any = tulipy

Share = Annotated[float, Meta(gt=0, lt=1, description="a share of the bar's range")]


@feature
class Candle:
    """The parts of a bar as shares of its range: the body (below 0 when it fell), the upper and the lower wick.

    Of a bar without a range all three are 0.
    """

    outputs: ClassVar[tuple[str, ...]] = ("body", "upper", "lower")
    group: ClassVar[Group] = "basic"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        opened, high, low, close = rows.open, rows.high, rows.low, rows.close
        spread = high - low
        upper, lower = high - np.maximum(opened, close), np.minimum(opened, close) - low
        return ratio(close - opened, spread, 0.0), ratio(upper, spread, 0.0), ratio(lower, spread, 0.0)


@feature
class CandleShapes:
    """Shapes of one bar and of two, 1 where there is one and 0 where not; -1 where it points down.

    A doji has a body of at most `small` of its range, a marubozu (1, -1) one of at least `large`. A hammer has a lower
    wick of twice its body and an upper one no longer than its body, a star the mirror of that. An engulfing body
    (1, -1) covers the body of the bar before, which went the other way; an inside bar lies within the range of the bar
    before, an outside bar beyond both its ends. A bar without a range is a doji and nothing else of its own.
    """

    small: Share = 0.1
    large: Share = 0.9

    outputs: ClassVar[tuple[str, ...]] = ("doji", "marubozu", "hammer", "star", "engulfing", "inside", "outside")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return 1

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        opened, high, low, close = rows.open, rows.high, rows.low, rows.close
        move, spread = close - opened, high - low
        body = np.abs(move)
        upper, lower = high - np.maximum(opened, close), np.minimum(opened, close) - low
        moves = spread > 0
        bare = moves & (body >= self.large * spread)
        return (
            _number(body <= self.small * spread),
            np.sign(move) * bare,
            _number(moves & (body > 0) & (lower >= 2 * body) & (upper <= body)),
            _number(moves & (body > 0) & (upper >= 2 * body) & (lower <= body)),
            np.sign(move) * self._engulfing(opened, close, move),
            _number(_beside(high[1:] <= high[:-1], low[1:] >= low[:-1], len(rows))),
            _number(_beside(high[1:] > high[:-1], low[1:] < low[:-1], len(rows))),
        )

    def _engulfing(self, opened: Floats, close: Floats, move: Floats) -> Flags:
        """Bars whose body covers that of the bar before, which moved the other way."""
        top, bottom = np.maximum(opened, close), np.minimum(opened, close)
        covers = (top[1:] >= top[:-1]) & (bottom[1:] <= bottom[:-1])
        return _beside(covers, move[1:] * move[:-1] < 0, len(move))


@feature
class HeikinAshi:
    """Heikin-Ashi: bars of averaged prices, which show a trend without its small turns.

    Once warm it always has an answer.
    """

    outputs: ClassVar[tuple[str, ...]] = ("open", "high", "low", "close")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "fading"

    def warmup(self) -> int:
        return HALVING * FORGETTING

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        if not len(rows):
            return (rows.close,) * 4
        opened, high, low, close = rows.open, rows.high, rows.low, rows.close
        mean = ti.avgprice(opened, high, low, close)
        before = np.empty(len(rows))
        before[0] = 0.5 * (opened[0] + close[0])
        before[1:] = mean[:-1]
        # Each open is half the open before and half the close before: an exponential average.
        begun = ti.ema(before, HALVING)
        return begun, np.maximum(high, np.maximum(begun, mean)), np.minimum(low, np.minimum(begun, mean)), mean


HALVING = 3
"""The period of the exponential average whose weight is one half."""


def _number(holds: Flags) -> Floats:
    return holds.astype(np.float64)


def _beside(one: Flags, other: Flags, rows: int) -> Flags:
    """Two things that hold of a bar beside the one before; of the first bar nothing does."""
    made = np.zeros(rows, np.bool_)
    made[1:] = one & other
    return made
