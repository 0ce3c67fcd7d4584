"""Votes weighted by the regime the market is in."""

from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar, check_names
from pipeline.parts import Column, Derived, ensemble
from pipeline.values import Floats, Signals, Votes


@ensemble
class Regime:
    """Adds the providers' votes by weights that depend on the value of a column.

    `edges` cut the values of the column `by` into intervals, each of which begins at its edge; `weights` has one table
    for each interval, in their order: `edges = [20]` with two tables tells weights below 20 from those from 20 on. A
    provider that a table does not name is not heard there. Where the column has no value there is no direction.
    """

    by: Column
    edges: Annotated[tuple[float, ...], Meta(min_length=1)]
    weights: tuple[dict[str, Annotated[float, Meta(ge=0)]], ...]
    gain: Annotated[float, Meta(gt=0)] = 1.0
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    lookback: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"edges do not rise: {', '.join(f'{edge:g}' for edge in self.edges)}; put them in order")
        if len(self.weights) != len(self.edges) + 1:
            need = len(self.edges) + 1
            raise ValueError(f"weights has {len(self.weights)} tables, the edges make {need} intervals; write {need}")
        for table in self.weights:
            check_names("weights", table, self.providers)

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        value = votes[self.by]
        interval = np.digitize(value, self.edges)
        total: Floats = np.zeros(len(votes))
        for name in self.providers:
            weight = np.array([table.get(name, 0.0) for table in self.weights])
            total += weight[interval] * votes.spoken(name)
        return votes.signals(np.where(np.isfinite(value), np.tanh(self.gain * total), 0.0), self.dead_zone)
