"""How many trades it takes, in trades and in days, and a test that may stop early."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal, Self

from pipeline.statistics.shares import break_even

Verdict = Literal["edge", "none", "open"]


def sample_size(payout: float, edge: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Trades after which a win rate `edge` above break-even is seen with chance `power`.

    The number must be fixed beforehand and looked at once; alpha is the chance to see an edge where there is none.
    """
    none, some = _shares(payout, edge)
    _check(alpha, 1 - power)
    normal = NormalDist()
    spread = normal.inv_cdf(1 - alpha) * math.sqrt(none * (1 - none)) + normal.inv_cdf(power) * math.sqrt(
        some * (1 - some)
    )
    return math.ceil((spread / edge) ** 2)


def days(trades: float, per_day: float) -> float | None:
    """How long so many trades take at this rate; None where there is no rate."""
    return max(0.0, trades) / per_day if per_day > 0 else None


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential test of "break-even" against "this edge over it", trade by trade, each at its own payout.

    It holds for the one alternative named before the first trade, and for independent trades.
    """

    edge: float
    alpha: float = 0.05
    beta: float = 0.2
    log_ratio: float = 0.0
    trades: int = 0
    verdict: Verdict = "open"

    def __post_init__(self) -> None:
        _check(self.alpha, self.beta)

    def after(self, won: bool, payout: float) -> Self:
        """After one more decided trade. Once there is a verdict it stays."""
        if self.verdict != "open":
            return self
        up, down = _steps(payout, self.edge)
        ratio = self.log_ratio + (up if won else down)
        verdict: Verdict = "edge" if ratio >= self.upper else "none" if ratio <= self.lower else "open"
        return replace(self, log_ratio=ratio, trades=self.trades + 1, verdict=verdict)

    @property
    def upper(self) -> float:
        return math.log((1 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        return math.log(self.beta / (1 - self.alpha))

    def expected(self, payout: float) -> tuple[float, float]:
        """About how many trades to a verdict where the edge is there, and where there is none."""
        none, some = _shares(payout, self.edge)
        up, down = _steps(payout, self.edge)
        with_edge = (1 - self.beta) * self.upper + self.beta * self.lower
        without = self.alpha * self.upper + (1 - self.alpha) * self.lower
        return with_edge / (some * up + (1 - some) * down), without / (none * up + (1 - none) * down)


def _steps(payout: float, edge: float) -> tuple[float, float]:
    none, some = _shares(payout, edge)
    return math.log(some / none), math.log((1 - some) / (1 - none))


def _shares(payout: float, edge: float) -> tuple[float, float]:
    none = break_even(payout)
    if not (edge > 0 and none + edge < 1):
        raise ValueError(f"an edge lies above 0 and leaves the win rate below 1, so not {edge} at payout {payout}")
    return none, none + edge


def _check(alpha: float, beta: float) -> None:
    if not (0 < alpha < 1 and 0 < beta < 1 and alpha + beta < 1):
        raise ValueError(f"chances of error lie between 0 and 1 and together below 1, not at {alpha} and {beta}")
