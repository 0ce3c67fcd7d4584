"""The prices of a simulated world: few quotes, made by the hour, the same for whoever asks for them and when."""

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from pipeline.calendar import Calendars
from pipeline.candles import as_history, gathered
from pipeline.sim.chance import generator
from pipeline.times import HOUR, MINUTE, slot_of
from pipeline.values import Bars, Floats, Quotes

GRACE = 500
BEFORE = 96 * HOUR
"""So long before the beginning there are prices, for those who look back."""
LEVEL, STEP = 100.0, 0.0004
LAG_LEAST, LAG_MOST = 20, 80
SPREAD = 0.002
DIGITS = 3
KEPT = 4096
"""Hours of products that are kept at hand: all that a start looks back on, for a hundred products."""


class Prices:
    """Quotes of every product: so many a minute, each in its share of it; closed time has none."""

    def __init__(self, seed: int, begin: int, per_minute: int, calendars: Calendars) -> None:
        self._seed, self._begin, self._per_minute = seed, slot_of(begin, HOUR) - BEFORE, per_minute
        self._calendars = calendars
        self._hour = lru_cache(maxsize=KEPT)(self._made)
        self._phase = lru_cache(maxsize=KEPT)(self._phases)

    def quotes(self, product: str, start: int, end: int) -> Quotes:
        """Those stamped in [start, end)."""
        start = max(start, self._begin)
        hours = [self._hour(product, hour) for hour in range(slot_of(start, HOUR), end, HOUR)]
        if len(hours) != 1:
            columns = (
                np.concatenate([getattr(each, name) for each in hours]) for name in ("ts", "received", "bid", "ask")
            )
            hours = [Quotes(product, *columns)] if hours else [_none(product)]
        quotes = hours[0]
        return quotes.rows(*np.searchsorted(quotes.ts, (start, end)).tolist())

    def bars(self, product: str, start: int, end: int) -> Bars:
        """The minutes of [start, end)."""
        bars = gathered(self.quotes(product, start, end + MINUTE), MINUTE, GRACE)
        rows = int(np.searchsorted(bars.open_ts, end))
        return bars.rows(0, rows, rows)

    def history(self, product: str, rows: Mapping[int, int], now: int) -> tuple[Bars, ...]:
        """What a source gives first: the last bars final before `now`, as context."""
        calendar = self._calendars.of(product)
        back = max((tf * (count + 2) for tf, count in rows.items()), default=0)
        open_slots = calendar.open_slots(max(self._begin, now - back), now, MINUTE)
        begin = now - back if len(open_slots) * MINUTE >= back - MINUTE else now - back - 3 * 24 * HOUR
        minutes = self.bars(product, slot_of(max(self._begin, begin), HOUR), now)
        final = int(np.searchsorted(minutes.final_at, now))
        return tuple(as_history(minutes.rows(0, final, final), rows, now, calendar))

    def _made(self, product: str, hour: int) -> Quotes:
        chance = generator(self._seed, "prices", product, hour)
        rows = 60 * self._per_minute
        share = MINUTE / self._per_minute
        ts = (hour + np.arange(rows) * share + chance.random(rows) * (share - 2)).astype(np.int64)
        received = np.maximum.accumulate(
            ts + LAG_LEAST + (chance.random(rows) * (LAG_MOST - LAG_LEAST)).astype(np.int64)
        )
        walk = np.cumsum(chance.normal(0, STEP, rows))
        opening, closing = self._level(product, hour), self._level(product, hour + HOUR)
        bridge = np.arange(1, rows + 1) * ((closing - opening - walk[-1]) / rows)
        mid: Floats = LEVEL * np.exp(opening + walk + bridge)
        bid: Floats = mid.round(DIGITS)
        ask: Floats = (bid + SPREAD).round(DIGITS)
        quotes = Quotes(product, ts, received, bid, ask)
        calendar = self._calendars.of(product)
        return quotes if calendar.never_closes else quotes.chosen(calendar.open_mask(ts))

    def _phases(self, product: str) -> list[float]:
        return generator(self._seed, "level", product).random(3).tolist()

    def _level(self, product: str, hour: int) -> float:
        """Where an hour opens: waves of a product's own, so that no hour has to know all those before it."""
        phase = self._phase(product)
        hours = (hour - self._begin) / HOUR
        return sum(
            0.004 * math.sin(hours / length + 6.28 * at) for length, at in zip((1.3, 4.1, 17.0), phase, strict=True)
        )


def _none(product: str) -> Quotes:
    empty = np.zeros(0, np.int64)
    return Quotes(product, empty, empty, np.zeros(0), np.zeros(0))
