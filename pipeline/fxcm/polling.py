"""Final bars by history: asked for as their slots end, given once each, in order, and never before they are over."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import possible
from pipeline.connections.asking import asked
from pipeline.connections.backoff import FEED, Backoff, feed
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.fxcm.cadence import Cadence, Rhythm, rest
from pipeline.fxcm.rationing import PutOff
from pipeline.fxcm.tallies import Agreement, Heard
from pipeline.host import Host
from pipeline.service import Pressure, Universe
from pipeline.times import MINUTE, SECOND, slot_of, timeframe_name
from pipeline.values import VENUE, Bars, Flags, Quotes

LOOK = SECOND
"""So often it is looked whether prices still come."""
UNHEARD = 2
"""A slot of which no quote was heard may have no bar: it is asked for so often by itself, then with the next one."""
ASKING = 60.0
"""So many seconds one question may take."""
REFUSED = 15 * MINUTE
"""What the venue says it does not have is asked for again after that."""


Ask = Callable[[str, int, int, int], Coroutine[Any, Any, Bars]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is polled, and when a bar is over."""

    products: tuple[str, ...]
    timeframes: tuple[int, ...]
    grace: int = SECOND
    """So many ms after its close a bar is asked for, and final."""
    late: int = 2 * MINUTE
    """A bar that is known later after its close than that is given as history: nothing is decided on it."""
    rhythm: Rhythm = field(default_factory=Rhythm)
    idle_seconds: float = 0.0
    """How long is rested in a closed market, unless a price comes; at least a poll."""


class Polling:
    """What one flow is given of the final bars of a feed."""

    def __init__(self, host: Host, ask: Ask, wanted: Wanted, telling: Telling, give: Callable[[Bars], None]) -> None:
        """`ask` gives the bars that open in a span, as far as they are there; `PutOff` where it may not now."""
        self.cadence = Cadence(wanted.timeframes, wanted.rhythm)
        self.setback = Setback(Backoff(feed(wanted.rhythm.poll), "fxcm history"))
        self.agreement = Agreement(min(wanted.timeframes))
        self.changed: Callable[[], None] = _nothing
        """Called when something of this has changed that is reported."""
        self._host, self._ask, self._wanted, self._telling, self._give = host, ask, wanted, telling, give
        self._heard = Heard()
        now = host.now()
        self._cursor = {(name, tf): slot_of(now, tf) for name in wanted.products for tf in wanted.timeframes}
        """The first slot of each stream that was not given yet."""
        self._due = {tf: slot_of(now, tf) + tf + wanted.grace for tf in sorted(wanted.timeframes)}
        self._asked: dict[tuple[str, int], tuple[int, int]] = {}
        """Up to which slot a stream was asked for, and how often that was."""
        self._refused: dict[tuple[str, int], int] = {}
        self._last_quote: int | None = None
        self._seen = now
        self._full = False
        self._universe: Universe | None = None
        self._woken = asyncio.Event()

    # --- what it hears -----------------------------------------------------------------------------------------------

    def hear(self, quotes: Quotes) -> None:
        """Take quotes as they come: the first after a silence has history asked for at once."""
        if not len(quotes):
            return
        silent = self.cadence.idle or self.cadence.paused
        self._last_quote = self._host.now()
        self._heard.take(quotes)
        if silent:
            self.at_once()

    def take(self, ask: Pressure | Universe) -> None:
        match ask:
            case Pressure():
                self._full = ask.full
            case Universe():
                self._universe = ask if ask.targets else None
        self.at_once()

    def past(self, bars: Bars) -> Bars:
        """What of bars that come as history is before those that are given here."""
        since = self._cursor.get((bars.product, bars.tf))
        if since is None or bars.fresh or not len(bars) or int(bars.open_ts[-1]) < since:
            return bars
        return bars.rows(0, int(bars.open_ts.searchsorted(since)), 0)

    def at_once(self, *, again: bool = False) -> None:
        """Ask for what is missing now; `again`: whatever failed before, as the connection is back."""
        if again:
            self.setback.good()
        now = self._host.now()
        self._due = {tf: min(at, now) if self._missing(tf, now) else at for tf, at in self._due.items()}
        self._woken.set()

    # --- asking ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Give bars as they become final, until the venue takes the login no more."""
        while True:
            now = self._host.now()
            self._keep_up(now)
            self._judge(now)
            due = [] if self._full or self.cadence.paused else [tf for tf, at in self._due.items() if at <= now]
            if due and now >= self.setback.until:
                for tf in due:
                    if not await self._poll(tf):
                        break
                if self.setback.final:
                    return
            else:
                await self._wait(now)

    async def _poll(self, tf: int) -> bool:
        """Ask for what is missing of one timeframe; whether the venue is there."""
        now, answered = self._host.now(), False
        for product in self._missing(tf, now):
            if self._full:
                return False
            since, until = self._cursor[product, tf], slot_of(now, tf)
            try:
                call = self._ask(product, tf, since, until)
                bars = await asked(call, ASKING, f"it did not come within {ASKING:.0f} s")
            except PutOff as later:
                self._telling.tell(later.kind, str(later))
                self.changed()
                continue
            except CallFailed as failure:
                self._telling.tell(failure.kind, f"history of {product} {timeframe_name(tf)}: {failure}")
                if not self._go_on(product, tf, failure):
                    return False
                continue
            self._count(product, tf, now)
            if not self._full:
                self._accept(product, tf, since, bars)
            answered = True
        if answered:
            self.setback.good()
        self._plan(tf)
        return True

    def _go_on(self, product: str, tf: int, failure: CallFailed) -> bool:
        """Take note of how a call failed; whether to ask for the next."""
        if failure.kind in ("rule", "format") and not failure.final:
            if failure.kind == "rule":
                self._refused[product, tf] = self._host.now() + REFUSED
            return True
        self.setback.failed(self._host.now(), failure)
        self.changed()
        return False

    def _accept(self, product: str, tf: int, since: int, bars: Bars) -> None:
        """Give what is over of some bars, and move the cursor behind it."""
        now = self._host.now()
        fit = self._sound(bars) & self._over(bars, now) & (bars.open_ts >= since)
        if not fit.any():
            return
        rows = bars.chosen(fit)
        count = len(rows)
        ticks = self._heard.ticks(rows)
        final = Bars(
            product, tf, rows.open_ts, rows.open, rows.high, rows.low, rows.close, rows.volume,
            np.full(count, now, np.int64), np.full(count, VENUE, np.int8), ticks, np.zeros(count, np.int32), count,
        )  # fmt: skip
        self._cursor[product, tf] = int(final.open_ts[-1]) + tf
        for sentence in self.agreement.take(final):
            self._telling.tell("format", sentence)
        late = int(np.searchsorted(final.open_ts, now - tf - self._wanted.late))
        if late:
            self._give(final.rows(0, late, 0))
        if late < count:
            self._give(final.rows(late, count, count - late))

    def _over(self, bars: Bars, now: int) -> Flags:
        """Which bars are over: their grace has passed, or a later one is there too."""
        over = bars.open_ts + bars.tf + self._wanted.grace <= now
        ended = bars.open_ts + bars.tf <= now
        ended[-1:] = False
        return over | ended

    def _sound(self, bars: Bars) -> Flags:
        """Which bars can be at all; of those that cannot it is told."""
        fit = possible(bars) & (bars.open_ts % bars.tf == 0)
        fit[1:] &= bars.open_ts[1:] > np.maximum.accumulate(bars.open_ts)[:-1]
        if not fit.all():
            self._telling.tell("format", f"bars of {bars.product} {timeframe_name(bars.tf)} that cannot be; left out")
        return fit

    # --- when --------------------------------------------------------------------------------------------------------

    def _missing(self, tf: int, now: int) -> list[str]:
        """The products of which a bar of a timeframe is over and not there; those that lack most are first."""
        over = slot_of(now - self._wanted.grace, tf)
        lacking = [product for product in self._targets(tf, now) if self._is_wanted(product, tf, over, now)]
        return sorted(lacking, key=lambda product: self._cursor[product, tf])

    def _is_wanted(self, product: str, tf: int, over: int, now: int) -> bool:
        since = self._cursor[product, tf]
        if since >= over or self._refused.get((product, tf), 0) > now:
            return False
        if self._heard.of(product, max(since, over - tf), over):
            return True
        until = self._until(product, tf, over, now)
        asked, times = self._asked.get((product, tf), (0, 0))
        return since < until and (asked != until or times < UNHEARD)

    def _until(self, product: str, tf: int, over: int, now: int) -> int:
        """Up to where bars may be: in closed time nothing but prices makes them."""
        since = self._cursor[product, tf]
        open_slots = self._calendar(product).open_slots(since, over, tf)
        last = int(open_slots[-1]) + tf if len(open_slots) else since
        return over if self._heard.of(product, last, now + tf) else last

    def _calendar(self, product: str) -> Calendar:
        return self._host.calendars.of(product)

    def _targets(self, tf: int, now: int) -> Iterable[str]:
        wanted = self._universe
        if wanted is None or (wanted.until and wanted.until <= now):
            self._universe = None
            return self._wanted.products
        return [product for product in self._wanted.products if (product, tf) in wanted.targets]

    def _count(self, product: str, tf: int, now: int) -> None:
        """Take note that a stream was asked for, before its cursor moves."""
        until = self._until(product, tf, slot_of(now - self._wanted.grace, tf), now)
        asked, times = self._asked.get((product, tf), (0, 0))
        self._asked[product, tf] = until, times + 1 if asked == until else 1

    def _plan(self, tf: int) -> None:
        """Say when a timeframe is asked for next: with its next slot, or sooner as long as something is missing."""
        now = self._host.now()
        at = slot_of(now - self._wanted.grace, tf) + tf + self._wanted.grace
        if self._missing(tf, now):
            at = min(at, now + round(self.cadence.seconds(tf) * SECOND))
        self._due[tf] = at

    def _keep_up(self, now: int) -> None:
        """A clock that was set back takes with it when something is due."""
        if now < self._seen:
            self._due = {tf: min(at, slot_of(now, tf) + tf + self._wanted.grace) for tf, at in self._due.items()}
            self.setback.until = min(self.setback.until, now + round(FEED.cap * SECOND))
        self._seen = now

    def _judge(self, now: int) -> None:
        """Look how long no price has come, and whether any market is open."""
        silence = None if self._last_quote is None else max(0, now - self._last_quote) / SECOND
        is_open = any(self._calendar(product).is_open(now) for product in self._wanted.products)
        changes = self.cadence.judge(silence, is_open=is_open)
        for tf, at in self._due.items():
            self.cadence.due(tf, 0 if self.cadence.paused else max(at, self.setback.until))
        if changes:
            self.changed()

    async def _wait(self, now: int) -> None:
        """Rest until something is due, a price wakes us, or it is time to look again."""
        span = LOOK
        if self.cadence.paused:
            span = round(rest(self._wanted.rhythm.poll, self._wanted.idle_seconds) * SECOND)
        at = min((now + span, *(each for each in self._due.values() if each > now)))
        alarm = self._host.at(at, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            alarm.dispose()
            self._woken.clear()


class Setback:
    """How long is waited after what failed, and how much of that is left."""

    def __init__(self, backoff: Backoff) -> None:
        self.until = 0
        self.final = False
        """Whether it is of no use to ask again."""
        self._backoff = backoff

    def failed(self, now: int, failure: CallFailed) -> None:
        self.final = failure.final
        wait = max(self._backoff.failed() or 0.0, failure.wait or 0.0)
        self.until = 0 if self.final else now + round(wait * SECOND)

    def good(self) -> None:
        self._backoff.good()
        self.until = 0

    def remaining(self, now: int) -> float:
        """Seconds."""
        return max(0, self.until - now) / SECOND


def _nothing() -> None:
    """What is called where nobody listens."""
