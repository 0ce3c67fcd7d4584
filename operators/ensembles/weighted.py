"""Votes added by weight."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar, check_names
from pipeline.parts import Derived, ensemble
from pipeline.trailing import typical
from pipeline.values import Floats, Signals, Votes


@ensemble
class Weighted:
    """Adds the providers' votes by weight.

    Each contributes its weight × its score; S = tanh(gain × sum), the direction is the sign of S unless |S| is at most
    `dead_zone`, the confidence is |S|. A provider with nothing to say adds nothing. Without `weights` each counts 1.

    With `scale_over` each score is first divided by its own typical size (the root of the mean square) over so many
    bars before, at most to `cap`: so a provider that always whispers counts as much as one that always shouts. Which
    way it votes never changes.
    """

    weights: dict[str, Annotated[float, Meta(ge=0)]] | None = None
    gain: Annotated[float, Meta(gt=0)] = 1.0
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    scale_over: Annotated[int, Meta(ge=0, le=2000, description="bars; 0: scores count as they are")] = 0
    cap: Annotated[float, Meta(gt=0)] = 2.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    def __post_init__(self) -> None:
        check_names("weights", self.weights or (), self.providers)

    @property
    def lookback(self) -> int:
        return self.scale_over

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        weights = self.weights or {}
        total: Floats = np.zeros(len(votes))
        for name in self.providers:
            total += weights.get(name, 1.0) * self._scaled(votes.spoken(name))
        return votes.signals(np.tanh(self.gain * total), self.dead_zone)

    def _scaled(self, scores: Floats) -> Floats:
        if not self.scale_over:
            return scores
        size = typical(scores, self.scale_over)
        return np.clip(np.divide(scores, size, out=scores.copy(), where=size > 0), -self.cap, self.cap)
