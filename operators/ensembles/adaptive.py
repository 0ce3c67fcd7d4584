"""Votes weighted by how often each provider was right of late."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar
from pipeline.parts import Column, Derived, ensemble
from pipeline.simplex import capped
from pipeline.trailing import Whole, counted, faded, moved, window
from pipeline.values import Floats, Signals, Small, Votes

DOUBT = 20
"""How many votes, half of them right, a provider is thought to have behind it before its first."""


@ensemble
class Adaptive:
    """Gives more weight to the providers that were right of late.

    A vote was right when the next bar closed on its side; a level close says nothing. A provider's edge is the share of
    its votes over the last `window` bars that were right, less one half, with 20 votes of no edge added. The weights
    wanted are the nearest to softmax(`sharpness` × edge) that add up to 1 and of which none is above `max_weight`; what
    is used is their average over `memory` bars, newer ones counting more (`alpha`). S = tanh(gain × number of providers
    × Σ weight × score): with nothing learned each counts 1, as in `weighted`. A silent provider keeps its weight and
    adds nothing.

    Nothing is remembered beside what stands in the last window + memory bars, so a restart changes nothing. With
    `reset_on` what was before the last change of that column does not count.
    """

    window: Annotated[int, Meta(ge=10, le=2000, description="bars")] = 200
    sharpness: Annotated[float, Meta(ge=0)] = 10.0
    max_weight: Annotated[float, Meta(gt=0, le=1)] = 0.4
    alpha: Annotated[float, Meta(gt=0, le=1)] = 0.1
    memory: Annotated[int, Meta(ge=1, le=200, description="bars")] = 20
    reset_on: Column | None = None
    gain: Annotated[float, Meta(gt=0)] = 1.0
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    def __post_init__(self) -> None:
        if self.providers and self.max_weight * len(self.providers) < 1:
            raise ValueError(
                f"max_weight is {self.max_weight:g}: {len(self.providers)} weights of at most that cannot add up to 1; "
                f"set it to {np.ceil(1000 / len(self.providers)) / 1000:g} or more"
            )

    @property
    def lookback(self) -> int:
        return self.window + self.memory

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        total: Floats = np.zeros(len(votes))
        for name, weight in zip(self.providers, self.weights(votes), strict=True):
            total += weight * votes.spoken(name)
        return votes.signals(np.tanh(self.gain * len(self.providers) * total), self.dead_zone)

    def weights(self, votes: VotesOfBars) -> Floats:
        """The weight of each provider (a row) in each bar (a column)."""
        rows = len(votes)
        came, since = moved(votes.columns, rows), self._since(votes)
        edges = [self._edge(votes.spoken(name), came, since) for name in self.providers]
        raised = np.exp(self.sharpness * np.array(edges))
        total: Floats = np.zeros(rows)
        for each in raised:
            total += each
        wanted = capped(raised / total, self.max_weight)
        even = 1 / len(self.providers)
        averaged = np.array([faded(each, self.alpha, self.memory, even) for each in wanted])
        return np.minimum(averaged, self.max_weight)  # rounding may have lifted it

    def _edge(self, scores: Floats, came: Small, since: Whole) -> Floats:
        way = np.sign(scores)
        decided = (way != 0) & (came != 0)
        right = counted(decided & (way == came), since)
        return (right + DOUBT / 2) / (counted(decided, since) + DOUBT) - 0.5

    def _since(self, votes: VotesOfBars) -> Whole:
        """The first bar whose outcome counts, for each bar."""
        since = window(len(votes), self.window)
        if self.reset_on is None:
            return since
        regime = votes[self.reset_on]
        changed = np.zeros(len(votes), np.int64)
        other = (regime[1:] != regime[:-1]) & ~(np.isnan(regime[1:]) & np.isnan(regime[:-1]))
        changed[1:][other] = np.flatnonzero(other) + 1
        return np.maximum(since, np.maximum.accumulate(changed))
