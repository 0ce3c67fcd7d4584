"""Honest numbers: what a record of fixed-time contracts says, and how little it may say.

A win rate has no meaning without the payouts it was won at, so here it cannot be made without them. Ratios are floats,
money is `Decimal`; a number that does not exist yet is None, never NaN.
"""

from pipeline.statistics.curves import Streaks, drawdown, expectancy, expectancy_interval, profit_factor, streaks
from pipeline.statistics.rates import PayoutMix, WinRate, win_rate
from pipeline.statistics.shares import Interval, break_even, effective_n, wilson

__all__ = [
    "Interval",
    "PayoutMix",
    "Streaks",
    "WinRate",
    "break_even",
    "drawdown",
    "effective_n",
    "expectancy",
    "expectancy_interval",
    "profit_factor",
    "streaks",
    "wilson",
    "win_rate",
]
