"""What a source gives in a simulated world: the market's quotes on the way to an engine, and what befalls them."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from pipeline.calendar import Calendars
from pipeline.host import Host
from pipeline.parts import Part
from pipeline.sim.prices import Prices
from pipeline.sim.storms import Storm, edgewise
from pipeline.times import MINUTE, SECOND, slot_of
from pipeline.values import Bars, Gap, Link, Payouts, Quotes

PAYOUT = 0.9
FETCHING = 200
"""How long it takes until bars that were asked for are there (ms)."""
LATE = 20 * SECOND
Given = Quotes | Bars | Payouts | Link
Give = Callable[[Given], None]


class Waiting(Protocol):
    """As much of a clock as is needed here: the world's own."""

    def now(self) -> int: ...
    def at(self, moment: int, act: Callable[[], object]) -> object: ...


class Feed:
    """One source of the market. It outlives engines; the one that lives is attached by its own subscription."""

    def __init__(self, part: Part, products: tuple[str, ...], prices: Prices, storm: Storm, clock: Waiting) -> None:
        self.products = products
        self.down_until: dict[str, int] = {}
        """Until when nothing comes of a product."""
        self.holes: dict[str, list[tuple[int, int]]] = {}
        """From when until when that was so, for those who judge trades."""
        self.unmended: dict[str, list[tuple[int, int]]] = {}
        """Slots whose bars the engine that lives could not have."""
        self._told: set[tuple[int, int]] = set()
        self._part, self._prices, self._storm, self._clock = part, prices, storm, clock
        self._ear: Give | None = None
        self._links = False
        self._ahead: dict[str, Quotes] = {}
        """What was given ahead of its time."""

    # --- the part ----------------------------------------------------------------------------------------------------

    def __call__(self, host: Host, *inlets: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: abc.ObserverBase[Any], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            def give(item: Given) -> None:
                observer.on_next(item)

            self._ear = give
            self._links = Link in self._part.gives
            for item in self._first(host):
                give(item)
            asked = [
                inlet.subscribe(lambda gap: self._mend(gap, give))
                for inlet, kinds in zip(inlets, self._part.takes.values(), strict=True)
                if Gap in kinds
            ]
            return CompositeDisposable(asked)

        return Observable(subscribe)

    def earlier(self, product: str, since: int, until: int, calendars: Calendars) -> Quotes:
        """The quotes stamped from `since` on and received before `until`, once more."""
        quotes = self._prices.quotes(product, since, until)
        return quotes.rows(0, int(np.searchsorted(quotes.received, until)))

    def _first(self, host: Host) -> Iterable[Given]:
        now = self._clock.now()
        self.unmended.clear()
        for product in self.products:
            past = self._prices.history(product, host.history, now)
            yield from past
            if Payouts in self._part.gives:
                yield _payout(product, now)
            begin = int(past[0].open_ts[-1]) + past[0].tf if past and len(past[0]) else slot_of(now, MINUTE)
            quotes = self._prices.quotes(product, begin, now)
            quotes = quotes.rows(0, int(np.searchsorted(quotes.received, now)))
            if len(quotes):
                yield quotes
            ahead = self._ahead.get(product)
            if ahead is not None:
                first = int(np.searchsorted(ahead.received, now))
                yield from self._spared(ahead.rows(first, len(ahead)), now)

    def payouts(self, at: int) -> Iterable[Payouts]:
        """What a win pays, for whoever asks the market."""
        return [_payout(product, at) for product in self.products]

    def _mend(self, gap: Gap, give: Give) -> None:
        if gap.product not in self.products or gap.tf != MINUTE:
            return
        if self._storm.strikes("unmended") is not None:
            self.unmended.setdefault(gap.product, []).append((gap.since, gap.until))
            return

        def fetched() -> None:
            bars = self._prices.bars(gap.product, gap.since, gap.until)
            give(bars.rows(0, len(bars), 0))

        self._clock.at(self._clock.now() + FETCHING, fetched)

    # --- the world ---------------------------------------------------------------------------------------------------

    def let_go(self) -> None:
        """The engine that heard is no more."""
        self._ear = None

    def pass_on(self, quotes: Quotes) -> None:
        """A quote is here, as it should be or not."""
        if self._ear is None or self.down_until.get(quotes.product, 0) > self._clock.now():
            return
        storm, give = self._storm, self._give
        if storm.strikes("bad_tick") is not None:
            give(Quotes(quotes.product, quotes.ts, quotes.received, np.full(len(quotes), np.nan), quotes.ask))
        late = storm.strikes("late_tick")
        if late is not None:
            self._clock.at(self._clock.now() + int(edgewise(late, 1, LATE)), lambda: give(quotes))
            return
        give(quotes)
        if storm.strikes("duplicate_tick") is not None:
            give(quotes)

    def pass_ahead(self, quotes: Quotes) -> None:
        """Quotes of a while to come, given now: those that a hole does not swallow, one of them odd at times."""
        self._ahead[quotes.product] = quotes
        for item in self._spared(self._spoiled(quotes), self._clock.now()):
            self._give(item)

    def _spoiled(self, quotes: Quotes) -> Quotes:
        """With a quote that is no number, that comes twice, or late."""
        storm, rows = self._storm, np.arange(len(quotes))
        if not len(quotes):
            return quotes
        late = storm.strikes("late_tick")
        received = quotes.received.copy()
        if late is not None:
            received[int(late * len(quotes))] += int(edgewise(late, 1, LATE))
            rows = np.argsort(received, kind="stable")
        twice, bad = storm.strikes("duplicate_tick"), storm.strikes("bad_tick")
        if twice is not None:
            rows = np.insert(rows, int(twice * len(rows)), rows[int(twice * len(rows))])
        bid = quotes.bid[rows]
        if bad is not None:
            place = int(bad * len(rows))
            rows, bid = np.insert(rows, place, rows[place]), np.insert(bid, place, np.nan)
        came = np.maximum.accumulate(received[rows])
        return Quotes(quotes.product, quotes.ts[rows], came, bid, quotes.ask[rows])

    def _spared(self, quotes: Quotes, start: int) -> Iterable[Given]:
        """What no hole swallows, and when a connection that breaks says so."""
        first, product = 0, quotes.product
        for down, up in sorted(self.holes.get(product, ())):
            if up <= start:
                continue
            told = self._links and (down, up) in self._told
            stop = int(np.searchsorted(quotes.received, down))
            if stop > first:
                yield quotes.rows(first, stop)
            if told:
                yield Link((product,), up=False, at=max(down, start))
            first = max(first, int(np.searchsorted(quotes.received, up)))
            if told:
                yield Link((product,), up=True, at=up)
        if first < len(quotes):
            yield quotes.rows(first, len(quotes))

    def will_be_silent(self, products: Iterable[str], since: int, length: int, told: bool) -> None:
        """Nothing will come of these for a while, of what is given ahead from here on."""
        for product in products:
            self.holes.setdefault(product, []).append((since, since + length))
        if told:
            self._told.add((since, since + length))

    def fall_silent(self, products: Iterable[str], length: int, told: bool) -> None:
        """Nothing comes of these for a while; `told` when the connection itself says that it broke."""
        now = self._clock.now()
        several = tuple(products)
        for product in several:
            self.holes.setdefault(product, []).append((now, now + length))
            self.down_until[product] = max(now + length, self.down_until.get(product, 0))
        if told and self._links:
            self._give(Link(several, up=False, at=now))
            self._clock.at(now + length, lambda: self._give(Link(several, up=True, at=now + length)))

    def _give(self, item: Given) -> None:
        if self._ear is not None:
            self._ear(item)


def _payout(product: str, at: int) -> Payouts:
    return Payouts(product, np.array([at]), np.array([PAYOUT]))
