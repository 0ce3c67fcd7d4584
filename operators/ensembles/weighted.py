"""Votes added by weight."""

from collections.abc import Iterator
from typing import Annotated

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
    The probability shown is a plain logistic of |S| and is not calibrated: no gate may rest on it.
    """

    weights: dict[str, Annotated[float, Meta(ge=0)]] | None = None
    gain: Annotated[float, Meta(gt=0)] = 1.0
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.weights or ()) - set(self.providers)) if self.providers else []
        if unknown:
            raise ValueError(
                f"weights names {unknown[0]!r}, which is not one of its providers: {', '.join(self.providers)}"
            )

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Iterator[Signals]:
        weights = self.weights or {}
        columns = votes.columns
        scores = np.array([votes.scores[name] for name in self.providers])
        scores[~np.isfinite(scores)] = 0.0
        total: Floats = np.zeros(columns.fresh)
        for name, score_of_one in zip(self.providers, scores, strict=True):
            total += weights.get(name, 1.0) * score_of_one
        score = np.tanh(self.gain * total)
        confidence = np.abs(score)
        fresh = slice(len(columns) - columns.fresh, None)
        yield Signals(
            product=columns.product,
            tf=columns.tf,
            open_ts=columns.open_ts[fresh],
            final_at=columns.final_at[fresh],
            close=columns["close"][fresh],
            ready=columns.ready[fresh],
            score=score,
            confidence=confidence,
            probability=1 / (1 + np.exp(-confidence)),
            direction=np.where(confidence > self.dead_zone, np.sign(score), 0).astype(np.int8),
            votes=votes.scores,
            fault=votes.fault,
        )
