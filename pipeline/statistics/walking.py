"""A bankroll under a row of stakes, followed over everything that may happen, in whole steps of money."""

from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from pipeline.statistics.distributions import quantile
from pipeline.values import Floats

MOST_WORK = 1_000_000_000
"""Beyond so many additions money is counted in steps of more than a cent."""
FINEST = 10
"""But for that no coarser than this part of the first stake."""
MOST_CELLS = 250_000
"""More steps than this a bankroll never has: money is counted more coarsely, or who has more is taken as safe."""
UNLIKELY = 1e-18
"""Ends of a row below this are cut off."""

Cents = int


@dataclass(frozen=True, slots=True)
class Walk:
    """What became of a bankroll, over all that may happen."""

    ruin: Floats
    """The chance that by the first, second … trade the next stake could not be placed."""
    ends: Floats
    chances: Floats
    """The bankrolls it may end at, rising, and how likely each is. One that is ruined stays where it was."""
    safe: float
    """The chance of having grown beyond what was followed; it is left out of the ends."""
    grid: Cents
    """The step in which money was counted: one cent, or more where that would have taken long."""

    def quantile(self, share: float) -> float:
        return quantile(self.ends, self.chances, share)

    @property
    def mean(self) -> float:
        return float(np.average(self.ends, weights=self.chances))


@dataclass(frozen=True, slots=True)
class Row:
    """Stakes in the order in which they follow losses, with what each wins. `anew`: the first comes after the last."""

    bankroll: Cents
    stakes: tuple[Cents, ...]
    wins: tuple[Cents, ...]
    anew: bool
    ceiling: Cents
    """Who has more is taken as safe for good."""


def walked(row: Row, trades: int, share: float) -> Walk:
    """Cycle by cycle: each begins with the first stake and ends with a win, or with the loss of the last stake."""
    cycle = _cycle(row, trades)
    rows = _Rows(len(cycle.gains) + 1, cycle.cells, cycle.start)
    left, ruin = np.zeros(cycle.cells), np.zeros(trades)
    for trade in range(trades + 1):
        low, begun = rows.taken(trade)
        high, chance = low + len(begun), 1.0
        for losses, gain in enumerate(cycle.gains):
            done, poor, need = trade + losses, cycle.spent[losses], cycle.spent[losses + 1]
            if poor >= high or done > trades:
                break
            some = begun[max(0, poor - low) :]
            at = max(low, poor) - poor
            if done == trades:
                left[at : at + len(some)] += chance * some
                break
            # Who cannot place the next stake stays where he is.
            short = some[: max(0, need - max(low, poor))]
            ruin[done] += chance * short.sum()
            left[at : at + len(short)] += chance * short
            rows.add(done + 1, max(low, need) + gain, chance * share, begun[max(0, need - low) :])
            chance *= 1 - share
        else:
            if cycle.anew and trade + len(cycle.gains) <= trades:
                need = cycle.spent[-1]
                rows.add(trade + len(cycle.gains), max(low, need) - need, chance, begun[max(0, need - low) :])
    found = np.flatnonzero(left)
    money = (found * cycle.step + cycle.rest) / 100
    return Walk(ruin.cumsum(), money, left[found], rows.beyond, cycle.step)


@dataclass(frozen=True, slots=True)
class _Cycle:
    """A row in steps of money."""

    step: int
    start: int
    rest: int
    """Cents below a step, which no stake ever touches."""
    spent: list[int]
    """What 0, 1, 2 … losses in a row have cost."""
    gains: list[int]
    """What a cycle brings that is won after 0, 1, 2 … losses."""
    cells: int
    anew: bool

    def band(self, trades: int) -> tuple[int, int]:
        """Between these lies every bankroll that begins a cycle within so many trades."""
        rates = [gain / (losses + 1) for losses, gain in enumerate(self.gains)]
        if self.anew:
            rates.append(-self.spent[-1] / len(self.gains))
        low, high = min(0.0, *rates), max(0.0, *rates)
        return max(0, self.start + int(trades * low) - 1), min(self.cells, self.start + int(trades * high) + 2)


def _cycle(row: Row, trades: int, coarse: Cents = 1) -> _Cycle:
    step = gcd(*row.stakes, *row.wins) if coarse == 1 else coarse
    stakes = [max(1, round(stake / step)) for stake in row.stakes]
    spent = [0]
    for stake in stakes:
        spent.append(spent[-1] + stake)
    start, rest = divmod(row.bankroll, step)
    cycle = _Cycle(
        step=step,
        start=start,
        rest=rest,
        spent=spent,
        gains=[round(win / step) - before for win, before in zip(row.wins, spent, strict=False)],
        cells=row.ceiling // step + 2,
        anew=row.anew,
    )
    low, high = cycle.band(trades)
    long = (high - low) * trades * len(stakes) > MOST_WORK and 2 * step * FINEST <= row.stakes[0]
    if long or min(high, 4 * start) > MOST_CELLS:
        return _cycle(row, trades, 2 * step)
    return replace(cycle, cells=min(high, MOST_CELLS))


class _Rows:
    """The chances of the bankrolls that begin a cycle, for this trade and the next few."""

    def __init__(self, ahead: int, cells: int, start: int) -> None:
        self._rows = np.zeros((ahead, cells))
        self._bands = [(cells, 0)] * ahead
        self.beyond = 0.0
        self.add(0, start, 1.0, np.ones(1))

    def add(self, trade: int, low: int, chance: float, row: Floats) -> None:
        rows, cells = self._rows.shape
        fits = row[: max(0, cells - low)]
        self.beyond += chance * float(row[len(fits) :].sum())
        if len(fits):
            slot, high = trade % rows, low + len(fits)
            self._rows[slot, low:high] += chance * fits
            self._bands[slot] = min(self._bands[slot][0], low), max(self._bands[slot][1], high)

    def taken(self, trade: int) -> tuple[int, Floats]:
        """Where the row of this trade begins, and its chances; its place is free again."""
        slot = trade % len(self._rows)
        low, high = self._bands[slot]
        row = self._rows[slot, low:high].copy()
        self._rows[slot, low:high] = 0.0
        self._bands[slot] = self._rows.shape[1], 0
        likely = np.flatnonzero(row > UNLIKELY)
        return (low + int(likely[0]), row[likely[0] : likely[-1] + 1]) if len(likely) else (low, row[:0])
