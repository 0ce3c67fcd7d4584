"""Distributions that the standard library lacks, to about twelve digits."""

import math

import numpy as np

from pipeline.values import Floats

TINY = 1e-300
ENOUGH = 1e-15
TERMS = 10_000


def beta_below(x: float, a: float, b: float) -> float:
    """The chance that a Beta(a, b) quantity lies below x: the regularised incomplete beta function."""
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise ValueError(f"a beta distribution has two sizes above 0 and lies between 0 and 1, not {a}, {b} at {x}")
    if x in {0.0, 1.0}:
        return x
    # The fraction converges quickly left of the mean only; right of it the mirror does.
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_below(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's way from the front."""
    c, d = 1.0, _away(1 - (a + b) * x / (a + 1))
    d = 1 / d
    value = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        value *= d * c
        if abs(d * c - 1) < ENOUGH:
            break
    return value


def _away(value: float) -> float:
    """Not so near to 0 that one could not divide by it."""
    return value if abs(value) > TINY else TINY


def student(level: float, freedom: float) -> float:
    """How many standard errors hold `level` of Student's distribution with so many degrees of freedom."""
    if not (0 < level < 1 and freedom > 0):
        raise ValueError(f"a level lies between 0 and 1 and freedom above 0, not {level} and {freedom}")
    low, high = 0.0, 1.0
    # What t standard errors leave outside is the chance of a Beta below freedom / (freedom + t²).
    while beta_below(freedom / (freedom + high * high), freedom / 2, 0.5) > 1 - level:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if beta_below(freedom / (freedom + middle * middle), freedom / 2, 0.5) > 1 - level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def quantile(values: Floats, chances: Floats, share: float) -> float:
    """The smallest of rising values that `share` of the chances do not exceed."""
    total = np.cumsum(chances)
    lower = int(np.count_nonzero(total < share * total[-1] * (1 - 1e-12)))
    return float(values[min(lower, len(values) - 1)])
