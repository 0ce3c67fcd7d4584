"""A feed of which history is asked only as often as may be, and which is not stormed while its market is closed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

from pipeline.calendar import Calendars
from pipeline.connections.contract import Feed, Outside, Warn
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import closable
from pipeline.evidence import Trouble
from pipeline.feeds.paging import joined, within
from pipeline.feeds.rows import no_bars
from pipeline.fxcm.probe import next_try
from pipeline.fxcm.quota import Calls, Denied
from pipeline.times import MINUTE, SECOND, slot_of, utc_text
from pipeline.values import Bars, Quotes

PAGE = 300
"""So many bars the SDK gives in one call."""
KEPT, KEPT_FOR = 64, 10 * MINUTE
"""So many pages of a long past are remembered, for how long: asked for again, only the rest is."""


class PutOff(CallFailed):
    """A call for history that may not be made now: nothing was asked, and nothing is wrong with the venue."""

    def __init__(self, denied: Denied, product: str, tf: int) -> None:
        super().__init__("throttle", denied.text(product, tf), wait=denied.wait_seconds)


class Rationed:
    """A feed whose every call for history counts, whoever makes it."""

    def __init__(self, feed: Feed, calls: Calls, host: Outside, calendars: Calendars, warn: Warn) -> None:
        self.ready = True
        """Whether the service for history answered when it was last asked."""
        self._feed, self._calls, self._host, self._calendars, self._warn = feed, calls, host, calendars, warn
        self._pages: dict[tuple[str, int, int], tuple[int, Bars]] = {}

    async def polled(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of some slots that have just ended; `PutOff` where that may not be asked now."""
        found = no_bars(product, tf)
        for begin, end in self._spans(product, tf, since, until):
            denied = self._calls.ask(self._host.now(), product, tf)
            if denied is not None:
                raise PutOff(denied, product, tf)
            page = await self._asked(product, tf, begin, end)
            found = joined(found, page) if len(found) else page
        return within(found, since, until)

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of some slots of the past; it waits for its turn."""
        found = no_bars(product, tf)
        for begin, end in self._spans(product, tf, since, until):
            page = await self._page(product, tf, begin, end)
            found = joined(found, page) if len(found) else page
        return within(found, since, until)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        return await self._feed.ticks(product, since, until)

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        """The quotes; while the market is closed, who cannot log in tries again as late as does no harm."""
        while True:
            heard = False
            try:
                async with aclosing(closable(self._feed.live(products))) as stream:
                    async for quotes in stream:
                        heard = True
                        yield quotes
            except CallFailed as failure:
                opens = self._opens(products)
                if heard or opens is None or failure.final or failure.kind == "rule":
                    raise
                now = self._host.now()
                at = next_try(now, opens)
                what = f"{failure}; the market is closed, it is tried again at {utc_text(at)}"
                self._warn(Trouble("", failure.kind, what, now))
                await self._host.until(at)
            else:
                return

    async def close(self) -> None:
        await self._feed.close()

    # --- pages -------------------------------------------------------------------------------------------------------

    def _spans(self, product: str, tf: int, since: int, until: int) -> Iterator[tuple[int, int]]:
        """A span in calls: a long one in pages that are always the same ones, without those of closed time."""
        span = PAGE * tf
        if until - since <= span:
            yield since, until
            return
        calendar = self._calendars.of(product)
        for begin in range(slot_of(since, span), until, span):
            first, end = max(begin, since), min(begin + span, until)
            if len(calendar.open_slots(first, end, tf)):
                yield begin, end

    async def _page(self, product: str, tf: int, begin: int, end: int) -> Bars:
        """One page of the past, as remembered or asked for when there is room for that."""
        key, now = (product, tf, begin), self._host.now()
        at, known = self._pages.get(key, (0, None))
        if known is not None and end - begin == PAGE * tf and 0 <= now - at < KEPT_FOR:
            return known
        while (denied := self._calls.ask(self._host.now(), product, tf, past=True)) is not None:
            self._warn(Trouble("", "throttle", denied.text(product, tf), self._host.now()))
            await self._host.until(self._host.now() + round(denied.wait_seconds * SECOND))
        bars = await self._asked(product, tf, begin, end)
        if end - begin == PAGE * tf and end + tf < now:
            self._pages[key] = now, bars
            if len(self._pages) > KEPT:
                del self._pages[next(iter(self._pages))]
        return bars

    async def _asked(self, product: str, tf: int, since: int, until: int) -> Bars:
        try:
            bars = await self._feed.history(product, tf, since, until)
        except CallFailed as failure:
            self.ready = self.ready and failure.kind != "maintenance"
            raise
        self.ready = True
        return bars

    # --- closed time -------------------------------------------------------------------------------------------------

    def _opens(self, products: tuple[str, ...]) -> int | None:
        """When the first market of some products opens, if all are closed."""
        now = self._host.now()
        states = [self._calendars.of(product).state(now) for product in products]
        if any(each.is_open for each in states):
            return None
        return min((each.next_open for each in states if each.next_open is not None), default=None)
