"""Every registered feature as a flow would declare it, chains of them, and markets to compute them on."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import operators
from pipeline.candles import from_columns
from pipeline.parts import Feature, column_keys, registered
from pipeline.recipes import Recipe, recipe_of
from pipeline.times import DAY, MINUTE
from pipeline.values import Bars, Floats

REGISTERED = (operators,)
QUARTER = 15 * MINUTE
MIDNIGHT = 1_767_571_200_000
"""2026-01-05, a Monday, at 00:00 UTC."""

Features = Mapping[str, Feature]


def part(name: str, **keys: Any) -> Feature:
    """A feature by its name in the file, its columns filled in where it needs any."""
    cls = registered("feature")[name].cls
    needed = [key for key in column_keys(cls) if key in required(cls)]
    made: Feature = cls(**(dict(zip(needed, ("close", "open", "high"), strict=False)) | keys))
    return made


def required(cls: type[Any]) -> set[str]:
    return {
        key.name for part_ in registered("feature").values() if part_.cls is cls for key in part_.fields if key.required
    }


def chain(**features: Feature) -> Features:
    return features


SINGLE: Mapping[str, Features] = {name: {"x": part(name)} for name in sorted(registered("feature"))}
"""Each part by itself, with its defaults."""

CHAINS: Mapping[str, Features] = {
    "an average of an oscillator": chain(rsi=part("rsi"), x=part("ema", price="rsi", period=9)),
    "a mean of a mean of highs": chain(one=part("sma", price="high", period=7), x=part("sma", price="one", period=5)),
    "the spread of a histogram": chain(macd=part("macd"), x=part("zscore", price="macd.histogram")),
    "the slope of a total": chain(obv=part("obv"), x=part("linregslope", price="obv")),
    "a difference of lines": chain(f=part("sma", period=5), s=part("hma"), x=part("sub", left="f", right="s")),
    "a cross of what begins later": chain(
        a=part("sma", price="rsi", period=5), rsi=part("rsi"), x=part("crossover", left="rsi", right="a")
    ),
    "a trend": chain(
        f=part("ema", period=9),
        s=part("ema", period=21),
        adx=part("adx"),
        x=part("trend_state", fast="f", slow="s", adx="adx"),
    ),
    "a volatility": chain(rank=part("atr_percentile"), x=part("volatility_state", of="rank")),
    "the distance from a session's mean": chain(vwap=part("vwap"), x=part("sub", left="close", right="vwap")),
    "longer bars": chain(mean=part("sma", period=5), x=part("higher", of="mean", timeframe="1h")),
    "a line of several of longer bars": chain(macd=part("donchian"), x=part("higher", of="macd.upper", timeframe="1h")),
    "a chain of longer bars": chain(
        one=part("sma", period=4), two=part("sma", price="one", period=3), x=part("higher", of="two", timeframe="30m")
    ),
    "a mean of longer bars": chain(
        mean=part("sma", period=3), up=part("higher", of="mean", timeframe="1h"), x=part("sma", price="up", period=6)
    ),
    "longer bars of longer bars": chain(
        mean=part("sma", period=3),
        half=part("higher", of="mean", timeframe="30m"),
        x=part("higher", of="half", timeframe="2h"),
    ),
    "the close of an hour": chain(x=part("higher", of="close", timeframe="1h")),
    "a session of longer bars": chain(vwap=part("vwap"), x=part("higher", of="vwap", timeframe="1h")),
}
CASES: Mapping[str, Features] = {**SINGLE, **CHAINS}


def market(
    seed: int, rows: int, *, level: float = 1.1, tf: int = QUARTER, begin: int = MIDNIGHT, move: float = 4e-4
) -> Bars:
    """Bars of a price that wanders, with wicks, gaps between bars, and volume that comes and goes."""
    chance = np.random.default_rng(seed)
    steps = chance.normal(0, move, (rows, 4)) * np.exp(0.5 * chance.normal(0, 1, (rows, 1)))
    path = level * np.exp(np.cumsum(steps).reshape(rows, 4))
    return from_columns(
        "EURUSD",
        tf,
        begin + tf * np.arange(rows, dtype=np.int64),
        path[:, 0].copy(),
        path.max(axis=1),
        path.min(axis=1),
        path[:, 3].copy(),
        chance.integers(1, 120, rows).astype(np.float64),
    )


def still(rows: int, price: float, volume: float = 7.0, tf: int = QUARTER, begin: int = MIDNIGHT) -> Bars:
    """A price that does not move."""
    column = np.full(rows, price)
    open_ts = begin + tf * np.arange(rows, dtype=np.int64)
    return from_columns("EURUSD", tf, open_ts, column, column, column, column, np.full(rows, volume))


def joined(*pieces: Bars) -> Bars:
    """Bars one after another as one run."""
    first = pieces[0]
    columns: dict[str, NDArray[Any]] = {
        entry.name: np.concatenate([getattr(piece, entry.name) for piece in pieces])
        for entry in fields(Bars)
        if isinstance(getattr(first, entry.name), np.ndarray)
    }
    rows = len(columns["close"])
    open_ts = first.open_ts[0] + first.tf * np.arange(rows, dtype=np.int64)
    return replace(first, **(columns | {"open_ts": open_ts, "final_at": open_ts + first.tf, "fresh": rows}))


def recipe(features: Features, tf: int = QUARTER, wanted: Iterable[str] = ("x",)) -> Recipe:
    return recipe_of(features, tuple(wanted), tf)


def raw(features: Features, bars: Bars, start: int = 0, stop: int | None = None) -> tuple[Floats, ...]:
    """What the feature `x` gives for rows of a market, NaN where it left them out."""
    stop = len(bars) if stop is None else stop
    columns = dict(recipe(features, bars.tf).computed(bars, start, stop))["x"]
    return tuple(np.concatenate((np.full(stop - start - len(each), np.nan), each)) for each in columns)


def locked(bars: Bars) -> Bars:
    """Bars whose columns nobody can write to."""
    for entry in fields(Bars):
        column = getattr(bars, entry.name)
        if isinstance(column, np.ndarray):
            column.flags.writeable = False
    return bars


WEEK = 7 * DAY // QUARTER
