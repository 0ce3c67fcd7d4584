"""Votes meet because they are about the same bars, not because they arrived together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from reactivex import Observable

from pipeline.steps import woken
from pipeline.values import Columns, Flags, Floats, Signals, Votes


@dataclass(frozen=True, slots=True, eq=False)
class VotesOfBars:
    """What every provider said of the same rows of the same columns."""

    columns: Columns
    scores: Mapping[str, Floats]
    fault: str
    expired: Flags | None = None

    def __len__(self) -> int:
        return self.columns.voted

    def __getitem__(self, name: str) -> Floats:
        """A column in the rows that were voted on."""
        return self.columns[name][len(self.columns) - len(self) :]

    def spoken(self, name: str) -> Floats:
        """A provider's scores, 0 where it has nothing to say."""
        scores = self.scores[name]
        return np.where(np.isfinite(scores), scores, 0.0)

    def signals(self, score: Floats, dead_zone: float = 0.0) -> Signals:
        """Signals of a score for each of the rows; at most `dead_zone` from 0 there is no direction."""
        confidence = np.abs(score)
        direction = np.where(confidence > dead_zone, np.sign(score), 0).astype(np.int8)
        return Signals(self.columns, score, confidence, direction, self.scores, self.fault, self.expired)


def check_names(key: str, named: Iterable[str], providers: Sequence[str]) -> None:
    """A key of an ensemble names providers of its own only. (While none is known yet, nothing can be said.)"""
    unknown = sorted(set(named) - set(providers)) if providers else []
    if unknown:
        raise ValueError(
            f"{key} names {unknown[0]!r}, which is not one of its providers: {', '.join(providers)}; "
            "add it to `from`, or name one of these"
        )


def by_bar(
    votes: Observable[Votes], providers: tuple[str, ...], combine: Callable[[VotesOfBars], Signals]
) -> Observable[Signals]:
    """Wait until all providers have spoken of some bars, then combine what they said."""
    return woken(lambda: _Join(providers, combine), "ensemble", votes)


class _Join:
    def __init__(self, providers: tuple[str, ...], combine: Callable[[VotesOfBars], Signals]) -> None:
        self._providers = providers
        self._combine = combine
        self._waiting: dict[int, dict[str, Votes]] = {}

    @property
    def due(self) -> int | None:
        return None

    def take(self, item: Votes, at: int) -> Iterator[Signals]:
        heard = self._waiting.setdefault(id(item.columns), {})
        heard[item.provider] = item
        if len(heard) == len(self._providers):
            del self._waiting[id(item.columns)]
            faults = "; ".join(f"{name}: {each.fault}" for name, each in sorted(heard.items()) if each.fault)
            scores = {name: heard[name].scores for name in self._providers}
            expired = [each.expired for each in heard.values() if each.expired is not None]
            stale = np.logical_or.reduce(expired) if expired else None
            yield self._combine(VotesOfBars(item.columns, scores, faults, stale))

    def wake(self, at: int) -> Iterator[Signals]:
        yield from ()
