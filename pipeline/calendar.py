"""When a market is open: weeks with their weekends, on UTC milliseconds.

A calendar is an ordered array of edges: the market opens at the first, closes at the second, opens at the third … Every
question is a search in it, so arrays of millions are as good as one moment.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.values import Flags, Stamps

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""The years whose weeks are known; outside of them a market with weekends counts as closed."""

SUNDAY_BEFORE_1970 = date(1969, 12, 28)
NEW_YORK_CLOSE = time(17)

CURRENCIES = (
    *("AUD", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "NOK", "NZD", "PLN"),
    *("SEK", "SGD", "THB", "TRY", "USD", "ZAR"),
    *("XAU", "XAG", "XPT", "XPD"),
)
"""What a pair of the foreign exchange week may be made of: currencies, and the metals traded with them."""
OTHER_NAMES = {"GOLD": "fx", "SILVER": "fx"}
"""Products whose name is no pair, and the calendar they keep."""


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When one kind of market is open. A moment at which it opens is open, one at which it closes is closed."""

    name: str
    edges: Stamps

    def is_open(self, ts: int) -> bool:
        return self._passed(ts) % 2 == 1

    def open_mask(self, ts: Stamps) -> Flags:
        """For each moment, whether the market is open."""
        if not len(ts):
            return np.zeros(0, np.bool_)
        first, last = self._passed(int(ts.min())), self._passed(int(ts.max()))
        if first == last:
            return np.full(len(ts), first % 2 == 1)
        return (first + np.searchsorted(self.edges[first:last], ts, side="right")) % 2 == 1

    def next_open(self, ts: int) -> int:
        """The first moment at or after `ts` at which the market is open."""
        passed = self._passed(ts)
        if passed % 2 == 1:
            return ts
        if passed == len(self.edges):
            raise ValueError(f"the {self.name} calendar ends with the year {LAST_YEAR}")
        return int(self.edges[passed])

    def open_slots(self, start: int, end: int, tf: int) -> Stamps:
        """The slots of `tf` ms that begin in [start, end) and overlap open time, by their openings."""
        slots = np.arange(-(-start // tf) * tf, end, tf, dtype=np.int64)
        begun = self.open_mask(slots)
        opens_within = np.searchsorted(self.edges, slots + tf) > np.searchsorted(self.edges, slots, side="right")
        return slots[begun | opens_within]

    def open_parts(self, slots: Stamps, tf: int, base: int) -> Stamps:
        """How many slots of `base` ms of each slot of `tf` ms overlap open time."""
        parts = slots[:, None] + np.arange(0, tf, base)
        begun = self.open_mask(parts.ravel())
        opens = np.searchsorted(self.edges, parts.ravel() + base) > np.searchsorted(self.edges, parts.ravel(), "right")
        count: Stamps = (begun | opens).reshape(parts.shape).sum(axis=1)
        return count

    def holes_closed(self, before: int, after: int, tf: int) -> bool:
        """Whether every slot of `tf` ms strictly between the slots at `before` and `after` lies in closed time.

        A slot that is open in part is not closed: a bar could have been there.
        """
        begin = before + tf
        if begin >= after:
            return True
        passed = self._passed(begin)
        return passed % 2 == 0 and (passed == len(self.edges) or int(self.edges[passed]) >= after)

    def _passed(self, ts: int) -> int:
        """How many edges lie at or before a moment; odd while the market is open."""
        return int(np.searchsorted(self.edges, ts, side="right"))


class Calendars:
    """Which calendar each product keeps."""

    def of(self, product: str) -> Calendar:
        return calendar_of(product)


def calendar_of(product: str) -> Calendar:
    """The calendar of a product by its name, as venues write it: `EURUSD`, `EUR/USD`, `frxEURUSD`, `BTC-USD` …

    Pairs of currencies and metals keep the foreign exchange week. Crypto never closes, nor does what a venue makes up
    itself (`_otc`, `R_100`). Of a product with an unknown week nothing is assumed: each of its holes counts as one.
    """
    name = _bare(product)
    return calendar(OTHER_NAMES.get(name, "fx" if _is_pair(name) else "always"))


def calendar(name: str) -> Calendar:
    """A built-in calendar by its own name: `fx` or `always`."""
    if name not in BUILT_IN:
        raise ValueError(f"there is no calendar {name!r}; use one of {', '.join(BUILT_IN)}")
    return BUILT_IN[name]()


@cache
def always() -> Calendar:
    """Open at every moment there is."""
    limits = np.iinfo(np.int64)
    return Calendar("always", np.array([limits.min, limits.max]))


@cache
def foreign_exchange() -> Calendar:
    """Open from Sunday 17:00 to Friday 17:00 in New York, summer time and winter time."""
    zone = ZoneInfo("America/New_York")
    weeks = range((date(LAST_YEAR + 1, 1, 1) - SUNDAY_BEFORE_1970).days // 7)
    sundays = [SUNDAY_BEFORE_1970 + timedelta(weeks=week) for week in weeks]
    days = [day for sunday in sundays for day in (sunday, sunday + timedelta(days=5))]
    edges = [int(datetime.combine(day, NEW_YORK_CLOSE, zone).timestamp()) * 1000 for day in days]
    return Calendar("fx", np.array(edges, np.int64))


BUILT_IN = {"fx": foreign_exchange, "always": always}


def _bare(product: str) -> str:
    """The name without what venues put around it; a name marked as over the counter is left marked."""
    return re.sub(r"[^A-Z0-9]", "", re.sub(r"^(frx|cry)(?=[A-Z])", "", product).upper())


def _is_pair(name: str) -> bool:
    return len(name) == 6 and name[:3] in CURRENCIES and name[3:] in CURRENCIES
