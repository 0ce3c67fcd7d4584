"""Prices of the practice venue: at whole seconds, and a function of absolute time alone.

Indices walk about at random with the volatility in their name; what has a market of its own takes its price from that,
as it stands at each second. Whoever asks for any span, in any order, in any process, sees the same ticks.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from pipeline.broker.products import Product
from pipeline.broker.values import Candle, Tick
from pipeline.market import BEGIN, END, Market
from pipeline.times import DAY, HOUR, SECOND
from pipeline.values import Flags, Floats, Quotes, Stamps

HOURS_A_YEAR = 365 * 24
PULL_HALF_LIFE = 30 * 24
"""In so many hours an index comes half-way back to its level, so that it stays plausible over decades."""
FARTHEST = 92 * DAY
"""Prices are looked up over so long a time at most: a server that looks for years answers nobody meanwhile."""
LAYOUT_STREAM, HOUR_STREAM = 10, 11


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Ticks of one product, oldest first."""

    product: str
    ts: Stamps
    quote: Floats
    bid: Floats
    ask: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def rows(self, start: int, stop: int) -> "Ticks":
        cut = slice(max(0, start), stop)
        return Ticks(self.product, self.ts[cut], self.quote[cut], self.bid[cut], self.ask[cut])

    def between(self, since: int, until: int) -> "Ticks":
        """Those stamped from one moment on, before another."""
        return self.rows(*np.searchsorted(self.ts, (since, until)).tolist())

    def chosen(self, rows: Flags | Stamps) -> "Ticks":
        return Ticks(self.product, self.ts[rows], self.quote[rows], self.bid[rows], self.ask[rows])

    def changed(self, at: int, quote: float, half_spread: float) -> "Ticks":
        """With another quote at a moment, if there is a tick."""
        here = self.ts == at
        one = np.where(here, quote, self.quote)
        bid, ask = np.where(here, quote - half_spread, self.bid), np.where(here, quote + half_spread, self.ask)
        return Ticks(self.product, self.ts, one, bid, ask)

    def row(self, number: int) -> Tick:
        return Tick(
            self.product,
            self.ts.item(number),
            self.quote.item(number),
            self.bid.item(number),
            self.ask.item(number),
        )

    def singles(self) -> list[Tick]:
        columns = self.ts.tolist(), self.quote.tolist(), self.bid.tolist(), self.ask.tolist()
        return [Tick(self.product, *row) for row in zip(*columns, strict=True)]

    def exact(self) -> Quotes:
        """What contracts are settled by: the quote, without a spread to take the middle of."""
        return Quotes(self.product, self.ts, self.ts, self.quote, self.quote)

    def candles(self, tf: int, now: int) -> list[Candle]:
        """One for each slot that has a tick."""
        if not len(self):
            return []
        slots = self.ts // tf * tf
        starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - tf))
        stops = np.append(starts[1:], len(slots))
        high, low = np.maximum.reduceat(self.quote, starts), np.minimum.reduceat(self.quote, starts)
        columns = (
            slots[starts],
            self.ts[stops - 1],
            self.quote[starts],
            high,
            low,
            self.quote[stops - 1],
            stops - starts,
            slots[starts] + tf <= now,
        )
        return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


class Prices(Protocol):
    """Where ticks come from."""

    def ticks(self, product: Product, since: int, until: int) -> Ticks:
        """All ticks stamped from one moment on, before another, whether that has come or not."""
        ...


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Prices drawn from a seed, from 2015 to 2044."""

    seed: int

    def ticks(self, product: Product, since: int, until: int) -> Ticks:
        since, until = max(since, BEGIN), min(until, END)
        if since >= until:
            return joined(product.name, [])
        hours = range((since - BEGIN) // HOUR, -((BEGIN - until) // HOUR))
        return joined(product.name, [_hour(product, self.seed, each) for each in hours]).between(since, until)


def joined(product: str, parts: list[Ticks]) -> Ticks:
    if len(parts) == 1:
        return parts[0]
    empty = np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0)
    if not parts:
        return Ticks(product, *empty)
    return Ticks(
        product,
        np.concatenate([each.ts for each in parts]),
        np.concatenate([each.quote for each in parts]),
        np.concatenate([each.bid for each in parts]),
        np.concatenate([each.ask for each in parts]),
    )


# --- hours -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _hour(product: Product, seed: int, hour: int) -> Ticks:
    return _index_hour(product, seed, hour) if product.level else _market_hour(product, seed, hour)


def _index_hour(product: Product, seed: int, hour: int) -> Ticks:
    """A bridge from the price at the beginning of an hour to that of the next."""
    levels = _levels(product, seed)
    ts = np.arange(BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR, product.cadence, dtype=np.int64)
    steps = _chance(product.name, seed, HOUR_STREAM, hour).standard_normal(len(ts))
    walk = np.concatenate(((0.0,), np.cumsum(steps))) * (product.yearly_volatility / np.sqrt(HOURS_A_YEAR * len(ts)))
    move = levels[hour + 1] - levels[hour]
    bridge = np.arange(len(ts)) * ((move - walk[-1]) / len(ts))
    quote: Floats = product.level * np.exp(levels[hour] + walk[:-1] + bridge)
    return _spread(product, ts, np.round(quote, product.decimals))


@lru_cache(maxsize=32)
def _levels(product: Product, seed: int) -> Floats:
    """The log of an index at every full hour, from its level; every move fades with the half-life of the pull."""
    moves = _chance(product.name, seed, LAYOUT_STREAM).standard_normal((END - BEGIN) // HOUR)
    moves *= product.yearly_volatility / np.sqrt(HOURS_A_YEAR)
    fading = 0.5 ** (np.arange(len(moves) + 1) / PULL_HALF_LIFE)
    return fading * np.append(0.0, np.cumsum(moves / fading[1:]))


def _market_hour(product: Product, seed: int, hour: int) -> Ticks:
    """An hour of the market that a product has elsewhere."""
    begin = BEGIN + hour * HOUR
    quotes = Market(product.alias, seed, keeps=product.calendar).quotes(
        max(BEGIN, begin - SECOND), min(END, begin + HOUR)
    )
    return sampled(product, quotes).between(begin, begin + HOUR)


def sampled(product: Product, quotes: Quotes) -> Ticks:
    """The seconds in which something was quoted, each with the last price of it."""
    seconds = -(-quotes.ts // SECOND) * SECOND
    last = np.diff(seconds, append=END) != 0
    return _spread(product, seconds[last], np.round(quotes.mid[last], product.decimals))


def _spread(product: Product, ts: Stamps, quote: Floats) -> Ticks:
    bid = np.round(quote - product.half_spread, product.decimals)
    return Ticks(product.name, ts, quote, bid, np.round(quote + product.half_spread, product.decimals))


def _chance(product: str, seed: int, *stream: int) -> Generator:
    digest = hashlib.blake2b(product.encode(), digest_size=8).digest()
    return Generator(PCG64(SeedSequence((seed, int.from_bytes(digest)), spawn_key=stream)))
