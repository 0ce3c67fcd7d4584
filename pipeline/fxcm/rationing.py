"""A feed of which history is asked only as often as may be, and which is not stormed while its market is closed."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

from pipeline.calendar import Calendars
from pipeline.connections.contract import Feed, Outside, Warn
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.feeds.paging import joined
from pipeline.feeds.rows import no_bars
from pipeline.fxcm.probe import next_try
from pipeline.fxcm.quota import Calls, Denied
from pipeline.times import utc_text
from pipeline.values import Bars, Quotes

PAGE = 300
"""So many bars the SDK gives in one call."""


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

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of some slots, page by page; `PutOff` where one of the calls may not be made now."""
        found = no_bars(product, tf)
        for begin, end in self._pages(product, tf, since, until):
            denied = self._calls.ask(self._host.now(), product, tf)
            if denied is not None:
                raise PutOff(denied, product, tf)
            page = await self._page(product, tf, begin, end)
            found = joined(found, page) if len(found) else page
        return found

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        return await self._feed.ticks(product, since, until)

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        """The quotes; while the market is closed, who cannot log in tries again as late as does no harm."""
        while True:
            heard = False
            try:
                async with aclosing(_closing(self._feed.live(products))) as stream:
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

    async def close(self) -> None:
        await self._feed.close()

    async def _page(self, product: str, tf: int, since: int, until: int) -> Bars:
        try:
            bars = await self._feed.history(product, tf, since, until)
        except CallFailed as failure:
            self.ready = self.ready and failure.kind != "maintenance"
            raise
        self.ready = True
        return bars

    def _pages(self, product: str, tf: int, since: int, until: int) -> Iterator[tuple[int, int]]:
        """A span in parts of at most a page of open time each."""
        slots = self._calendars.of(product).open_slots(since, until, tf)
        begins = [since, *map(int, slots[PAGE::PAGE])]
        yield from zip(begins, [*begins[1:], until], strict=True)

    def _opens(self, products: tuple[str, ...]) -> int | None:
        """When the first market of some products opens, if all are closed."""
        now = self._host.now()
        states = [self._calendars.of(product).state(now) for product in products]
        if any(each.is_open for each in states):
            return None
        return min((each.next_open for each in states if each.next_open is not None), default=None)


async def _closing(stream: AsyncIterator[Quotes]) -> AsyncGenerator[Quotes]:
    """A stream as a generator, which can be closed wherever it stands."""
    try:
        async for quotes in stream:
            yield quotes
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
