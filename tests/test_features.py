"""Indicators as columns: tulipy's numbers, as long as the bars, NaN while they warm up."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tulipy

from operators.features.indicators import Atr, Bollinger, Ema, Rsi, Sma
from pipeline.anchored import Anchoring
from pipeline.parts import Feature
from pipeline.values import Bars, Floats
from tests.driven import bars_of, walk

ti: Any = tulipy

BARS = bars_of(walk(11, 3_000))
CASES: dict[str, tuple[Feature, Callable[[Bars], tuple[Floats, ...]]]] = {
    "sma": (Sma(period=10), lambda bars: (ti.sma(bars.close, 10),)),
    "sma of highs": (Sma(period=10, price="high"), lambda bars: (ti.sma(bars.high, 10),)),
    "ema": (Ema(period=9), lambda bars: (ti.ema(bars.close, 9),)),
    "rsi": (Rsi(period=14), lambda bars: (ti.rsi(bars.close, 14),)),
    "atr": (Atr(period=14), lambda bars: (ti.atr(bars.high, bars.low, bars.close, 14),)),
    "bollinger": (Bollinger(period=20, width=2.0), lambda bars: ti.bbands(bars.close, 20, 2.0)),
}


def outputs(feature: Feature, bars: Bars) -> tuple[Floats, ...]:
    made = feature(bars)
    return made if isinstance(made, tuple) else (made,)


def windowed(feature: Feature, bars: Bars) -> tuple[Floats, ...]:
    """As a flow computes it, block by block."""
    columns = Anchoring({"x": feature}, 64, max(30, feature.warmup()), 0).columns(bars)
    return tuple(column for name, column in columns.values.items() if name.split(".")[0] == "x")


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_tulipy_makes_of_the_whole_series(name: str) -> None:
    feature, whole = CASES[name]
    for made, expected in zip(outputs(feature, BARS), whole(BARS), strict=True):
        assert len(made) == len(BARS)
        np.testing.assert_array_equal(made[len(made) - len(expected) :], expected)


@pytest.mark.parametrize("name", CASES)
def test_computed_in_windows_it_is_within_a_hair_of_the_whole_series_once_warm(name: str) -> None:
    feature, whole = CASES[name]
    for made, expected in zip(windowed(feature, BARS), whole(BARS), strict=True):
        tail = len(BARS) - max(200, feature.warmup())
        spread = float(np.ptp(expected[-tail:]))
        np.testing.assert_allclose(made[-tail:], expected[-tail:], rtol=0, atol=2e-3 * spread)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rows", [0, 1, 2, 9, 10, 13, 14, 15, 19, 20, 21])
def test_too_few_bars_give_nothing_and_no_error(name: str, rows: int) -> None:
    feature, _ = CASES[name]
    for made in outputs(feature, bars_of(walk(1, 30)).rows(0, rows, 0)):
        assert len(made) == rows
        assert np.isnan(made[: min(rows, 1)]).all() or name == "ema"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("price", [1e-6, 1.1, 65_000.0])
def test_prices_that_do_not_move_give_finite_numbers(name: str, price: float) -> None:
    feature, _ = CASES[name]
    still = bars_of([price] * 400)
    for made in windowed(feature, still):
        assert np.isfinite(made[feature.warmup() :]).all()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_once_warm_it_is_finite(name: str, seed: int) -> None:
    feature, _ = CASES[name]
    for made in windowed(feature, bars_of(walk(seed, 700))):
        assert np.isfinite(made[feature.warmup() :]).all()


def test_an_rsi_stays_between_0_and_100() -> None:
    for prices in (walk(7, 500), np.linspace(1, 2, 300).tolist(), np.linspace(2, 1, 300).tolist()):
        (made,) = windowed(Rsi(period=14), bars_of(prices))
        known = made[np.isfinite(made)]
        assert known.size
        assert ((known >= 0) & (known <= 100)).all()


def test_what_a_warm_average_began_with_is_forgotten() -> None:
    """Two series with the same last bars agree once the warm-up lies within those."""
    feature = Ema(period=9)
    tail = walk(8, feature.warmup() + 1)
    one, other = bars_of([1.0] * 50 + tail), bars_of([1.2] * 50 + tail)
    assert outputs(feature, one)[0][-1] == pytest.approx(outputs(feature, other)[0][-1], rel=1e-4)
