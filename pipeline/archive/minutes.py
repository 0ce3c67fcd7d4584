"""Bars made of what the store holds: of quotes, or of shorter bars, a file at a time."""

from collections.abc import Iterator

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import gathered, merged
from pipeline.values import Bars, Quotes

GRACE = 500
"""How long (ms) after its close a bar waits for quotes, as a window does by default."""


def bars_of(batches: Iterator[Quotes], tf: int, *, keep_ends: bool = False, grace: int = GRACE) -> Iterator[Bars]:
    """The bars of every slot that has a quote.

    The first and the last slot may have been cut by where the quotes begin and end, so they are left out unless
    `keep_ends`. A quote that comes after its slot's file has been read is late and let go.
    """
    waiting: Quotes | None = None
    after = np.iinfo(np.int64).min
    first = not keep_ends
    for batch in batches:
        quotes = batch if waiting is None else _joined(waiting, batch)
        quotes = _in_order(quotes.chosen(quotes.ts >= after) if (quotes.ts < after).any() else quotes)
        if not len(quotes):
            continue
        newest = int(quotes.ts[-1]) // tf * tf
        whole = int(np.searchsorted(quotes.ts, newest))
        following = int(quotes.received[whole])
        bars = gathered(quotes.rows(0, whole), tf, grace, following)
        waiting, after = quotes.rows(whole, len(quotes)), newest
        if first and len(bars):
            bars, first = bars.rows(1, len(bars), len(bars) - 1), False
        if len(bars):
            yield bars
    if waiting is not None and keep_ends:
        yield gathered(waiting, tf, grace)


def longer(batches: Iterator[Bars], tf: int, calendar: Calendar) -> Iterator[Bars]:
    """Bars of a longer timeframe, from slots whose parts are all there; what is closed by the calendar need not be."""
    for batch in batches:
        # A file's bars never share a slot with the next file's: no timeframe is longer than a day.
        bars = merged(batch, tf, calendar)
        if len(bars):
            yield bars


def _joined(first: Quotes, then: Quotes) -> Quotes:
    columns = (np.concatenate((getattr(first, name), getattr(then, name))) for name in ("ts", "received", "bid", "ask"))
    return Quotes(first.product, *columns)


def _in_order(quotes: Quotes) -> Quotes:
    """By their own stamps."""
    if (quotes.ts[1:] < quotes.ts[:-1]).any():
        return quotes.chosen(np.argsort(quotes.ts, kind="stable"))
    return quotes
