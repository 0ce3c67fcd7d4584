"""Tips heard by bars: which row of some columns each tip is for, and what it says there.

A tip speaks once: of the first bar of its product and timeframe that becomes final at or after its `as_of`, if that is
no later than its `valid_until`; otherwise that row is marked as expired. So what a row is told depends on the tips, on
its own stamp and on that of the row before it, and not on how the rows were cut.
"""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pipeline.values import Columns, Flags, Floats, Stamps, Tips

HEARS = "tips"
"""The inlet by which a provider is told tips."""
LOOKBACK = 1
"""So many rows before its own a row needs, to know which tips were for earlier ones."""
KEPT = 65_536
"""So many tips of each product are kept once rows have passed them: earlier rows may be looked at again."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What tips say of the rows of some columns: a score, NaN where they say nothing, and which ones came too late."""

    score: Floats
    expired: Flags

    def __len__(self) -> int:
        return len(self.score)


@cache
def hears(cls: type[Any]) -> bool:
    """Whether a provider takes what tips say beside its columns."""
    return Told in typing.get_type_hints(cls.__call__).values()


def told_of(columns: Columns, tips: Tips) -> Told:
    """What tips, in order of time, say of each row. The first row is told nothing: who knows what was before it."""
    told = Told(np.full(len(columns), np.nan), np.zeros(len(columns), np.bool_))
    if not len(columns) or not len(tips):
        return told
    final_at = columns.final_at
    first, last = tips.as_of.searchsorted((final_at.item(0), final_at.item(-1)), side="right").tolist()
    cut = slice(first, last)
    meant = np.flatnonzero((tips.tf[cut] == 0) | (tips.tf[cut] == columns.tf)) + first
    rows = final_at.searchsorted(tips.as_of[meant])
    late = tips.valid_until[meant] < final_at[rows]
    told.expired[rows[late]] = True
    rows, meant = rows[~late], meant[~late]
    if len(rows):
        _say(told.score, rows, tips.as_of[meant], tips.score[meant])
    return told


def _say(score: Floats, rows: Stamps, as_of: Stamps, said: Floats) -> None:
    """Write the last word on each row; of several of one moment their mean, so that a call and a put cancel."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    stops = np.append(starts[1:], len(rows))
    newest = as_of == np.repeat(as_of[stops - 1], stops - starts)
    counts = np.add.reduceat(newest.astype(np.int64), starts)
    score[rows[starts]] = np.add.reduceat(np.where(newest, said, 0.0), starts) / counts


class Board:
    """The tips one provider was told: all whose time has not come, and those of late."""

    def __init__(self) -> None:
        self._tips: dict[str, Tips] = {}
        self._passed: dict[str, int] = {}
        """Until when there have been rows of each product."""

    def add(self, tips: Tips) -> None:
        known = self._tips.get(tips.product)
        whole = ordered(tips if known is None else _joined(known, tips))
        spent = int(whole.as_of.searchsorted(self._passed.get(tips.product, 0), side="right"))
        self._tips[tips.product] = _rows(whole, slice(max(0, spent - KEPT), None))

    def told(self, columns: Columns) -> Told:
        """What the tips of their product say of columns."""
        product = columns.product
        if len(columns):
            self._passed[product] = max(self._passed.get(product, 0), columns.final_at.item(-1))
        return told_of(columns, self._tips.get(product) or none_of(product))

    def __len__(self) -> int:
        return sum(len(each) for each in self._tips.values())


def ordered(tips: Tips) -> Tips:
    """Tips in order of time; those of one moment in an order that does not depend on which came first."""
    return _rows(tips, np.lexsort((tips.tf, tips.valid_until, tips.score, tips.as_of)))


def none_of(product: str) -> Tips:
    nothing = np.zeros(0, np.int64)
    return Tips(product, nothing, nothing, nothing, np.zeros(0))


def _joined(known: Tips, more: Tips) -> Tips:
    return Tips(
        known.product, *(np.concatenate(pair) for pair in zip(_columns_of(known), _columns_of(more), strict=True))
    )


def _rows(tips: Tips, rows: "slice | Stamps") -> Tips:
    return Tips(tips.product, *(column[rows] for column in _columns_of(tips)))


def _columns_of(tips: Tips) -> "Iterator[Any]":
    yield from (tips.as_of, tips.valid_until, tips.tf, tips.score)
