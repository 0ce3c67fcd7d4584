"""A feed behind a flow's stream: its past, then its quotes, and the word of its connection; gaps are mended from it."""

import asyncio
from collections.abc import Callable
from functools import partial

from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.connections.backfill import MOST, Backfill, unfinished
from pipeline.connections.backoff import FEED, Backoff
from pipeline.connections.contract import Feed, Warn
from pipeline.connections.lines import Lines
from pipeline.connections.telling import Telling
from pipeline.connections.tracks import Track
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import Works, passed
from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.times import MINUTE, slot_of
from pipeline.values import Bars, Gap, Link, Quotes

Given = Quotes | Bars | Link | Trouble

BEGINNING = 60.0
"""So many seconds quotes are held back for the past to be there before them; then it is given as it comes."""


def fed(
    host: Host,
    name: str,
    make: Callable[[Warn], Feed],
    products: tuple[str, ...],
    gaps: Observable[Gap],
    *,
    quiet_after: float,
    most: int = MOST,
) -> Observable[Given]:
    """What a feed brings of some products, for the source node `name`.

    First the bars the flow needs before its first decision, then each quote once and in order. What the connection does
    is told as `Link`s; of a product that is back, with its first quote or the venue's word. Missing bars that are asked
    for come as history. A product that gives nothing for `quiet_after` seconds after it was subscribed, though its
    market is open, is subscribed anew. Of longer timeframes that need more than `most` bars of the shortest the past is
    asked for by itself. Nothing is ever made up: a feed that fails is down.
    """
    if host.mode == "replay":
        raise InputError(
            f"{name}: a replay has no network; download the prices with `data download`, "
            'and give the flow a source with use = "replay"'
        )

    def open_feed(observer: ObserverBase[Given], scheduler: SchedulerBase | None = None) -> DisposableBase:
        feeding = _Feeding(host, name, make, products, quiet_after, most, observer)
        return CompositeDisposable(
            Disposable(feeding.close), gaps.subscribe(feeding.take, observer.on_error, scheduler=scheduler)
        )

    return create(open_feed)


class _Feeding:
    """One subscription of a flow to a feed."""

    def __init__(
        self,
        host: Host,
        name: str,
        make: Callable[[Warn], Feed],
        products: tuple[str, ...],
        quiet: float,
        most: int,
        observer: ObserverBase[Given],
    ) -> None:
        self._host, self._name, self._observer = host, name, observer
        self._works = Works(host, observer.on_error)
        self._telling = Telling(host, name, observer.on_next)
        self._feed = make(self._telling.warn)
        self._tracks = {product: Track(product, observer.on_next) for product in products}
        self._backfill = Backfill(host, name, self._feed, self._telling, most)
        self._lines = Lines(
            host, name, self._feed, self._tracks, observer.on_next, self._telling, self._works.begin, quiet
        )
        self._works.begin(self._open)
        if products:
            self._lines.open(products)
            self._works.begin(self._lines.watch)
        for track in self._tracks.values():
            self._works.begin(partial(self._begin, track))

    def take(self, gap: Gap) -> None:
        if gap.product in self._tracks and self._backfill.want(gap):
            self._works.begin(partial(self._backfill.mend, gap.product, gap.tf, self._observer.on_next))

    def close(self) -> None:
        self._works.end()
        self._telling.close()

    async def _open(self) -> None:
        """Hold the feed until the flow lets go of it."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._feed.close()

    # --- the past of one product -------------------------------------------------------------------------------------

    async def _begin(self, track: Track) -> None:
        """Give the past of a product; then, from its first quote on, what comes."""
        rows = self._host.history
        base, now = min(rows, default=MINUTE), self._host.now()
        past: tuple[Bars, ...] = ()
        try:
            async with asyncio.timeout(BEGINNING):
                past = await self._backfill.history(track.product)
        except TimeoutError:
            self._late(track, CallFailed("network", f"no history within {BEGINNING:.0f} s"))
        except CallFailed as failure:
            self._late(track, failure)
        for bars in past:
            track.history(bars)
        first = await track.heard()
        begin = unfinished(past, rows, now)
        slot = slot_of(int(first.ts[0]), base)
        if past:
            begin = await self._reached(track, base, begin, slot - base)
        begin = max(begin, slot - base)  # a slot that ended just now is made of its quotes: it is to be decided
        before = await self._before(track.product, begin, int(first.ts[0]))
        if past and before is None:
            begin = await self._reached(track, base, begin, slot)
        track.join(begin, before)

    def _late(self, track: Track, failure: CallFailed) -> None:
        """The past cannot be had now: nothing is ready without it, so it is asked for until it is there."""
        self._telling.tell(failure.kind, f"{track.product}: no history yet: {failure}")
        if not failure.final and failure.kind != "rule":
            self._works.begin(partial(self._later, track))

    async def _later(self, track: Track) -> None:
        backoff = Backoff(FEED, f"{self._name} {track.product} history")
        while True:
            await passed(self._host, backoff.failed() or BEGINNING)
            try:
                past = await self._backfill.history(track.product)
            except CallFailed as failure:
                self._telling.tell(failure.kind, f"{track.product}: no history yet: {failure}")
                if failure.final:
                    return
                continue
            for bars in past:
                track.history(bars)
            return

    async def _reached(self, track: Track, base: int, begin: int, slot: int) -> int:
        """Give the bars of some slots that became final meanwhile; the first slot that has none yet."""
        if begin >= slot:
            return begin
        try:
            bars = await self._backfill.missing(track.product, base, begin, slot)
        except CallFailed as failure:
            self._telling.tell(failure.kind, f"{track.product}: bars before the first quote are missing: {failure}")
            return begin
        if not len(bars):
            return begin
        track.history(bars)
        return max(begin, int(bars.open_ts[-1]) + base)

    async def _before(self, product: str, begin: int, until: int) -> Quotes | None:
        """The quotes of an open slot that came before the first we heard; None where nobody knows them."""
        if begin >= until:
            return None
        try:
            return await self._backfill.ticks(product, begin, until + 1)
        except CallFailed as failure:
            if failure.kind != "rule":
                self._telling.tell(failure.kind, f"{product}: quotes before the first are missing: {failure}")
            return None
