"""Lanes: one product's way from quotes to final bars of the shortest timeframe, by the quotes' own time."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Literal

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import NEVER, Slots, gathered, possible, slots_of
from pipeline.grace import Grace
from pipeline.ladders import Ladder
from pipeline.sifting import CLOSED, DUPLICATE, Sieve
from pipeline.times import timeframe_name
from pipeline.values import (
    DEADLINE,
    NEXT_TICK,
    Bars,
    Dropped,
    Flags,
    Forming,
    Gap,
    Link,
    NoData,
    Noticed,
    Quotes,
    Revised,
    Stamps,
)

Given = Bars | Revised | Forming | NoData | Gap | Dropped | Noticed

NONE = -1
"""No slot."""
NOTHING: tuple[Given, ...] = ()
IMPOSSIBLE = "a bar that cannot be"
BY_DEADLINE, BY_NEXT_TICK = np.array([DEADLINE], np.int8), np.array([NEXT_TICK], np.int8)
FIRST = np.zeros(1, np.int32)


class Lane:
    """The open slot of one product, what has come after it, and how far its bars are final.

    What comes after a hole waits for its own time, even if it was given ahead: until the bar after it is final, a
    source may mend the hole.
    """

    __slots__ = (
        "_base",
        "_calendar",
        "_close",
        "_fed",
        "_first_ts",
        "_formed_at",
        "_forming",
        "_forming_due",
        "_grace",
        "_high",
        "_keeps_closed",
        "_ladder",
        "_last_ts",
        "_low",
        "_missing",
        "_never_closes",
        "_next",
        "_open",
        "_pending",
        "_received",
        "_sieve",
        "_slot",
        "_ticks",
        "_torn_from",
        "_torn_until",
        "alarm",
        "moved",
        "product",
    )

    def __init__(
        self, product: str, base: int, grace: Grace, sieve: Sieve, ladder: Ladder, calendar: Calendar, forming: int = 0
    ) -> None:
        """`forming`: how often a forming bar may be given (ms); 0 for never."""
        self.product = product
        self._base, self._grace, self._forming = base, grace, forming
        self._sieve, self._ladder, self._calendar = sieve, ladder, calendar
        self._never_closes = calendar.never_closes
        self._keeps_closed = sieve.calendar is None
        self._slot = NONE
        self._open = self._high = self._low = self._close = 0.0
        self._first_ts = self._last_ts = self._received = self._ticks = 0
        self._next = NONE
        """The first slot that is neither final nor told as without data."""
        self._missing = NONE
        """The first slot of a hole that no quote has come after yet."""
        self._torn_from = self._torn_until = NONE
        """Slots of which not all quotes came, because the connection was down."""
        self._fed = False
        """Whether it lives from quotes: then a slot without one is known at its deadline."""
        self._pending: deque[tuple[int, Quotes | Link, bool]] = deque()
        """What waits for its time: from when, what, and whether it is sifted already."""
        self._formed_at, self._forming_due = NONE, NEVER
        self.alarm: int | None = None
        """When it is to be woken, as planned."""
        self.moved = False
        """Whether it may want to be woken earlier than planned."""

    @property
    def due(self) -> int | None:
        first = min(self._pending_due, self._deadline, self._forming_due)
        return None if first == NEVER else first

    def take(self, item: Quotes | Bars | Link, at: int) -> "tuple[Given, ...] | Iterator[Given]":
        if isinstance(item, Quotes):
            if self._pending:
                self._pending.append((int(item.received[0]) if len(item) else at, item, False))
                return NOTHING
            return self._one(item, at) if len(item.ts) == 1 else self._many(item, at)
        self.moved = True
        if isinstance(item, Bars):
            return self._history(item) if item.fresh == 0 else self._bars(item)
        if self._pending:
            self._pending.append((item.at, item, False))
            return NOTHING
        return self._link(item)

    def wake(self, at: int) -> Iterator[Given]:
        """What was due by now, one after the other: what has come before what is only over."""
        while True:
            pending, deadline, forming = self._pending_due, self._deadline, self._forming_due
            first = min(pending, deadline, forming)
            if first > at or first == NEVER:
                return
            if pending == first:
                yield from self._resumed(at)
            elif deadline == first and self._slot != NONE:
                yield from self._final(self._bar(NEVER))
            elif deadline == first:
                yield self._silent(deadline)
            else:
                yield from self._formed(at)

    # --- quotes ------------------------------------------------------------------------------------------------------

    def _one(self, quotes: Quotes, at: int) -> "tuple[Given, ...] | Iterator[Given]":
        """The way of a single quote, as live; what it does is what `_many` does, with less ado."""
        ts, received = quotes.ts.item(), quotes.received.item()
        bid, ask = quotes.bid.item(), quotes.ask.item()
        reason = self._sieve.reason(ts, received, bid, ask)
        if reason:
            return (Dropped(self.product, reason, 1),)
        price = (bid + ask) / 2
        if not self._slot <= ts < self._slot + self._base or self._slot == NONE:
            ahead = self._slot + self._base > received
            if self._slot + self._base <= ts < self._slot + 2 * self._base and self._torn_from == NONE and not ahead:
                return self._turned(ts, received, price)
            return self._rows(quotes, at)
        if price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        if ts >= self._last_ts:
            self._last_ts, self._close = ts, price
        elif ts < self._first_ts:
            self._first_ts, self._open = ts, price
        self._ticks += 1
        self._received = received
        if self._forming and self._forming_due == NEVER:
            self._form_soon()
        return NOTHING

    def _turned(self, ts: int, received: int, price: float) -> Iterator[Given]:
        """The first quote of the slot right after the open one."""
        slot = self._slot + self._base
        ended = self._bar(received)
        yield from self._final(ended)
        self._slot, self._ticks, self._received = slot, 1, received
        self._first_ts = self._last_ts = ts
        self._open = self._high = self._low = self._close = price
        if self._forming and self._forming_due == NEVER:
            self._form_soon()

    def _many(self, quotes: Quotes, at: int) -> Iterator[Given]:
        if not len(quotes):
            return
        dropped = Counter[str]()
        quotes = self._sieve.sifted(quotes, dropped)
        for reason, rows in dropped.items():
            yield Dropped(self.product, reason, rows)
        yield from self._rows(quotes, at)

    def _rows(self, quotes: Quotes, at: int) -> Iterator[Given]:
        """Take quotes that are sifted, as far as their time has come."""
        if not len(quotes):
            return
        self.moved = True
        slots = slots_of(quotes.ts, self._base, ordered=self._sieve.ordered or None)
        early = np.flatnonzero((slots.open_ts > quotes.received[slots.starts]) & (slots.open_ts > at))
        if len(early):
            # The venue's clock is ahead of ours: no bar ends, and none begins, before its time by ours.
            row = slots.starts.item(early[0])
            self._pending.appendleft((slots.open_ts.item(early[0]), quotes.rows(row, len(quotes)), True))
            if row:
                yield from self._rows(quotes.rows(0, row), at)
            return
        self._fed = True
        hole = self._hole_before(slots.open_ts)
        if hole is None:
            yield from self._absorbed(quotes, slots)
            return
        row = slots.starts.item(hole)
        begins = quotes.received.item(row)
        if hole:
            yield from self._absorbed(quotes, slots.some(0, hole))
        if hole or begins > at:
            self._pending.appendleft((begins, quotes.rows(row, len(quotes)), True))
            return
        yield from self._across(slots.open_ts.item(0), begins)
        stop = slots.stops.item(0)
        if stop < len(quotes):
            self._pending.appendleft((quotes.received.item(stop), quotes.rows(stop, len(quotes)), True))
        yield from self._absorbed(quotes, slots.some(0, 1))

    def _resumed(self, at: int) -> Iterator[Given]:
        _, item, sifted = self._pending.popleft()
        self.moved = True
        if isinstance(item, Link):
            yield from self._link(item)
        elif sifted:
            yield from self._rows(item, at)
        else:
            yield from self._many(item, at)

    def _absorbed(self, quotes: Quotes, slots: Slots) -> Iterator[Given]:
        """Take quotes of slots among which there is no hole: all slots but the last are over."""
        last = len(slots.open_ts) - 1
        first, newest, edge = slots.open_ts.item(0), slots.open_ts.item(last), slots.starts.item(last)
        ended: Bars | None = None
        if NONE != self._slot < first:
            ended = self._bar(quotes.received.item(slots.starts.item(0)))
        if last:
            following = quotes.received.item(edge)
            over = slots.some(0, last)
            bars = gathered(quotes, self._base, self._grace.of_each(over.open_ts), following, over)
            if self._slot == first:
                self._complete(bars, quotes, slots.stops.item(0))
            ended = bars if ended is None else ended.followed_by(bars)
        if ended is not None:
            yield from self._final(ended)
        if self._slot != newest:
            self._slot, self._ticks = newest, 0
        self._join(quotes.rows(edge, slots.stops.item(last)))

    def _complete(self, bars: Bars, quotes: Quotes, stop: int) -> None:
        """Let what the open slot had before be part of the first of these bars, which is its own."""
        ts = quotes.ts[:stop]
        first, last = (0, stop - 1) if self._sieve.ordered else _ends(ts)
        if self._first_ts <= ts.item(first):
            bars.open[0] = self._open
        if self._last_ts > ts.item(last):
            bars.close[0] = self._close
        bars.high[0] = max(self._high, bars.high.item(0))
        bars.low[0] = min(self._low, bars.low.item(0))
        bars.ticks[0] += self._ticks
        bars.volume[0] += self._ticks

    def _join(self, quotes: Quotes) -> None:
        """Let quotes be part of the open slot."""
        price, ts = quotes.mid, quotes.ts
        first, last = (0, len(ts) - 1) if self._sieve.ordered else _ends(ts)
        low, high = np.minimum.reduce(price).item(), np.maximum.reduce(price).item()
        begins = not self._ticks
        if begins or ts.item(first) < self._first_ts:
            self._first_ts, self._open = ts.item(first), price.item(first)
        if begins or ts.item(last) >= self._last_ts:
            self._last_ts, self._close = ts.item(last), price.item(last)
        self._high = high if begins else max(high, self._high)
        self._low = low if begins else min(low, self._low)
        self._ticks += len(ts)
        self._received = quotes.received.item(-1)
        if self._forming and self._forming_due == NEVER:
            self._form_soon()

    # --- slots that are over -----------------------------------------------------------------------------------------

    @property
    def _pending_due(self) -> int:
        return self._pending[0][0] if self._pending else NEVER

    @property
    def _deadline(self) -> int:
        """When the open slot is over, or the next one without a quote is known to have none."""
        if self._slot != NONE:
            return self._over(self._slot)
        return self._over(self._next) if self._fed else NEVER

    def _over(self, slot: int) -> int:
        """By when a slot is over, whoever still has quotes of it."""
        return slot + self._base + self._grace.of(slot)

    def _bar(self, following: int) -> Bars:
        """The bar of the open slot, which is over; the next quote was received at `following`."""
        deadline = self._over(self._slot)
        numbers = (self._open, self._high, self._low, self._close, float(self._ticks))
        bar = Bars(
            self.product,
            self._base,
            np.array((self._slot,)),
            *np.array(numbers).reshape(5, 1),
            final_at=np.array((max(self._slot + self._base, min(deadline, following)),)),
            closed_by=BY_DEADLINE if following >= deadline else BY_NEXT_TICK,
            ticks=np.array((self._ticks,), np.int32),
            revision=FIRST,
            fresh=1,
        )
        self._slot = NONE
        return bar

    def _final(self, bars: Bars) -> Iterator[Given]:
        """Bars whose slots are over: those of which all quotes came are final."""
        self.moved = True
        if self._torn_from != NONE and self._torn_until > bars.open_ts[0]:
            torn = (bars.open_ts >= self._torn_from) & (bars.open_ts < self._torn_until)
            for row in np.flatnonzero(torn).tolist():
                yield self._without(int(bars.open_ts[row]), 1, "torn", int(bars.final_at[row]))
            bars = bars.chosen(~torn) if torn.any() else bars
        if len(bars):
            self._next = self._after(int(bars.open_ts[-1]))
            yield from self._ladder.final(bars)

    def _without(self, slot: int, slots: int, reason: Literal["silent", "torn"], at: int) -> NoData:
        """Slots that have no bar: what comes after them comes after a hole."""
        if self._missing == NONE:
            self._missing = slot
        self._next = max(self._next, self._after(slot + (slots - 1) * self._base))
        return NoData(self.product, self._base, slot, slots, reason, at)

    def _silent(self, at: int) -> NoData:
        """The next slot had no quote by its deadline."""
        return self._without(self._next, 1, self._why(self._next), at)

    def _why(self, slot: int) -> Literal["silent", "torn"]:
        return "torn" if self._is_torn(slot) else "silent"

    def _after(self, slot: int) -> int:
        """The first slot after this one in which the market is open, in part at least."""
        after = slot + self._base
        if self._never_closes or self._calendar.is_open(after):
            return after
        return self._calendar.next_open(after) // self._base * self._base

    # --- holes -------------------------------------------------------------------------------------------------------

    def _hole_before(self, slots: Stamps) -> int | None:
        """The first slot that comes after a hole: open time of which there is no bar, or not all quotes."""
        first, count = slots.item(0), len(slots)
        if self._slot == NONE:
            if self._next != NONE and (first > self._next or self._missing != NONE):
                return 0
        elif first > self._slot and (self._is_torn(self._slot) or self._skips(self._slot, first)):
            return 0
        if count == 1:
            return None
        holes: list[int] = []
        if slots.item(-1) - first != (count - 1) * self._base:
            steps = np.flatnonzero(np.diff(slots) != self._base) + 1
            holes += [row for row in steps.tolist() if self._skips(slots.item(row - 1), slots.item(row))][:1]
        if self._torn_from != NONE:
            torn = (slots[:-1] >= self._torn_from) & (slots[:-1] < self._torn_until)
            holes += (np.flatnonzero(torn)[:1] + 1).tolist()
        return min(holes) if holes else None

    def _skips(self, before: int, after: int) -> bool:
        return after - before != self._base and not self._calendar.holes_closed(before, after, self._base)

    def _is_torn(self, slot: int) -> bool:
        return self._torn_from != NONE and self._torn_from <= slot < self._torn_until

    def _across(self, slot: int, received: int) -> Iterator[Given]:
        """What is known of a hole once a quote has come after it, in `slot`."""
        if self._slot != NONE:
            yield from self._final(self._bar(received))
        yield from self._skipped(slot, received)
        yield from self._gap_before(slot, received)
        self._next = slot
        if self._torn_until <= slot:
            self._torn_from = NONE

    def _gap_before(self, slot: int, at: int) -> Iterator[Gap]:
        """What is missing until a slot; nothing when history brought just that."""
        if self._missing != NONE and self._missing < slot:
            yield Gap(self.product, self._base, self._missing, slot, at)
        self._missing = NONE

    def _skipped(self, slot: int, at: int) -> Iterator[NoData]:
        """The slots of open time before this one that nothing was told of, a stretch at a time."""
        if self._next == NONE or self._next >= slot:
            return
        slots = self._calendar.open_slots(self._next, slot, self._base)
        torn = (slots >= self._torn_from) & (slots < self._torn_until) & (self._torn_from != NONE)
        edges = np.flatnonzero((np.diff(slots) != self._base) | (torn[1:] != torn[:-1])) + 1
        for stretch in np.split(slots, edges):
            yield self._without(int(stretch[0]), len(stretch), self._why(int(stretch[0])), at)

    def _link(self, link: Link) -> Iterator[Given]:
        """Slots in which the connection was down are torn: some of their quotes may be lost."""
        if link.up:
            if self._torn_until == NEVER:
                self._torn_until = link.at // self._base * self._base + self._base
        else:
            since = (link.at - self._grace.most) // self._base * self._base
            if self._torn_until < since:
                self._torn_from = since
            self._torn_until = NEVER
        yield from ()

    # --- bars that are given -----------------------------------------------------------------------------------------

    def _history(self, bars: Bars) -> Iterator[Given]:
        mended = self._ladder.know(bars)
        if bars.tf == self._base:
            if mended and self._fed:
                yield Noticed(self.product, "mended", mended)
            yield from self._overtaken()

    def _bars(self, bars: Bars) -> Iterator[Given]:
        """Bars of the shortest timeframe, or of one it is a multiple of: new ones are final, known ones are checked."""
        if self._base % bars.tf:
            reason = f"bars of another timeframe than {timeframe_name(self._base)}"
            yield Dropped(self.product, reason, bars.fresh)
            return
        for reason, fit in ((IMPOSSIBLE, possible(bars)), (CLOSED, self._in_open_time(bars))):
            if fit is not None and not fit.all():
                yield Dropped(self.product, reason, int(np.count_nonzero(~fit)))
                bars = bars.chosen(fit)
        newest = self._ladder.newest(bars.tf)
        known = 0 if newest is None else int(bars.open_ts.searchsorted(newest, side="right"))
        if known:
            yield from self._again(bars.rows(0, known, known))
        bars = bars.rows(known, len(bars), len(bars) - known)
        if not len(bars):
            return
        if bars.tf < self._base:
            yield from self._ladder.from_shorter(bars)
            yield from self._overtaken()
            return
        yield from self._holes_in(bars)
        final = tuple(self._ladder.final(bars))
        yield from self._overtaken()
        yield from final

    def _in_open_time(self, bars: Bars) -> Flags | None:
        if self._never_closes or self._keeps_closed:
            return None
        return self._calendar.open_parts(bars.open_ts, bars.tf, bars.tf) > 0

    def _holes_in(self, bars: Bars) -> Iterator[Given]:
        """What is missing before and between new bars."""
        if self._next == NONE:
            self._next = int(bars.open_ts[0])
        before = np.append(self._next - self._base, bars.open_ts[:-1])
        for row in np.flatnonzero(bars.open_ts - before != self._base).tolist():
            slot, at = int(bars.open_ts[row]), int(bars.final_at[row])
            self._next = max(self._next, self._after(int(before[row])))
            yield from self._skipped(slot, at)
            yield from self._gap_before(slot, at)

    def _again(self, bars: Bars) -> Iterator[Given]:
        """Bars of slots that are over: the same as they were, changed by the venue, or mending a hole."""
        run = self._ladder.base
        known = run.knows(bars.open_ts) if bars.tf == self._base else np.ones(len(bars), np.bool_)
        changed = run.changed(bars) & known if bars.tf == self._base else ~known
        same = int(np.count_nonzero(known & ~changed))
        if same:
            yield Dropped(self.product, DUPLICATE, same)
        if changed.any():
            yield from self._ladder.revise(bars.chosen(changed))
        if not known.all():
            late = bars.chosen(~known)
            mended = self._ladder.know(late)
            if mended:
                yield Noticed(self.product, "mended", mended)
            if mended < len(late):
                yield Dropped(self.product, "older than what is kept", len(late) - mended)

    def _overtaken(self) -> Iterator[Given]:
        """After bars were given for slots, quotes have nothing to say of them any more."""
        self.moved = True
        newest = self._ladder.base.newest
        if newest is None:
            return
        self._sieve.ended = max(self._sieve.ended, newest + self._base)
        if self._next <= newest:
            self._next = self._after(newest)
            self._missing = NONE
        if NONE != self._slot <= newest:
            yield Dropped(self.product, "overtaken by the venue's bar", self._ticks)
            self._slot = NONE

    # --- bars that are not final -------------------------------------------------------------------------------------

    def _form_soon(self) -> None:
        self._forming_due = max(self._received, self._formed_at + self._forming)
        self.moved = True

    def _formed(self, at: int) -> Iterator[Given]:
        self._forming_due = NEVER
        if self._slot == NONE or self._received > at or self._is_torn(self._slot):  # a torn one becomes no bar
            return
        self._formed_at = at
        numbers = (self._open, self._high, self._low, self._close, float(self._ticks))
        yield from self._ladder.forming(Forming(self.product, self._base, self._slot, *numbers, at))


def _ends(ts: Stamps) -> tuple[int, int]:
    """The rows of the first and the last stamp: of equal ones the first that came, and the last."""
    return int(ts.argmin()), len(ts) - 1 - int(ts[::-1].argmax())
