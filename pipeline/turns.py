"""Turns: the moments from which on something about a product's quotes is otherwise."""

from typing import NamedTuple

import numpy as np

FLOW, DOUBT, PACE, TELLS, FLAT, FRESH, REST = range(7)
"""Kinds of turns, in the order in which those of one moment are taken: quotes go on, their prices are suspect (or are
so no more), they keep up (or do not), their lag is known well enough to be judged, they stand still, the connection is
seen to work again, and for a while no other quote follows."""


class Turn(NamedTuple):
    """From a moment on something is otherwise: `value` says how, or of a rest after how long it is quiet."""

    at: int
    kind: int
    value: int = 0
    lag: float = float("nan")
    limit: float = 0.0
    """What the lag was held against, or of a rest after how long it may be stale."""


EVER = int(np.iinfo(np.int64).min)
NEVER = int(np.iinfo(np.int64).max)
"""Before and after all moments."""
