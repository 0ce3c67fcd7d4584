"""Raising the stake after a loss: how it ends, by exact computation rather than by a simulation.

A progression is a row of stakes: after a loss comes the next, after a win the first again. It does not change what a
trade is worth (the stakes are only larger where the streak is bad); what it changes is how soon the bankroll is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from math import gcd

import numpy as np

from pipeline.statistics.distributions import quantile
from pipeline.statistics.shares import break_even
from pipeline.values import Floats

CENT = Decimal("0.01")
RICH = 16
"""Who has so many times the first bankroll, and all first stakes' wins beside, is taken as safe for good."""
MOST_WORK = 1_000_000_000
"""Beyond so many additions money is counted in steps of more than a cent."""
FINEST = 50
"""But no coarser than this part of the first stake."""
UNLIKELY = 1e-18
"""Ends of a row below this are cut off."""
MOST_STAKES = 256
"""After so many losses in a row a progression without end begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progression:
    """A way of staking: the first stake, and what it is multiplied by.

    One multiplier raises every stake by it after a loss, without end. Several are the stakes themselves as multiples of
    the base, the first of them 1; after the last lost one they begin anew. Stakes and wins are whole cents.
    """

    base: Decimal
    multiplier: float | Sequence[float]
    bankroll: Decimal
    payout: float

    def __post_init__(self) -> None:
        several = self.multiplier if isinstance(self.multiplier, Sequence) else (self.multiplier,)
        if not (self.base >= CENT and self.base.is_finite() and self.bankroll.is_finite() and self.bankroll >= 0):
            raise ValueError(
                f"a base stake is at least a cent and a bankroll not negative: {self.base}, {self.bankroll}"
            )
        if not several or not all(0 < each < 1e9 for each in several):
            raise ValueError(f"multipliers are numbers above 0, not {self.multiplier}")
        if not isinstance(self.multiplier, Sequence) and self.multiplier < 1:
            raise ValueError(
                f"a stake that falls without end is not followed; write the stakes out, not {self.multiplier}"
            )
        break_even(self.payout)

    def stakes(self, most: Decimal | None = None) -> tuple[Decimal, ...]:
        """The stakes after 0, 1, 2 … losses in a row; those that one could place with `most`, and one more."""
        if isinstance(self.multiplier, Sequence):
            return tuple(max(CENT, _cents(self.base * Decimal(str(each)))) for each in self.multiplier)
        most = self.bankroll if most is None else most
        made = [self.base]
        spent, raised = self.base, self.base
        while self.multiplier != 1 and spent <= most and len(made) < MOST_STAKES:
            raised *= Decimal(str(self.multiplier))
            made.append(max(CENT, _cents(raised)))
            spent += made[-1]
        return tuple(made)

    def losses_to_ruin(self) -> tuple[int, Decimal, Decimal] | None:
        """How many losses in a row from now leave too little for the next stake, what they cost, and that stake.

        None where the stakes begin anew before.
        """
        spent = Decimal(0)
        for losses, stake in enumerate(self.stakes()):
            if spent + stake > self.bankroll:
                return losses, spent, stake
            spent += stake
        return None

    def walk(self, trades: int, share: float | None = None) -> "Walk":
        """Where the bankroll may stand after so many trades won with chance `share` (break-even when left out)."""
        share = break_even(self.payout) if share is None else share
        if not (trades >= 1 and 0 <= share <= 1):
            raise ValueError(f"a walk takes at least one trade, won with a chance of 0 to 1, not {trades} and {share}")
        return _walk(self, trades, share)

    def flat(self) -> "Progression":
        """The same without raising."""
        return Progression(base=self.base, multiplier=(1.0,), bankroll=self.bankroll, payout=self.payout)

    def sentence(self, trades: int = 1_000, share: float | None = None) -> str:
        """What it comes to, for a person."""
        chance = self.walk(trades, share).ruin[-1]
        won = "break-even" if share is None else f"a win rate of {share:.1%}".replace("%", " %")
        coming = f"the chance of a stake one cannot place within {trades:,} trades is {chance:.0%} at {won}"
        plain = self.flat().walk(trades, share).ruin[-1]
        end = f"{coming}, with flat stakes {plain:.0%}; no row of stakes changes what a trade is worth"
        if (run := self.losses_to_ruin()) is None:
            return end.replace("%", " %")
        losses, spent, stake = run
        row = f"{losses} losses in a row cost {spent:,} of {self.bankroll:,} and the next stake would be {stake:,}"
        return f"{row}; {end}".replace("%", " %")


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
    grid: Decimal
    """The step in which money was counted: a cent, or more where that would have taken long."""

    def quantile(self, share: float) -> float:
        return quantile(self.ends, self.chances, share)

    @property
    def mean(self) -> float:
        return float(np.average(self.ends, weights=self.chances))


@dataclass(frozen=True, slots=True)
class _Cycle:
    """A progression in whole steps of money. A cycle begins with the first stake; a win ends it, or the last loss."""

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


def _cycle(way: Progression, trades: int, coarse: int = 1) -> _Cycle:
    ceiling = RICH * way.bankroll + trades * way.base * Decimal(str(way.payout))
    stakes = way.stakes(ceiling)
    cents = [(_whole(stake), _whole(_cents(stake * Decimal(str(way.payout))))) for stake in stakes]
    step = gcd(*(each for pair in cents for each in pair)) if coarse == 1 else coarse
    counted = [(max(1, round(stake / step)), round(win / step)) for stake, win in cents]
    spent = [0]
    for stake, _ in counted:
        spent.append(spent[-1] + stake)
    start, rest = divmod(_whole(way.bankroll), step)
    gains = [win - before for (_, win), before in zip(counted, spent, strict=False)]
    cycle = _Cycle(
        step=step,
        start=start,
        rest=rest,
        spent=spent,
        gains=gains,
        cells=_whole(ceiling) // step + 2,
        anew=isinstance(way.multiplier, Sequence) or way.multiplier == 1 or len(stakes) == MOST_STAKES,
    )
    low, high = cycle.band(trades)
    if (high - low) * trades * len(gains) > MOST_WORK and 2 * step * FINEST <= _whole(way.base):
        return _cycle(way, trades, 2 * step)
    return replace(cycle, cells=high)


def _walk(way: Progression, trades: int, share: float) -> Walk:
    cycle = _cycle(way, trades)
    rows = _Rows(len(cycle.gains) + 1, cycle.cells, cycle.start)
    left, ruin = np.zeros(cycle.cells), np.zeros(trades)
    for trade in range(trades + 1):
        low, row = rows.taken(trade)
        high, chance = low + len(row), 1.0
        for losses, gain in enumerate(cycle.gains):
            done, poor, need = trade + losses, cycle.spent[losses], cycle.spent[losses + 1]
            if poor >= high or done > trades:
                break
            some = row[max(0, poor - low) :]
            at = max(low, poor) - poor
            if done == trades:
                left[at : at + len(some)] += chance * some
                break
            # Who cannot place the next stake stays where he is.
            short = some[: max(0, need - max(low, poor))]
            ruin[done] += chance * short.sum()
            left[at : at + len(short)] += chance * short
            rows.add(done + 1, max(low, need) + gain, chance * share, row[max(0, need - low) :])
            chance *= 1 - share
        else:
            if cycle.anew and trade + len(cycle.gains) <= trades:
                need = cycle.spent[-1]
                rows.add(trade + len(cycle.gains), max(low, need) - need, chance, row[max(0, need - low) :])
    found = np.flatnonzero(left)
    money = (found * cycle.step + cycle.rest) / 100
    return Walk(ruin.cumsum(), money, left[found], rows.beyond, CENT * cycle.step)


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


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def _whole(amount: Decimal) -> int:
    return int(amount / CENT)
