"""Evidence that may be looked at all the time: the money of a sceptic who bets against break-even.

The bettor stakes a small fixed fraction of his money on every slot's net return per stake; he does so with several
fractions at once and his value is their mean. While the hypothesis he bets against is true his value is not expected
to grow, whatever the payouts. So, however often one looks, it ever comes to 1/alpha with a chance of at most alpha.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from pipeline.statistics.shares import factor
from pipeline.values import Floats

FRACTIONS = (0.02, 0.05, 0.1)
"""What the bettors stake: between them they are near the best stake for edges of one to five points."""
LARGEST = 700.0
"""e to this is still a number."""

Side = Literal["edge", "gone"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """An e-process, folded slot by slot.

    `edge` bets against "given all before, no slot returns more than `claim` on average"; `gone`, its mirror, against
    "given all before, every slot returns at least `claim` on average". The claim 0 is break-even.
    Bet once for each expiry slot: trades that end together are one event.
    """

    side: Side = "edge"
    claim: float = 0.0
    alpha: float = 0.05
    slots: int = 0
    highest: float = 0.0
    """The greatest logarithm so far: evidence once given is not taken back by what came later."""
    logs: tuple[float, ...] = (0.0,) * len(FRACTIONS)

    def __post_init__(self) -> None:
        _check(self.claim)
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is the chance of a false alarm, between 0 and 1, not {self.alpha}")

    def over(self, returns: Floats, most: Floats | None = None) -> Self:
        """After all of these slots, which returned so much per stake of at most `most`."""
        if not len(returns):
            return self
        paths = growth(returns, most, side=self.side, claim=self.claim) + np.array(self.logs)[:, None]
        highest = max(self.highest, float(_mixed(paths).max()))
        return replace(self, slots=self.slots + len(returns), highest=highest, logs=tuple(paths[:, -1].tolist()))

    def after(self, slot_return: float, most: float = 1.0) -> Self:
        """After one more slot, which returned so much per stake of at most `most` (its payout, known beforehand)."""
        return self.over(np.array([slot_return]), np.array([most]))

    @property
    def times(self) -> float:
        """By how much the bettor has multiplied his money."""
        return math.exp(min(LARGEST, _log_mean(self.logs)))

    @property
    def most_times(self) -> float:
        """The most it ever was; the hypothesis is rejected when this comes to the threshold."""
        return math.exp(min(LARGEST, self.highest))

    @property
    def threshold(self) -> float:
        return 1 / self.alpha

    @property
    def shown(self) -> bool:
        return self.most_times >= self.threshold

    def __str__(self) -> str:
        against = "break-even" if self.side == "edge" else "an edge"
        if self.claim:
            against = f"a mean return of {self.claim:+.1%}".replace("%", " %")
        return (
            f"a sceptic betting against {against} would have multiplied his money by {factor(self.times)} "
            f"(at the highest {factor(self.most_times)}, enough is {factor(self.threshold)})"
        )


def path(returns: Floats, most: Floats | None = None, *, side: Side = "edge", claim: float = 0.0) -> Floats:
    """The logarithm of the bettor's value after each slot."""
    return _mixed(growth(returns, most, side=side, claim=claim))


def growth(returns: Floats, most: Floats | None = None, *, side: Side = "edge", claim: float = 0.0) -> Floats:
    """The logarithm of the money of each bettor (a row each) after each slot (a column each)."""
    _check(claim)
    gain = returns - claim
    if side == "gone":
        # Who bets on losses owes the payout when he is wrong: above 1 he stakes less.
        gain = -gain / np.maximum(1.0, 1.0 if most is None else most)
    if not (np.isfinite(gain).all() and (returns >= -1).all() and (len(gain) == 0 or gain.min() > -5)):
        raise ValueError("a slot returns at least -1 per stake, and no more than its payout")
    return np.log1p(np.multiply.outer(np.array(FRACTIONS), gain)).cumsum(axis=-1)


def _mixed(paths: Floats) -> Floats:
    mixed: Floats = np.logaddexp.reduce(paths, axis=0) - math.log(len(FRACTIONS))
    return mixed


def _log_mean(logs: tuple[float, ...]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))


def _check(claim: float) -> None:
    if not -1 <= claim <= 1:
        raise ValueError(f"a claimed return per stake lies between -1 and 1, not at {claim}")


@dataclass(frozen=True, slots=True)
class Retirement:
    """An alarm that the edge has gone, which a good past cannot hold back.

    It is the sum of the mirror's value over every slot it might have begun at. Its hypothesis: given all before, every
    slot returns at least `claim` on average (0: the rule at least breaks even). While that is true, `value` is not
    expected to exceed the number of slots seen, and the first time it reaches a number comes after at least that many
    slots on average. So `patience` is how many slots lie between two false alarms.
    """

    claim: float = 0.0
    patience: float = 2_000.0
    slots: int = 0
    logs: tuple[float, ...] = (-math.inf,) * len(FRACTIONS)

    def __post_init__(self) -> None:
        _check(self.claim)
        if not self.patience >= 1:
            raise ValueError(f"patience is how many slots lie between two false alarms, not {self.patience}")

    def over(self, returns: Floats, most: Floats | None = None) -> Self:
        """After all of these slots."""
        if not len(returns):
            return self
        grown = growth(returns, most, side="gone", claim=self.claim)
        # A bettor who begins before a slot has from then on what the one from the start grew by since.
        begun = -np.concatenate((np.zeros((len(FRACTIONS), 1)), grown[:, :-1]), axis=1)
        since = np.logaddexp(np.logaddexp.reduce(begun, axis=1), np.array(self.logs))
        return replace(self, slots=self.slots + len(returns), logs=tuple((since + grown[:, -1]).tolist()))

    def after(self, slot_return: float, most: float = 1.0) -> Self:
        """After one more slot, which returned so much per stake of at most `most`."""
        return self.over(np.array([slot_return]), np.array([most]))

    @property
    def value(self) -> float:
        return math.exp(min(LARGEST, _log_mean(self.logs))) if self.slots else 0.0

    @property
    def raised(self) -> bool:
        """Whether it is above its patience now."""
        return self.value >= self.patience
