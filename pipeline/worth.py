"""What each provider of an ensemble is worth: how often it was right, what the ensemble is without it, and with which
others it says the same thing twice.

Everything is asked of a flow's own data. A direction was right when the price went its way, by the same prices that
contracts settle on where there are any; a level price says nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from pipeline.calibration.samples import Said, collected
from pipeline.errors import InputError
from pipeline.joining import VotesOfBars
from pipeline.plan import Node, Plan
from pipeline.statistics.rates import PayoutMix, WinRate
from pipeline.values import Flags, Floats, Payouts, Signals, Small, Stamps, Stream


@dataclass(frozen=True, slots=True)
class Record:
    """How some directions went: of how many bars there was one, how many of these were right, and at which payout."""

    rate: WinRate
    share: float
    """Of how many bars, as a share of all, there was a direction."""

    @property
    def per_signal(self) -> float | None:
        """What a stake of 1 on each would have brought on average, ties and all."""
        payout, n = self.rate.payouts.payout, self.rate.n + self.rate.ties
        return None if payout is None or not n else (self.rate.wins * payout - self.rate.losses) / n


@dataclass(frozen=True, slots=True)
class ProviderWorth:
    """One provider by itself, and the ensemble without it."""

    name: str
    alone: Record
    without: Record
    changes: int
    """In how many bars the ensemble's direction is another without it."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """How alike two providers score, over the bars of which both speak; None when these are too few or all alike."""

    first: str
    second: str
    correlation: float | None
    bars: int


@dataclass(frozen=True, slots=True)
class Worth:
    """An ensemble's providers over a span."""

    ensemble: str
    bars: int
    payout: float
    whole: Record
    providers: tuple[ProviderWorth, ...]
    correlations: tuple[Correlation, ...]


def worth_of(
    plan: Plan,
    ensemble: Node,
    begin: int,
    end: int,
    payout: float | None,
    progress: Callable[[float], None] = lambda _: None,
) -> Worth:
    """Replay a flow's data and ask. `payout` is what a win pays; without it, the mean of those its sources give."""
    silenced = Silenced(ensemble)
    said = collected(plan, ensemble.id, begin, end, progress, (silenced,))
    if not any(map(len, said)):
        raise InputError(
            f"nothing is known of what came of {ensemble.id}'s signals in that span; take a longer one with --for"
        )
    pays = payout if payout is not None else silenced.payout
    if pays is None:
        raise InputError("the flow's sources give no payouts; say what a win pays with --payout 0.85")
    return Worth(
        ensemble=ensemble.id.split(".", 1)[1],
        bars=sum(map(len, said)),
        payout=pays,
        whole=_record(said, [each.direction for each in said], pays),
        providers=tuple(_provider(name, said, silenced, pays) for name in silenced.names),
        correlations=tuple(_correlations(silenced.names, said)),
    )


@dataclass(slots=True)
class _Without:
    """One stream's directions without each provider, batch by batch."""

    open_ts: list[Stamps] = field(default_factory=list[Stamps])
    direction: dict[str, list[Small]] = field(default_factory=dict[str, list[Small]])


class Silenced:
    """A tap that asks an ensemble again what it would have said, had one of its providers been silent."""

    def __init__(self, ensemble: Node) -> None:
        self._id, self._part = ensemble.id, ensemble.instance
        self.names: tuple[str, ...] = ensemble.instance.providers
        self._streams: dict[Stream, _Without] = {}
        self._paid, self._payouts = 0.0, 0

    def __call__(self, node: str, value: Any) -> None:
        if type(value) is Signals and node == self._id:
            self._ask(value)
        elif type(value) is Payouts:
            self._paid += float(value.ratio.sum())
            self._payouts += len(value)

    @property
    def payout(self) -> float | None:
        """The mean of the payouts that were given."""
        return self._paid / self._payouts if self._payouts else None

    def without(self, name: str, said: Said) -> Small:
        """The directions without a provider, of the bars that are asked about."""
        kept = self._streams[said.stream]
        open_ts = np.concatenate(kept.open_ts)
        return np.concatenate(kept.direction[name])[np.searchsorted(open_ts, said.open_ts)]

    def _ask(self, signals: Signals) -> None:
        kept = self._streams.setdefault(signals.stream, _Without())
        kept.open_ts.append(signals.last(signals.fresh).open_ts.copy())
        silence = np.full(len(signals), np.nan)
        for name in self.names:
            votes = VotesOfBars(signals.columns, {**signals.votes, name: silence}, "")
            answer: Signals = self._part.signals(votes)
            kept.direction.setdefault(name, []).append(answer.direction[len(signals) - signals.fresh :].copy())


def _provider(name: str, said: Sequence[Said], silenced: Silenced, payout: float) -> ProviderWorth:
    alone = [np.sign(np.nan_to_num(each.votes[name])).astype(np.int8) for each in said]
    without = [silenced.without(name, each) for each in said]
    changes = sum(int(np.count_nonzero(new != each.direction)) for new, each in zip(without, said, strict=True))
    return ProviderWorth(name, _record(said, alone, payout), _record(said, without, payout), changes)


def _record(said: Sequence[Said], directions: Sequence[Small], payout: float) -> Record:
    wins = losses = ties = 0
    for each, direction in zip(said, directions, strict=True):
        asked: Flags = direction != 0
        right = int(np.count_nonzero(asked & (each.moved == direction)))
        level = int(np.count_nonzero(asked & (each.moved == 0)))
        wins, ties = wins + right, ties + level
        losses += int(np.count_nonzero(asked)) - right - level
    n = Decimal(wins + losses)
    payouts = PayoutMix(n, n * Decimal(str(payout)))
    share = (wins + losses + ties) / max(1, sum(map(len, said)))
    return Record(WinRate(wins=wins, losses=losses, ties=ties, payouts=payouts), share)


def _correlations(names: Sequence[str], said: Sequence[Said]) -> list[Correlation]:
    scores: Mapping[str, Floats] = {name: np.concatenate([each.votes[name] for each in said]) for name in names}
    found: list[Correlation] = []
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            both = np.isfinite(scores[first]) & np.isfinite(scores[second])
            found.append(Correlation(first, second, _alike(scores[first][both], scores[second][both]), int(both.sum())))
    return found


def _alike(first: Floats, second: Floats) -> float | None:
    if len(first) < FEWEST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


FEWEST = 30
"""Of fewer bars no correlation is told."""
