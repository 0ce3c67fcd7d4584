"""What has been quoted up to now, with the holes that were torn into it."""

from bisect import insort
from collections.abc import Callable

import numpy as np

from pipeline.broker.prices import FARTHEST, Prices, Ticks
from pipeline.broker.products import Product
from pipeline.broker.values import Tick
from pipeline.times import DAY, HOUR, MINUTE

LOOKS = (MINUTE, HOUR, 6 * HOUR, DAY, 5 * DAY, 10 * DAY)
"""How far is looked for a tick: markets close over weekends and holidays."""


class Tape:
    """Ticks of all products. Nothing that lies ahead is shown, except to the venue itself."""

    def __init__(self, prices: Prices, now: Callable[[], int]) -> None:
        self._prices = prices
        self._now = now
        self._holes: dict[str, list[tuple[int, int]]] = {}
        self._pins: dict[str, dict[int, float]] = {}

    def ticks(self, product: Product, since: int, until: int) -> Ticks:
        """Those stamped from one moment on, before another, that have come."""
        until = min(until, self._now() + 1)
        return self.foreseen(product, max(since, until - FARTHEST), until)

    def last(self, product: Product, at: int | None = None) -> Tick | None:
        """The last tick by a moment; None where there was none for days."""
        stop = (self._now() if at is None else min(at, self._now())) + 1
        for look in LOOKS:
            found = self.foreseen(product, stop - look, stop)
            if len(found):
                return found.row(-1)
        return None

    def next(self, product: Product, after: int) -> Tick | None:
        """The first tick after a moment, whether it has come or not."""
        for look in LOOKS:
            found = self.foreseen(product, after + 1, after + look)
            if len(found):
                return found.row(0)
        return None

    def foreseen(self, product: Product, since: int, until: int) -> Ticks:
        found = self._prices.ticks(product, since, until)
        for begin, end in self._holes.get(product.name, ()):
            if begin < until and end > since:
                found = found.chosen(np.logical_or(found.ts < begin, found.ts >= end))
        for at, quote in self._pins.get(product.name, {}).items():
            if since <= at < until:
                found = found.changed(at, quote, product.half_spread)
        return found

    def tear(self, product: Product, since: int, until: int) -> None:
        """From one moment on, before another, nothing is quoted."""
        insort(self._holes.setdefault(product.name, []), (max(since, self._now() + 1), until))

    def pin(self, product: Product, at: int, quote: float) -> None:
        """The tick that is to come at a moment is this one."""
        self._pins.setdefault(product.name, {})[at] = quote
