"""Momentum: going with a move that gains strength."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Adx, Atrs, Presets, crossed, highest, share, spoken, turned
from pipeline.values import Columns, Floats


@provider
class MacdTurn:
    """Goes with the MACD histogram when it turns before it crosses zero: up from under zero, down from above.

    The strength is how far it went back on this bar: 1 at `full_turn`.
    """

    histogram: Column = "macd(fast=12, slow=26, signal=9).histogram"
    atr: Column = "atr(period=14)"
    full_turn: Atrs = 0.1

    lookback = 2
    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {301: {}, 302: {"histogram": "macd(fast=5, slow=13, signal=5).histogram"}}

    def __call__(self, columns: Columns) -> Floats:
        histogram = columns[self.histogram]
        up, down, moved = turned(histogram)
        strength = share(moved, columns[self.atr] * self.full_turn)
        return spoken(up & (histogram < 0), down & (histogram > 0), strength)


@provider
class MidlineCross:
    """Goes the way an oscillator crosses its middle.

    The strength is how far it is from its middle: 1 at half of the farthest that it was within `span` bars.
    """

    of: Column = "macd(fast=12, slow=26, signal=9).histogram"
    middle: Annotated[float, Meta(description="where neither way outweighs")] = 0.0
    confirm: Annotated[int, Meta(ge=1, le=10, description="for how many bars it must stay there")] = 1
    span: Annotated[int, Meta(ge=2, le=500, description="how many bars")] = 20

    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {
        311: {},
        312: {"of": "trix(period=15)"},
        313: {"of": "ppo(fast=12, slow=26)"},
        314: {"of": "rsi(period=14)", "middle": 50.0, "confirm": 2},
        315: {"of": "ao()"},
        316: {"of": "cmo(period=14)", "confirm": 2},
        317: {"of": "kvo(fast=34, slow=55)"},
    }

    @property
    def lookback(self) -> int:
        return max(self.confirm, self.span - 1)

    def __call__(self, columns: Columns) -> Floats:
        apart = columns[self.of] - self.middle
        up, down = crossed(apart, self.confirm)
        size = np.abs(apart)
        return spoken(up, down, 2 * share(size, highest(size, self.span)))


@provider
class RocThrust:
    """Goes with a rate of change of at least `least` average true ranges.

    The strength is how large it is: 1 at twice the least.
    """

    roc: Column = "roc(period=10)"
    natr: Column = "natr(period=14)"
    least: Atrs = 2.5

    lookback = 0
    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {321: {}, 322: {"roc": "roc(period=5)", "least": 2.0}}

    def __call__(self, columns: Columns) -> Floats:
        thrust = share(100 * columns[self.roc], columns[self.natr] * self.least)
        return spoken(thrust >= 1, thrust <= -1, np.abs(thrust) / 2)


@provider
class AverageTurn:
    """Goes with a quick average when it turns: up on the first bar on which it rises, down in the mirror case.

    The strength is how far it went on this bar: 1 at `full_turn`.
    """

    average: Column = "hma(period=20)"
    atr: Column = "atr(period=14)"
    full_turn: Atrs = 0.2

    lookback = 2
    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {331: {}, 332: {"average": "zlema(period=20)"}, 333: {"average": "kama(period=10)"}}

    def __call__(self, columns: Columns) -> Floats:
        up, down, moved = turned(columns[self.average])
        return spoken(up, down, share(moved, columns[self.atr] * self.full_turn))


@provider
class AroonTrend:
    """Goes with the newer extreme: up while Aroon up is at least `strong` and Aroon down at most its mirror.

    The strength is the difference of the two by 100.
    """

    down: Column = "aroon(period=14).down"
    up: Column = "aroon(period=14).up"
    strong: Annotated[
        float, Meta(gt=50, le=100, description="for the newer extreme; its mirror (100 less it) for the older")
    ] = 70.0

    lookback = 0
    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {
        341: {},
        342: {"down": "aroon(period=25).down", "up": "aroon(period=25).up", "strong": 80.0},
    }

    def __call__(self, columns: Columns) -> Floats:
        up, down, weak = columns[self.up], columns[self.down], 100 - self.strong
        rises, falls = (up >= self.strong) & (down <= weak), (down >= self.strong) & (up <= weak)
        return spoken(rises, falls, np.abs(up - down) / 100)


@provider
class DmiCross:
    """Goes the way the directional indicators cross, while the ADX is at least `adx_min`.

    The strength is the ADX by 50.
    """

    plus: Column = "di(period=14).plus"
    minus: Column = "di(period=14).minus"
    adx: Column = "adx(period=14)"
    adx_min: Adx = 20.0
    confirm: Annotated[int, Meta(ge=1, le=10, description="for how many bars they must stay crossed")] = 1

    family: ClassVar[str] = "momentum"
    catalogue: ClassVar[Presets] = {351: {}, 352: {"adx_min": 25.0, "confirm": 2}}

    @property
    def lookback(self) -> int:
        return self.confirm

    def __call__(self, columns: Columns) -> Floats:
        adx = columns[self.adx]
        up, down = crossed(columns[self.plus] - columns[self.minus], self.confirm)
        strong = adx >= self.adx_min
        return spoken(up & strong, down & strong, adx / 50)
