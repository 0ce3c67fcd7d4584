"""A made-up market as a source: its past as bars, then payouts and quotes, as their time comes or in blocks ahead."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from pipeline.calendar import Calendars
from pipeline.candles import as_history
from pipeline.host import Host
from pipeline.market import BEGIN, END, PAYOUT_BASE, Market
from pipeline.parts import source
from pipeline.times import MINUTE, duration, parse_moment, slot_of, utc_text
from pipeline.values import Bars, Gap, Link, Payouts, Quotes

NOW = "now"
STRETCH = 10 * MINUTE
"""So much of the market is drawn at a time while quotes are given one by one."""
LAST = END - 1
"""What has no other end, ends here."""
FETCHING = 200
"""How long it takes until bars that were asked for are there (ms)."""

Outage = Annotated[
    str,
    Meta(
        pattern=r"^\S+ for [1-9]\d*(ms|s|m|h|d)$", description='a moment and a length: "2026-01-05T10:03:20Z for 90s"'
    ),
]
ProductName = Annotated[str, Meta(min_length=1, description="a product such as EURUSD")]


@source
class Synthetic:
    """A made-up market for every product, without a key or a network: the same `seed` gives the same ticks for ever.

    Prices have sessions, weekends and changing volatility, but nothing that could be foretold. `speed` is how fast its
    time goes; `start` is where a new market begins: "now" or a moment such as 2026-01-05T08:00:00Z (from 2015 to 2044).
    """

    products: Annotated[tuple[ProductName, ...], Meta(min_length=1)]
    seed: Annotated[int, Meta(ge=0)] = 42
    speed: Annotated[float, Meta(gt=0, description="market time for each real second")] = 1.0
    start: Annotated[str, Meta(description='"now" or a moment such as 2026-01-05T08:00:00Z')] = NOW
    payout_base: Annotated[float, Meta(ge=0.1, le=2, description="what a win pays on average")] = PAYOUT_BASE
    outages: Annotated[
        tuple[Outage, ...], Meta(description="when its connection is down, such as 2026-01-05T10:03:20Z for 90s")
    ] = ()

    def __post_init__(self) -> None:
        if len(set(self.products)) < len(self.products):
            raise ValueError("a product stands twice in products; name each once")
        begins = self.starts_at()
        if begins is not None and not BEGIN <= begins < END:
            raise ValueError(f"start {self.start} is not from 2015 to 2044; the market has no prices there")
        self.dark_times()

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Payouts | Link]:
        def subscribe(
            observer: abc.ObserverBase[Quotes | Bars | Payouts | Link], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            items = host.stream(lambda: self._items(host)).subscribe(observer, scheduler=scheduler)
            asked = gaps.subscribe(lambda gap: self._mend(host, gap, observer), scheduler=scheduler)
            return CompositeDisposable(items, asked)

        return Observable(subscribe)

    def dark_times(self) -> tuple[tuple[int, int], ...]:
        """When the connection is down: from, and until, in order."""
        spans: list[tuple[int, int]] = []
        for text in self.outages:
            begin, _, length = text.partition(" for ")
            start = parse_moment(begin)
            spans.append((start, start + duration(length)))
        for (_, end), (begin, _) in pairwise(sorted(spans)):
            if begin <= end:
                raise ValueError(f"outages overlap at {utc_text(begin)}; give one that spans both")
        return tuple(sorted(spans))

    def _mend(self, host: Host, gap: Gap, observer: abc.ObserverBase[Quotes | Bars | Payouts | Link]) -> None:
        """Give the bars that are missing as history, once they would have been fetched."""

        def fetched() -> None:
            bars = self._market(gap.product, host.calendars).bars(gap.tf, gap.since, gap.until)
            observer.on_next(bars.rows(0, len(bars), 0))

        if gap.product in self.products:
            host.at(host.now() + FETCHING, fetched)

    def starts_at(self) -> int | None:
        """Where a new market begins; None for the present."""
        return None if self.start == NOW else parse_moment(self.start)

    def earlier(self, product: str, since: int, until: int, calendars: Calendars) -> Quotes:
        """The quotes stamped from `since` on and received before `until`, once more."""
        quotes = self._market(product, calendars).quotes(since, until)
        return quotes.rows(0, int(np.searchsorted(quotes.received, until)))

    async def _items(self, host: Host) -> AsyncIterator[Quotes | Bars | Payouts | Link]:
        now, dark = host.now(), self.dark_times()
        lanes: list[Lane] = []
        for market in (self._market(product, host.calendars) for product in sorted(self.products)):
            past = history(market, host.history, now)
            for bars in past:
                yield bars
            lanes.append(Lane(market, _unfinished(past, host.history, now), dark))
        for lane in lanes:
            for item in lane.until_now(now):
                yield item
        limit = LAST if host.end is None else host.end
        async for item in _in_blocks(host, lanes, now, limit) if host.block else _in_time(host, lanes, now, limit):
            yield item

    def _market(self, product: str, calendars: Calendars) -> Market:
        return Market(product, self.seed, self.payout_base, calendars.of(product))


def history(market: Market, rows: Mapping[int, int], now: int) -> tuple[Bars, ...]:
    """The last bars final before `now`, as context: so many `rows` of each timeframe (fewer where the market begins).

    Those of the shortest reach back to the opening of the longest's slot at least, which is to be made of them.
    """
    if not rows:
        return ()
    slot = slot_of(now, max(rows))
    begin = min(slot, *(_slot_back(market, now, tf, wanted) for tf, wanted in rows.items()))
    minutes = market.bars(MINUTE, max(BEGIN, begin), now)
    final = int(np.searchsorted(minutes.final_at, now))
    return tuple(as_history(minutes.rows(0, final, final), rows, now, market.calendar))


def _slot_back(market: Market, now: int, tf: int, rows: int) -> int:
    """The opening of the slot so many before the last that can be final; a slot that is open in part is one."""
    wanted = rows + 2  # the last may not be final yet
    back = wanted * tf
    while True:
        begin = max(BEGIN, now - back)
        slots = market.calendar.open_slots(begin, now, tf)
        if len(slots) >= wanted:
            return int(slots[-wanted])
        if begin == BEGIN:
            return begin
        back *= 2


def _unfinished(past: tuple[Bars, ...], rows: Mapping[int, int], now: int) -> int:
    """The opening of the first slot that is not history: its quotes are given even if they came before `now`."""
    if past and len(past[0]):
        return int(past[0].open_ts[-1]) + past[0].tf
    return slot_of(now, min(rows, default=MINUTE))


@dataclass(frozen=True, slots=True)
class Lane:
    """What one market gives after its history: the quotes stamped at or after `begin`, each once, and the payouts."""

    market: Market
    begin: int
    dark: tuple[tuple[int, int], ...] = ()
    """When nothing comes: from, and until."""

    def until_now(self, now: int) -> Iterator[Payouts | Quotes | Link]:
        """The payout in force and the quotes that had already come, those of the slot that is open.

        A connection that was down as that slot opened is told to be: what comes of the slot is not all of it.
        """
        yield self.market.payouts(now, now)
        if any(down < self.begin < up for down, up in self.dark):
            yield Link((self.market.product,), up=False, at=self.begin)
        quotes = self.market.quotes(self.begin, max(self.begin, now))
        quotes = quotes.rows(0, int(np.searchsorted(quotes.received, now)))
        yield from self._heard(quotes, self.begin, now)

    def between(self, start: int, end: int) -> Iterator[Payouts | Quotes | Link]:
        """The payouts of (start, end] and the quotes received in [start, end)."""
        told = self.market.payouts(start, end + 1)
        if len(told) > 1:
            yield Payouts(told.product, told.ts[1:], told.ratio[1:])
        quotes = self.market.arriving(start, end)
        quotes = quotes.rows(int(np.searchsorted(quotes.ts, self.begin)), len(quotes))
        yield from self._heard(quotes, start, end)

    def _heard(self, quotes: Quotes, start: int, end: int) -> Iterator[Quotes | Link]:
        """Those of the quotes of [start, end) that come while the connection is up, and when it breaks and is back."""
        first, products = 0, (self.market.product,)
        for down, up in self.dark:
            if start <= down < end:
                stop = int(np.searchsorted(quotes.received, down))
                if stop > first:
                    yield quotes.rows(first, stop)
                yield Link(products, up=False, at=down)
            if down < end and up > start:
                first = int(np.searchsorted(quotes.received, up))
            if start <= up < end:
                yield Link(products, up=True, at=up)
        if first < len(quotes):
            yield quotes.rows(first, len(quotes))


async def _in_blocks(host: Host, lanes: list[Lane], start: int, limit: int) -> AsyncIterator[Payouts | Quotes | Link]:
    """All that comes in a block of time, given at its beginning."""
    while start < limit:
        end = min(start + host.block, limit)
        for lane in lanes:
            for item in lane.between(start, end):
                yield item
        await host.until(end)
        start = end


async def _in_time(host: Host, lanes: list[Lane], start: int, limit: int) -> AsyncIterator[Payouts | Quotes | Link]:
    """Row by row, each when its time has come."""
    while start < limit:
        end = min(start + STRETCH, limit)
        for at, _, row in sorted((row for lane in lanes for row in _rows(lane.between(start, end))), key=_turn):
            await host.until(at)
            yield row
        start = end
    await host.until(limit)


Row = tuple[int, str, Payouts | Quotes | Link]
"""A row with the moment it comes at, and the product that says which is first of those that come at one."""


def _rows(items: Iterator[Payouts | Quotes | Link]) -> Iterator[Row]:
    for item in items:
        if isinstance(item, Link):
            yield item.at, item.products[0], item
            continue
        for row in range(len(item)):
            if isinstance(item, Payouts):
                cut = slice(row, row + 1)
                yield int(item.ts[row]), item.product, Payouts(item.product, item.ts[cut], item.ratio[cut])
            else:
                yield int(item.received[row]), item.product, item.rows(row, row + 1)


def _turn(row: Row) -> tuple[int, str]:
    return row[:2]
