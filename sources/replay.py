"""Bars and quotes out of the store, as they once came."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.archive.grades import Grade
from pipeline.archive.playback import Kept, played
from pipeline.archive.reports import demand
from pipeline.archive.series import Series
from pipeline.archive.store import STORE, Archive
from pipeline.host import Host
from pipeline.parts import source
from pipeline.times import TimeframeName, parse_moment, timeframe
from pipeline.values import Bars, Quotes

ProductName = Annotated[str, Meta(min_length=1, description="a product such as EURUSD, as it was imported")]


@source
class Replay:
    """Bars, or with `quotes` quotes, of the store that `data import` fills, in order of time across products.

    Bars come when they were final, quotes when they were received. Where a replay begins within what is stored, what
    was before is history. With `demand` a flow refuses data whose grade (`data audit`) is worse.
    """

    products: Annotated[tuple[ProductName, ...], Meta(min_length=1)]
    store: Annotated[str, Meta(min_length=1, description="the store's folder, from the flow file's folder")] = STORE
    timeframe: TimeframeName = "1m"
    quotes: Annotated[bool, Meta(description="whether to give quotes; timeframe then says nothing")] = False
    start: Annotated[str, Meta(description='from when on, such as 2026-01-05T08:00:00Z; "" for all there is')] = ""
    end: Annotated[str, Meta(description='before when; "" for all there is')] = ""
    demand: Annotated[Grade | None, Meta(description="the worst grade that will do, A to F")] = None

    def __post_init__(self) -> None:
        timeframe(self.timeframe)
        if len(set(self.products)) < len(self.products):
            raise ValueError("a product stands twice in products; name each once")
        begin, end = self._bounds()
        if begin is not None and end is not None and end <= begin:
            raise ValueError(f"end {self.end} is not after start {self.start}; give a later one")

    def __call__(self, host: Host) -> Observable[Bars | Quotes]:
        return host.stream(lambda: self._items(host))

    def final_timeframes(self) -> tuple[str, ...]:
        """Which bars it gives as the final ones they were."""
        return () if self.quotes else (self.timeframe,)

    def span(self, base: Path) -> tuple[int, int]:
        """From the first row to the end of the last, within `start` and `end`; `base` is the flow file's folder."""
        archive, (begin, end) = Archive(base / self.store), self._bounds()
        spans = [archive.span(series) for series in self._series(archive)]
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        return first if begin is None else max(first, begin), last if end is None else min(last, end)

    async def _items(self, host: Host) -> AsyncIterator[Bars | Quotes]:
        archive = Archive(host.base / self.store)
        begin, end = self.span(host.base)
        if self.demand is not None:
            for series in self._series(archive):
                demand(archive, series, self.demand, host.calendars.of(series.product))
        if self.start:
            await host.until(begin)
        now = host.now()
        kept = [Kept(series, partial(archive.batches, series), host) for series in self._series(archive)]
        for each in kept:
            for past in each.past():
                yield past
        limit = end if host.end is None or (self.end and end < host.end) else host.end
        async for item in played(host, [each.reel() for each in kept], now, limit):
            yield item

    def _series(self, archive: Archive) -> list[Series]:
        series = [Series(product, 0 if self.quotes else timeframe(self.timeframe)) for product in sorted(self.products)]
        for each in series:
            archive.needs(each)
        return series

    def _bounds(self) -> tuple[int | None, int | None]:
        return parse_moment(self.start) if self.start else None, parse_moment(self.end) if self.end else None
