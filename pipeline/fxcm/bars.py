"""What FXCM gives of the past, made final bars of: half-way between bid and ask, on full slots, and over."""

import numpy as np

from pipeline.candles import from_columns, possible
from pipeline.feeds.rows import EARLIEST, Refused, no_bars
from pipeline.fxcm.port import Candles
from pipeline.times import timeframe_name
from pipeline.values import Bars


def bars_of(
    product: str, tf: int, candles: Candles | None, since: int, until: int, now: int, grace: int, refused: Refused
) -> Bars:
    """The final bars that open in [since, until), in order of time, each once; `fresh` is 0.

    A bar is final when it is over, for `grace` ms or with a later one behind it: never before its close. What stands in
    the year 1970 is no bar but the absence of one; what else cannot be is left out and told.
    """
    if candles is None or not len(candles):
        return no_bars(product, tf)
    order = np.argsort(candles.at, kind="stable")
    order = order[candles.at[order] >= EARLIEST]
    order = order[np.append(candles.at[order][1:] != candles.at[order][:-1], np.ones(min(1, len(order)), np.bool_))]
    at = candles.at[order]
    bid, ask = candles.bid[order], candles.ask[order]
    open_, high, low, close = ((bid[:, column] + ask[:, column]) / 2 for column in range(4))
    bars = from_columns(product, tf, at, open_, high, low, close, candles.volume[order])
    sound = possible(bars) & (at % tf == 0)
    if not sound.all():
        refused.add(f"a {timeframe_name(tf)} bar of {product} that cannot be", int(np.count_nonzero(~sound)))
    closes, newest = at + tf, int(at.max(initial=0))
    final = (closes <= now) & ((closes + grace <= now) | (at < newest))
    bars = bars.chosen(sound & final & (at >= since) & (at < until))
    return bars.rows(0, len(bars), 0)
