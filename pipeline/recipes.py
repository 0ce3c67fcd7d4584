"""Recipes: in which order features are computed on bars of one timeframe, and from which row on each is ready.

A feature may read features before it. It is given the rows from which all of these are ready, so what it has to warm up
begins there; where one of them has no answer in between it begins anew. A feature of longer bars is computed on what
the run's own bars make of whole slots, and holds from the row with which such a slot was complete.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

import numpy as np

from pipeline.candles import merged
from pipeline.parts import Feature, Longer, Reaching, column_keys
from pipeline.stretch import PRICES, Stretch, stretch_of
from pipeline.times import DAY
from pipeline.values import Bars, Flags, Floats, Stamps

Computed = Floats | tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One feature: what it reads of features before it, the row from which it is fed, and how many it then skips."""

    name: str
    feature: Feature
    columns: tuple[str, ...]
    reads: tuple[str, ...]
    begin: int
    skips: int
    ready: int
    """The first row it answers, the two together."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to compute some features, and what they need, on bars of the timeframe `tf`."""

    tf: int
    wanted: tuple[str, ...]
    """The features asked for; the others are what these read."""
    steps: tuple[Step, ...]
    longer: Mapping[int, "Recipe"]
    """What to compute on the bars of each longer timeframe (ms)."""
    read: frozenset[str]
    """The features that others read."""
    ready: Mapping[str, int]
    """The first row that each feature answers."""
    spare: int
    """How many bars more it takes where slots of longer bars are not whole, as at a daily break: one for each day."""

    def computed(self, bars: Bars, start: int, stop: int) -> Iterator[tuple[str, tuple[Floats, ...]]]:
        """The columns of every feature, of the rows from `start` to before `stop` or of the last of these.

        What stands in a row before the feature is ready means nothing.
        """
        whole, count = stretch_of(bars, start, stop), stop - start
        for slot, recipe in self.longer.items():
            for step, columns in _spread(recipe, bars.rows(start, stop, 0), slot):
                whole.columns.update(zip(step.columns, columns, strict=True))
                yield step.name, columns
        for step in self.steps:
            made = _chained(step, whole) if step.reads else step.feature(whole)
            columns = made if isinstance(made, tuple) else (made,)
            for column in columns:
                if not count - step.ready <= len(column) <= count:
                    raise ValueError(_misfit(step, len(column), count))
            if len(columns) != len(step.columns):
                raise ValueError(f"{step.name} gave {len(columns)} columns; it says it gives {len(step.columns)}")
            if step.name in self.read:
                whole.columns.update(zip(step.columns, columns, strict=True))
            yield step.name, columns


def recipe_of(features: Mapping[str, Feature], wanted: Sequence[str], tf: int) -> Recipe:
    """The recipe of the wanted features. All that they name must be there, and none may need itself."""
    order = _in_order(features, wanted, tf)
    slots = {name: slot for name in order if (slot := _slot(features[name], tf))}
    longer = {
        slot: recipe_of(features, [name for name in order if slots.get(name) == slot], slot)
        for slot in sorted(set(slots.values()))
    }
    ready: dict[str, int] = {}
    steps: list[Step] = []
    read: set[str] = set()
    spare = 0
    owners = owners_of(features)
    for name in order:
        feature = features[name]
        if name in slots:
            parts, above = slots[name] // tf, longer[slots[name]]
            # At worst the window begins with the second part of a slot, which is lost then.
            ready[name] = parts * (above.ready[name] + 2) - 2
            spare = max(spare, parts * (1 - (-ready[name] * tf // DAY) + above.spare))
            continue
        reads = tuple(column for column in reads_of(feature) if column not in PRICES)
        below = {owners[column] for column in reads}
        begin = max((ready[each] for each in below), default=0)
        skips = _skips(feature, tf)
        ready[name] = begin + skips
        steps.append(Step(name, feature, column_names(name, feature), reads, begin, skips, ready[name]))
        read |= below
    return Recipe(tf, tuple(wanted), tuple(steps), longer, frozenset(read), ready, spare)


def reads_of(feature: Feature) -> tuple[str, ...]:
    """The columns that a feature names."""
    named = (getattr(feature, key) for key in column_keys(type(feature)))
    return tuple(dict.fromkeys(column for column in named if column is not None))


def column_names(name: str, each: Feature) -> tuple[str, ...]:
    """`rsi`, or for a feature of several outputs `macd.line`, `macd.signal` …"""
    return tuple(f"{name}.{output}" for output in each.outputs) if each.outputs else (name,)


def owners_of(features: Mapping[str, Feature]) -> dict[str, str]:
    """Which feature gives each column."""
    return {column: name for name, each in features.items() for column in column_names(name, each)}


def far(features: Mapping[str, Feature], tf: int) -> frozenset[str]:
    """The features that look back over a time rather than over bars of `tf`, or stand on one that does."""
    owners = owners_of(features)
    found = {name for name, each in features.items() if isinstance(each, Reaching) or _slot(each, tf)}
    for name in _in_order(features, features, tf):
        if any(owners.get(column) in found for column in reads_of(features[name])):
            found.add(name)
    return frozenset(found)


def _slot(feature: Feature, tf: int) -> int:
    """The longer timeframe that a feature is computed on, 0 for the bars themselves."""
    return feature.slot() if isinstance(feature, Longer) and feature.slot() > tf else 0


def _skips(feature: Feature, tf: int) -> int:
    reach = -(-feature.reach() // tf) - 1 if isinstance(feature, Reaching) else 0
    return max(feature.warmup(), reach)


def _in_order(features: Mapping[str, Feature], wanted: Iterable[str], tf: int) -> list[str]:
    """The wanted features and what they are computed from on the same bars, each after what it reads."""
    owners = owners_of(features)
    graph: dict[str, list[str]] = {}
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in graph:
            reads = () if _slot(features[name], tf) else reads_of(features[name])
            graph[name] = [owners[column] for column in reads if column in owners]
            todo += graph[name]
    return list(TopologicalSorter(graph).static_order())


def _chained(step: Step, whole: Stretch) -> Computed:
    """A feature of features: from where they are ready, and anew after each row on which one has no answer."""
    count = len(whole) - step.begin
    if count <= 0:
        return (NOTHING,) * len(step.columns)
    rows = whole.last(count, (*PRICES, *step.reads))
    spans = _answered(rows, step)
    if spans is None:
        return step.feature(rows)
    made = tuple(np.full(count, np.nan) for _ in step.columns)
    for start, stop in spans:
        given = step.feature(rows.cut(start, stop))
        for into, column in zip(made, given if isinstance(given, tuple) else (given,), strict=True):
            first = max(start + step.skips, stop - len(column))
            if first < stop:
                into[first:stop] = column[first - stop :]
    return made


def _answered(rows: Stretch, step: Step) -> list[tuple[int, int]] | None:
    """The spans in which everything the step reads is a number and which are long enough; None when that is all."""
    if all(math.isfinite(np.add.reduce(rows[column])) for column in step.reads):
        return None
    known = np.isfinite(rows[step.reads[0]])
    for column in step.reads[1:]:
        known &= np.isfinite(rows[column])
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
    spans = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(start, stop) for start, stop in spans if stop - start > step.skips]


def _spread(recipe: Recipe, bars: Bars, slot: int) -> Iterator[tuple[Step, tuple[Floats, ...]]]:
    """What was computed on whole slots, from the row on with which each of them was complete."""
    longer = _packed(merged(bars, slot))
    known = np.searchsorted(longer.open_ts + (slot - bars.tf), bars.open_ts, side="right") - 1
    for step, (name, columns) in zip(recipe.steps, recipe.computed(longer, 0, len(longer)), strict=True):
        if name in recipe.wanted:
            answered = known >= recipe.ready[name]
            yield step, tuple(_at(column, known, answered, len(longer)) for column in columns)


def _packed(bars: Bars) -> Bars:
    """Bars whose columns lie in one piece, as indicators take them."""
    return replace(
        bars,
        high=np.ascontiguousarray(bars.high),
        low=np.ascontiguousarray(bars.low),
        volume=np.ascontiguousarray(bars.volume),
    )


def _at(column: Floats, known: Stamps, answered: Flags, rows: int) -> Floats:
    made = np.full(len(known), np.nan)
    made[answered] = column[known[answered] - (rows - len(column))]
    return made


def _misfit(step: Step, given: int, rows: int) -> str:
    return f"{step.name} gave {given} rows for {rows}; it may leave out the first {step.ready}, and no others"


NOTHING: Floats = np.zeros(0)
