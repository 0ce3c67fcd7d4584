"""Features on anchored windows: the same numbers for a bar whenever we started and however the bars were cut.

Indicators with a long memory depend on where their input begins. So it begins at a place that depends on the bar alone:
time is cut into blocks of `block` slots aligned to the epoch, and the window of a bar starts so many bars before the
first bar of its block as the features need. Live the window ends at the newest bar, in replay at the end of the block:
as every feature is causal, both give the same bits.

Features that look back over a time (a session, longer bars) need many more bars than the others. They have a window of
their own, so that they change neither the bits nor the cost of those.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.parts import Feature
from pipeline.recipes import Recipe, column_names, far, owners_of, recipe_of
from pipeline.stretch import PRICES, prices_of
from pipeline.values import Bars, Columns, Flags, Floats

__all__ = ["LEAST", "PRICES", "Anchoring", "Window"]

LEAST = 30
"""Fewer bars than this decide nothing, however short the features are."""


@dataclass(frozen=True, slots=True)
class Window:
    """Features that begin at the same bar, and in which row of the table the first column of each goes."""

    recipe: Recipe
    warmup: int
    """The first row on which all of them are ready."""
    before: int
    """How many bars before a block it begins."""
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Which features to compute, and where their windows begin."""

    features: Mapping[str, Feature]
    block: int
    least: int
    """How many bars before a block its windows begin, if the features need no more."""
    lookback: int
    """How many rows before those that are voted on are kept for providers that look back."""
    recalled: int = 0
    """How many rows before the new ones are voted on once more, for what looks back on votes."""
    names: tuple[str, ...] = field(init=False)
    """The columns, one for each output of each feature."""
    _windows: dict[int, tuple[Window, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(owners_of(self.features)))
        object.__setattr__(self, "_windows", {})

    def warmup(self, tf: int) -> int:
        """How many bars of the timeframe `tf` (ms) pass before every feature is ready."""
        return max(window.warmup for window in self.windows(tf))

    def context(self, tf: int) -> int:
        """How many bars before a new one are needed to compute it as it always is."""
        return max(window.before for window in self.windows(tf)) + self.block - 1 + self.lookback + self.recalled

    def columns(self, bars: Bars) -> Columns:
        """The features of the new rows of `bars`, and of the rows before them that somebody looks back on."""
        rows = len(bars)
        first = max(0, rows - bars.fresh - self.recalled - self.lookback)
        table = np.empty((len(self.names), rows - first))
        windows = self.windows(bars.tf)
        for start, stop in self._blocks(bars, first):
            into = table[:, max(start - first, 0) : stop - first]
            for window in windows:
                _fill(into, window, bars, start, stop)
        known = np.isfinite(table)
        ready: Flags = np.ones(rows - first, np.bool_)
        if not known.all():
            table[~known] = np.nan
            np.all(known, axis=0, out=ready)
        if first < LEAST:
            ready[: LEAST - first] = False
        values = prices_of(bars, first)
        values.update(zip(self.names, table, strict=True))
        stamps = bars.open_ts[first:], bars.final_at[first:]
        return Columns(bars.product, bars.tf, *stamps, ready, values, bars.fresh, self.recalled)

    def windows(self, tf: int) -> tuple[Window, ...]:
        """The windows of one timeframe; the first is that of the features which count bars."""
        made = self._windows.get(tf)
        if made is None:
            distant = far(self.features, tf)
            made = (self._window([name for name in self.features if name not in distant], tf, self.least),)
            if distant:
                made += (self._window([name for name in self.features if name in distant], tf, 0),)
            self._windows[tf] = made
        return made

    def _window(self, wanted: list[str], tf: int, least: int) -> Window:
        recipe = recipe_of(self.features, wanted, tf)
        places = {name: self.names.index(column_names(name, self.features[name])[0]) for name in wanted}
        warmup = max([least, *(recipe.ready[name] for name in wanted)])
        return Window(recipe, warmup, warmup + recipe.spare, places)

    def _blocks(self, bars: Bars, first: int) -> list[tuple[int, int]]:
        """Row spans of the blocks that the rows from `first` on lie in."""
        rows, span = len(bars), bars.tf * self.block
        if first == rows:
            return []
        block = bars.open_ts.item(first) // span
        begin = int(bars.open_ts.searchsorted(block * span))
        if bars.open_ts.item(-1) // span == block:
            return [(begin, rows)]
        edges = first + np.flatnonzero(np.diff(bars.open_ts[first:] // span)) + 1
        starts = [begin, *edges.tolist()]
        return list(zip(starts, [*starts[1:], rows], strict=True))


def _fill(into: Floats, window: Window, bars: Bars, start: int, stop: int) -> None:
    """Compute the window of one block and keep its last rows, as many as there is room for."""
    begin = max(0, start - window.before)
    count = into.shape[1]
    passed = stop - count - begin
    ready, places = window.recipe.ready, window.places
    for name, columns in window.recipe.computed(bars, begin, stop):
        place = places.get(name)
        if place is None:
            continue
        missing = ready[name] - passed
        if missing > 0:
            into[place : place + len(columns), :missing] = np.nan
        if missing <= 0:
            for row, column in enumerate(columns, place):
                into[row] = column[-count:]
        elif missing < count:
            for row, column in enumerate(columns, place):
                into[row, missing:] = column[missing - count :]
