"""Votes weighted as a record of the past says."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.calibration.stacks import Stack
from pipeline.joining import VotesOfBars, by_bar
from pipeline.parts import Derived, ensemble
from pipeline.values import Floats, Signals, Votes


@ensemble
class Stacked:
    """Adds the providers' votes by the coefficients of a logistic fit to the past.

    `python -m pipeline calibrate --stack` makes the record: coefficients fitted at dates, each on what was known by
    then. A bar is scored by the newest fit that ended one contract before it, S = tanh(½ Σ coefficient × score); before
    the first fit there is no direction. A provider with nothing to say adds nothing. S is still a score: put a
    calibrator behind it before a guard weighs it.
    """

    record: Annotated[str, Meta(min_length=1, description="the record's file, from the flow file's folder")]
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    fitted: Annotated[Stack | None, Derived] = None
    providers: Annotated[tuple[str, ...], Derived] = ()

    lookback: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.fitted is not None and self.providers and self.fitted.providers != frozenset(self.providers):
            raise ValueError(
                f"record {self.record} speaks of {', '.join(sorted(self.fitted.providers))}, its providers are "
                f"{', '.join(sorted(self.providers))}; make it anew: python -m pipeline calibrate --stack"
            )

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        total: Floats = np.zeros(len(votes))
        if self.fitted is not None:
            open_ts = votes.columns.open_ts[len(votes.columns) - len(votes) :]
            for name in self.providers:
                total += self.fitted.weights(name, open_ts) * votes.spoken(name)
        return votes.signals(np.tanh(total / 2), self.dead_zone)
