"""Curves from the size of a score to the probability that its direction wins, with the standard error of that.

None of them ever falls: a stronger score never has a lower probability. Sizes lie in [0, 1].
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from pipeline.statistics.calibration import log_loss, pav
from pipeline.values import Floats, Stamps

Method = Literal["platt", "beta", "isotonic"]
Choice = Literal["auto", "platt", "beta", "isotonic"]

MANY = 1000
"""From so many outcomes on, `auto` lets the outcomes alone say what the curve is like."""
LEAST_LEVEL = 50
"""A level of an isotonic curve stands on so many outcomes at least, and on n^(2/3) of n: three wins in a row at the end
of a curve are no certainty, and levels of a curve that rises are about as long as that anyway."""
EDGE = 1e-3
"""Beta curves take a size nearer than this to 0 or 1 as so near: their logarithms know no end."""
ROUNDS = 100
FARTHEST = 4.0
"""How far one round of a fit may move a row on the logistic scale."""
ENOUGH = 1e-8
NO_MATTER = 1e-7
"""The weight of a zero coefficient in a fit, so that columns which say the same can be told apart."""

Three = tuple[float, float, float]
Odds = tuple[Floats, Floats]
"""Probabilities and their standard errors."""


class Logistic(Struct, frozen=True, tag_field="method", tag="platt"):
    """ln(p / (1 - p)) = a·size + b, with the covariance of the coefficients."""

    coefficients: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]

    def at(self, size: Floats) -> Odds:
        return _odds(self, (size,))


class Beta(Struct, frozen=True, tag_field="method", tag="beta"):
    """ln(p / (1 - p)) = a·ln(size) - b·ln(1 - size) + c, with the covariance of the coefficients."""

    coefficients: tuple[float, float, float]
    covariance: tuple[Three, Three, Three]

    def at(self, size: Floats) -> Odds:
        return _odds(self, _beta_basis(size))


class Levels(Struct, frozen=True, tag_field="method", tag="isotonic"):
    """The share that won from `low` to `high`, on so many outcomes; straight lines in between."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    share: tuple[float, ...]
    outcomes: tuple[float, ...]

    def __post_init__(self) -> None:
        if len({len(self.low), len(self.high), len(self.share), len(self.outcomes)}) > 1:
            raise ValueError("low, high, share and outcomes must be as many")
        ends = [end for ends in zip(self.low, self.high, strict=True) for end in ends]
        known = list(self.share)
        if not known or ends != sorted(ends) or known != sorted(known) or not 0 <= known[0] <= known[-1] <= 1:
            raise ValueError("levels and their shares must rise")
        if min(self.outcomes) <= 0:
            raise ValueError("each level stands on outcomes")

    def at(self, size: Floats) -> Odds:
        share, heft = np.array(self.share), np.array(self.outcomes)
        # One outcome each way more than there were: nothing is certain for never having been seen to fail.
        cautious = (share * heft + 1) / (heft + 2)
        error = np.sqrt(cautious * (1 - cautious) / heft)
        ends = np.column_stack((self.low, self.high)).ravel()
        apart = np.append(True, np.diff(ends) > 0)
        knots = ends[apart]
        # Both are looked up by one search: beyond the outermost knots they are level.
        where = np.searchsorted(knots, size, "right")
        beyond = size - np.append(knots[0], knots).take(where)
        p, spread = (_line(np.repeat(each, 2)[apart], knots, where, beyond) for each in (share, error))
        return p, spread


def _line(value: Floats, knots: Floats, where: Stamps, beyond: Floats) -> Floats:
    """Straight lines through values at knots, by how far each is beyond the knot before it."""
    slope = np.concatenate(([0.0], np.diff(value) / np.diff(knots), [0.0]))
    return np.append(value[0], value).take(where) + slope.take(where) * beyond


Curve = Logistic | Beta | Levels


def fitted(choice: Choice, size: Floats, won: Floats) -> Curve:
    """The curve nearest to what came of the scores; `won` is 1 or 0 for each."""
    return FITS[choice](size, won)


def name_of(curve: Curve) -> Method:
    match curve:
        case Logistic():
            return "platt"
        case Beta():
            return "beta"
        case Levels():
            return "isotonic"


def platt(size: Floats, won: Floats) -> Logistic:
    return Logistic(*_logistic((size,), won))


def beta(size: Floats, won: Floats) -> Beta:
    return Beta(*_logistic(_beta_basis(size), won))


def isotonic(size: Floats, won: Floats) -> Levels:
    stairs, least = pav(size, won), max(LEAST_LEVEL, len(size) ** (2 / 3))
    starts: list[int] = []
    held = np.inf
    for level, weight in enumerate(stairs.weight.tolist()):
        if held >= least:
            starts.append(level)
            held = 0.0
        held += weight
    if held < least and len(starts) > 1:
        starts.pop()
    heft = np.add.reduceat(stairs.weight, starts)
    share = np.add.reduceat(stairs.weight * stairs.value, starts) / heft
    ends = np.append(np.array(starts[1:], np.int64), len(stairs.weight)) - 1
    columns = (stairs.low[starts], stairs.high[ends], share, heft)
    return Levels(*(tuple(column.tolist()) for column in columns))


def _auto(size: Floats, won: Floats) -> Curve:
    """Isotonic with many outcomes; with few the smoother curve that fits better for as many coefficients as it has."""
    if len(size) >= MANY:
        return isotonic(size, won)
    plain, bent = platt(size, won), beta(size, won)
    return bent if _surprise(bent, size, won) + 1 < _surprise(plain, size, won) else plain


FITS: dict[Choice, Callable[[Floats, Floats], Curve]] = {
    "auto": _auto,
    "platt": platt,
    "beta": beta,
    "isotonic": isotonic,
}


def _surprise(curve: Curve, size: Floats, won: Floats) -> float:
    p, _ = curve.at(size)
    return len(won) * log_loss(p, won)


def _beta_basis(size: Floats) -> tuple[Floats, ...]:
    inner = np.clip(size, EDGE, 1 - EDGE)
    return np.log(inner), -np.log1p(-inner)


def _odds(curve: Logistic | Beta, basis: tuple[Floats, ...]) -> Odds:
    """The probability, and its standard error by how fast it moves with the coefficients (the delta method)."""
    *slopes, total = curve.coefficients
    spread = curve.covariance[-1][-1]
    for row, (one, slope) in enumerate(zip(basis, slopes, strict=True)):
        shared = curve.covariance[row]
        inner = 2 * shared[-1]
        for other in range(row):
            inner = inner + 2 * shared[other] * basis[other]
        total = total + slope * one
        spread = spread + one * (inner + shared[row] * one)
    p = 1 / (1 + np.exp(-total))
    return p, p * (1 - p) * np.sqrt(np.maximum(spread, 0.0))


def _logistic(basis: tuple[Floats, ...], won: Floats) -> tuple[Any, Any]:
    """Coefficients (the constant last) and covariance by maximum likelihood; a slope is 0 where it would be below."""
    design = np.column_stack((*basis, np.ones(len(won))))
    used = list(range(len(basis) + 1))
    while True:
        found, covariance = _newton(design[:, used], _hedged(won))
        falling = [column for column, slope in zip(used[:-1], found.tolist(), strict=False) if slope < 0]
        if not falling:
            break
        used.remove(falling[0])
    coefficients, spread = np.zeros(design.shape[1]), np.zeros((design.shape[1], design.shape[1]))
    coefficients[used] = found
    spread[np.ix_(used, used)] = covariance
    return tuple(coefficients.tolist()), tuple(tuple(row) for row in spread.tolist())


def _hedged(won: Floats) -> Floats:
    """Outcomes a little off 0 and 1, as if there had been one of each more: no finite curve fits certainty."""
    wins = float(won.sum())
    return np.where(won > 0, (wins + 1) / (wins + 2), 1 / (len(won) - wins + 2))


def _newton(design: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The logistic fit and the inverse of its information."""
    columns = int(design.shape[1])
    ridge: Floats = NO_MATTER * len(design) * np.eye(columns)
    found: Floats = np.zeros(columns)
    for _ in range(ROUNDS):
        p: Floats = 1 / (1 + np.exp(-np.matmul(design, found)))
        information = np.matmul((design * (p * (1 - p))[:, None]).T, design) + ridge
        covariance: Floats = np.asarray(np.linalg.inv(information), np.float64)
        step: Floats = np.matmul(covariance, np.matmul(design.T, target - p) - np.matmul(ridge, found))
        far = float(np.abs(np.matmul(design, step)).max())
        # What moves a row by more than a few on the logistic scale leaves where the step was worked out for.
        found = np.add(found, step * min(1.0, FARTHEST / max(far, FARTHEST)))
        if far < ENOUGH:
            return found, covariance
    raise ValueError("the fit did not settle; try the method isotonic")
