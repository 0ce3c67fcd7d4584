"""Quotes gathered into bars of all timeframes at once, on UTC epoch boundaries, by the quotes' own time.

A bar of the shortest timeframe ends with the first quote of a later slot or `grace` after its close, whichever is
first; longer ones are made of its bars and are given only when all their parts are there. A slot without a quote gives
no bar: the run is cut there, unless the market was closed by its calendar.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.calendar import calendar_of
from pipeline.candles import gathered, merged
from pipeline.parts import Derived, operator
from pipeline.runs import Run
from pipeline.steps import woken
from pipeline.times import TimeframeName, timeframe, timeframe_name
from pipeline.values import Bars, Dropped, Flags, Quotes, Stamps

AHEAD = 5_000
"""A quote stamped further than this beyond its arrival is not of our time."""

Timeframes = Annotated[tuple[TimeframeName, ...], Meta(min_length=1)]


@operator
class Window:
    """Gathers quotes (or shorter bars) into final bars of every timeframe, on epoch boundaries.

    A bar is final with the first quote after it, or `grace_ms` after its close; a quote that comes later still is
    dropped and counted. Empty slots are never filled with invented prices.
    """

    timeframes: Timeframes = ("1m", "5m", "15m")
    grace_ms: Annotated[int, Meta(ge=0, le=60_000)] = 500
    context: Annotated[int, Derived] = 0

    def __post_init__(self) -> None:
        spans = sorted(timeframe(name) for name in self.timeframes)
        for span in spans[1:]:
            if span % spans[0]:
                raise ValueError(
                    f"every timeframe must be a multiple of the shortest, {min(self.timeframes, key=timeframe)}"
                )

    def __call__(self, prices: Observable[Quotes | Bars]) -> Observable[Bars | Dropped]:
        return woken(lambda: Gathering(self), "window", prices)


class Gathering:
    """What a window remembers: the open slot of each product, and the bars that later ones need as context."""

    def __init__(self, window: Window) -> None:
        spans = sorted(timeframe(name) for name in window.timeframes)
        self._base, self._longer = spans[0], tuple(spans[1:])
        self._parts = spans[-1] // spans[0]
        self._grace = window.grace_ms
        self._context = window.context
        self._open: dict[str, Quotes] = {}
        self._ended: dict[str, int] = {}
        self._runs: dict[tuple[str, int], Run] = {}

    @property
    def due(self) -> int | None:
        """The first deadline of the slots that are open."""
        return min((self._deadline(quotes) for quotes in self._open.values()), default=None)

    def take(self, item: Quotes | Bars, at: int) -> Iterator[Bars | Dropped]:
        if isinstance(item, Quotes):
            yield from self._take_quotes(item)
        elif item.fresh == 0:
            self._run(item.product, item.tf).extend(item)
            self._end(item)
        elif item.tf == self._base:
            yield from self._final(item)
            self._end(item)
        else:
            yield Dropped(item.product, f"bars of another timeframe than {timeframe_name(self._base)}", item.fresh)

    def wake(self, at: int) -> Iterator[Bars | Dropped]:
        for product in sorted(self._open):
            if self._deadline(self._open[product]) <= at:
                yield from self._close(product, self._open.pop(product), None)

    def _take_quotes(self, quotes: Quotes) -> Iterator[Bars | Dropped]:
        product = quotes.product
        quotes, unfit = _fit(quotes)
        held = self._open.pop(product, None)
        if held is not None:
            quotes = _joined(held, quotes)
        quotes, late = self._in_time(quotes)
        if unfit:
            yield Dropped(product, "unfit price", unfit)
        if late:
            yield Dropped(product, "late", late)
        if not len(quotes):
            return
        last_slot = int(quotes.ts[-1]) // self._base * self._base
        cut = int(np.searchsorted(quotes.ts // self._base * self._base, last_slot))
        if cut:
            yield from self._close(product, quotes.rows(0, cut), int(quotes.received[cut]))
        self._open[product] = quotes.rows(cut, len(quotes))

    def _in_time(self, quotes: Quotes) -> tuple[Quotes, int]:
        """Without the quotes whose slot had ended, by a later quote or by its deadline, before they were received."""
        slots = quotes.ts // self._base * self._base
        ended = np.maximum.accumulate(np.append(self._ended.get(quotes.product, 0), slots))[:-1]
        fit = (slots >= ended) & (quotes.received < slots + self._base + self._grace)
        late = len(fit) - int(fit.sum())
        return (_chosen(quotes, fit) if late else quotes), late

    def _close(self, product: str, quotes: Quotes, following: int | None) -> Iterator[Bars]:
        bars = gathered(quotes, self._base, self._grace, following)
        self._end(bars)
        yield from self._final(bars)

    def _end(self, bars: Bars) -> None:
        """No quote of these bars' slots, or of an earlier one, is in time any more."""
        if bars.tf == self._base and len(bars):
            self._ended[bars.product] = max(self._ended.get(bars.product, 0), int(bars.open_ts[-1]) + self._base)

    def _final(self, bars: Bars) -> Iterator[Bars]:
        run = self._run(bars.product, self._base)
        for stretch in run.extended(bars):
            yield stretch
            for span in self._longer:
                tail = run.last(stretch.fresh + span // self._base - 1)
                yield from self._run(bars.product, span).extended(_newer(merged(tail, span), stretch))

    def _run(self, product: str, tf: int) -> Run:
        if (product, tf) not in self._runs:
            kept = max(self._context, self._parts - 1) if tf == self._base else self._context
            self._runs[product, tf] = Run(product, tf, kept, calendar_of(product))
        return self._runs[product, tf]

    def _deadline(self, quotes: Quotes) -> int:
        return int(quotes.ts[0]) // self._base * self._base + self._base + self._grace


def _fit(quotes: Quotes) -> tuple[Quotes, int]:
    """Only prices that can be: finite, above zero, not crossed, not from the future."""
    fit = (
        (quotes.bid > 0) & (quotes.ask >= quotes.bid) & np.isfinite(quotes.ask) & (quotes.ts <= quotes.received + AHEAD)
    )
    unfit = len(fit) - int(fit.sum())
    return (_chosen(quotes, fit) if unfit else quotes), unfit


def _chosen(quotes: Quotes, rows: Flags) -> Quotes:
    return replace(
        quotes, ts=quotes.ts[rows], received=quotes.received[rows], bid=quotes.bid[rows], ask=quotes.ask[rows]
    )


def _joined(held: Quotes, quotes: Quotes) -> Quotes:
    def both(left: Stamps, right: Stamps) -> Stamps:
        return np.concatenate((left, right))

    return Quotes(
        held.product,
        both(held.ts, quotes.ts),
        both(held.received, quotes.received),
        np.concatenate((held.bid, quotes.bid)),
        np.concatenate((held.ask, quotes.ask)),
    )


def _newer(longer: Bars, bars: Bars) -> Bars:
    """The longer bars that end with one of the new `bars`."""
    ends = longer.open_ts + longer.tf
    first = int(ends.searchsorted(int(bars.open_ts[len(bars) - bars.fresh]) + bars.tf))
    return longer.rows(first, len(longer), len(longer) - first)
