"""Wires: what is known, at a moment, of the way one product's quotes come.

A wire takes quotes, given one by one or ahead of their time, and is advanced from moment to moment; what it knows then
depends on the quotes that had come by then, and on nothing else.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

import numpy as np

from pipeline.calendar import Calendar
from pipeline.pace import FINE, SKEWED
from pipeline.pulse import Limits, Pulse
from pipeline.quality import prices_fit, unfit_prices
from pipeline.turns import DOUBT, EVER, FLAT, FLOW, FRESH, NEVER, PACE, REST, TELLS, Turn
from pipeline.values import HEALTH, Noticed, Quotes, Stamps

LIVE, QUIET, CLOSED, SLOW_FEED, STALE, SUSPECT, SKEWED_CLOCK, RECOVERING, DOWN = range(len(HEALTH))
UNTOLD = -1
TALKS, RESTS, SILENT = range(3)
"""Quotes come; none for longer than is usual; none for so long that the feed may be stale."""
STANDS_STILL = "the price stands still"
NAN = float("nan")


class Recovery:
    """A connection that is there again: it is trusted once each of its open products has given something new."""

    def __init__(self, at: int, wires: Sequence["Wire"]) -> None:
        self.at = at
        self.wires = wires

    @property
    def over(self) -> bool:
        return not any(wire.awaited for wire in self.wires if wire.recovery is self)

    def end(self) -> None:
        for wire in self.wires:
            if wire.recovery is self:
                wire.recovers()


class Wire:
    """One product's."""

    def __init__(self, product: str, limits: Limits, calendar: Calendar, flat_blocks: bool, begin: int) -> None:
        self.product = product
        self.state = UNTOLD
        self.alarm = NEVER
        self.heard = self.open = self.tells = False
        self.silent = TALKS
        self.since = NEVER
        """When the last quote came, or the market opened after it; NEVER while quotes are known to follow."""
        self._moment, self._lag, self._lag_kind = begin, NAN, FLOW
        """The moment that came last, and the lag of the turn of the last kind that made something otherwise then."""
        self.pace = FINE
        self.down = False
        self.recovery: Recovery | None = None
        self._pulse = Pulse(limits, calendar)
        self._turns: deque[Turn] = deque()
        self._edges, self._edge = calendar.edges, begin
        self._quiet = self._stale = 0
        self._rest_lag = self._pace_lag = NAN
        self._pace_limit = 0.0
        self._doubt = self._flat = False
        self._flat_blocks = flat_blocks
        self._ahead: deque[tuple[Stamps, Quotes]] = deque()
        """Quotes whose moments have not all come."""
        self._newest = EVER
        """The latest stamp of the others."""
        self._fresh = False
        self._looks_for = NEVER
        """The stamp from which on a quote is new; NEVER when none is looked for."""

    # --- taking ------------------------------------------------------------------------------------------------------

    def take(self, quotes: Quotes, now: int) -> bool:
        """Take in quotes; whether something may be otherwise earlier than was known."""
        pulse = self._pulse
        if quotes.ts.size > 1:
            at = pulse.moments(quotes)
            turns = pulse.many(quotes, at)
            self._ahead.append((at, quotes))
            if self._looks_for != NEVER:
                self._look(turns)
            self._forget(now)
            self._turns += turns
            return True
        ts, received, bid, ask = quotes.ts.item(0), quotes.received.item(0), quotes.bid.item(0), quotes.ask.item(0)
        turns, lag, at = pulse.one(ts, received, bid, ask), float(received - ts), pulse.at
        calm = not (turns or self._turns or self.silent or self._ahead) and self._looks_for == NEVER
        if calm and at <= now and self.heard:
            if ts > self._newest and 0 < bid <= ask < np.inf:
                self._newest = ts
            self.since, self._quiet, self._stale, self._rest_lag = at, pulse.quiet, pulse.stale, lag
            return at + self._quiet < self.alarm
        self._ahead.append((np.array([at]), quotes))
        if self._looks_for != NEVER:
            self._look(turns)
        self._forget(now)
        turns.sort(key=_kind)
        self._turns.append(Turn(at, FLOW, lag=lag))
        self._turns += turns
        self._turns.append(Turn(at, REST, pulse.quiet, lag, pulse.stale))
        return True

    def _forget(self, now: int) -> None:
        """Of quotes whose moments have come only the newest stamp is kept."""
        while self._ahead and int(self._ahead[0][0][-1]) <= now:
            self._newest = max(self._newest, _newest(self._ahead.popleft()[1]))

    def _look(self, turns: list[Turn]) -> None:
        """Look for a new quote in those that came last."""
        assert self.recovery is not None, "something new is looked for after a connection came back"
        at, quotes = self._ahead[-1]
        new = (at > self.recovery.at) & (quotes.ts >= self._looks_for)
        new &= ~unfit_prices(quotes)
        if new.any():
            row = int(new.argmax())
            self._looks_for = NEVER
            turns.append(Turn(int(at[row]), FRESH, self.recovery.at, float(quotes.received[row] - quotes.ts[row])))
            turns.sort(key=_kind)

    # --- the connection ----------------------------------------------------------------------------------------------

    def breaks(self, moment: int) -> None:
        self._edge = min(self._edge, moment)
        self.down, self.recovery, self._looks_for = True, None, NEVER

    def returns(self, recovery: Recovery) -> None:
        self._edge = min(self._edge, recovery.at)
        self.down, self.recovery, self._fresh = False, recovery, False
        self._forget(recovery.at)
        newest = self._newest
        for at, quotes in self._ahead:
            newest = max(newest, _newest(quotes.rows(0, int(at.searchsorted(recovery.at, side="right")))))
        self._looks_for = newest
        known, self._ahead = self._ahead, deque[tuple[Stamps, Quotes]]()
        found = list[Turn]()
        for each in known:
            self._ahead.append(each)
            if self._looks_for != NEVER:
                self._look(found)
        for turn in found:
            self._turns.insert(bisect_right(self._turns, turn.at, key=_moment), turn)

    def recovers(self) -> None:
        self.recovery, self._looks_for = None, NEVER

    @property
    def awaited(self) -> bool:
        """Whether its connection is trusted only with something new from it."""
        return self.open and not self._fresh

    # --- from moment to moment ---------------------------------------------------------------------------------------

    @property
    def due(self) -> int:
        """When something may be otherwise, as far as is known."""
        due = self._turns[0].at if self._turns else NEVER
        if self.since != NEVER and self.open and self.silent != SILENT:
            due = min(due, self.since + (self._stale if self.silent else self._quiet))
        return min(due, self._edge)

    def advance(self, moment: int) -> tuple[bool, Noticed | None]:
        """Let a moment come, not past `due`; whether something is otherwise, and what is odd."""
        changed, notice = self.state == UNTOLD, None
        self._moment, self._lag, self._lag_kind = moment, NAN, FLOW
        if self._edge <= moment:
            changed |= self._calendar(moment)
        while self._turns and self._turns[0].at <= moment:
            turn = self._turns.popleft()
            changed |= self._turned(turn)
            if turn.kind == FLAT and turn.value:
                notice = Noticed(self.product, STANDS_STILL, turn.value)
        if self.since != NEVER and self.open:
            changed |= self._rested(moment)
        return changed, notice

    def _calendar(self, moment: int) -> bool:
        passed = int(self._edges.searchsorted(moment, side="right"))
        was, self.open = self.open, passed % 2 == 1
        self._edge = int(self._edges[passed]) if passed < len(self._edges) else NEVER
        if self.open and not was and self.since != NEVER:
            self.since, self.silent = moment, TALKS
        return self.open != was

    def _turned(self, turn: Turn) -> bool:
        """Take a turn; whether something is otherwise with it."""
        _, kind, value, lag, limit = turn
        if kind == REST:
            self.since, self._quiet, self._stale, self._rest_lag = turn.at, value, int(limit), lag
            return False
        was = self._facts
        if kind == FLOW:
            self.silent, self.since, self.heard = TALKS, NEVER, True
        elif kind == DOUBT:
            self._doubt = bool(value)
        elif kind == PACE:
            self.pace, self._pace_lag, self._pace_limit = value, lag, limit
        elif kind == TELLS:
            self.tells = bool(value)
        elif kind == FLAT:
            self._flat = bool(value)
        elif self.recovery is not None and self.recovery.at == value:
            self._fresh = True
        changed = self._facts != was
        if changed and kind >= self._lag_kind and not math.isnan(lag):
            self._lag, self._lag_kind = lag, kind
        return changed

    @property
    def _facts(self) -> tuple[object, ...]:
        return self.silent, self.heard, self._doubt, self.pace, self.tells, self._flat, self._fresh

    def _rested(self, moment: int) -> bool:
        was = self.silent
        if was == TALKS and moment >= self.since + self._quiet:
            self.silent = RESTS
        if self.silent == RESTS and moment >= self.since + self._stale:
            self.silent = SILENT
        if self.silent != was:
            self._lag = self._rest_lag
        return self.silent != was

    # --- what it comes to --------------------------------------------------------------------------------------------

    def judged(self, feed_silent: bool) -> int:
        """Its state, when all the feed's open products are silent or are not."""
        if self.down:
            return DOWN
        if not self.open:
            return CLOSED
        if self.recovery is not None:
            return RECOVERING
        if self.silent == SILENT and feed_silent:
            return STALE
        if self._doubt or (self._flat and self._flat_blocks):
            return SUSPECT
        if self.pace != FINE:
            return SKEWED_CLOCK if self.pace == SKEWED else SLOW_FEED
        return QUIET if self.silent or not self.heard else LIVE

    def numbers(self, moment: int) -> tuple[float, float, float]:
        """Its lag, its silence and what decides is held against, ms."""
        silence = float(moment - self.since) if self.silent else 0.0
        if self.state in (SLOW_FEED, SKEWED_CLOCK):
            return self._pace_lag, silence, self._pace_limit
        limit = {QUIET: self._quiet, STALE: self._stale}.get(self.state, 0)
        lag = self._lag if self._moment == moment else NAN
        return lag, silence, float(limit)


def _newest(quotes: Quotes) -> int:
    """The latest stamp of those whose prices can be."""
    stamps = quotes.ts if prices_fit(quotes) else quotes.ts[~unfit_prices(quotes)]
    return int(stamps.max()) if len(stamps) else EVER


def _moment(turn: Turn) -> int:
    return turn.at


def _kind(turn: Turn) -> tuple[int, int]:
    return turn[:2]
