"""Venue lanes: one product's way to final bars that are the venue's own, while quotes only show what is forming."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import NEVER
from pipeline.grace import Grace
from pipeline.ladders import Ladder
from pipeline.lanes import NOTHING, Given, Lane
from pipeline.sifting import Sieve
from pipeline.times import timeframe_name
from pipeline.unfinished import Unfinished
from pipeline.values import Bars, Dropped, Link, Quotes

NOT_OVER = "not over yet"


def made_of(spans: Sequence[int], native: Collection[int]) -> dict[int, int]:
    """Of which of the venue's bars those of each timeframe are made: its own where the venue gives them.

    Else those of the longest timeframe that it is a multiple of. What none of the venue's makes is left out.
    """
    made: dict[int, int] = {}
    for span in sorted(spans):
        parts = [tf for tf in native if tf in spans and span % tf == 0]
        parts = parts or [tf for tf in native if min(spans) % tf == 0]
        if parts:
            made[span] = max(parts)
    return made


class VenueLane:
    """A lane for each timeframe of the venue's bars that something is made of, and what quotes say of open slots.

    A bar of one product and timeframe has one origin: none is made of quotes, nor of shorter bars where the venue gives
    its own.
    """

    __slots__ = ("_base", "_ladders", "_lanes", "_made", "_sieve", "_unfinished", "alarm", "moved", "product")

    def __init__(
        self,
        product: str,
        spans: Sequence[int],
        native: Collection[int],
        grace: Grace,
        sieve: Callable[[int], Sieve],
        contexts: Mapping[int, int],
        calendar: Calendar,
        forming: int = 0,
    ) -> None:
        """`native`: the timeframes the venue gives bars of, empty for all; `sieve`: a new one for slots of a length."""
        self.product = product
        self._base = min(spans)
        self._made = made_of(spans, native or spans)
        self._ladders: dict[int, Ladder] = {}
        self._lanes: dict[int, Lane] = {}
        self._sieve = sieve(self._base)
        for tf in sorted(set(self._made.values())):
            own = [span for span in spans if self._made.get(span) == tf]
            self._ladders[tf] = Ladder(product, own, contexts, calendar, reach=max(spans))
            self._lanes[tf] = Lane(product, min(own), grace, sieve(min(own)), self._ladders[tf], calendar)
        self._unfinished = Unfinished(product, sorted(self._made), forming, self._settled, self._finals)
        self.alarm: int | None = None
        self.moved = False

    @property
    def due(self) -> int | None:
        return None if self._unfinished.due == NEVER else self._unfinished.due

    def take(self, item: Quotes | Bars | Link, at: int) -> "tuple[Given, ...] | Iterator[Given]":
        if isinstance(item, Quotes):
            return self._one(item) if len(item) == 1 else self._many(item)
        return self._links(item, at) if isinstance(item, Link) else self._bars(item, at)

    def wake(self, at: int) -> Iterator[Given]:
        if self._unfinished.due <= at:
            self.moved = True
            yield from self._unfinished.given(at)

    # --- quotes ------------------------------------------------------------------------------------------------------

    def _one(self, quotes: Quotes) -> tuple[Given, ...]:
        ts, received = quotes.ts.item(), quotes.received.item()
        bid, ask = quotes.bid.item(), quotes.ask.item()
        reason = self._sieve.reason(ts, received, bid, ask)
        if reason:
            return (Dropped(self.product, reason, 1),)
        before = self._unfinished.due
        self._unfinished.one(ts, received, (bid + ask) / 2)
        self.moved = self._unfinished.due < before
        return NOTHING

    def _many(self, quotes: Quotes) -> Iterator[Given]:
        if not len(quotes):
            return
        dropped = Counter[str]()
        quotes = self._sieve.sifted(quotes, dropped)
        for reason, rows in dropped.items():
            yield Dropped(self.product, reason, rows)
        if len(quotes):
            self.moved = True
            self._unfinished.many(quotes)

    # --- the venue's bars --------------------------------------------------------------------------------------------

    def _bars(self, bars: Bars, at: int) -> Iterator[Given]:
        context = bars.fresh == 0
        lane = self._lanes.get(self._made.get(bars.tf, bars.tf) if context else bars.tf)
        if lane is None:
            if not context:
                yield Dropped(self.product, f"bars of {timeframe_name(bars.tf)}, of which none is made", bars.fresh)
            return
        over = bars.final_at >= bars.open_ts + bars.tf
        if not context and not over.all():
            yield Dropped(self.product, NOT_OVER, int(np.count_nonzero(~over)))
            bars = bars.chosen(over)
        if len(bars):
            yield from lane.take(bars, at)
            self._settle()

    def _links(self, link: Link, at: int) -> Iterator[Given]:
        self._unfinished.broken()
        for lane in self._lanes.values():
            yield from lane.take(link, at)

    def _settle(self) -> None:
        """After bars were given for slots, quotes have nothing to say of them any more."""
        newest = self._ladders[self._made[self._base]].newest(self._base) if self._base in self._made else None
        if newest is not None:
            self._sieve.ended = max(self._sieve.ended, newest + self._base)
        self._unfinished.settle()
        self.moved = True

    def _settled(self, span: int, slot: int) -> bool:
        """Whether a bar is final, or can be no more since what it is made of has gone on."""
        part = self._made[span]
        ladder = self._ladders[part]
        newest, reached = ladder.newest(span), ladder.newest(part)
        return (newest is not None and newest >= slot) or (reached is not None and reached + part >= slot + span)

    def _finals(self) -> Bars:
        return self._ladders[self._made[min(self._made)]].base.kept
