"""What the best of many tries is worth: among enough rules without any edge one always looks good."""

import math

import numpy as np

from pipeline.values import Floats


def best_of(tries: int, n: int, share: float) -> float:
    """The win rate that the best of `tries` rules shows on average over n trades when each truly wins `share`."""
    below = np.minimum(_chances(tries, n, share).cumsum(), 1.0)
    return float(n - (below[:-1] ** tries).sum()) / n


def by_luck(wins: int, tries: int, n: int, share: float) -> float:
    """The chance that the best of `tries` independent rules wins so many of n when each truly wins `share`."""
    if not 0 <= wins <= n:
        raise ValueError(f"there cannot be {wins} wins among {n} trades")
    one = float(_chances(tries, n, share)[wins:].sum())
    return -math.expm1(tries * math.log1p(-one)) if one < 1 and wins else 1.0


def _chances(tries: int, n: int, share: float) -> Floats:
    """The chance of exactly 0, 1 … n wins."""
    if not (tries >= 1 and n >= 1 and 0 < share < 1):
        raise ValueError(f"tries and trades are at least 1 and a share lies between 0 and 1: {tries}, {n}, {share}")
    wins = np.arange(n + 1)
    ways = np.log(np.maximum(wins, 1)).cumsum()
    logs = ways[-1] - ways - ways[::-1] + wins * math.log(share) + wins[::-1] * math.log1p(-share)
    return np.exp(logs)
