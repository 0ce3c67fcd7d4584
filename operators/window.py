"""Quotes gathered into bars of all timeframes at once, on UTC epoch boundaries, by the quotes' own time.

A bar of the shortest timeframe ends with the first quote of a later slot or `grace` after its close, whichever is
first; longer ones are made of its bars and are given only when all their parts are there. A slot without a quote gives
no bar but `NoData`, and the run is cut there, unless the market was closed by its calendar or a source mends the gap
before the next bar is final.

What comes after a hole waits for its own time, even if it was given ahead: until then the hole may be mended.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from heapq import heappop, heappush
from typing import Annotated, Literal

from msgspec import Meta
from reactivex import Observable

from pipeline.calendar import Calendars
from pipeline.grace import Grace
from pipeline.ladders import Ladder
from pipeline.lanes import NOTHING, Given, Lane
from pipeline.parts import Derived, operator
from pipeline.sifting import Sieve
from pipeline.steps import woken
from pipeline.times import DurationText, TimeframeName, duration, timeframe
from pipeline.values import Bars, Dropped, Forming, Gap, Link, NoData, Noticed, Quotes, Revised
from pipeline.venue_lanes import VenueLane

Timeframes = Annotated[tuple[TimeframeName, ...], Meta(min_length=1)]
AnyLane = Lane | VenueLane


@operator
class Window:
    """Gathers quotes (or shorter bars) into final bars of every timeframe, on epoch boundaries.

    A bar is final with the first quote after it, or `grace_ms` after its close; a quote that comes later still is
    dropped and counted. Empty slots are never filled with invented prices: they are told as no data. Quotes that cannot
    be (not a number, not above zero, crossed, from the future), repeat the one before, or jump by more than `max_jump`
    without two more to confirm it are dropped, each by its name; so are those of closed time unless `closed = "keep"`.
    With `forming`, the bars that are not final yet are given as well, at most once in that time, for display. With
    `finals = "venue"` bars are final when the source gives them as its venue's own; quotes only form what is not final.
    """

    timeframes: Timeframes = ("1m", "5m", "15m")
    grace_ms: Annotated[int, Meta(ge=0, le=60_000)] = 500
    jitter_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="up to so much more, another share for each product and slot, so that not all end at once",
        ),
    ] = 0
    max_jump: Annotated[float, Meta(gt=0, description="the largest believable move between two quotes, as a share")] = (
        0.1
    )
    closed: Annotated[
        Literal["drop", "keep"], Meta(description="what becomes of prices of time in which the market is closed")
    ] = "drop"
    forming: Annotated[
        DurationText | None, Meta(description="how often a forming bar may be given, such as 250ms; none when left out")
    ] = None
    finals: Annotated[
        Literal["quotes", "venue"], Meta(description="whose bars are final: those made of quotes, or the venue's own")
    ] = "quotes"
    contexts: Annotated[Mapping[int, int], Derived] = field(default_factory=dict[int, int])
    """How many bars of each timeframe (ms) stay known as context."""
    calendars: Annotated[Calendars, Derived] = Calendars()
    native: Annotated[Mapping[str, tuple[int, ...]], Derived] = field(default_factory=dict[str, tuple[int, ...]])
    """Of which timeframes (ms) the venue gives final bars of its own, by product; all, of a product not named."""

    def __post_init__(self) -> None:
        spans = sorted(timeframe(name) for name in self.timeframes)
        if len(set(spans)) < len(spans):
            raise ValueError("timeframes has the same one twice; write each once")
        for span in spans[1:]:
            if span % spans[0]:
                raise ValueError(
                    f"timeframes are not all multiples of the shortest, {min(self.timeframes, key=timeframe)}; "
                    "give the others a window of their own"
                )
        if self.forming is not None:
            duration(self.forming)
        if self.jitter_ms and self.finals == "venue":
            raise ValueError('jitter_ms is of bars made of quotes; leave it out, or write finals = "quotes"')

    def __call__(
        self, prices: Observable[Quotes | Bars | Link]
    ) -> Observable[Bars | Revised | Forming | NoData | Gap | Dropped | Noticed]:
        return woken(lambda: Gathering(self), "window", prices)


class Gathering:
    """What a window remembers: a lane for each product, and when which of them is to be woken."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._lanes: dict[str, AnyLane] = {}
        self._alarms: list[tuple[int, str]] = []

    @property
    def due(self) -> int | None:
        return self._alarms[0][0] if self._alarms else None

    def take(self, item: Quotes | Bars | Link, at: int) -> Iterable[Given]:
        if isinstance(item, Link):
            return [each for product in item.products for each in self._taken(self._lane(product), item, at)]
        return self._taken(self._lanes.get(item.product) or self._lane(item.product), item, at)

    def wake(self, at: int) -> Iterator[Given]:
        woken_now: set[str] = set()
        while self._alarms and self._alarms[0][0] <= at:
            moment, product = heappop(self._alarms)
            if self._lanes[product].alarm == moment:
                self._lanes[product].alarm = None
                woken_now.add(product)
        for product in sorted(woken_now):
            lane = self._lanes[product]
            yield from lane.wake(at)
            self._arm(lane)

    def _taken(self, lane: AnyLane, item: Quotes | Bars | Link, at: int) -> Iterable[Given]:
        given = lane.take(item, at)
        if given is not NOTHING:
            given = tuple(given)
        if lane.moved:
            self._arm(lane)
        return given

    def _arm(self, lane: AnyLane) -> None:
        lane.moved = False
        due = lane.due
        if due is not None and (lane.alarm is None or due < lane.alarm):
            lane.alarm = due
            heappush(self._alarms, (due, lane.product))

    def _lane(self, product: str) -> AnyLane:
        if product not in self._lanes:
            self._lanes[product] = self._new_lane(product)
        return self._lanes[product]

    def _new_lane(self, product: str) -> AnyLane:
        window, calendar = self._window, self._window.calendars.of(product)
        spans = [timeframe(name) for name in window.timeframes]
        base = min(spans)
        grace = Grace.drawn(window.grace_ms, window.jitter_ms, product, base)
        forming = duration(window.forming) if window.forming else 0

        def sieve(span: int) -> Sieve:
            return Sieve(span, grace, window.max_jump, calendar if window.closed == "drop" else None)

        if window.finals == "venue":
            native = window.native.get(product, ())
            return VenueLane(product, spans, native, grace, sieve, window.contexts, calendar, forming)
        return Lane(
            product, base, grace, sieve(base), Ladder(product, spans, window.contexts, calendar), calendar, forming
        )
