"""What a row of trades left along its way: the mean, the deepest fall, the runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.statistics.clusters import Slots
from pipeline.statistics.distributions import student
from pipeline.statistics.shares import Interval
from pipeline.values import Result

ZERO = Decimal(0)
LEAST_SLOTS = 10
"""Fewer slots say nothing of how much they vary."""


def expectancy(profits: Sequence[Decimal], stakes: Sequence[Decimal]) -> float | None:
    """What each unit staked brought on average; None while nothing was staked."""
    if len(profits) != len(stakes):
        raise ValueError(f"every profit belongs to a stake: {len(profits)} profits, {len(stakes)} stakes")
    staked = _total(stakes)
    return float(_total(profits) / staked) if staked else None


def expectancy_interval(slots: Slots, level: float = 0.95) -> Interval | None:
    """Where the true return per stake lies, judged by how whole slots vary; None while that is not known.

    Slots, not trades: what ends together is one event. Before ten slots, or while all went the same way, there is none.
    """
    if len(slots) < LEAST_SLOTS:
        return None
    mean = float(slots.profit.sum() / slots.staked.sum())
    away = slots.profit - mean * slots.staked
    if not away.any():
        return None
    count = len(slots)
    error = math.sqrt(count / (count - 1) * float((away**2).sum())) / float(slots.staked.sum())
    half = student(level, count - 1) * error
    return Interval(mean - half, mean + half, level)


def profit_factor(profits: Iterable[Decimal]) -> float | None:
    """What was won for each unit lost; None while nothing was lost. Break-even is 1."""
    won = lost = ZERO
    for profit in profits:
        won, lost = (won + _known(profit), lost) if profit > 0 else (won, lost - _known(profit))
    return float(won / lost) if lost else None


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
