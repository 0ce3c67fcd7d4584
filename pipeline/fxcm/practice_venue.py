"""The other end of a practice SDK: prices of a synthetic market, for its table of offers and for its history alike."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from threading import Event
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.calendar import Calendar
from pipeline.candles import gathered
from pipeline.fxcm.misfortunes import Misfortunes
from pipeline.fxcm.words import COLUMNS, TIMEFRAMES, naive
from pipeline.market import Market
from pipeline.times import slot_of
from pipeline.values import Quotes

LOOK = 0.25
"""So many real seconds it waits at the most before it looks at its clock again, which may be set."""
NAMES = {name: tf for tf, name in TIMEFRAMES.items()}


class PracticeClock(Protocol):
    """The time of a practice venue, in ms UTC; it is read and waited for on threads."""

    def now(self) -> int: ...

    def wait(self, until: int, leave: Event) -> bool:
        """Wait for a moment; False where `leave` is set first."""
        ...


@dataclass(frozen=True)
class HostClock:
    """A flow's clock, which goes `speed` times as fast as time passes."""

    shown: Callable[[], int]
    speed: float = 1.0

    def now(self) -> int:
        return self.shown()

    def wait(self, until: int, leave: Event) -> bool:
        while not leave.is_set():
            left = (until - self.now()) / 1000 / self.speed
            if left <= 0:
                return True
            leave.wait(min(left, LOOK))
        return False


@dataclass(frozen=True, kw_only=True)
class PracticeVenue:
    """What a practice SDK connects to: the same for every session there is."""

    markets: Mapping[str, Market]
    """By the instruments' names."""
    clock: PracticeClock
    misfortunes: Misfortunes
    factor: int = 5
    """History's volume is so many times the number of ticks."""
    late: frozenset[str] = frozenset()
    """Instruments that are not in the table until they have their first price."""

    def arriving(self, start: int, end: int) -> Iterator[tuple[int, str, int, float, float]]:
        """When each price comes in a span, of what, its stamp, bid and ask; in order."""
        return merge(*(_told(name, market.arriving(start, end)) for name, market in self.markets.items()))

    def last(self, instrument: str, at: int) -> tuple[float, float, datetime] | None:
        """The last price of an instrument before a moment, if it had one within five minutes."""
        quotes = self.markets[instrument].arriving(at - 300_000, at)
        return (float(quotes.bid[-1]), float(quotes.ask[-1]), naive(int(quotes.ts[-1]))) if len(quotes) else None

    def history(
        self, instrument: str, timeframe: str, since: int, until: int, count: int, *, first_tick: bool
    ) -> NDArray[Any]:
        """Bars that open in [since, until], also the one that is not over; the last `count`, all where that is -1."""
        tf, now = NAMES[timeframe], self.clock.now()
        begin = -(-since // tf) * tf
        end = min(slot_of(until, tf) + tf, now)
        quotes = self.markets[instrument].quotes(begin, max(begin, end))
        quotes = quotes.chosen(quotes.received <= now)
        bid = gathered(replace(quotes, ask=quotes.bid), tf, 0)
        ask = gathered(replace(quotes, bid=quotes.ask), tf, 0)
        rows = np.zeros(len(bid), np.dtype(COLUMNS))
        rows["Date"] = bid.open_ts.astype("M8[ms]")
        rows["Volume"] = bid.ticks * self.factor
        for side, bars in (("Bid", bid), ("Ask", ask)):
            for price in ("open", "high", "low", "close"):
                rows[f"{side}{price.capitalize()}"] = getattr(bars, price)
            if not first_tick and len(bars):
                rows[f"{side}Open"][1:] = bars.close[:-1]
        return rows[-count:] if count > 0 else rows


def practice_venue(
    instruments: Mapping[str, str],
    clock: PracticeClock,
    misfortunes: Misfortunes,
    *,
    seed: int = 42,
    calendars: Callable[[str], Calendar] | None = None,
    late: frozenset[str] = frozenset(),
) -> PracticeVenue:
    """A venue of some products, by their instruments' names; each keeps the hours of its calendar."""
    markets = {
        name: Market(product, seed, keeps=None if calendars is None else calendars(product))
        for name, product in instruments.items()
    }
    return PracticeVenue(markets=markets, clock=clock, misfortunes=misfortunes, late=late)


def _told(name: str, quotes: Quotes) -> Iterator[tuple[int, str, int, float, float]]:
    rows = (column.tolist() for column in (quotes.received, quotes.ts, quotes.bid, quotes.ask))
    return ((received, name, ts, bid, ask) for received, ts, bid, ask in zip(*rows, strict=True))
