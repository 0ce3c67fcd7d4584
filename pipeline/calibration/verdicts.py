"""What came of probabilities that were stated before: how near they were, and whether they knew anything."""

import math
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from pipeline.statistics.calibration import brier, log_loss, murphy, pav
from pipeline.statistics.clusters import worth
from pipeline.statistics.shares import wilson
from pipeline.times import utc_text
from pipeline.values import Floats, Stamps

SURE = 1.645
"""So many standard errors better than the base rate counts as better: chance does that once in twenty."""
PARTS = 10


class Point(Struct, frozen=True):
    """Of the outcomes that were given `low` to `high`, on average `said`: the share that won, and where it may lie."""

    low: float
    high: float
    said: float
    won: float
    outcomes: int
    least: float
    most: float


class Verdict(Struct, frozen=True, kw_only=True):
    """All of it is about outcomes that came after the fits that spoke of them.

    `brier` is the mean squared distance of what was said to what came: reliability - resolution + uncertainty. Always
    saying the base rate would have cost `base_brier`; taking a score at its word, as (1 + size) / 2, `score_brier`.
    `better` is by how many of its own standard errors `brier` beats the base rate's, where what ended together counts
    once. `levels` is the reliability diagram without bins: shares pooled until they rise (CORP).
    """

    begin: str
    end: str
    outcomes: int
    moments: int
    won: float
    least: float
    most: float
    brier: float
    base_brier: float
    score_brier: float
    reliability: float
    resolution: float
    uncertainty: float
    log_loss: float
    base_log_loss: float
    better: float
    levels: tuple[Point, ...]
    tenths: tuple[Point, ...]

    @property
    def resolves(self) -> bool:
        """Whether a stronger score won more often than a weak one, as far as these outcomes tell."""
        return self.better >= SURE

    @property
    def says_nothing(self) -> bool:
        return not self.resolves and self.least <= 0.5


class KeyVerdict(Struct, frozen=True):
    """The same of one product and timeframe, in short."""

    product: str
    timeframe: str
    outcomes: int
    won: float
    brier: float
    base_brier: float


def judged(said: Floats, size: Floats, won: Floats, ended: Stamps) -> Verdict:
    """The verdict on probabilities of outcomes that ended at these moments."""
    parts, base = murphy(said, won), float(won.mean())
    always = np.full(len(won), base)
    least, most = _share(won, ended)
    return Verdict(
        begin=utc_text(int(ended.min())),
        end=utc_text(int(ended.max())),
        outcomes=len(won),
        moments=len(np.unique(ended)),
        won=base,
        least=least,
        most=most,
        brier=brier(said, won),
        base_brier=parts.uncertainty,
        score_brier=brier((1 + size) / 2, won),
        reliability=parts.reliability,
        resolution=parts.resolution,
        uncertainty=parts.uncertainty,
        log_loss=log_loss(said, won),
        base_log_loss=log_loss(always, won),
        better=_deviations((always - won) ** 2 - (said - won) ** 2, ended),
        levels=tuple(_levels(said, won)),
        tenths=tuple(_tenths(said, won)),
    )


def brier_of(said: Floats, won: Floats) -> tuple[float, float, float]:
    """The share that won, the Brier score, and that of always saying this share."""
    share = float(won.mean())
    return share, brier(said, won), share * (1 - share)


def _deviations(gains: Floats, ended: Stamps) -> float:
    """The mean in units of its standard error; what ended at one moment is one observation."""
    mean = float(gains.mean())
    _, moment = np.unique(ended, return_inverse=True)
    together = np.bincount(moment, gains - mean)
    error = math.sqrt(float(np.sum(together**2))) / len(gains)
    return mean / error if error else 0.0


def _share(won: Floats, ended: Stamps) -> tuple[float, float]:
    """Where the true share of wins may lie, by as many outcomes as these are worth."""
    n = worth(ended, won > 0).n
    interval = wilson(min(float(won.mean()) * n, n), n)
    return interval.low, interval.high


def _levels(said: Floats, won: Floats) -> Iterator[Point]:
    stairs = pav(said, won)
    first = np.searchsorted(stairs.low, said, "right") - 1
    yield from _points(first, said, won)


def _tenths(said: Floats, won: Floats) -> Iterator[Point]:
    """Ten parts of as nearly equal size as equal probabilities allow."""
    edges = np.unique(np.quantile(said, np.arange(1, PARTS) / PARTS))
    yield from _points(np.searchsorted(edges, said, "left"), said, won)


def _points(group: Stamps, said: Floats, won: Floats) -> Iterator[Point]:
    for each in np.unique(group).tolist():
        rows = group == each
        wins, n = float(won[rows].sum()), int(rows.sum())
        interval = wilson(wins, n)
        low, high, mean = float(said[rows].min()), float(said[rows].max()), float(said[rows].mean())
        yield Point(low, high, mean, wins / n, n, interval.low, interval.high)
