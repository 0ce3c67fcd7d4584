"""Votes counted."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar
from pipeline.parts import Derived, ensemble
from pipeline.values import Floats, Signals, Votes


@ensemble
class Majority:
    """Goes the way that most providers go; when as many go each way, the way that is meant more strongly.

    A provider counts where its score is at least `least` in size; with fewer than `quorum` of them there is no
    direction. |S| is the share of those who counted that go this way: 1 when all agree.
    """

    least: Annotated[float, Meta(gt=0, le=1)] = 0.05
    quorum: Annotated[int, Meta(ge=1)] = 1
    providers: Annotated[tuple[str, ...], Derived] = ()

    lookback: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.providers and self.quorum > len(self.providers):
            raise ValueError(f"quorum is {self.quorum}, of {len(self.providers)} providers; lower it, or name more")

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        calls, puts, strength = (np.zeros(len(votes)) for _ in range(3))
        for name in self.providers:
            score = votes.spoken(name)
            counts = np.abs(score) >= self.least
            calls += counts & (score > 0)
            puts += counts & (score < 0)
            strength += np.where(counts, score, 0.0)
        voters = calls + puts
        way = np.where(calls == puts, np.sign(strength), np.sign(calls - puts))
        share: Floats = np.maximum(calls, puts) / np.maximum(voters, 1)
        return votes.signals(np.where(voters >= self.quorum, way * share, 0.0))
