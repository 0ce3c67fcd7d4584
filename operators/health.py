"""How trustworthy prices are, as a stream of its own: of each product, and of the feed that brings them all.

Everything is read off the quotes' stamps and the connection's own word, and is told when its moment has come: the same
quotes given one by one or in blocks ahead give the same series.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.calendar import Calendars
from pipeline.pace import FINE, SPANS
from pipeline.parts import Derived, operator
from pipeline.pulse import Limits
from pipeline.steps import woken
from pipeline.times import SECOND, DurationText, duration
from pipeline.turns import NEVER
from pipeline.values import Health as Healths
from pipeline.values import Link, Noticed, Quotes
from pipeline.wire import CLOSED, DOWN, LIVE, NAN, SILENT, UNTOLD, Recovery, Wire

FEED = ""
"""The product under which the whole feed is told."""


@operator
class Health:
    """Tells of each product, and of the feed as a whole, whether its prices can be trusted; guards listen to it.

    Live and quiet are well, and so is closed (by the calendar). Not to be traded on: slow (the stream falls behind what
    happens, or lags by more than `max_lag`), stale (every open product has been silent for longer than is usual for
    it, and than `stale_after`), suspect (`suspect_after` prices in a row that cannot be), skewed (our clock and the
    venue's are apart), down (the connection is broken) and recovering (it is back, but not each of its open products
    has given something new). A product that is silent while others go on is quiet.
    """

    quiet_after: Annotated[
        DurationText, Meta(description="no product is quiet sooner; nor before five of its usual silences")
    ] = "10s"
    stale_after: Annotated[
        DurationText, Meta(description="no product is stale sooner; nor before ten of its usual silences")
    ] = "30s"
    slow_within: Annotated[
        DurationText, Meta(description="how soon a stream that falls behind is found; 8s or longer")
    ] = "60s"
    max_lag: Annotated[DurationText, Meta(description="how old prices may be when they come, as a rule")] = "5s"
    max_skew_ms: Annotated[int, Meta(ge=1, le=60_000, description="how far our clock and the venue's may be apart")] = (
        500
    )
    suspect_after: Annotated[
        int, Meta(ge=1, le=1000, description="so many prices in a row that cannot be make a product suspect")
    ] = 3
    flat_after: Annotated[
        DurationText | None,
        Meta(description="notice a price that has stood still for so long while quotes came; left out: never"),
    ] = None
    flat_blocks: Annotated[bool, Meta(description="whether such a product is suspect, too")] = False
    calendars: Annotated[Calendars, Derived] = Calendars()

    def __post_init__(self) -> None:
        for key in (self.quiet_after, self.stale_after, self.max_lag, self.flat_after):
            if key is not None:
                duration(key)
        if duration(self.slow_within) < SPANS * SECOND:
            raise ValueError(f"slow_within {self.slow_within} is too short to see a trend in; write {SPANS}s or longer")
        if self.flat_blocks and self.flat_after is None:
            raise ValueError('flat_blocks needs flat_after; say how long a price may stand still, such as "5m"')

    def __call__(self, prices: Observable[Quotes | Link]) -> Observable[Healths | Noticed]:
        return woken(lambda: Watching(self), "health", prices)

    @property
    def limits(self) -> Limits:
        return Limits(
            quiet=duration(self.quiet_after),
            stale=duration(self.stale_after),
            span=duration(self.slow_within) // SPANS,
            lag=duration(self.max_lag),
            skew=self.max_skew_ms,
            suspect=self.suspect_after,
            flat=0 if self.flat_after is None else duration(self.flat_after),
        )


class Watching:
    """What a health operator remembers: a wire for each product, connections that come back, and what it told last."""

    def __init__(self, health: Health) -> None:
        self._health, self._limits = health, health.limits
        self._wires: dict[str, Wire] = {}
        self._alarms: list[tuple[int, str]] = []
        self._links: list[tuple[int, Link]] = []
        self._recoveries: list[Recovery] = []
        self._silent = False
        """Whether all the open products are silent."""
        self._state = UNTOLD
        self._told = 0

    @property
    def due(self) -> int | None:
        due = self._alarms[0][0] if self._alarms else None
        if self._links and (due is None or self._links[0][0] < due):
            return self._links[0][0]
        return due

    def take(self, item: Quotes | Link, at: int) -> Iterable[Healths | Noticed]:
        """Nothing is told before all that comes at this moment is there."""
        if isinstance(item, Link):
            insort(self._links, (max(at, item.at), item), key=_moment)
        elif item.ts.size:
            wire = self._wires.get(item.product)
            if wire is None:
                wire = self._wire(item.product, int(item.received[0]))
            if wire.take(item, at):
                self._arm(wire)
        return ()

    def wake(self, at: int) -> Iterator[Healths | Noticed]:
        while (due := self.due) is not None and due <= at:
            yield from self._come(due)

    def _wire(self, product: str, begin: int) -> Wire:
        if product not in self._wires:
            calendar = self._health.calendars.of(product)
            self._wires[product] = Wire(product, self._limits, calendar, self._health.flat_blocks, begin)
        return self._wires[product]

    def _arm(self, wire: Wire) -> None:
        due = wire.due
        if due < wire.alarm:
            wire.alarm = due
            heappush(self._alarms, (due, wire.product))

    def _come(self, moment: int) -> Iterator[Healths | Noticed]:
        """Let a moment come for whom it concerns, then tell what is otherwise."""
        linked = {product for link in self._linked(moment) for product in link.products}
        concerned = set(linked)
        while self._alarms and self._alarms[0][0] <= moment:
            rings, product = heappop(self._alarms)
            if self._wires[product].alarm == rings:
                self._wires[product].alarm = NEVER
                concerned.add(product)
        changed: list[Wire] = []
        for product in sorted(concerned):
            wire = self._wires[product]
            otherwise, notice = wire.advance(moment)
            if otherwise or product in linked:
                changed.append(wire)
            if notice is not None:
                yield notice
            self._arm(wire)
        if changed:
            yield from self._tell(moment, changed)

    def _linked(self, moment: int) -> list[Link]:
        """What is heard of connections at a moment."""
        links = [link for at, link in self._links if at <= moment]
        self._links = self._links[len(links) :]
        for link in links:
            wires = [self._wire(product, moment) for product in link.products]
            recovery = Recovery(moment, wires)
            for wire in wires:
                if link.up:
                    wire.returns(recovery)
                else:
                    wire.breaks(moment)
            if link.up:
                self._recoveries.append(recovery)
        return links

    def _tell(self, moment: int, changed: Iterable[Wire]) -> Iterator[Healths]:
        at = self._told = max(moment, self._told)
        if self._recovered() | self._silenced():
            changed = [wire for _, wire in sorted(self._wires.items())]
        for wire in changed:
            state = wire.judged(self._silent)
            if state != wire.state:
                wire.state = state
                yield _row(wire.product, at, state, wire.numbers(moment))
        state, numbers = self._of_all(moment)
        if state != self._state:
            self._state = state
            yield _row(FEED, at, state, numbers)

    def _recovered(self) -> bool:
        """Whether a connection is to be trusted again."""
        over = [each for each in self._recoveries if each.over]
        for recovery in over:
            recovery.end()
            self._recoveries.remove(recovery)
        return bool(over)

    def _silenced(self) -> bool:
        """Whether the feed has fallen silent, or speaks again."""
        was, self._silent = self._silent, False
        for wire in self._wires.values():
            if wire.open and wire.heard and not wire.down:
                self._silent = wire.silent == SILENT
                if not self._silent:
                    break
        return self._silent != was

    def _of_all(self, moment: int) -> tuple[int, tuple[float, float, float]]:
        """The feed's state is the best of those of its open products; its numbers are that product's.

        Of clocks and pace those speak whose lag is known well enough.
        """
        wires = [wire for wire in self._wires.values() if wire.state != UNTOLD]
        behind = self._all_behind()
        if not behind and any(wire.state == LIVE for wire in wires):
            return LIVE, (NAN, 0.0, 0.0)
        asked = [wire for wire in wires if _tells(wire)] if behind else wires
        asked = [wire for wire in asked if wire.state not in (DOWN, CLOSED)]
        best = min(asked or wires, key=_rank)
        return best.state, best.numbers(moment)

    def _all_behind(self) -> bool:
        behind = False
        for wire in self._wires.values():
            if _tells(wire):
                behind = wire.pace != FINE
                if not behind:
                    break
        return behind


def _moment(linked: tuple[int, Link]) -> int:
    return linked[0]


def _tells(wire: Wire) -> bool:
    """Whether its lag is known well enough to speak for the whole feed."""
    return wire.tells and wire.open and not wire.silent and not wire.down


def _rank(wire: Wire) -> tuple[int, int, str]:
    """The best state first; of several, that of the product that spoke last."""
    return wire.state, -wire.since if wire.silent else 0, wire.product


def _row(product: str, at: int, state: int, numbers: tuple[float, float, float]) -> Healths:
    lag, silence, limit = numbers
    one = np.array([[lag], [silence], [limit]])
    return Healths(product, np.array([at], np.int64), np.array([state], np.int8), one[0], one[1], one[2])
