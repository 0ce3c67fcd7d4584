"""Scores over the rows of columns, of which strategies are made. A row depends on a fixed number of rows up to it.

Nothing is summed up over rows, and no function is used that a machine may round in one way here and in another there:
so a row's bits depend neither on where the columns begin nor on how many rows there are.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from msgspec import Meta

from pipeline.rolling import folded, led
from pipeline.values import Flags, Floats

Presets = Mapping[int, Mapping[str, object]]
"""The numbers of a strategy in the catalogue: for each the keys that differ from the defaults."""
Adx = Annotated[float, Meta(ge=0, le=100, description="from which on a trend counts")]
Atrs = Annotated[float, Meta(gt=0, description="in average true ranges")]
Extreme = Annotated[float, Meta(gt=50, lt=100, description="beyond it and its mirror (100 less it) is an end")]

LEAST = 0.1
"""A vote that is given at all counts a tenth at least."""


def spoken(up: Flags, down: Flags, strength: Floats) -> Floats:
    """The score: a strength of a tenth to 1 where it goes up, less that where down, nothing where neither or both."""
    made = np.where(up ^ down, np.clip(strength, LEAST, 1.0), np.nan)
    np.negative(made, out=made, where=down)
    return made


def share(part: Floats, whole: Floats) -> Floats:
    """One by the other where the other is above 0; elsewhere nothing."""
    with np.errstate(over="ignore"):
        return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def before(column: Floats, rows: int = 1) -> Floats:
    """What a column was so many rows before."""
    made = np.empty(len(column))
    made[:rows] = np.nan
    made[rows:] = column[:-rows]
    return made


def crossed(apart: Floats, rows: int = 1) -> tuple[Flags, Flags]:
    """Whether one column has come above another, or under it, and stayed there for `rows` rows; by their difference."""
    earlier = before(apart, rows)
    return (earlier <= 0) & held(apart > 0, rows), (earlier >= 0) & held(apart < 0, rows)


def returned(column: Floats, limit: float) -> tuple[Flags, Flags]:
    """Whether a column comes inside its limits after it was at one or beyond: up from the lower, else down."""
    earlier, inside = before(column), np.abs(column) < limit
    return inside & (earlier <= -limit), inside & (earlier >= limit)


def turned(column: Floats) -> tuple[Flags, Flags, Floats]:
    """Whether a column rises after it fell, or falls after it rose, and how far it went back."""
    moved = column - before(column)
    earlier = before(moved)
    return (moved > 0) & (earlier < 0), (moved < 0) & (earlier > 0), np.abs(moved)


def highest(column: Floats, rows: int) -> Floats:
    """The highest of the last `rows` rows, this one among them; nothing before there are so many."""
    return _led(folded(np.maximum, column, rows), len(column))


def lowest(column: Floats, rows: int) -> Floats:
    return _led(folded(np.minimum, column, rows), len(column))


def held(flags: Flags, rows: int) -> Flags:
    """Whether something held on each of the last `rows` rows."""
    if rows == 1:
        return flags
    made = np.zeros(len(flags), np.bool_)
    made[rows - 1 :] = folded(np.logical_and, flags, rows)
    return made


def lately(flags: Flags, rows: int) -> Flags:
    """Whether something held on one of the last `rows` rows; of a row with fewer before it nothing is said."""
    made = np.zeros(len(flags), np.bool_)
    made[rows - 1 :] = folded(np.logical_or, flags, rows)
    return made


def _led(column: Floats, rows: int) -> Floats:
    return led(column, rows - len(column))
