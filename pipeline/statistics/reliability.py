"""Reliability of forecasts without bins (CORP), and the two numbers people ask for beside it."""

from dataclasses import dataclass

import numpy as np

from pipeline.statistics.calibration import Murphy, brier, murphy, pav
from pipeline.statistics.shares import wilson
from pipeline.values import Floats

ROUNDS = 200
SEED = 1


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram: for each level of the isotonic fit what was said on average, what happened, and where that may lie.

    A bar is Wilson's interval of its level. `low` and `high` are where the fit of forecasts that are exactly right
    would lie nine times of ten, at what was said: outside of them something is wrong with the forecasts.
    """

    said: Floats
    happened: Floats
    rows: Floats
    bar_low: Floats
    bar_high: Floats
    low: Floats
    high: Floats
    score: float
    parts: Murphy

    @property
    def outside(self) -> float:
        """The share of forecasts whose level lies outside of what right forecasts would show."""
        out = (self.happened < self.low - 1e-12) | (self.happened > self.high + 1e-12)
        return float(self.rows[out].sum() / self.rows.sum())


def reliability(p: Floats, y: Floats, *, rounds: int = ROUNDS, seed: int = SEED) -> Reliability:
    """The diagram of these forecasts and outcomes."""
    parts, fit = murphy(p, y), pav(p, y)
    level = np.searchsorted(fit.low, p, side="right") - 1
    said = np.bincount(level, p) / fit.weight
    bars = [wilson(value * rows, rows) for value, rows in zip(fit.value.tolist(), fit.weight.tolist(), strict=True)]
    draw = np.random.default_rng(seed)
    right = np.array([pav(p, (draw.random(len(p)) < p).astype(np.float64)).at(said) for _ in range(rounds)])
    low, high = np.quantile(right, (0.05, 0.95), axis=0)
    return Reliability(
        said=said,
        happened=fit.value,
        rows=fit.weight,
        bar_low=np.array([bar.low for bar in bars]),
        bar_high=np.array([bar.high for bar in bars]),
        low=low,
        high=high,
        score=brier(p, y),
        parts=parts,
    )


def calibration_error(p: Floats, y: Floats, bins: int = 10) -> float:
    """The mean distance of what was said and what happened, over bins of equally many forecasts (ECE).

    It depends on the bins and is never 0 by chance: forecasts that are exactly right show some, more with few rows.
    Forecasts of one value are never torn apart.
    """
    brier(p, y)
    if bins < 1:
        raise ValueError(f"there is at least one bin, not {bins}")
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    where = np.searchsorted(edges, p, side="left")
    rows = np.bincount(where)
    apart = np.abs(np.bincount(where, p) - np.bincount(where, y))
    return float(apart.sum() / rows.sum())


def area(p: Floats, y: Floats) -> float | None:
    """The chance that a forecast of what happened is above one of what did not (AUC): 0.5 tells nothing apart.

    None while only one of both was seen. It says nothing of whether the forecasts hold.
    """
    brier(p, y)
    happened = float(y.sum())
    if happened in {0.0, float(len(y))}:
        return None
    where, rows = np.unique(p, return_inverse=True, return_counts=True)[1:]
    rank = rows.cumsum() - (rows - 1) / 2
    above = float((rank[where] * y).sum()) - happened * (happened + 1) / 2
    return above / (happened * (len(y) - happened))
