"""Quotes gathered into bars, by the quotes' own time. Pure columns, used by whoever has quotes and needs bars."""

from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.times import slot_of
from pipeline.values import DEADLINE, NEXT_TICK, VENUE, Bars, Counts, Floats, Quotes, Small, Stamps


def gathered(quotes: Quotes, tf: int, grace: int, following: int | None = None) -> Bars:
    """The bars of every slot that has a quote, oldest first, all fresh.

    Quotes must be in slot order and clean. A bar is final when the first quote of a later slot was received, or
    `grace` ms after its close, whichever is first; `following` is when the quote after the last one given was
    received, if known.
    """
    slots = quotes.ts // tf * tf
    starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - tf)) if len(slots) else np.zeros(0, np.intp)
    stops = np.append(starts[1:], len(slots))
    price = quotes.mid
    open_ts = slots[starts]
    deadline = open_ts + tf + grace
    next_received = np.append(
        quotes.received[starts[1:]], following if following is not None else np.iinfo(np.int64).max
    )
    next_received = next_received[: len(starts)]
    by_deadline = next_received >= deadline
    ticks = (stops[: len(starts)] - starts).astype(np.int32)
    return Bars(
        product=quotes.product,
        tf=tf,
        open_ts=open_ts,
        open=price[starts],
        high=np.maximum.reduceat(price, starts) if len(starts) else price,
        low=np.minimum.reduceat(price, starts) if len(starts) else price,
        close=price[stops[: len(starts)] - 1],
        volume=ticks.astype(np.float64),
        final_at=np.where(by_deadline, deadline, next_received),
        closed_by=np.where(by_deadline, DEADLINE, NEXT_TICK).astype(np.int8),
        ticks=ticks,
        revision=np.zeros(len(starts), np.int32),
        fresh=len(starts),
    )


def merged(bars: Bars, tf: int) -> Bars:
    """Bars of a longer timeframe, from those slots of it whose parts are all there.

    A longer bar is final with its last part and closed the way that was.
    """
    parts = tf // bars.tf
    slots = bars.open_ts // tf * tf
    starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - tf)) if len(slots) else np.zeros(0, np.intp)
    counts = np.diff(np.append(starts, len(slots)))
    starts = starts[counts == parts]
    lasts = starts + parts - 1

    def whole(column: Floats) -> Floats:
        return column[starts[:, None] + np.arange(parts)] if len(starts) else np.zeros((0, parts))

    return Bars(
        product=bars.product,
        tf=tf,
        open_ts=slots[starts],
        open=bars.open[starts],
        high=whole(bars.high).max(axis=1),
        low=whole(bars.low).min(axis=1),
        close=bars.close[lasts],
        volume=whole(bars.volume).sum(axis=1),
        final_at=bars.final_at[lasts],
        closed_by=bars.closed_by[lasts],
        ticks=(bars.ticks[starts[:, None] + np.arange(parts)].sum(axis=1) if len(starts) else np.zeros(0)).astype(
            np.int32
        ),
        revision=np.zeros(len(starts), np.int32),
        fresh=len(starts),
    )


def as_history(bars: Bars, rows: Mapping[int, int], now: int) -> Iterator[Bars]:
    """The last of these bars as context for what comes after `now`: so many `rows` of each timeframe made of them.

    The shortest reaches back to the opening of the longest's slot at least: later bars are to complete that.
    """
    slot = slot_of(now, max(rows, default=bars.tf))
    for tf in sorted(tf for tf in rows if tf % bars.tf == 0):
        past = merged(bars, tf)
        first = max(0, len(past) - rows[tf])
        if tf == min(rows):
            first = min(first, int(past.open_ts.searchsorted(slot)))
        if len(past):
            yield past.rows(first, len(past), 0)


def from_columns(
    product: str, tf: int, open_ts: Stamps, open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats
) -> Bars:
    """Bars that a venue or a file gives whole: final at their close."""
    rows = len(open_ts)
    closed_by: Small = np.full(rows, VENUE, np.int8)
    nothing: Counts = np.zeros(rows, np.int32)
    return Bars(
        product=product,
        tf=tf,
        open_ts=open_ts,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        final_at=open_ts + tf,
        closed_by=closed_by,
        ticks=nothing,
        revision=nothing,
        fresh=rows,
    )
