"""Honest numbers: what a record of fixed-time contracts says, and how little it may say.

A win rate has no meaning without the payouts it was won at, so here it cannot be made without them. Ratios are floats,
money is `Decimal`; a number that does not exist yet is None, never NaN.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import Self

from pipeline.values import Order, Result

ZERO = Decimal(0)


def break_even(payout: float) -> float:
    """The share of decided trades that must win for nothing to be lost, when a win pays `payout` times the stake."""
    if not (math.isfinite(payout) and payout >= 0):
        raise ValueError(f"a payout is a ratio of the stake such as 0.85, not {payout}")
    return 1 / (1 + payout)


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a true share lies, as far as the trades seen can tell at this level."""

    low: float
    high: float
    level: float


def wilson(wins: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share: of no trades, everything. `n` may be an effective number, so not whole."""
    if not (math.isfinite(n) and 0 <= wins <= n):
        raise ValueError(f"there cannot be {wins} wins among {n} trades")
    z2 = _z(level) ** 2
    if n == 0:
        return Interval(0.0, 1.0, level)
    middle = (wins + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (wins * ((n - wins) / n) + z2 / 4)) / (n + z2)
    share = wins / n
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)), level)


def _z(level: float) -> float:
    """How many standard deviations hold `level` of a normal distribution."""
    if not (0 < level < 1 and (1 + level) / 2 < 1):
        raise ValueError(f"a confidence level lies between 0 and 1, such as 0.95, not {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


def effective_n(together: Iterable[int], correlation: float) -> float:
    """How many independent trades tell as much as these.

    `together` counts the trades that ended in each slot; any two of one slot go the same way with `correlation`. Twelve
    pairs that share a currency are not twelve proofs.
    """
    if not 0 <= correlation <= 1:
        raise ValueError(f"the correlation of trades in one slot lies between 0 and 1, not at {correlation}")
    sizes = tuple(together)
    n = sum(sizes)
    return n * n / sum(size * (1 + (size - 1) * correlation) for size in sizes) if n else 0.0


@dataclass(frozen=True, slots=True)
class PayoutMix:
    """The payouts that decided trades were made at, weighted by stake: what was staked and what winning all would give.

    With mixed payouts no single break-even decides whether there is an edge (the profits do); this one is for the eye.
    """

    staked: Decimal = ZERO
    winnable: Decimal = ZERO

    def __post_init__(self) -> None:
        if not (self.staked.is_finite() and self.winnable.is_finite() and self.staked >= 0 and self.winnable >= 0):
            raise ValueError(f"stakes and payouts cannot be negative or unknown: {self.staked}, {self.winnable}")
        if self.winnable and not self.staked:
            raise ValueError("nothing can be won where nothing was staked")

    @classmethod
    def of(cls, trades: Iterable[tuple[Decimal, float]]) -> Self:
        """Of (stake, payout) of each decided trade."""
        mix = cls()
        for stake, payout in trades:
            mix = mix.with_trade(stake, payout)
        return mix

    def with_trade(self, stake: Decimal, payout: float) -> Self:
        return type(self)(self.staked + stake, self.winnable + stake * Decimal(str(payout)))

    @property
    def payout(self) -> float | None:
        """The stake-weighted mean payout."""
        return float(self.winnable / self.staked) if self.staked else None

    @property
    def break_even(self) -> float | None:
        return None if self.payout is None else break_even(self.payout)


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """The share of decided trades that won, inseparable from its interval and from the break-even of its own payouts.

    Ties are not decided; they are said apart. `effective` is the number of independent trades these are worth, where
    that is known to be fewer; the interval comes from it.
    """

    wins: int
    losses: int
    payouts: PayoutMix
    ties: int = 0
    effective: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        if min(self.wins, self.losses, self.ties) < 0:
            raise ValueError(f"a count cannot be negative: {self.wins} wins, {self.losses} losses, {self.ties} ties")
        if self.n and self.payouts.break_even is None:
            raise ValueError(f"{self.n} decided trades need the payouts they were made at")
        if self.effective is not None and not (0 < self.effective <= self.n or self.effective == self.n):
            raise ValueError(f"{self.n} trades cannot be worth {self.effective} independent ones")
        _z(self.level)

    @property
    def n(self) -> int:
        """Decided trades."""
        return self.wins + self.losses

    @property
    def share(self) -> float | None:
        """For arithmetic. What a person sees is `str(rate)`, which has all that belongs to it."""
        return self.wins / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        if self.effective is None or not self.n:
            return wilson(self.wins, self.n, self.level)
        # min: the product may be a rounding error above `effective` when every trade won.
        return wilson(min(self.wins / self.n * self.effective, self.effective), self.effective, self.level)

    @property
    def break_even(self) -> float | None:
        return self.payouts.break_even

    def __str__(self) -> str:
        share, even = self.share, self.break_even
        if share is None or even is None:
            return f"no decided trades yet, ties {self.ties}" if self.ties else "no decided trades yet"
        span = f"{self.interval.low * 100:.1f}\N{EN DASH}{self.interval.high * 100:.1f}"
        worth = "" if self.effective is None else f", n_eff={self.effective:.0f}"
        return f"{share:.1%} ({span}) vs break-even {even:.1%}, n={self.n}{worth}, ties {self.ties}".replace("%", " %")


def win_rate(orders: Iterable[Order], effective: float | None = None) -> WinRate:
    """The win rate of settled orders. Those canceled, aborted or not settled say nothing and are passed over."""
    settled = tuple(orders)
    decided = tuple(order for order in settled if order.result in ("win", "lose"))
    wins = sum(order.result == "win" for order in decided)
    return WinRate(
        wins=wins,
        losses=len(decided) - wins,
        ties=sum(order.result == "push" for order in settled),
        payouts=PayoutMix.of((order.stake, order.payout) for order in decided),
        effective=effective,
    )


def expectancy(profits: Sequence[Decimal], stakes: Sequence[Decimal]) -> float | None:
    """What each unit staked brought on average; None while nothing was staked."""
    if len(profits) != len(stakes):
        raise ValueError(f"every profit belongs to a stake: {len(profits)} profits, {len(stakes)} stakes")
    staked = _total(stakes)
    return float(_total(profits) / staked) if staked else None


def drawdown(profits: Iterable[Decimal]) -> Decimal:
    """The deepest fall from a high of the running total, as a sum of money; the total began at a high of nothing."""
    total = high = deepest = ZERO
    for profit in profits:
        total += _known(profit)
        high = max(high, total)
        deepest = max(deepest, high - total)
    return deepest


@dataclass(frozen=True, slots=True)
class Streaks:
    """The longest runs of wins and of losses, and the one that stands now: above 0 of wins, below of losses."""

    wins: int = 0
    losses: int = 0
    now: int = 0


def streaks(results: Iterable[Result]) -> Streaks:
    """Runs among decided results; one that is neither won nor lost neither lengthens nor ends a run."""
    found = Streaks()
    for result in results:
        if result == "win":
            now = max(found.now, 0) + 1
            found = Streaks(max(found.wins, now), found.losses, now)
        elif result == "lose":
            now = min(found.now, 0) - 1
            found = Streaks(found.wins, max(found.losses, -now), now)
    return found


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum((_known(amount) for amount in amounts), ZERO)


def _known(amount: Decimal) -> Decimal:
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    return amount
