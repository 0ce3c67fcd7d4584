"""What is taken of the quotes of one product. Whatever is not has a reason with a name; nothing is mended silently.

Rows are judged in this order: prices that cannot be, closed time, too late for their slot, the same quote once more, a
jump nobody confirms, a slot that a later quote has ended. One row alone and many at once get the same answers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.calendar import Calendar
from pipeline.grace import Grace
from pipeline.quality import AHEAD, all_fit, reason_of, unfit
from pipeline.values import Flags, Floats, Quotes

LATE = "late"
DUPLICATE = "duplicate"
JUMP = "jump"
CLOSED = "market closed"
ENDLESS = float("inf")
CONFIRMED = 3
"""So many quotes in a row at a new level are no mistake: from the last of them on the level is believed."""


class Sieve:
    """Remembers the quote before, the level of the prices and the slots that have ended."""

    __slots__ = (
        "_base",
        "_before",
        "_closes",
        "_grace",
        "_jumped",
        "_jumps",
        "_level",
        "_max_jump",
        "_opens",
        "calendar",
        "ended",
        "ordered",
    )

    def __init__(self, base: int, grace: Grace, max_jump: float, calendar: Calendar | None) -> None:
        self._base, self._grace, self._max_jump = base, grace, max_jump
        self.calendar = calendar
        """Prices of its closed time are not taken; None: all are."""
        self.ended = 0
        """No quote stamped before this moment is in time any more."""
        self.ordered = False
        """Whether the stamps of the quotes sifted last are known to be in order."""
        self._before = (0, 0.0, 0.0)
        self._level = 0.0
        """The price before, as far as it is believed; 0 before the first."""
        self._jumped, self._jumps = 0.0, 0
        """A new level, and how many quotes in a row have been there."""
        self._opens = self._closes = 0
        """The open time that the last quote was in."""

    def reason(self, ts: int, received: int, bid: float, ask: float) -> str:
        """Why one quote is not taken; empty when it is."""
        self.ordered = True
        if not (0 < bid <= ask < ENDLESS and ts <= received + AHEAD):
            return reason_of(ts, received, bid, ask)
        if self.calendar is not None and not self._opens <= ts < self._closes and not self._opened(ts):
            return CLOSED
        slot_end = ts // self._base * self._base + self._base
        if received >= slot_end + self._grace.least and received >= slot_end + self._grace.of(slot_end - self._base):
            return LATE
        quote = (ts, bid, ask)
        if quote == self._before:
            return DUPLICATE
        self._before = quote
        mid = (bid + ask) / 2
        if self._level and abs(mid - self._level) > self._max_jump * self._level and not self._believed(mid):
            return JUMP
        self._level, self._jumps = mid, 0
        if slot_end <= self.ended:
            return LATE
        self.ended = max(self.ended, slot_end - self._base)
        return ""

    def sifted(self, quotes: Quotes, dropped: Counter[str]) -> Quotes:
        """The quotes that are taken, in order; the others are counted by reason."""
        self.ordered = self._all_well(quotes)
        if self.ordered:
            return quotes
        if not all_fit(quotes):
            quotes = _without(quotes, unfit(quotes).items(), dropped)
        if self.calendar is not None and len(quotes):
            quotes = _without(quotes, [(CLOSED, ~self.calendar.open_mask(quotes.ts))], dropped)
        if not len(quotes):
            return quotes
        slots = quotes.ts - quotes.ts % self._base
        deadlines = slots + self._base + self._grace.of_each(slots)
        quotes = _without(quotes, [(LATE, quotes.received >= deadlines)], dropped)
        quotes = _without(quotes, [(DUPLICATE, self._repeated(quotes))], dropped)
        quotes = _without(quotes, [(JUMP, self._jumping(quotes.mid))], dropped)
        return _without(quotes, [(LATE, self._passed(quotes))], dropped)

    def _all_well(self, quotes: Quotes) -> bool:
        """Whether bounds alone show that every quote is to be taken: mostly so, and quicker than looking at each."""
        ts, first, last = quotes.ts, quotes.ts.item(0), quotes.ts.item(-1)
        lowest, highest = np.minimum.reduce(quotes.bid).item(), np.maximum.reduce(quotes.ask).item()
        level = self._level or lowest
        least, most = min(lowest, level), max(highest, level)
        well = bool(
            0 < lowest <= highest < np.inf
            and most - least <= self._max_jump * least
            and self._before[0] < first
            and first // self._base * self._base >= self.ended
            and (len(ts) == 1 or np.minimum.reduce(ts[1:] - ts[:-1]) > 0)
            and np.minimum.reduce(quotes.ask - quotes.bid) >= 0
            and (
                self.calendar is None
                or ((self._opens <= first < self._closes or self._opened(first)) and last < self._closes)
            )
        )
        if well:
            lag = quotes.received - ts
            well = bool(np.minimum.reduce(lag) >= -AHEAD and np.maximum.reduce(lag) < self._grace.least)
        if well:
            bid, ask = float(quotes.bid[-1]), float(quotes.ask[-1])
            self._before, self._level, self._jumps = (last, bid, ask), (bid + ask) / 2, 0
            self.ended = last // self._base * self._base
        return well

    def _opened(self, ts: int) -> bool:
        """Whether the market is open at a moment outside the open time known."""
        assert self.calendar is not None, "asked of a market with a calendar only"
        edges = self.calendar.edges
        passed = int(edges.searchsorted(ts, side="right"))
        if passed % 2 == 0:
            return False
        self._opens, self._closes = int(edges[passed - 1]), int(edges[passed])
        return True

    def _repeated(self, quotes: Quotes) -> Flags:
        """Which quotes are the one before them once more."""
        if not len(quotes):
            return np.zeros(0, np.bool_)
        ts, bid, ask = self._before
        same = np.empty(len(quotes), np.bool_)
        same[0] = (int(quotes.ts[0]), float(quotes.bid[0]), float(quotes.ask[0])) == (ts, bid, ask)
        np.equal(quotes.ts[1:], quotes.ts[:-1], out=same[1:])
        if same[1:].any():
            same[1:] &= (quotes.bid[1:] == quotes.bid[:-1]) & (quotes.ask[1:] == quotes.ask[:-1])
        self._before = (int(quotes.ts[-1]), float(quotes.bid[-1]), float(quotes.ask[-1]))
        return same

    def _jumping(self, mid: Floats) -> Flags:
        """Which prices are too far from the one before to be believed."""
        jumping = np.zeros(len(mid), np.bool_)
        if not len(mid):
            return jumping
        before = np.empty(len(mid))
        before[0], before[1:] = self._level or mid[0], mid[:-1]
        far = np.abs(mid - before) > self._max_jump * before
        if far.any():
            begin = int(far.argmax())
            if begin:
                self._level, self._jumps = float(mid[begin - 1]), 0
            jumping[begin:] = list(self._doubted(mid[begin:].tolist()))
        else:
            self._level, self._jumps = float(mid[-1]), 0
        return jumping

    def _doubted(self, mids: list[float]) -> Iterator[bool]:
        for mid in mids:
            doubted = abs(mid - self._level) > self._max_jump * self._level and not self._believed(mid)
            if not doubted:
                self._level, self._jumps = mid, 0
            yield doubted

    def _believed(self, mid: float) -> bool:
        """Whether a price far from the level is confirmed by those just before it."""
        near = self._jumps and abs(mid - self._jumped) <= self._max_jump * self._jumped
        self._jumped, self._jumps = mid, self._jumps + 1 if near else 1
        return self._jumps >= CONFIRMED

    def _passed(self, quotes: Quotes) -> Flags:
        """Which quotes are of a slot that has ended before they came."""
        slots = quotes.ts - quotes.ts % self._base
        ended = np.maximum.accumulate(np.append(self.ended, slots))
        self.ended = int(ended[-1])
        passed: Flags = slots < ended[:-1]
        return passed


def _without(quotes: Quotes, reasons: Iterable[tuple[str, Flags]], dropped: Counter[str]) -> Quotes:
    """The quotes for which none of the reasons holds; each of the others counts under the first that does."""
    taken = np.ones(len(quotes), np.bool_)
    for reason, rows in reasons:
        count = int(np.count_nonzero(taken & rows))
        if count:
            dropped[reason] += count
            taken &= ~rows
    return quotes if taken.all() else quotes.chosen(taken)
