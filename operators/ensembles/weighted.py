"""Votes added by weight."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar
from pipeline.parts import Derived, ensemble
from pipeline.values import Floats, Signals, Votes


@ensemble
class Weighted:
    """Adds the providers' votes by weight.

    Each contributes its weight × its score; S = tanh(gain × sum), the direction is the sign of S unless |S| is at most
    `dead_zone`, the confidence is |S|. A provider with nothing to say adds nothing. Without `weights` each counts 1.
    """

    weights: dict[str, Annotated[float, Meta(ge=0)]] | None = None
    gain: Annotated[float, Meta(gt=0)] = 1.0
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    lookback: ClassVar[int] = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.weights or ()) - set(self.providers)) if self.providers else []
        if unknown:
            raise ValueError(
                f"weights names {unknown[0]!r}, which is not one of its providers: {', '.join(self.providers)}"
            )

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        weights = self.weights or {}
        total: Floats = np.zeros(len(votes))
        for name in self.providers:
            scores = votes.scores[name]
            total += weights.get(name, 1.0) * np.where(np.isfinite(scores), scores, 0.0)
        return votes.signals(np.tanh(self.gain * total), self.dead_zone)
