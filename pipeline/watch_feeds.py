"""What a flow shows of its prices and bars, of the sources they come from and of who publishes them."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pipeline.feed_alerts import alerts
from pipeline.judged import Quoted
from pipeline.opening import Calendar
from pipeline.plan import LEDGER, Plan
from pipeline.publishing.thresholds import Thresholds
from pipeline.service import Diagnosis, FeedReport, Pressure, StreamReport
from pipeline.times import SECOND, timeframe, timeframe_name
from pipeline.values import Bars, Gap, NoData, Quotes, Stream
from pipeline.view import BarNews, Feed, PriceNews, PriceRow, StreamRow

SLOW = 10 * SECOND
"""A bar that was final so long after its close was late."""
HOLES = 32
"""So many holes of a stream are kept, the newest."""

Hole = tuple[int, int]
"""Since when bars are missing, and until."""


@dataclass
class Line:
    """The final bars of one stream."""

    last_close: int = 0
    known: int = 0
    """Up to where it is told what became of each slot."""
    lag: int | None = None
    bars: int = 0
    holes: deque[Hole] = field(default_factory=lambda: deque[Hole](maxlen=HOLES))

    def take(self, bars: Bars) -> None:
        close = int(bars.open_ts[-1]) + bars.tf
        self.lag = int(bars.final_at[-1]) - close
        self.last_close, self.known = close, max(self.known, close)
        self.bars += bars.fresh

    def mend(self, since: int, until: int) -> None:
        """Bars of the past came: what is left of the holes."""
        before = ((begin, min(end, since)) for begin, end in self.holes)
        behind = ((max(begin, until), end) for begin, end in self.holes)
        self.holes = deque(sorted((begin, end) for begin, end in (*before, *behind) if begin < end), maxlen=HOLES)


class Feeds:
    """The latest of all that a flow says of its feeds."""

    def __init__(self, plan: Plan) -> None:
        self._calendars = plan.calendars
        self._spans = Thresholds()
        self._quotes: dict[str, tuple[float, float, int]] = {}
        self._products = plan.products
        spans = {timeframe(name) for node in plan.of("operator") for name in getattr(node.instance, "timeframes", ())}
        self._lines = {Stream(product, tf): Line() for product in plan.products for tf in sorted(spans)}
        self._reports: dict[str, FeedReport] = {}
        self._diagnoses: dict[str, Diagnosis] = {}
        self._pressed = False

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan."""
        other = Feeds(plan)
        self._calendars, self._products = other._calendars, other._products
        self._lines = {stream: self._lines.get(stream, line) for stream, line in other._lines.items()}
        self._quotes = {product: each for product, each in self._quotes.items() if product in self._products}

    def take(self, node: str, value: Any) -> None:
        match value:
            case Quotes() if len(value) and node != LEDGER:
                self._quotes[value.product] = float(value.bid[-1]), float(value.ask[-1]), int(value.ts[-1])
            case Bars() if len(value):
                self._take_bars(node, value)
            case NoData():
                line = self._line(value)
                line.known = max(line.known, value.open_ts + value.slots * value.tf)
            case Gap() if node.startswith("operators."):  # a publisher's own is a question, not a hole
                self._line(value).holes.append((value.since, value.until))
            case FeedReport():
                self._reports[value.whose] = value
            case Diagnosis():
                self._diagnoses[value.whose] = value
            case Pressure():
                self._pressed = value.full
            case _:
                pass

    def quoted(self, product: str) -> Quoted | None:
        """The last price of a product; None before the first."""
        known = self._quotes.get(product)
        return None if known is None else Quoted(*known)

    @property
    def reports(self) -> tuple[FeedReport, ...]:
        """How each source fares, by its own word."""
        return tuple(self._reports.values())

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """How each publisher fares, by its own word."""
        return tuple(self._diagnoses.values())

    def shown(self, clock: int, begin: int) -> Feed:
        """All of it as of a moment; `begin` is when the flow began."""
        published = {(each.product, each.timeframe): each for told in self._diagnoses.values() for each in told.streams}
        prices = tuple(self._price(product, clock) for product in dict.fromkeys((*self._products, *self._quotes)))
        streams = tuple(self._stream(stream, line, published, clock, begin) for stream, line in self._lines.items())
        sources, publishers = self.reports, self.diagnoses
        said = alerts(prices, streams, sources, publishers, clock, pressed=self._pressed)
        return Feed(clock, prices, streams, sources, publishers, said, self._pressed)

    def _line(self, of: Bars | NoData | Gap) -> Line:
        return self._lines.setdefault(Stream(of.product, of.tf), Line())

    def _take_bars(self, node: str, bars: Bars) -> None:
        if node.startswith("operators.") and bars.fresh:
            self._line(bars).take(bars)
        elif not bars.fresh and (line := self._lines.get(bars.stream)) is not None and line.holes:
            line.mend(int(bars.open_ts[0]), int(bars.open_ts[-1]) + bars.tf)

    def _price(self, product: str, clock: int) -> PriceRow:
        known = self._quotes.get(product)
        if known is None:
            state: PriceNews = "waiting" if self._calendars.of(product).is_open(clock) else "closed"
            return PriceRow(product, None, None, None, 0, state)
        bid, ask, at = known
        mid = (bid + ask) / 2
        return PriceRow(product, bid, ask, mid, at, self._age_state(product, clock, clock - at), digits_of(mid))

    def _age_state(self, product: str, clock: int, age: int) -> PriceNews:
        if age < self._spans.tick_live:
            return "ok"
        if not self._calendars.of(product).is_open(clock):
            return "closed"
        return "stale" if age >= self._spans.tick_stale else "waiting"

    def _stream(
        self, stream: Stream, line: Line, published: dict[tuple[str, str], StreamReport], clock: int, begin: int
    ) -> StreamRow:
        name = timeframe_name(stream.tf)
        calendar = self._calendars.of(stream.product)
        overdue = _overdue(calendar, line, stream.tf, clock, begin)
        out = published.get((stream.product, name))
        return StreamRow(
            product=stream.product,
            timeframe=name,
            state=self._bar_state(line, overdue),
            last_close=line.last_close,
            lag_seconds=None if line.lag is None else line.lag / SECOND,
            overdue_seconds=max(0, overdue or 0) / SECOND,
            bars=line.bars,
            holes=sum((until - since) // stream.tf for since, until in line.holes),
            published=0 if out is None else out.last_close,
            published_lag_seconds=out.lag_seconds if out is not None and out.lag_seconds else None,
        )

    def _bar_state(self, line: Line, overdue: int | None) -> BarNews:
        if overdue is None:
            return "closed"
        if overdue >= self._spans.bars_delayed and not line.last_close:
            return "missing"
        if overdue >= self._spans.bars_down:
            return "stale"
        if overdue >= self._spans.bars_delayed or (line.lag is not None and line.lag >= SLOW):
            return "late"
        return "ok" if line.last_close else "waiting"


def digits_of(price: float) -> int:
    """How many decimals show a price's tick: five of EURUSD, three of USDJPY, two of gold."""
    return 5 if price < 20 else 3 if price < 500 else 2


def _overdue(calendar: Calendar, line: Line, tf: int, clock: int, begin: int) -> int | None:
    """How long the next final bar should have been there (below 0: it is not due); None while the market is closed.

    The first whole slot after the market opened, or the flow began, is the first that can be expected.
    """
    if not calendar.is_open(clock):
        return None
    opened = int(calendar.edges[calendar.edges.searchsorted(clock, side="right") - 1])
    first = -(-max(opened, begin) // tf) * tf
    return clock - (max(line.known, first) + tf)
