"""A short view strengthened or weakened by a long one."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.joining import VotesOfBars, by_bar, check_names
from pipeline.parts import Derived, ensemble
from pipeline.values import Floats, Signals, Votes

Names = Annotated[tuple[str, ...], Meta(min_length=1)]


@ensemble
class Agreement:
    """Trades the view of some providers, more surely where those of a longer timeframe agree.

    S₁ is tanh of the sum of the `short` providers' scores, S₂ that of the `long` ones, which read columns of a longer
    timeframe (the feature `higher`: its last final bar). S = S₁ + gain × sign(S₂) × min(|S₁|, |S₂|), at most 1 in size:
    agreement adds, disagreement takes away. With `must_agree` there is no direction against S₂, nor without one.
    """

    short: Names
    long: Names
    gain: Annotated[float, Meta(ge=0, le=1)] = 0.5
    must_agree: bool = False
    dead_zone: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    providers: Annotated[tuple[str, ...], Derived] = ()

    lookback: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_names("short", self.short, self.providers)
        check_names("long", self.long, self.providers)
        both = sorted(set(self.short) & set(self.long))
        if both:
            raise ValueError(f"long names {both[0]!r}, and so does short; a provider has one view: name it once")
        unheard = sorted(set(self.providers) - set(self.short) - set(self.long))
        if unheard:
            raise ValueError(f"short and long do not name {unheard[0]!r}; add it to one, or leave it out of from")

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, self.providers, self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        near, far = _view(votes, self.short), _view(votes, self.long)
        score = np.clip(near + self.gain * np.sign(far) * np.minimum(np.abs(near), np.abs(far)), -1, 1)
        if self.must_agree:
            score = np.where(np.sign(near) == np.sign(far), score, 0.0)
        return votes.signals(score, self.dead_zone)


def _view(votes: VotesOfBars, names: tuple[str, ...]) -> Floats:
    total: Floats = np.zeros(len(votes))
    for name in names:
        total += votes.spoken(name)
    return np.tanh(total)
