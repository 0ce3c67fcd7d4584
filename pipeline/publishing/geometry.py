"""What the wire says of a bar beside its prices: its shape, and the quotes that were heard within it."""

from collections.abc import Iterable
from math import floor, log10
from typing import NamedTuple

import numpy as np

from pipeline.candles import slots_of
from pipeline.quality import AHEAD, all_fit, unfit
from pipeline.values import Bars, Floats, Forming, Quotes

DIGITS = 14
"""Differences of prices are told to this digit of the price: what lies beyond it is the noise of the subtraction."""
KEPT = 8
"""So many slots of each timeframe are known, the newest: a bar of the venue's may be late by less than that."""


class Shape(NamedTuple):
    """How a bar is drawn: from low to high, from open to close, and what lies above and below that."""

    bar_range: float
    body_size: float
    upper_wick: float
    lower_wick: float


class Spread(NamedTuple):
    """The quotes of one bar: their mean distance of bid and ask, the largest, and how many they were."""

    average: float
    largest: float
    ticks: int


def shapes(bars: Bars) -> tuple[Shape, ...]:
    """The shape of each bar."""
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    sizes: Floats = np.column_stack((bars.high - bars.low, top - bottom, bars.high - top, bottom - bars.low))
    grain = np.array([grain_of(high) for high in bars.high.tolist()])[:, None]
    return tuple(map(Shape._make, (np.rint(sizes * grain) / grain).tolist()))


def shape(bar: Forming) -> Shape:
    """The shape of a bar that is not final."""
    top, bottom = max(bar.open, bar.close), min(bar.open, bar.close)
    grain = grain_of(bar.high)
    sizes = (bar.high - bar.low, top - bottom, bar.high - top, bottom - bar.low)
    return Shape(*(round(size * grain) / grain for size in sizes))


def grain_of(price: float) -> float:
    """How many of the smallest steps that a price can be told in make one: 1e13 at 1.1, 1e9 at 70,000."""
    return 10.0 ** (DIGITS - 1 - floor(log10(price)))


class Spreads:
    """The spreads of the quotes heard within the newest bars of each product, in every timeframe.

    Quotes that cannot be are passed over; all others count, so that of a bar the venue made it is known how many were
    heard. Nothing is kept of a slot once it is older than the newest few.
    """

    def __init__(self, timeframes: Iterable[int]) -> None:
        self._spans = tuple(sorted(set(timeframes)))
        self._since: dict[str, int] = {}
        self._grain: dict[str, float] = {}
        self._slots: dict[str, tuple[dict[int, list[float]], ...]] = {}
        """By product, for each timeframe: how many, their sum and the largest, by the opening of the slot."""

    def take(self, quotes: Quotes) -> None:
        """Count quotes in: their stamps' slots must be in order within a batch, as a source gives them."""
        if len(quotes) == 1:
            self._one(quotes.product, quotes.ts.item(), quotes.received.item(), quotes.bid.item(), quotes.ask.item())
            return
        if not all_fit(quotes):
            quotes = quotes.chosen(~np.logical_or.reduce(list(unfit(quotes).values())))
        if not len(quotes):
            return
        if (quotes.ts[1:] < quotes.ts[:-1]).any():
            quotes = quotes.chosen(np.argsort(quotes.ts, kind="stable"))
        spread = quotes.ask - quotes.bid
        heard = self._of(quotes.product, quotes.ts.item(0), quotes.ask.item(0))
        for span, known in zip(self._spans, heard, strict=True):
            open_ts, starts, stops, _ = slots_of(quotes.ts, span, ordered=True)
            sums = np.add.reduceat(spread, starts)
            most = np.maximum.reduceat(spread, starts)
            rows = zip(
                open_ts[-KEPT:].tolist(),
                (stops - starts)[-KEPT:].tolist(),
                sums[-KEPT:].tolist(),
                most[-KEPT:].tolist(),
                strict=True,
            )
            for slot, ticks, total, largest in rows:
                _count(known, slot, ticks, total, largest)

    def of(self, product: str, tf: int, open_ts: int) -> Spread | None:
        """Of one bar; None where it is not known: no quote was heard, or not from the bar's beginning on."""
        known = self._slots.get(product)
        if known is None or tf not in self._spans or open_ts < self._since[product]:
            return None
        counted = known[self._spans.index(tf)].get(open_ts)
        if counted is None:
            return None
        (ticks, total, largest), grain = counted, self._grain[product]
        return Spread(round(total / ticks * grain) / grain, round(largest * grain) / grain, int(ticks))

    def _one(self, product: str, ts: int, received: int, bid: float, ask: float) -> None:
        if not (0 < bid <= ask < np.inf and ts <= received + AHEAD):
            return
        for span, known in zip(self._spans, self._of(product, ts, ask), strict=True):
            _count(known, ts // span * span, 1, ask - bid, ask - bid)

    def _of(self, product: str, ts: int, ask: float) -> tuple[dict[int, list[float]], ...]:
        known = self._slots.get(product)
        if known is None:
            known = self._slots[product] = tuple(dict[int, list[float]]() for _ in self._spans)
            shortest = min(self._spans, default=1)
            # The slot it begins in counts as heard, a longer one that had begun before does not.
            self._since[product] = ts // shortest * shortest
            self._grain[product] = grain_of(ask)
        return known


def _count(known: dict[int, list[float]], slot: int, ticks: int, total: float, largest: float) -> None:
    counted = known.get(slot)
    if counted is not None:
        counted[0] += ticks
        counted[1] += total
        counted[2] = max(counted[2], largest)
        return
    if len(known) >= KEPT:
        oldest = min(known)
        if slot < oldest:
            return
        del known[oldest]
    known[slot] = [ticks, total, largest]
