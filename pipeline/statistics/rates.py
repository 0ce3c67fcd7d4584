"""The win rate, which cannot be had without the payouts it was won at."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from pipeline.statistics.shares import Interval, break_even, deviations, wilson
from pipeline.values import Order

ZERO = Decimal(0)


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
        deviations(self.level)

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
