"""Tulipy's indicators where its own numbers would not do: called like them, they give columns of the same length.

Of a price that stands still, or of no volume, tulipy divides one rounding error by another, or nothing by nothing, and
in a recursive indicator that stays for good. Here each of them has a rule for it, told in its table entry.
"""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

import math
from typing import Any

import numpy as np
import tulipy

from pipeline.rolling import blended, ratio, silent, still
from pipeline.values import Floats

ti: Any = tulipy

MAGNIFIED = 2.0**20
"""`msw` takes less than 0.001 for nothing, which for many a price is all there is. A power of two costs no bit."""


def adx(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    made: Floats = ti.wilders(dx(high, low, close, period), period)
    return made


def adxr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    made = adx(high, low, close, period)
    return 0.5 * (made[period - 1 :] + made[: len(made) - period + 1])


def bbands(price: Floats, period: int, width: float) -> tuple[Floats, ...]:
    made: tuple[Floats, ...] = ti.bbands(price, period, width)
    lower, middle, upper = made
    # Of prices that do not move the deviation is the root of a rounding error, which may lie below 0.
    if math.isnan(lower.dot(lower)):
        return np.where(np.isnan(lower), middle, lower), middle, np.where(np.isnan(upper), middle, upper)
    return made


def cci(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    return _where_still(ti.cci(high, low, close, period), ti.typprice(high, low, close), period, 0.0)


def cmo(price: Floats, period: int) -> Floats:
    return _where_still(ti.cmo(price, period), price, period + 1, 0.0)


def di(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, ...]:
    plus, minus = ti.di(high, low, close, period)
    return _at_first(plus, 0.0), _at_first(minus, 0.0)


def dx(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    return _at_first(ti.dx(high, low, close, period), 0.0)


def fisher(high: Floats, low: Floats, period: int) -> tuple[Floats, ...]:
    line, signal = ti.fisher(high, low, period)
    middle = ti.medprice(high, low)
    return _where_still(line, middle, period, np.nan), _where_still(signal, middle, period, np.nan)


def kvo(high: Floats, low: Floats, close: Floats, volume: Floats, fast: int, slow: int) -> Floats:
    rows = np.arange(1, len(close))
    turned = np.sign(np.diff(high + low + close))
    last = np.maximum.accumulate(np.where(turned != 0, rows, 0))
    # The direction of each bar; before the first move there is none, which tulipy takes for up.
    way = np.where(last > 0, turned[np.maximum(last, 1) - 1], 0.0)
    began = np.maximum.accumulate(np.where(np.diff(way, prepend=0.0) != 0, rows, 0))
    spread = high - low
    total = np.cumsum(spread)
    before = np.where(began == 0, spread[0], np.where(began > 1, total[np.maximum(began - 2, 0)], 0.0))
    force = np.abs(ratio(2 * spread[1:], total[1:] - before, 1.0) - 1) * volume[1:] * np.where(way < 0, -100.0, 100.0)
    made: Floats = ti.ema(force, fast) - ti.ema(force, slow)
    return made


def mass(high: Floats, low: Floats, period: int) -> Floats:
    once = ti.ema(high - low, 9)
    made: Floats = ti.sum(ratio(once[16:], ti.ema(once[8:], 9)[8:], 1.0), period)
    return made


def md(price: Floats, period: int) -> Floats:
    return _where_still(ti.md(price, period), price, period, 0.0)


def mfi(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    made: Floats = ti.mfi(high, low, close, volume, period)
    nothing = silent((np.diff(ti.typprice(high, low, close)) != 0) * volume[1:], period)
    if nothing is not None:
        made[nothing] = 50.0
    return made


def msw(price: Floats, period: int) -> tuple[Floats, ...]:
    sine, lead = ti.msw(price * MAGNIFIED, period)
    return _where_still(sine, price, period, np.nan), _where_still(lead, price, period, np.nan)


def rsi(price: Floats, period: int) -> Floats:
    return _at_first(ti.rsi(price, period), 50.0)


def stddev(price: Floats, period: int) -> Floats:
    return _where_still(np.maximum(ti.stddev(price, period), 0.0), price, period, 0.0)


def stderr(price: Floats, period: int) -> Floats:
    return _where_still(np.maximum(ti.stderr(price, period), 0.0), price, period, 0.0)


def stoch(high: Floats, low: Floats, close: Floats, k: int, smooth: int, d: int) -> tuple[Floats, ...]:
    lowest = ti.min(low, k)
    raw = ratio(100 * (close[k - 1 :] - lowest), ti.max(high, k) - lowest, 50.0)
    slower = ti.sma(raw, smooth)
    return slower[d - 1 :], ti.sma(slower, d)


def stochrsi(price: Floats, period: int) -> Floats:
    made = rsi(price, period)
    lowest = ti.min(made, period)
    return ratio(made[period - 1 :] - lowest, ti.max(made, period) - lowest, 0.5)


def ultosc(high: Floats, low: Floats, close: Floats, fast: int, medium: int, slow: int) -> Floats:
    before = close[:-1]
    lowest = np.minimum(low[1:], before)
    bought, spread = close[1:] - lowest, np.maximum(high[1:], before) - lowest
    made = np.zeros(len(spread) - slow + 1)
    for period, weight in ((fast, 4.0), (medium, 2.0), (slow, 1.0)):
        share = ratio(ti.sum(bought, period), ti.sum(spread, period), 0.5)
        nothing = silent(spread, period)
        if nothing is not None:
            share[nothing] = 0.5
        made += weight * share[slow - period :]
    return made * (100 / 7)


def var(price: Floats, period: int) -> Floats:
    return _where_still(np.maximum(ti.var(price, period), 0.0), price, period, 0.0)


def vhf(price: Floats, period: int) -> Floats:
    return _instead(ti.vhf(price, period), 0.0)


def vidya(price: Floats, fast: int, slow: int, alpha: float) -> Floats:
    moved = price - price[0]
    share = alpha * ratio(stddev(moved, fast)[slow - fast :], stddev(moved, slow), 0.0)
    return blended(price[slow - 1 :], np.minimum(share, 1.0), float(price[slow - 2]))


def volatility(price: Floats, period: int) -> Floats:
    return _where_still(_instead(ti.volatility(price, period), 0.0), price, period + 1, 0.0)


def vosc(volume: Floats, fast: int, slow: int) -> Floats:
    return _where_silent(ti.vosc(volume, fast, slow), volume, slow)


def vwma(close: Floats, volume: Floats, period: int) -> Floats:
    return _where_silent(ti.vwma(close, volume, period), volume, period)


def willr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    made: Floats = ti.willr(high, low, close, period)
    flat = silent(high - low, period)
    if flat is not None:
        made[flat & (ti.max(high, period) == ti.min(low, period))] = -50.0
    return made


def _instead(made: Floats, value: float) -> Floats:
    """A value where nothing was divided by nothing."""
    if math.isnan(made.dot(made)):
        made[np.isnan(made)] = value
    return made


def _at_first(made: Floats, value: float) -> Floats:
    """A value for the first rows, as long as nothing ever moved: later there is always something to divide by."""
    return _instead(made, value) if math.isnan(made.item(0)) else made


def _where_still(made: Floats, price: Floats, period: int, value: float) -> Floats:
    """A value where the last `period` prices are one and the same."""
    rows = still(price, period)
    if rows is not None:
        made[rows[len(rows) - len(made) :]] = value
    return made


def _where_silent(made: Floats, volume: Floats, period: int) -> Floats:
    """Nothing where the last `period` bars had no volume at all."""
    rows = silent(volume, period)
    if rows is not None:
        made[rows[len(rows) - len(made) :]] = np.nan
    return made
