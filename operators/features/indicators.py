"""Indicators that tulipy computes, as columns: as long as the bars, NaN where they have no answer yet."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import tulipy
from msgspec import Meta

from pipeline.parts import feature
from pipeline.values import Bars, Floats

ti: Any = tulipy
Indicator = Callable[..., Floats]

Period = Annotated[int, Meta(ge=1, le=1000)]
Price = Literal["open", "high", "low", "close"]

FORGETTING = 4
"""An exponential average has forgotten all but e^-8 of where it began after this many periods."""


@feature
class Sma:
    """Simple moving average of a price over `period` bars."""

    period: Period = 20
    price: Price = "close"
    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return self.period - 1

    def __call__(self, bars: Bars) -> Floats:
        return padded(ti.sma, self.period - 1, getattr(bars, self.price), self.period)


@feature
class Ema:
    """Exponential moving average of a price, weight 2 / (period + 1)."""

    period: Period = 20
    price: Price = "close"
    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return FORGETTING * self.period

    def __call__(self, bars: Bars) -> Floats:
        return padded(ti.ema, 0, getattr(bars, self.price), self.period)


@feature
class Rsi:
    """Relative strength index in [0, 100], Wilder's averages over `period` bars; 50 of a price that does not move."""

    period: Annotated[int, Meta(ge=2, le=1000)] = 14
    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return 2 * FORGETTING * self.period

    def __call__(self, bars: Bars) -> Floats:
        made = padded(ti.rsi, self.period, bars.close, self.period)
        made[self.period :][np.isnan(made[self.period :])] = 50.0
        return made


@feature
class Atr:
    """Average true range, Wilder's average over `period` bars."""

    period: Period = 14
    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return 2 * FORGETTING * self.period

    def __call__(self, bars: Bars) -> Floats:
        return padded(ti.atr, self.period - 1, bars.high, bars.low, bars.close, self.period)


@feature
class Bollinger:
    """Bands `width` standard deviations around a simple average of the close: columns lower, middle and upper."""

    period: Annotated[int, Meta(ge=2, le=1000)] = 20
    width: Annotated[float, Meta(gt=0)] = 2.0
    outputs: ClassVar[tuple[str, ...]] = ("lower", "middle", "upper")

    def warmup(self) -> int:
        return self.period - 1

    def __call__(self, bars: Bars) -> tuple[Floats, ...]:
        if len(bars) < self.period:
            return (np.full(len(bars), np.nan),) * 3
        made: tuple[Floats, ...] = ti.bbands(bars.close, self.period, self.width)
        # Of prices that do not move the deviation is the root of a rounding error, which may lie below 0.
        whole = (np.where(np.isnan(each), made[1], each) for each in made)
        return tuple(np.concatenate((np.full(self.period - 1, np.nan), each)) for each in whole)


def padded(indicator: Indicator, missing: int, *arguments: Any) -> Floats:
    """An indicator's output, led by NaN to the length of its input; all NaN when there is too little of that."""
    rows = len(arguments[0])
    if rows <= missing:
        return np.full(rows, np.nan)
    made = np.empty(rows)
    made[:missing] = np.nan
    made[missing:] = indicator(*arguments)
    return made
