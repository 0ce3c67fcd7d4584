"""A record among runs without any edge: the same stakes and payouts, each trade won with its own break-even chance."""

from dataclasses import dataclass

import numpy as np

from pipeline.statistics.records import Record
from pipeline.statistics.shares import Money
from pipeline.values import Floats, Stamps

RUNS = 2_000
LEAST_RUNS = 200
DRAWS = 5_000_000
"""Long records have fewer runs."""
AT_ONCE = 2_000_000
POINTS = 60
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
SEED = 1
"""One and the same, so that a record is always told the same."""


@dataclass(frozen=True, slots=True)
class Fan:
    """What runs without an edge came to. Trades that end together go the same way as much as in the record."""

    at: Stamps
    """Moments at which the fan is drawn."""
    bands: Floats
    """The equity there that 5, 25, 50, 75 and 95 % of the runs do not exceed, a row each."""
    ends: Floats
    falls: Floats
    """The deepest fall of each run, sorted like the ends and the losing runs."""
    losing: Floats
    """The longest row of slots of each run that brought a loss."""

    def standing(self, profit: float) -> float:
        """The share of runs that ended lower; of those that ended there, half."""
        return _below(self.ends, profit)

    def deeper(self, fall: float) -> float:
        """The share of runs that fell deeper; of those that fell so deep, half."""
        return 1 - _below(self.falls, fall)

    def losses(self, share: float) -> int:
        return int(np.quantile(self.losing, share, method="inverted_cdf"))

    def end(self, share: float) -> float:
        return float(np.quantile(self.ends, share))

    def fall(self, share: float) -> float:
        return float(np.quantile(self.falls, share))


def fan(record: Record[Money], seed: int = SEED, runs: int | None = None) -> Fan | None:
    """The fan of a record; None of one without trades. Ties stay ties."""
    trades = len(record)
    if not trades:
        return None
    runs = max(LEAST_RUNS, min(RUNS, DRAWS // trades)) if runs is None else runs
    slots = record.slots
    points = np.unique(np.linspace(0, len(slots) - 1, min(POINTS, len(slots))).astype(np.int64))
    draw = np.random.default_rng(seed)
    ends, falls, losing, drawn = np.empty(runs), np.empty(runs), np.empty(runs), np.empty((runs, len(points)))
    part = max(1, AT_ONCE // trades)
    for first in range(0, runs, part):
        some = slice(first, min(runs, first + part))
        profits = _profits(record, draw, some.stop - first)
        equity = profits.cumsum(axis=1)
        high = np.maximum.accumulate(np.maximum(equity, 0.0), axis=1)
        ends[some], falls[some], drawn[some] = equity[:, -1], (high - equity).max(axis=1), equity[:, points]
        losing[some] = longest_losing(profits)
    for column in (ends, falls, losing):
        column.sort()
    return Fan(slots.at[points], np.quantile(drawn, SHARES, axis=0), ends, falls, losing)


def longest_losing(profits: Floats) -> Stamps:
    """The longest row of losses in each row of profits; what brought nothing neither lengthens nor ends one."""
    lost = (profits < 0).cumsum(axis=1)
    before = np.maximum.accumulate(np.where(profits > 0, lost, 0), axis=1)
    longest: Stamps = (lost - before).max(axis=1)
    return longest


def _profits(record: Record[Money], draw: np.random.Generator, runs: int) -> Floats:
    """The profit of each slot in each run."""
    chance = draw.random((runs, len(record)))
    slots = record.slots
    if (together := record.worth.correlation) and len(slots) < len(record):
        # Two trades that both follow their slot's own draw are one: so pairs correlate as they should.
        common = np.repeat(draw.random((runs, len(slots))), slots.trades, axis=1)
        chance = np.where(draw.random((runs, len(record))) < together**0.5, common, chance)
    won = chance < 1 / (1 + record.payout)
    profit = np.where(won, record.stake * record.payout, -record.stake) * record.decided
    return profit if len(slots) == len(record) else np.add.reduceat(profit, slots.first, axis=1)


def _below(sorted_values: Floats, value: float) -> float:
    near = 1e-9 * max(1.0, abs(value))
    lower, upper = np.searchsorted(sorted_values, (value - near, value + near))
    return float(lower + upper) / 2 / len(sorted_values)
