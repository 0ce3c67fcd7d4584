"""Quotes gathered into bars, by the quotes' own time. Pure columns, used by whoever has quotes and needs bars."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.calendar import Calendar
from pipeline.times import slot_of
from pipeline.values import DEADLINE, NEXT_TICK, VENUE, Bars, Counts, Flags, Floats, Quotes, Small, Stamps

Indices = NDArray[np.intp]
Number = TypeVar("Number", np.float64, np.int32)

NEVER = int(np.iinfo(np.int64).max)
NO_ROWS = np.zeros(0, np.intp)
ZERO = np.zeros(1, np.intp)
DENSE = 4
"""With so many quotes a slot it is quicker to search for the boundaries than to look at every quote."""


class Slots(NamedTuple):
    """The slots that rows lie in: their openings, and the rows at which each begins and ends."""

    open_ts: Stamps
    starts: Indices
    stops: Indices
    ordered: bool
    """Whether the rows' own stamps are in order, within the slots too."""

    def some(self, first: int, last: int) -> "Slots":
        """So many of them; the rows keep their numbers."""
        cut = slice(first, last)
        return Slots(self.open_ts[cut], self.starts[cut], self.stops[cut], self.ordered)


def slots_of(ts: Stamps, tf: int, *, ordered: bool | None = None) -> Slots:
    """The slots that stamps lie in, which must be in order; within a slot stamps need not be, unless `ordered`."""
    if not len(ts):
        return Slots(ts, NO_ROWS, NO_ROWS, ordered=True)
    if ordered is None:
        ordered = bool((ts[1:] >= ts[:-1]).all())
    first, last = ts.item(0) // tf * tf, ts.item(-1) // tf * tf
    if first == last:
        return Slots(np.array((first,)), np.zeros(1, np.intp), np.array((len(ts),)), ordered)
    if ordered and (last - first) // tf < len(ts) // DENSE:
        # Many quotes in few slots: a search for each boundary is less than a division for each quote.
        openings = np.arange(first, last + tf + 1, tf)
        edges = ts.searchsorted(openings)
        filled = edges[1:] > edges[:-1]
        if filled.all():
            return Slots(openings[:-1], edges[:-1], edges[1:], ordered)
        return Slots(openings[:-1][filled], edges[:-1][filled], edges[1:][filled], ordered)
    slots = ts // tf * tf
    starts = np.concatenate((ZERO, (slots[1:] != slots[:-1]).nonzero()[0] + 1))
    return Slots(slots[starts], starts, np.concatenate((starts[1:], (len(ts),))), ordered)


def gathered(quotes: Quotes, tf: int, grace: int | Stamps, following: int = NEVER, slots: Slots | None = None) -> Bars:
    """The bars of every slot that has a quote, oldest first, all fresh.

    Quotes must be clean and in the order they came, their slots in order. Within a slot the first and the last quote
    are those by their own stamps. A bar is final when the first quote of a later slot was received, but not before its
    close, or `grace` ms after that (one for all, or of each slot), whichever is first; `following` is when the quote
    after the last one given was received, if known. `slots` are those to gather, when they are known.
    """
    open_ts, starts, stops, ordered = slots_of(quotes.ts, tf) if slots is None else slots
    rows = len(starts)
    price = quotes.mid
    by_stamp = price if ordered else price[np.argsort(quotes.ts, kind="stable")]
    deadline = open_ts + (tf + grace)
    next_received = np.empty(rows, np.int64)
    next_received[-1:] = following
    next_received[:-1] = quotes.received[starts[1:]]
    ticks = (stops - starts).astype(np.int32)
    within = price[: stops.item(-1)] if rows else price
    return Bars(
        product=quotes.product,
        tf=tf,
        open_ts=open_ts,
        open=by_stamp[starts],
        high=np.maximum.reduceat(within, starts) if rows else price,
        low=np.minimum.reduceat(within, starts) if rows else price,
        close=by_stamp[stops - 1],
        volume=ticks.astype(np.float64),
        final_at=np.maximum(open_ts + tf, np.minimum(deadline, next_received)),
        closed_by=np.where(next_received >= deadline, DEADLINE, NEXT_TICK).astype(np.int8),
        ticks=ticks,
        revision=np.zeros(rows, np.int32),
        fresh=rows,
    )


def merged(bars: Bars, tf: int, calendar: Calendar | None = None) -> Bars:
    """Bars of a longer timeframe, from those slots of it whose parts are all there.

    With a calendar, parts that lie in closed time need not be there. A longer bar is final with its last part and
    closed the way that was.
    """
    slots, starts, stops, _ = slots_of(bars.open_ts, tf, ordered=True)
    parts: int | Stamps = tf // bars.tf
    if calendar is not None and len(slots):
        expected = calendar.open_parts(slots, tf, bars.tf)
        parts = np.where(expected == 0, parts, expected)
    whole = stops - starts >= parts
    slots, starts, stops = slots[whole], starts[whole], stops[whole]
    lasts = stops - 1
    bounds = np.column_stack((starts, stops)).ravel()
    if len(bounds) and bounds[-1] == len(bars):
        bounds = bounds[:-1]

    def each(gather: np.ufunc, column: NDArray[Number]) -> NDArray[Number]:
        """Over the parts of each slot; every second stretch lies between two slots."""
        made: NDArray[Number] = gather.reduceat(column, bounds, dtype=column.dtype)[::2].copy()
        return made

    return Bars(
        product=bars.product,
        tf=tf,
        open_ts=slots,
        open=bars.open[starts],
        high=each(np.maximum, bars.high),
        low=each(np.minimum, bars.low),
        close=bars.close[lasts],
        volume=each(np.add, bars.volume),
        final_at=bars.final_at[lasts],
        closed_by=bars.closed_by[lasts],
        ticks=each(np.add, bars.ticks),
        revision=each(np.maximum, bars.revision),
        fresh=len(slots),
    )


def possible(bars: Bars) -> Flags:
    """Which bars can be: prices above zero and finite, the low at the bottom and the high at the top."""
    low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    fit: Flags = (bars.low > 0) & (bars.low <= low) & (bars.high >= high) & (bars.high < np.inf) & (bars.volume >= 0)
    return fit


def as_history(bars: Bars, rows: Mapping[int, int], now: int, calendar: Calendar | None = None) -> Iterator[Bars]:
    """The last of these bars as context for what comes after `now`: so many `rows` of each timeframe made of them.

    The shortest reaches back to the opening of the longest's slot at least: later bars are to complete that.
    """
    slot = slot_of(now, max(rows, default=bars.tf))
    for tf in sorted(tf for tf in rows if tf % bars.tf == 0):
        past = merged(bars, tf, calendar)
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
