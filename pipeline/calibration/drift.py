"""Whether what came about still fits what was said of it: over the last rows only, and exactly so for any cut of them.

Sums are of whole numbers (of 2**-30), so they do not depend on where the columns begin.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pipeline.settlement import Tie
from pipeline.values import Flags, Floats, Signals

FEWEST = 30
"""With fewer outcomes nothing is said of drift."""
UNIT = 2.0**30

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Closes where the last `window` outcomes, of the last `lookback` rows, hold fewer wins than chance allows.

    With true probabilities a share `alpha` of rows is closed for nothing. The standard errors of the probabilities
    count as a doubt that all rows share.
    """

    window: int
    lookback: int
    alpha: float

    def closed(self, signals: Signals, tie: Tie, p: Floats, error: Floats) -> Flags:
        decided, won = outcomes(signals, tie)
        counts = decided & np.isfinite(p)
        rows = np.flatnonzero(counts)
        said, doubt = p[rows], error[rows]
        before = np.cumsum(counts) - counts
        begin = np.maximum(before - self.window, before[np.maximum(np.arange(len(p)) - self.lookback, 0)])

        def summed(column: Floats) -> Whole:
            total = np.zeros(len(column) + 1, np.int64)
            np.cumsum(np.rint(column * UNIT).astype(np.int64), out=total[1:])
            return total[before] - total[begin]

        lack, chance, shared = summed(said - won[rows]), summed(said * (1 - said)), summed(doubt)
        allowed = NormalDist().inv_cdf(1 - self.alpha) * np.sqrt(chance / UNIT + (shared / UNIT) ** 2)
        # Half a win belongs to the number that came, half to the next: whole numbers against a smooth curve.
        return (before - begin >= FEWEST) & (lack / UNIT - 0.5 > allowed)


def outcomes(signals: Signals, tie: Tie) -> tuple[Flags, Floats]:
    """Of each row: whether what came of it is known from the bar after it, and 1 if its direction won.

    From close to close: of the last row nothing is known yet, nor of one that no bar follows.
    """
    decided, won = np.zeros(len(signals), np.bool_), np.zeros(len(signals))
    moved = np.diff(signals.close)
    known = (np.diff(signals.open_ts) == signals.tf) & (signals.direction[:-1] != 0) & np.isfinite(moved)
    decided[:-1] = known & (moved != 0) if tie == "push" else known
    won[:-1] = np.sign(moved) == signals.direction[:-1]
    return decided, won
