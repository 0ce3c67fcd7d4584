"""A feed's live subscriptions, kept: made anew when they break, and for products that give nothing."""

from collections.abc import Callable, Mapping
from contextlib import aclosing

from reactivex.abc import DisposableBase

from pipeline.connections.asking import Mistaken, failure_of
from pipeline.connections.backoff import FEED, Backoff
from pipeline.connections.contract import Feed
from pipeline.connections.standings import GOOD, LONGEST
from pipeline.connections.telling import Telling
from pipeline.connections.tracks import Track
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import Work, closable, passed
from pipeline.host import Host
from pipeline.times import HOUR, SECOND
from pipeline.values import Link, Quotes


class Line:
    """One subscription of some products, and which of them it brought something of."""

    def __init__(self, products: tuple[str, ...]) -> None:
        self.products = products
        self.proven = set[str]()
        self.subscription = object()
        self.work: DisposableBase | None = None

    def end(self) -> None:
        if self.work is not None:
            self.work.dispose()


class Lines:
    """The subscriptions to a feed: one for all products, as long as each gives something.

    A product that gives nothing for `quiet` seconds of open market after its subscription was made gets one of its own,
    and again, later and later: the others are not disturbed. Where the venue refuses a subscription of several it is
    halved, until it is known whose it is.
    """

    def __init__(
        self,
        host: Host,
        name: str,
        feed: Feed,
        tracks: Mapping[str, Track],
        give: Callable[[Link], None],
        telling: Telling,
        work: Callable[[Work], DisposableBase],
        quiet: float,
    ) -> None:
        self._host, self._name, self._feed, self._tracks, self._telling = host, name, feed, tracks, telling
        self._give, self._work, self._quiet = give, work, quiet
        self._lines = set[Line]()
        self._further = set[Line]()
        """Those of products that gave nothing on the others."""
        self._waits: dict[str, tuple[int, float]] = {}
        """Of whom nothing came yet: since when, and how long it is waited for (s)."""

    def open(self, products: tuple[str, ...]) -> Line:
        line = Line(products)
        self._lines.add(line)
        line.work = self._work(lambda: self._kept(line))
        return line

    async def watch(self) -> None:
        """See to it that every product of an open market gives something, for ever."""
        while True:
            await passed(self._host, self._quiet)
            now = self._host.now()
            silent = tuple(product for product in self._waits if self._overdue(product, now))
            for product in silent:
                _, wait = self._waits[product]
                self._telling.tell("network", f"{product} gave nothing for {wait:g} s; it is subscribed anew")
                self._waits[product] = now, min(2 * wait, HOUR / SECOND)
            if silent:
                for line in [each for each in self._further if self._elsewhere(each)]:
                    line.end()
                self._further.add(self.open(silent))

    def _overdue(self, product: str, now: int) -> bool:
        since, wait = self._waits[product]
        begin = now - round(wait * SECOND)
        calendar = self._host.calendars.of(product)
        return since <= begin and calendar.is_open(begin) and calendar.is_open(now)

    # --- one line ----------------------------------------------------------------------------------------------------

    async def _kept(self, line: Line) -> None:
        backoff = Backoff(FEED, f"{self._name} {' '.join(line.products)}")
        try:
            while True:
                began = self._host.now()
                failure = await failure_of(self._live(line))
                if failure is None:
                    failure = CallFailed("network", "the subscription ended without a word")
                if isinstance(failure, Mistaken):
                    raise failure
                proven, line.proven, line.subscription = line.proven, set[str](), object()
                self._telling.tell(failure.kind, str(failure))
                self._break(line)
                if failure.final:
                    self._telling.tell(failure.kind, "the feed stays down until the program starts again")
                    return
                if failure.kind == "rule" and not proven and len(line.products) > 1:
                    self._halve(line)
                    return
                if line in self._further and all(self._proven(product, line) for product in line.products):
                    return
                if proven and self._host.now() - began >= GOOD:
                    backoff.good()
                await passed(self._host, min(max(backoff.failed() or 0.0, failure.wait or 0.0), LONGEST))
        finally:
            self._lines.discard(line)
            self._further.discard(line)

    async def _live(self, line: Line) -> None:
        """One subscription, until it breaks."""
        now = self._host.now()
        for product in line.products:
            self._waits.setdefault(product, (now, self._quiet))
        async with aclosing(closable(self._feed.live(line.products))) as stream:
            async for quotes in stream:
                self._hear(line, quotes)

    def _hear(self, line: Line, quotes: Quotes) -> None:
        product = quotes.product
        track = self._tracks.get(product)
        if track is None or product not in line.products:
            self._telling.tell("format", f"prices of {product} came, which nobody asked for on that line")
            return
        now = self._host.now()
        if product not in line.proven:
            line.proven.add(product)
            track.returns(min(now, int(quotes.received[0])) if len(quotes) else now)
        if len(quotes):
            self._waits.pop(product, None)
        if track.take(quotes, line.subscription):
            self._telling.tell("format", f"{product}: quotes came that are older than those before; let go")

    def _break(self, line: Line) -> None:
        now = self._host.now()
        silent = [product for product in line.products if not self._proven(product, line)]
        if down := tuple(product for product in silent if self._tracks[product].breaks(now)):
            self._give(Link(down, up=False, at=now))
        for product in silent:
            self._waits.pop(product, None)

    def _elsewhere(self, line: Line) -> bool:
        """Whether nothing would be missed without a line."""
        return all(self._proven(product, line) for product in line.proven)

    def _proven(self, product: str, but: Line) -> bool:
        return any(product in line.proven for line in self._lines if line is not but)

    def _halve(self, line: Line) -> None:
        middle = len(line.products) // 2
        self.open(line.products[:middle])
        self.open(line.products[middle:])
