"""Columns over the last rows of columns, of which features are made. A row depends on the rows up to it only."""

from typing import TypeVar

import numpy as np

from pipeline.values import Flags, Floats

T = TypeVar("T", Flags, Floats)

FORGETTING = 4
"""An exponential average has forgotten all but e^-8 of where it began after this many periods."""
WILDER = 2 * FORGETTING
"""Wilder's average takes twice as many."""
TURNS = 120
"""After so many bars a stop that turns with the price has turned, wherever it began."""


def ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
    """One by the other, and `otherwise` where the other is 0."""
    return np.divide(part, whole, out=np.full(len(whole), otherwise), where=whole != 0)


def still(column: Floats, period: int) -> Flags | None:
    """From row period - 1 on: whether the last `period` values are one and the same. None when no row is like that."""
    same = column[1:] == column[:-1]
    if np.count_nonzero(same) < period - 1:
        return None
    return _lasting(same, period - 1)


def silent(column: Floats, period: int) -> Flags | None:
    """From row period - 1 on: whether the last `period` values are all 0. None when no row is like that."""
    nothing = column == 0
    if np.count_nonzero(nothing) < period:
        return None
    return _lasting(nothing, period)


def _lasting(holds: Flags, rows: int) -> Flags:
    """Whether something held for each of the last `rows` rows, from the first row that has so many."""
    count = np.zeros(len(holds) + 1, np.int64)
    np.cumsum(holds, out=count[1:])
    return count[rows:] - count[: len(count) - rows] == rows


def folded(keep: np.ufunc, column: T, rows: int) -> T:
    """Each `rows` rows in one, folded together in strides of 1, 2, 4 …: of fewer rows than that, nothing."""
    if len(column) < rows:
        return column[:0]
    made, covers = column, 1
    while covers < rows:
        stride = min(covers, rows - covers)
        made = keep(made[stride:], made[:-stride])
        covers += stride
    return made


def led(column: Floats, rows: int, value: float = np.nan) -> Floats:
    """A column led by so many rows of a value."""
    made = np.empty(rows + len(column))
    made[:rows] = value
    made[rows:] = column
    return made


def blended(column: Floats, share: Floats, first: float) -> Floats:
    """A recursive average whose weight changes: each row is `share` of its value and the rest of the row before.

    The rows are folded together in strides of 1, 2, 4 …: every pass doubles how many rows a row knows of. A row takes
    the same steps however many come after it.
    """
    made, kept = share * column, 1.0 - share
    made[0] += kept[0] * first
    kept[0] = 0.0
    stride = 1
    while stride < len(made):
        made[stride:] = made[stride:] + kept[stride:] * made[:-stride]
        kept[stride:] = kept[stride:] * kept[:-stride]
        stride *= 2
    return made
