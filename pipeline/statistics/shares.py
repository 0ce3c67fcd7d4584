"""Shares of decided trades: what must be won for nothing to be lost, and where a true share may lie."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Money = Literal["paper", "replay", "demo", "real"]
"""Whose money was won and lost: trades of one kind are never counted with those of another."""


def break_even(payout: float) -> float:
    """The share of decided trades that must win for nothing to be lost, when a win pays `payout` times the stake."""
    if not (math.isfinite(payout) and payout >= 0):
        raise ValueError(f"a payout is a ratio of the stake such as 0.85, not {payout}")
    return 1 / (1 + payout)


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies, as far as the trades seen can tell at this level."""

    low: float
    high: float
    level: float


def wilson(wins: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share: of no trades, everything. `n` may be an effective number, so not whole."""
    if not (math.isfinite(n) and 0 <= wins <= n):
        raise ValueError(f"there cannot be {wins} wins among {n} trades")
    z2 = deviations(level) ** 2
    if n == 0:
        return Interval(0.0, 1.0, level)
    middle = (wins + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (wins * ((n - wins) / n) + z2 / 4)) / (n + z2)
    share = wins / n
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)), level)


def deviations(level: float) -> float:
    """How many standard deviations hold `level` of a normal distribution."""
    if not (0 < level < 1 and (1 + level) / 2 < 1):
        raise ValueError(f"a confidence level lies between 0 and 1, such as 0.95, not {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


def effective_n(together: Iterable[int], correlation: float) -> float:
    """How many independent trades tell as much as these.

    `together` counts the trades that ended in each slot; any two of one slot go the same way with `correlation`. Twelve
    pairs that share a currency are not twelve proofs.
    """
    if not 0 <= correlation <= 1:
        raise ValueError(f"the correlation of trades in one slot lies between 0 and 1, not at {correlation}")
    sizes = tuple(together)
    n = sum(sizes)
    return n * n / sum(size * (1 + (size - 1) * correlation) for size in sizes) if n else 0.0


def factor(times: float) -> str:
    """A multiple as a person reads it."""
    if times >= 1e6:
        return "over a million"
    if times < 0.001:
        return "under 0.001"
    return f"{times:,.0f}" if times >= 100 else f"{times:.3g}"
