"""Votes meet because they are about the same bars, not because they arrived together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reactivex import Observable

from pipeline.steps import woken
from pipeline.values import Columns, Floats, Signals, Votes


@dataclass(frozen=True, slots=True, eq=False)
class VotesOfBars:
    """What every provider said of the new rows of the same columns."""

    columns: Columns
    scores: Mapping[str, Floats]
    fault: str


def by_bar(
    votes: Observable[Votes], providers: tuple[str, ...], combine: Callable[[VotesOfBars], Iterable[Signals]]
) -> Observable[Signals]:
    """Wait until all providers have spoken of some bars, then combine what they said."""
    return woken(lambda: _Join(providers, combine), "ensemble", votes)


class _Join:
    def __init__(self, providers: tuple[str, ...], combine: Callable[[VotesOfBars], Iterable[Signals]]) -> None:
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
            yield from self._combine(VotesOfBars(item.columns, scores, faults))

    def wake(self, at: int) -> Iterator[Signals]:
        yield from ()
