"""How well stated probabilities hold: isotonic fits, scores of forecasts and what those are made of.

Forecasts are probabilities, outcomes are 1 (it happened) or 0. A row may have a weight. Rows with a value that is not
known (NaN) are for the caller to leave out.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.values import Floats

SURE = 1e-15
"""A forecast nearer than this to 0 or 1 is taken as so near, or one mistake would cost infinitely much log loss."""


@dataclass(frozen=True, slots=True)
class Staircase:
    """A fit that never falls: for each level where it begins and ends, its value, and the weight it stands on."""

    low: Floats
    high: Floats
    value: Floats
    weight: Floats

    def at(self, x: Floats) -> Floats:
        """The fit at any x: straight lines between levels, and the outermost levels beyond them."""
        wide = self.high > self.low
        order = np.argsort(np.concatenate((self.low, self.high[wide])), kind="stable")
        ends = np.concatenate((self.low, self.high[wide]))[order]
        values = np.concatenate((self.value, self.value[wide]))[order]
        return np.interp(x, ends, values)


def pav(x: Floats, y: Floats, w: Floats | None = None) -> Staircase:
    """The never-falling function of x nearest to y in (weighted) squares, by pooling neighbours that fall.

    Rows of one x are one. The same rows in another order give the same levels, to a rounding error.
    """
    x, y, w = _rows(x, y, w)
    if not len(x):
        raise ValueError("nothing can be fitted to no rows; wait for the first")
    places, inverse = np.unique(x, return_inverse=True)
    weight = np.bincount(inverse, w)
    total = np.bincount(inverse, w * y)
    # Wherever a value is not above the one before, both are of one level: whole falling runs are pooled at once.
    value = total / weight
    first = np.flatnonzero(np.concatenate(([True], value[1:] > value[:-1])))
    levels = _pooled(first.tolist(), np.add.reduceat(total, first).tolist(), np.add.reduceat(weight, first).tolist())
    starts = np.array([start for start, _, _ in levels])
    weights = np.array([weight for _, _, weight in levels])
    last = np.append(starts[1:], len(places)) - 1
    return Staircase(places[starts], places[last], np.array([total for _, total, _ in levels]) / weights, weights)


def _pooled(starts: list[int], totals: list[float], weights: list[float]) -> list[tuple[int, float, float]]:
    """Where each level begins, its total and its weight: each block joins the one before while it is not above it."""
    kept: list[tuple[int, float, float]] = []
    for begin, sum_, heft in zip(starts, totals, weights, strict=True):
        start, total, weight = begin, sum_, heft
        while kept and kept[-1][1] * weight >= total * kept[-1][2]:
            start, before, heavy = kept.pop()
            total, weight = before + total, heavy + weight
        kept.append((start, total, weight))
    return kept


def brier(p: Floats, y: Floats, w: Floats | None = None) -> float:
    """The mean squared distance of forecast and outcome: 0 is perfect, 0.25 is what always saying one half costs."""
    p, y, w = _forecasts(p, y, w)
    return float(np.average((p - y) ** 2, weights=w))


def log_loss(p: Floats, y: Floats, w: Floats | None = None) -> float:
    """The mean surprise in nats: 0 is perfect, 0.693 is what always saying one half costs."""
    p, y, w = _forecasts(p, y, w)
    sure = np.clip(p, SURE, 1 - SURE)
    return float(-np.average(y * np.log(sure) + (1 - y) * np.log1p(-sure), weights=w))


class Murphy(NamedTuple):
    """What a Brier score is made of: reliability (less is better) - resolution (more is better) + uncertainty."""

    reliability: float
    resolution: float
    uncertainty: float

    @property
    def score(self) -> float:
        return self.reliability - self.resolution + self.uncertainty


def murphy(p: Floats, y: Floats, w: Floats | None = None) -> Murphy:
    """The parts of the Brier score, exactly and without bins: forecasts are grouped by their isotonic fit.

    Reliability is what the fit would save, resolution what it knows beyond the base rate, uncertainty the base rate's
    own score. The fit saw these outcomes, so with few rows both of the first are flattered upwards.
    """
    p, y, w = _forecasts(p, y, w)
    base = float(np.average(y, weights=w))
    fitted = brier(np.clip(pav(p, y, w).at(p), 0.0, 1.0), y, w)
    uncertainty = float(np.average((base - y) ** 2, weights=w))
    return Murphy(brier(p, y, w) - fitted, uncertainty - fitted, uncertainty)


def _forecasts(p: Floats, y: Floats, w: Floats | None) -> tuple[Floats, Floats, Floats]:
    p, y, w = _rows(p, y, w)
    if not len(p):
        raise ValueError("no forecasts cannot be scored; wait for the first")
    if p.min() < 0 or p.max() > 1:
        raise ValueError("a forecast is a probability between 0 and 1; calibrate scores first")
    if not np.all((y == 0) | (y == 1)):
        raise ValueError("an outcome is 1 (it happened) or 0; leave undecided trades out")
    return p, y, w


def _rows(x: Floats, y: Floats, w: Floats | None) -> tuple[Floats, Floats, Floats]:
    w = np.ones(len(x)) if w is None else w
    if not len(x) == len(y) == len(w):
        raise ValueError(f"columns belong together: {len(x)} forecasts, {len(y)} outcomes, {len(w)} weights")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("every row needs known values and a weight above 0; leave the others out")
    return x, y, w
