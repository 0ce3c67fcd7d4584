"""What tests of the states of publishing need: a pulse, and prices, bars and reports in short."""

from typing import Any

import msgspec
import numpy as np

from pipeline.calendar import Calendars
from pipeline.evidence import Trouble, TroubleKind
from pipeline.publishing.picture import Picture
from pipeline.publishing.pulse import Pulse
from pipeline.publishing.thresholds import Thresholds
from pipeline.service import FeedReport
from pipeline.times import MINUTE, SECOND, parse_moment
from pipeline.values import BAR_COLUMNS, Bars, Link, NoData, Quotes

MONDAY = parse_moment("2026-01-05T10:00:00Z")
SATURDAY = parse_moment("2026-01-10T12:00:00Z")
SUNDAY_OPEN = parse_moment("2026-01-11T22:00:00Z")
FRIDAY_CLOSE = parse_moment("2026-01-09T22:00:00Z")


def quote(product: str, at: int, price: float = 1.1, received: int | None = None) -> Quotes:
    came = at if received is None else received
    return Quotes(product, np.array((at,)), np.array((came,)), np.array((price,)), np.array((price * 1.0001,)))


def bars(product: str, opened: int, tf: int = MINUTE, count: int = 1, fresh: int | None = None) -> Bars:
    opens = opened + tf * np.arange(count, dtype=np.int64)
    made: dict[str, Any] = {name: np.full(count, 1.1) for name in BAR_COLUMNS}
    made |= {"open_ts": opens, "final_at": opens + tf}
    made |= {name: np.zeros(count, np.int32) for name in ("ticks", "revision")}
    made["closed_by"] = np.zeros(count, np.int8)
    return Bars(product, tf, **made, fresh=count if fresh is None else fresh)


class Driven:
    """A pulse whose time goes on by itself: what comes, comes `later` seconds after the thing before."""

    def __init__(
        self,
        *products: str,
        begins: int = MONDAY,
        timeframes: tuple[int, ...] = (MINUTE,),
        limits: Thresholds | None = None,
        calendars: Calendars | None = None,
        known: bool = True,
    ) -> None:
        self.now = begins
        self.products = products or ("EURUSD",)
        limits = limits or Thresholds()
        self.pulse = Pulse(calendars or Calendars(), timeframes, limits, begins, self.products if known else ())

    def after(self, seconds: float) -> "Driven":
        self.now += round(seconds * SECOND)
        return self

    def tick(self, product: str = "", *, seconds: float = 0.0) -> bool:
        self.after(seconds)
        return self.pulse.quotes(quote(product or self.products[0], self.now), self.now)

    def ticking(self, seconds: int, product: str = "") -> "Driven":
        """A price each second, for so many."""
        for _ in range(seconds):
            self.tick(product, seconds=1)
        return self

    def link(self, up: bool, *, seconds: float = 0.0) -> bool:
        self.after(seconds)
        return self.pulse.linked(Link(self.products, up, self.now), self.now)

    def report(self, *, seconds: float = 0.0, **changes: Any) -> bool:
        self.after(seconds)
        return self.pulse.reported(self.reported(**changes), self.now)

    def reported(self, **changes: Any) -> FeedReport:
        report = FeedReport(whose="sources.fxcm", at=self.now, session="streaming", since=self.now)
        return msgspec.structs.replace(report, **changes)

    def trouble(self, kind: TroubleKind = "network", what: str = "no answer", *, seconds: float = 0.0) -> bool:
        self.after(seconds)
        return self.pulse.troubled(Trouble("sources.fxcm", kind, what, self.now), self.now)

    def bar(self, product: str = "", *, tf: int = MINUTE, fresh: bool = True) -> bool:
        """The bar that ended last, and its publishing."""
        name, opened = product or self.products[0], self.now // tf * tf - tf
        moved = self.pulse.given(bars(name, opened, tf, fresh=int(fresh)), self.now)
        self.pulse.streams.published(name, tf, opened, 1, self.now, fresh=fresh)
        return moved

    def silent(self, product: str, opened: int, slots: int = 1) -> None:
        self.pulse.missing(NoData(product, MINUTE, opened, slots, "silent", self.now))

    def look(self, *, seconds: float = 0.0) -> Picture:
        self.after(seconds)
        return self.pulse.look(self.now)

    @property
    def state(self) -> str:
        return self.look().facts.turn.state
