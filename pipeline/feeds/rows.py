"""What venues send as texts and numbers, made columns of; what cannot be a price is refused and counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from pipeline.candles import from_columns, possible
from pipeline.connections.contract import Warn
from pipeline.connections.reading import Answer, Key
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.times import MINUTE, parse_moment, timeframe_name, utc_text
from pipeline.values import Bars, Quotes

EPOCH, MILLISECOND = datetime.fromtimestamp(0, UTC), timedelta(milliseconds=1)
EARLIEST, LATEST = parse_moment("2000-01-01T00:00:00Z"), parse_moment("2100-01-01T00:00:00Z")


class Row(NamedTuple):
    """A bar as a venue gives it: when it opens (ms), its prices, its volume."""

    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def row_of(row: Answer, at: int, volume: Key) -> Row:
    """A row of which columns 1 to 4 are the prices."""
    return Row(at, row.real(1), row.real(2), row.real(3), row.real(4), row.real(volume))


def moment(of: Answer, key: Key, unit: int = 1) -> int:
    """A moment in ms UTC: a whole number of so many ms each, or text such as 2026-01-05T08:00:00.123456Z."""
    text = of.name(key)
    if "T" in text:
        try:
            at = (datetime.fromisoformat(text) - EPOCH) // MILLISECOND
        except (ValueError, TypeError):  # no time at all, or one without a zone
            at = 0
    else:
        at = of.whole(key) * unit
    if not EARLIEST <= at < LATEST:
        raise of.wrong(key, "is no moment of this age")
    return at


class Refused:
    """What of a venue's prices was not taken: counted, told at once, then once a minute with how many there were."""

    def __init__(self, whose: str, warn: Warn, now: Callable[[], int]) -> None:
        self.counts = Counter[str]()
        self._whose, self._warn, self._now = whose, warn, now
        self._told: dict[str, tuple[int, int]] = {}

    def add(self, what: str, count: int = 1) -> None:
        """Some more of a kind; `what` is a sentence's beginning, the same for all of the kind."""
        self.counts[what] += count
        at, now = self._told.get(what, (None, 0))[0], self._now()
        if at is not None and now - at < MINUTE:
            return
        before = self._told.get(what, (now, 0))[1]
        self._told[what] = now, self.counts[what]
        since = "" if at is None else f" ({self.counts[what] - before} since {utc_text(at)})"
        self._warn(Trouble(self._whose, "format", f"{what}: refused{since}", now))


def bars_of(product: str, tf: int, rows: Sequence[Row], refused: Refused) -> Bars:
    """Final bars in order of time, `fresh` 0; those that cannot be are left out and told."""
    columns = np.array(rows, np.float64).reshape(len(rows), len(Row._fields)).T
    opens = np.array([row.at for row in rows], np.int64)
    name = timeframe_name(tf)
    if (opens % tf != 0).any():
        raise CallFailed("format", f"bars of {product} do not open on a full {name}")
    if (opens[1:] <= opens[:-1]).any():
        raise CallFailed("format", f"{name} bars of {product} are not in order of time")
    bars = from_columns(product, tf, opens, *columns[1:])
    sound = possible(bars)
    if not sound.all():
        refused.add(f"a {name} bar of {product} that cannot be", int(np.count_nonzero(~sound)))
        bars = bars.chosen(sound)
    return bars.rows(0, len(bars), 0)


def no_bars(product: str, tf: int) -> Bars:
    none = np.zeros(0)
    return from_columns(product, tf, np.zeros(0, np.int64), none, none, none, none, none)


def no_quotes(product: str) -> Quotes:
    """Said of a product whose subscription the venue confirms."""
    none = np.zeros(0)
    return Quotes(product, np.zeros(0, np.int64), np.zeros(0, np.int64), none, none)


def quote_of(product: str, ts: int, received: int, bid: float, ask: float, refused: Refused) -> Quotes | None:
    """One quote, unless it cannot be."""
    if bid <= 0 or ask <= 0:
        refused.add(f"a price of {product} that is not above zero")
        return None
    if bid > ask:
        refused.add(f"a bid of {product} above its ask")
        return None
    return Quotes(product, np.array([ts]), np.array([received]), np.array([bid]), np.array([ask]))
