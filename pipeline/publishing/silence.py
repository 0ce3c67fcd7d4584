"""Who spoke last, and when: the last price of each product, and of the feed the product that spoke last.

One product that is quiet says nothing of the others: its silence and the feed's are apart.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline.quality import unfit_prices
from pipeline.service import Prices
from pipeline.times import MINUTE, SECOND
from pipeline.values import Quotes

NEVER = -1
INFINITE = float("inf")
BACK = 5 * MINUTE
"""A price is true when it is heard, or before: one heard so much before another was true tells of a clock set back."""


class Tick(NamedTuple):
    """The last price of a product."""

    bid: float
    ask: float
    at: int
    """When it was true: the venue's stamp, and never later than we heard it."""

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2


class Ticks:
    """The last price of each product. A price that cannot be is counted and passed over, an older one too."""

    __slots__ = ("_last", "_pause", "at", "errors", "heard_at", "late", "run")

    def __init__(self, pause: int) -> None:
        self._pause = pause
        self._last = dict[str, Tick]()
        self.at = NEVER
        """When the newest price of all was true."""
        self.heard_at = NEVER
        """When the last one came."""
        self.run = 0
        """How many came since the feed was last silent for the pause (ms)."""
        self.errors = 0
        self.late = 0

    def heard(self, quotes: Quotes) -> bool:
        """Take prices. True when they end a silence of the whole feed, or begin what it says."""
        if len(quotes.ts) != 1:
            return self._several(quotes)
        bid, ask = quotes.bid.item(0), quotes.ask.item(0)
        if not 0 < bid <= ask < INFINITE:
            self.errors += 1
            return False
        return self._one(quotes.product, bid, ask, quotes.ts.item(0), quotes.received.item(0), 1)

    def _several(self, quotes: Quotes) -> bool:
        bad = unfit_prices(quotes)
        self.errors += int(np.count_nonzero(bad))
        good = np.flatnonzero(~bad)
        if not len(good):
            return False
        last = good[-1]
        bid, ask, at = quotes.bid.item(last), quotes.ask.item(last), quotes.ts.item(last)
        return self._one(quotes.product, bid, ask, at, quotes.received.item(last), len(good))

    def _one(self, product: str, bid: float, ask: float, ts: int, received: int, rows: int) -> bool:
        at = min(ts, received)
        before = self._last.get(product)
        if before is not None and at < before.at <= received + BACK:
            self.late += rows
            return False
        self._last[product] = Tick(bid, ask, at)
        if received < self.at - BACK:
            self.at, self.heard_at = at, received
        self.heard_at = max(self.heard_at, received)
        ended = self.at == NEVER or at - self.at >= self._pause
        self.run = rows if ended else self.run + rows
        self.at = max(self.at, at)
        return ended

    def __len__(self) -> int:
        return len(self._last)

    @property
    def products(self) -> Collection[str]:
        return self._last.keys()

    def items(self) -> Iterable[tuple[str, Tick]]:
        return self._last.items()

    def of(self, product: str) -> Tick | None:
        return self._last.get(product)

    def silence(self, now: int) -> int | None:
        """For how long (ms) no product spoke; None before the first price."""
        return None if self.at == NEVER else max(0, now - self.at)

    def silent_for(self, now: int, span: int) -> Iterator[str]:
        """The products that have said nothing for that long."""
        return (product for product, tick in self._last.items() if now - tick.at >= span)

    def prices(self, now: int) -> list[Prices]:
        """The last price of each product, the quietest first."""
        ordered = sorted(self._last.items(), key=lambda item: (item[1].at, item[0]))
        return [
            Prices(name, tick.bid, tick.ask, tick.mid, tick.at, max(0, now - tick.at) / SECOND)
            for name, tick in ordered
        ]
