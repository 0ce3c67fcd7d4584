"""TA-Lib as a second opinion: where both define the same formula, both give the same numbers.

What it calls otherwise, seeds otherwise or computes otherwise stands in docs/features.md.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib

from pipeline.parts import registered
from pipeline.times import MINUTE
from pipeline.values import Bars, Floats
from tests.feature_cases import chain, market, part, raw
from tests.support import ROOT

ta: Any = talib

Opinion = Callable[[Bars], tuple[Floats, ...]]

CLOSE = 1e-8
"""How far two opinions may be apart, as a share of the column's spread."""
SETTLED = 700
"""After so many rows it no longer matters what a recursive average began with."""
MARKETS = [market(seed, 1_500, tf=MINUTE, level=level) for seed, level in ((1, 1.1), (2, 150.0), (3, 65_000.0))]


def of_close(function: Any, *options: float) -> Opinion:
    return lambda bars: (function(bars.close, *options),)


def of_range(function: Any, *options: float) -> Opinion:
    return lambda bars: (function(bars.high, bars.low, bars.close, *options),)


def of_highs(function: Any, *options: float) -> Opinion:
    return lambda bars: (function(bars.high, bars.low, *options),)


def of_volume(function: Any, *options: float) -> Opinion:
    return lambda bars: (function(bars.high, bars.low, bars.close, bars.volume, *options),)


def of_two(function: Any) -> Opinion:
    return lambda bars: (function(bars.close, bars.open),)


SAME: dict[str, Opinion] = {
    "sma": of_close(ta.SMA, 20),
    "wma": of_close(ta.WMA, 20),
    "hma": of_close(ta.HMA, 20),
    "trima": of_close(ta.TRIMA, 20),
    "kama": of_close(ta.KAMA, 10),
    "wilders": of_close(ta.RMA, 14),
    "vwma": lambda bars: (ta.VWMA(bars.close, bars.volume, 20),),
    "linreg": of_close(ta.LINEARREG, 14),
    "tsf": of_close(ta.TSF, 14),
    "linregintercept": of_close(ta.LINEARREG_INTERCEPT, 14),
    "linregslope": of_close(ta.LINEARREG_SLOPE, 14),
    "bollinger": lambda bars: tuple(reversed(ta.BBANDS(bars.close, 20, 2.0, 2.0, 0))),
    "avgprice": lambda bars: (ta.AVGPRICE(bars.open, bars.high, bars.low, bars.close),),
    "medprice": of_highs(ta.MEDPRICE),
    "typprice": of_range(ta.TYPPRICE),
    "wcprice": of_range(ta.WCLPRICE),
    "bop": lambda bars: (ta.BOP(bars.open, bars.high, bars.low, bars.close),),
    "qstick": lambda bars: (ta.QSTICK(bars.open, bars.close, 10),),
    "tr": of_range(ta.TRANGE),
    "stddev": of_close(ta.STDDEV, 20, 1.0),
    "var": of_close(ta.VAR, 20, 1.0),
    "md": of_close(ta.AVGDEV, 20),
    "mom": of_close(ta.MOM, 10),
    "roc": of_close(ta.ROCP, 10),
    "rocr": of_close(ta.ROCR, 10),
    "rsi": of_close(ta.RSI, 14),
    "stochrsi": lambda bars: (ta.STOCHRSI(bars.close, 14, 14, 1, 0)[0] / 100,),
    "cmo": of_close(ta.CMOU, 14),
    "stoch": lambda bars: ta.STOCH(bars.high, bars.low, bars.close, 14, 3, 0, 3, 0),
    "willr": of_range(ta.WILLR, 14),
    "cci": of_range(ta.CCI, 20),
    "ao": of_highs(ta.AO, 5, 34),
    "ultosc": of_range(ta.ULTOSC, 7, 14, 28),
    "dpo": of_close(ta.DPO, 20),
    "fosc": of_close(ta.FOSC, 14),
    "dx": of_range(ta.DX, 14),
    "di": lambda bars: tuple(each(bars.high, bars.low, bars.close, 14) for each in (ta.PLUS_DI, ta.MINUS_DI)),
    "dm": lambda bars: tuple(each(bars.high, bars.low, 14) for each in (ta.PLUS_DM, ta.MINUS_DM)),
    "aroon": lambda bars: ta.AROON(bars.high, bars.low, 14),
    "aroonosc": of_highs(ta.AROONOSC, 14),
    "vhf": of_close(ta.VHF, 28),
    "ad": of_volume(ta.AD),
    "wad": of_range(ta.WAD),
    "nvi": lambda bars: (ta.NVI(bars.close, bars.volume),),
    "pvi": lambda bars: (ta.PVI(bars.close, bars.volume),),
    "adosc": of_volume(ta.ADOSC, 3, 10),
    "mfi": of_volume(ta.MFI, 14),
    "marketfi": lambda bars: (ta.MARKETFI(bars.high, bars.low, bars.volume),),
    "vosc": lambda bars: (ta.PVO(bars.volume, 5, 10, 0),),
    "max": of_close(ta.MAX, 20),
    "min": of_close(ta.MIN, 20),
    "sum": of_close(ta.SUM, 20),
    "add": of_two(ta.ADD),
    "sub": of_two(ta.SUB),
    "mul": of_two(ta.MULT),
    "div": of_two(ta.DIV),
    "ln": of_close(ta.LN),
    "exp": of_close(ta.EXP),
    "sqrt": of_close(ta.SQRT),
    "tanh": of_close(ta.TANH),
    "donchian": lambda bars: tuple(reversed(ta.DONCHIAN(bars.high, bars.low, 20))),
    "heikin_ashi": lambda bars: ta.HA(bars.open, bars.high, bars.low, bars.close),
    "cmf": of_volume(ta.CMF, 20),
    "rvol": lambda bars: (ta.RVOL(bars.volume, 20),),
}
"""Both give the same from the first row on that both answer."""

SEEDED: dict[str, Opinion] = {
    "ema": of_close(ta.EMA, 20),
    "dema": of_close(ta.DEMA, 20),
    "tema": of_close(ta.TEMA, 20),
    "zlema": of_close(ta.ZLEMA, 20),
    "atr": of_range(ta.ATR, 14),
    "natr": of_range(ta.NATR, 14),
    "cvi": of_highs(ta.CVI, 10, 10),
    "mass": of_highs(ta.MASSI, 9, 25),
    "macd": lambda bars: ta.MACDFIX(bars.close, 9),
    "apo": of_close(ta.APO, 12, 26, 1),
    "ppo": of_close(ta.PPO, 12, 26, 1),
    "adx": of_range(ta.ADX, 14),
    "adxr": of_range(ta.ADXR, 14),
    "psar": of_highs(ta.SAR, 0.02, 0.2),
    "supertrend": lambda bars: _with_direction(*ta.SUPERTREND(bars.high, bars.low, bars.close, 10, 3.0)),
}
"""Both give the same once they have forgotten what they began with."""


def _with_direction(line: Floats, direction: Any) -> tuple[Floats, ...]:
    return line, np.asarray(direction, np.float64)


def apart(mine: Floats, theirs: Floats, since: int) -> float:
    """How far two columns are apart where both answer, as a share of their spread."""
    both = np.isfinite(mine) & np.isfinite(theirs)
    both[:since] = False
    assert both.sum() > 500
    return float(np.abs(mine - theirs)[both].max() / np.ptp(theirs[both]))


SMALL = ("exp", "tanh")
"""Of these a large price leaves nothing to compare."""


@pytest.mark.parametrize(
    ("name", "bars"),
    [
        pytest.param(name, bars, id=f"{name}-{bars.close[0]:.0f}")
        for name in (*SAME, *SEEDED)
        for bars in (MARKETS[:1] if name in SMALL else MARKETS)
    ],
)
def test_talib_gives_the_same_numbers(name: str, bars: Bars) -> None:
    opinion, since = (SAME[name], 0) if name in SAME else (SEEDED[name], SETTLED)
    for mine, theirs in zip(raw({"x": part(name)}, bars), opinion(bars), strict=True):
        assert apart(mine, theirs, since) < CLOSE


def test_talibs_unseeded_twelve_and_twentysix_are_other_weights() -> None:
    """tulipy keeps the classic 0.15 and 0.075; with other periods both use 2 / (period + 1)."""
    bars = MARKETS[0]
    line, *_ = raw({"x": part("macd")}, bars)
    assert apart(line, ta.MACD(bars.close, 12, 26, 9)[0], SETTLED) > 1e-3
    for mine, theirs in zip(
        raw({"x": part("macd", fast=10, slow=30)}, bars), ta.MACD(bars.close, 10, 30, 9), strict=True
    ):
        assert apart(mine, theirs, SETTLED) < CLOSE


def test_the_same_under_another_name() -> None:
    bars = MARKETS[0]
    k, d = raw({"x": part("stoch_rsi")}, bars)
    assert apart(k, ta.STOCHRSI(bars.close, 14, 14, 3, 0)[1], 0) < CLOSE
    assert apart(d, ta.SMA(ta.STOCHRSI(bars.close, 14, 14, 3, 0)[1], 3), 0) < CLOSE
    typical = chain(typical=part("typprice"), x=part("keltner", price="typical"))
    for mine, theirs in zip(
        raw(typical, bars), reversed(ta.KC(bars.high, bars.low, bars.close, 20, 10, 1.5)), strict=True
    ):
        assert apart(mine, theirs, SETTLED) < CLOSE
    narrow = ta.SUPERTREND(bars.high, bars.low, bars.close, 10, 0.5)
    for mine, theirs in zip(raw({"x": part("supertrend", width=0.5)}, bars), _with_direction(*narrow), strict=True):
        assert apart(mine, theirs, SETTLED) < CLOSE
    (obv,) = raw({"x": part("obv")}, bars)
    np.testing.assert_array_equal(np.diff(obv), np.diff(ta.OBV(bars.close, bars.volume)))
    (trix,) = raw({"x": part("trix")}, bars)
    theirs = ta.TRIX(bars.close, 15)
    assert apart(trix / (1 - trix / 100), theirs, SETTLED) < CLOSE


def test_every_indicator_talib_knows_otherwise_is_in_the_document() -> None:
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    told = text.split("## Beside TA-Lib", 1)[1]
    otherwise = {
        *SEEDED,
        "cmo",
        "trix",
        "obv",
        "stoch_rsi",
        "keltner",
        "vwap",
        "atr_percentile",
        "candle_shapes",
        "cci",
    }
    for name in otherwise:
        assert f"`{name}`" in told, name
    assert otherwise <= set(registered("feature"))
