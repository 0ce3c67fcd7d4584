"""A synthetic market: one path of prices and payouts for each product and seed, a function of absolute time alone.

Whoever asks for any span, in any order, in any process, sees the same ticks. Hours are the unit: what every hour is
like is laid out once, and the ticks within one are a Brownian bridge from its opening price to the next, drawn from a
generator of that hour's own. Volatility clusters over days and hours and follows the sessions; prices drift nowhere.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from pipeline.calendar import Calendar, calendar_of
from pipeline.candles import gathered, merged
from pipeline.errors import InputError
from pipeline.times import DAY, HOUR, MINUTE, slot_of, utc_text
from pipeline.values import BAR_COLUMNS, Bars, Counts, Flags, Floats, Payouts, Quotes, Stamps

BEGIN = 1_420_070_400_000
"""2015-01-01, the first moment of the market."""
END = 2_366_841_600_000
"""2045-01-01, the first moment after it."""
HOURS = (END - BEGIN) // HOUR
CHUNK = 7 * DAY
"""Bars are made of so much of the ticks at a time, so that years of them need little memory."""

LAG_LEAST, LAG_MOST = 20, 150
"""How long (ms) a tick is under way."""
QUIET_START = 200
"""No tick in so many ms after the full hour; longer than a lag, so that hours do not overtake each other on the way."""
GRACE = 500
"""How long (ms) after its close a bar waits for a tick of the next one, as a window does by default."""

FEWEST_TICKS, MOST_TICKS = 240, 14_400
"""In an hour. Each tick keeps to its share of the hour, so even the fewest leave no minute without one."""
SHARE_USED = 0.98
"""The part of its share that a tick may fall into; the rest keeps two of them a millisecond apart."""

DAY_MEMORY, DAY_SPREAD = 0.97, 0.35
HOUR_MEMORY, HOUR_SPREAD = 0.90, 0.30
"""How the log-volatility of days and of hours remembers its past, and how far it wanders."""
USUAL_WILD = -(DAY_SPREAD**2) - HOUR_SPREAD**2
"""The mean of that log-volatility: with it the mean square of the volatility is the spec's."""
PULL_HALF_LIFE = 365 * 24
"""In so many hours a price comes half-way back to its level: decades stay plausible, minutes cannot tell."""
CLOSED_VOLATILITY = 0.15
"""What a closed hour moves, measured in open ones: a week opens with a gap."""

SESSIONS = ((3.0, 3.0, 0.35), (9.0, 2.5, 0.80), (14.5, 2.5, 1.00))
"""Tokyo, London, New York: the hour (UTC) of each, its width in hours, and how much it moves the market."""
WEEKDAY_FLOOR, ALWAYS_FLOOR = 0.25, 1.5
"""What moves without any of them, where the market keeps weekends and where it never closes."""

PAYOUT_BASE = 0.90
PAYOUT_STEP, PAYOUT_STEPS = 0.01, 2
"""A payout moves in such steps, so many of them up or down from its base."""
PAYOUT_BY_BUSY, PAYOUT_BY_WILD = 0.5, 0.8
"""How much the hour and the volatility move it."""
PAYOUT_HOLD = 5 * MINUTE
"""A payout stays for so long at least."""
MOOD_MEMORY, MOOD_SPREAD = 0.80, 0.60
"""How what a payout does for no reason remembers its past hours, and how far it goes."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a product is like: `level` is the price it keeps to, `spread` is in points of its last digit."""

    level: float
    digits: int
    daily_volatility: float
    spread: float
    ticks_per_second: float = 0.8


SPECS = {
    "EURUSD": Spec(1.10, 5, 0.0055, 8.0),
    "GBPUSD": Spec(1.28, 5, 0.0065, 12.0),
    "USDJPY": Spec(140.0, 3, 0.0065, 10.0),
    "AUDUSD": Spec(0.68, 5, 0.0075, 10.0),
    "XAUUSD": Spec(2_000.0, 2, 0.0100, 25.0, 0.9),
    "BTCUSD": Spec(45_000.0, 2, 0.0300, 800.0, 1.0),
    "ETHUSD": Spec(2_500.0, 2, 0.0380, 90.0, 0.9),
}


@dataclass(frozen=True, slots=True)
class Market:
    """One product's prices and payouts under one seed."""

    product: str
    seed: int = 42
    payout_base: float = PAYOUT_BASE
    keeps: Calendar | None = None
    """When it is open; None for what its name says."""

    @property
    def calendar(self) -> Calendar:
        """When it has ticks: in every open minute at least one, in closed time none."""
        return self.keeps or calendar_of(self.product)

    @property
    def spec(self) -> Spec:
        return spec_of(self.product)

    def quotes(self, start: int, end: int) -> Quotes:
        """The ticks stamped in [start, end)."""
        first, stop = _hours(start, end)
        bounds = np.append(0, np.cumsum(self._climate.ticks[first:stop], dtype=np.int64))
        quotes = _room(self.product, int(bounds[-1]))
        for row in np.flatnonzero(np.diff(bounds)):
            self._draw(first + int(row), quotes.rows(int(bounds[row]), int(bounds[row + 1])))
        quotes = quotes.rows(*np.searchsorted(quotes.ts, (start, end)).tolist())
        if self._climate.whole or not len(quotes):
            return quotes
        is_open = self.calendar.open_mask(quotes.ts)
        return quotes if is_open.all() else _only(quotes, is_open)

    def arriving(self, start: int, end: int) -> Quotes:
        """The ticks received in [start, end)."""
        quotes = self.quotes(max(BEGIN, start - LAG_MOST), end)
        return quotes.rows(*np.searchsorted(quotes.received, (start, end)).tolist())

    def bars(self, tf: int, start: int, end: int) -> Bars:
        """The bars whose slots lie whole in [start, end), all fresh."""
        start, end = -(-start // tf) * tf, slot_of(end, tf)
        return _joined([merged(minutes, tf, self.calendar) for minutes in self._minutes(start, end)])

    def payouts(self, start: int, end: int) -> Payouts:
        """What a win pays: the ratio in force at `start`, then all that follow before `end`.

        It is told anew every full hour, and whenever it moves in between.
        """
        first, stop = _hours(start, max(end, start + 1))
        ts = np.arange(BEGIN + first * HOUR, BEGIN + stop * HOUR, PAYOUT_HOLD, dtype=np.int64)
        ratio = self._ratios(ts)
        told = (ts % HOUR == 0) | (np.diff(ratio, prepend=np.nan) != 0)
        ts, ratio = ts[told], ratio[told]
        rows = slice(int(np.searchsorted(ts, start, side="right")) - 1, int(np.searchsorted(ts, max(end, start + 1))))
        return Payouts(self.product, ts[rows], ratio[rows])

    @property
    def _climate(self) -> "_Climate":
        return _climate(self.product, self.seed, self.calendar)

    def _draw(self, hour: int, quotes: Quotes) -> None:
        """Draw an hour's ticks into the room made for them."""
        climate, spec, count = self._climate, self.spec, len(quotes)
        chance = _chance(self.product, self.seed, HOUR_STREAM, hour)
        steps = chance.standard_normal(count + 1)
        place, lag, rounding = chance.random((3, count))

        share = (HOUR - QUIET_START) / count
        quotes.ts[:] = (np.arange(count) + SHARE_USED * place) * share
        np.add(quotes.ts, BEGIN + hour * HOUR + QUIET_START, out=quotes.ts)
        quotes.received[:] = LAG_LEAST + (LAG_MOST - LAG_LEAST) * lag**3
        np.maximum.accumulate(quotes.ts + quotes.received, out=quotes.received)

        wild, busy = climate.wild[hour], climate.busy[hour % 24]
        opening, move = climate.log_price[hour], climate.log_price[hour + 1] - climate.log_price[hour]
        walk = np.cumsum(steps) * (_hourly_volatility(spec) * busy * math.exp(wild) / math.sqrt(count + 1))
        bridge = np.arange(1, count + 1) * ((move - walk[-1]) / (count + 1))
        point = 10.0**spec.digits
        mid = np.exp(walk[:-1] + bridge + opening) * (spec.level * point)
        spread = np.floor(rounding + _spread(spec, busy, wild))
        bid = np.maximum(1.0, np.rint(mid - spread / 2))
        np.divide(bid, point, out=quotes.bid)
        np.divide(bid + spread, point, out=quotes.ask)

    def _minutes(self, start: int, end: int) -> Iterator[Bars]:
        """Bars of one minute, in chunks that end with a day."""
        for begin in (start, *range(slot_of(start, CHUNK) + CHUNK, end, CHUNK)):
            stop = max(begin, min(end, slot_of(begin, CHUNK) + CHUNK))
            # A minute more than asked: its first tick is what ends the last bar.
            bars = gathered(self.quotes(begin, min(stop + MINUTE, END)), MINUTE, GRACE)
            rows = int(np.searchsorted(bars.open_ts, stop))
            yield bars.rows(0, rows, rows)

    def _ratios(self, ts: Stamps) -> Floats:
        """More while the market is busy, less while it is wild, and a mood that changes over hours."""
        hour, into = np.divmod(ts - BEGIN, HOUR)
        mood, wild = self._climate.mood, self._climate.wild
        lean = mood[hour] + (mood[hour + 1] - mood[hour]) * (into / HOUR)
        lean += PAYOUT_BY_BUSY * (self._climate.busy[hour % 24] - 1) - PAYOUT_BY_WILD * (wild[hour] - USUAL_WILD)
        return np.round(self.payout_base + PAYOUT_STEP * np.rint(PAYOUT_STEPS * np.tanh(lean)), 4)


def spec_of(product: str) -> Spec:
    """A product's built-in description; one without gets a plausible one for its name."""
    if product in SPECS:
        return SPECS[product]
    if product.endswith("JPY"):
        return Spec(150.0, 3, 0.0070, 15.0)
    if calendar_of(product).name == "fx":
        return Spec(1.0, 5, 0.0065, 15.0)
    return Spec(1_000.0, 3, 0.0250, 150.0)


# --- what the hours are like -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Climate:
    """What every hour of a market is like."""

    log_price: Floats
    """Where it opens, from the level; one more for the end."""
    wild: Floats
    """The log of its volatility, against what is usual at its time of day."""
    busy: Floats
    """What is usual, for each of the 24 hours of a day; about 1."""
    ticks: Counts
    whole: bool
    """Whether each hour is open from its beginning to its end, or closed."""
    mood: Floats
    """What its payouts begin with; one more for the end."""


LAYOUT_STREAM, HOUR_STREAM = 0, 1
"""What a generator is for: the vectors laid out once, or the ticks of one hour."""


@lru_cache(maxsize=32)
def _climate(product: str, seed: int, market_hours: Calendar) -> _Climate:
    spec = spec_of(product)
    days, hours, moves, moods = (_chance(product, seed, LAYOUT_STREAM, part) for part in range(4))
    hourly = np.arange(BEGIN, END, HOUR, dtype=np.int64)
    is_open = market_hours.open_parts(hourly, HOUR, HOUR) > 0
    busy = _busy(ALWAYS_FLOOR if market_hours.never_closes else WEEKDAY_FLOOR)
    usual = np.tile(busy, HOURS // 24)

    by_day = DAY_SPREAD * _remembering(days.standard_normal(HOURS // 24), DAY_MEMORY)
    by_hour = HOUR_SPREAD * _remembering(hours.standard_normal(HOURS), HOUR_MEMORY)
    wild = np.interp(np.arange(HOURS) / 24, np.arange(HOURS // 24), by_day) + by_hour + USUAL_WILD
    volatility = _hourly_volatility(spec) * usual * np.exp(wild) * np.where(is_open, 1.0, CLOSED_VOLATILITY)
    ticks = np.clip(HOUR / 1000 * spec.ticks_per_second * usual * np.exp(wild / 2), FEWEST_TICKS, MOST_TICKS)
    return _Climate(
        log_price=_pulled_sum(volatility * moves.standard_normal(HOURS)),
        wild=wild,
        busy=busy,
        ticks=np.where(is_open, ticks, 0).astype(np.int32),
        whole=market_hours.never_closes or not (market_hours.edges % HOUR).any(),
        mood=MOOD_SPREAD * _remembering(moods.standard_normal(HOURS + 1), MOOD_MEMORY),
    )


def _chance(product: str, seed: int, *stream: int) -> Generator:
    """A generator for one purpose, the same in every process (as `hash` would not be)."""
    digest = hashlib.blake2b(product.encode(), digest_size=8).digest()
    return Generator(PCG64(SeedSequence((seed, int.from_bytes(digest)), spawn_key=stream)))


def _busy(floor: float) -> Floats:
    """How much each hour of a day moves; the mean of the squares is 1."""
    hours = np.arange(24)
    busy = np.full(24, floor)
    for centre, width, weight in SESSIONS:
        away = np.abs((hours - centre + 12) % 24 - 12)
        busy += weight * np.exp(-0.5 * (away / width) ** 2)
    return busy / np.sqrt(np.mean(busy**2))


def _remembering(noise: Floats, memory: float) -> Floats:
    """Noise of variance 1 in which each value keeps `memory` of the one before (to a thousandth)."""
    reach = math.ceil(math.log(1e-3) / math.log(memory))
    kernel = math.sqrt(1 - memory**2) * memory ** np.arange(reach)
    return np.convolve(noise, kernel)[: len(noise)]


def _pulled_sum(moves: Floats) -> Floats:
    """The running sum from 0, in which every move fades with the half-life of the pull."""
    fading = 0.5 ** (np.arange(len(moves) + 1) / PULL_HALF_LIFE)
    return fading * np.append(0.0, np.cumsum(moves / fading[1:]))


def _hourly_volatility(spec: Spec) -> float:
    return spec.daily_volatility / math.sqrt(24)


def _spread(spec: Spec, busy: float, wild: float) -> float:
    """In points: wider in quiet hours and in wild ones."""
    return max(1.0, spec.spread * (1 + max(0.0, 1 - busy)) * max(1.0, math.exp(0.7 * wild)))


# --- columns ---------------------------------------------------------------------------------------------------------


def _hours(start: int, end: int) -> tuple[int, int]:
    """The hours that [start, end) touches, by their number since the beginning."""
    if start < BEGIN or end > END:
        at = utc_text(start if start < BEGIN else end)
        raise InputError(f"the synthetic market has no prices at {at}; choose a time from 2015 to 2044")
    first = (start - BEGIN) // HOUR
    return first, max(first, -((BEGIN - end) // HOUR))


def _room(product: str, rows: int) -> Quotes:
    return Quotes(product, np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows), np.empty(rows))


def _only(quotes: Quotes, rows: Flags) -> Quotes:
    return Quotes(quotes.product, quotes.ts[rows], quotes.received[rows], quotes.bid[rows], quotes.ask[rows])


def _joined(parts: list[Bars]) -> Bars:
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in BAR_COLUMNS}
    return Bars(product=parts[0].product, tf=parts[0].tf, **columns, fresh=len(columns["open_ts"]))  # pyright: ignore[reportArgumentType]  # by BAR_COLUMNS
