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
        """Of the new rows; `p` and `error` are of all of them."""
        counts, won = outcomes(signals, tie)
        counts &= np.isfinite(p)
        before: Whole = np.cumsum(counts) - counts
        begin: Whole = np.maximum(before - self.window, 0)
        np.maximum(begin[self.lookback :], before[: -self.lookback], out=begin[self.lookback :])
        new = slice(len(p) - signals.fresh, None)
        end, begin = before[new], begin[new]
        said = p[counts]

        def summed(column: Floats) -> Floats:
            total = np.zeros(len(column) + 1, np.int64)
            np.cumsum(np.rint(column * UNIT).astype(np.int64), out=total[1:])
            return (total.take(end) - total.take(begin)) / UNIT

        lack, chance, shared = summed(said - won[counts]), summed(said * (1 - said)), summed(error[counts])
        allowed = NormalDist().inv_cdf(1 - self.alpha) * np.sqrt(chance + shared * shared)
        # Half a win belongs to the number that came, half to the next: whole numbers against a smooth curve.
        return (end - begin >= FEWEST) & (lack - 0.5 > allowed)


def outcomes(signals: Signals, tie: Tie) -> tuple[Flags, Flags]:
    """Of each row: whether what came of it is known from the bar after it, and whether its direction won.

    From close to close: of the last row nothing is known yet, nor of one that no bar follows.
    """
    decided, won = np.zeros(len(signals), np.bool_), np.zeros(len(signals), np.bool_)
    if not len(signals):
        return decided, won
    gained = np.diff(signals.close) * signals.direction[:-1]
    np.equal(np.diff(signals.open_ts), signals.tf, out=decided[:-1])
    decided[:-1] &= np.isfinite(gained) & (signals.direction[:-1] != 0)
    if tie == "push":
        decided[:-1] &= gained != 0
    np.greater(gained, 0, out=won[:-1])
    return decided, won
