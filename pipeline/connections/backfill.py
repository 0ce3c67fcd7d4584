"""The past of a product as a feed tells it: bars for the first decision, and those that are missing in between."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import as_history, possible
from pipeline.connections.asking import asked
from pipeline.connections.backoff import HTTP, Backoff
from pipeline.connections.contract import Feed
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.host import Host
from pipeline.times import DAY, MINUTE, slot_of, timeframe_name
from pipeline.values import Bars, Gap, Quotes

T = TypeVar("T")

MOST = 20_000
"""So many bars of the shortest timeframe are asked for at the most, where calls for them are not dear."""
FARTHEST = 20 * 365 * DAY
"""How far back anything is asked for."""
AT_ONCE = 4
"""Of so many products the past is asked for at a time."""
FETCHING = 120.0
"""So many seconds one stretch of the past may take, however many pages it has."""
SOON = 1.0
"""A bar that is over and not told yet is asked for once more after so many seconds."""
AGAIN = 2
"""How often."""


class Backfill:
    """What a feed knows of the past, asked for as little as possible and never beside itself for one stretch."""

    def __init__(self, host: Host, name: str, feed: Feed, telling: Telling, most: int = MOST) -> None:
        """`most`: so many bars of the shortest timeframe are asked for; longer ones that need more are asked for
        whole."""
        self._most = most
        self._host, self._name, self._feed, self._telling = host, name, feed, telling
        self._room = asyncio.Semaphore(AT_ONCE)
        self._wanted: dict[tuple[str, int], tuple[int, int]] = {}
        self._fetching = set[tuple[str, int]]()

    # --- what is needed before the first decision --------------------------------------------------------------------

    async def history(self, product: str) -> tuple[Bars, ...]:
        """The last bars final before now of each timeframe that is needed, as context; `CallFailed` when there is no
        way to the shortest."""
        rows, now, calendar = self._host.history, self._host.now(), self._host.calendars.of(product)
        if not rows:
            return ()
        base = min(rows)
        since = {tf: slot_back(calendar, now, tf, wanted) for tf, wanted in rows.items()}
        near = {tf for tf in rows if now - since[tf] <= self._most * base}
        slot = slot_of(now, max(rows))  # of what the shortest brings later, the longest's is made with these
        begin = min(slot, *(since[tf] for tf in near | {base}))
        shortest = await self._of_shortest(product, base, begin, now)
        wanted = {tf: rows[tf] for tf in near} | {base: max(rows[base], (now - slot) // base + 1)}
        made = list(as_history(shortest, wanted, now, calendar))
        for tf in sorted(set(rows) - near - {base}):
            try:
                longer = await self.bars(product, tf, since[tf], slot_of(now, tf))
            except CallFailed as failure:
                self._telling.tell(failure.kind, f"{product}: no history of {timeframe_name(tf)}: {failure}")
            else:
                made.append(longer.rows(max(0, len(longer) - rows[tf]), len(longer), 0))
        return tuple(each for each in made if len(each))

    async def _of_shortest(self, product: str, base: int, begin: int, now: int) -> Bars:
        """Bars of the shortest timeframe; of minutes where the feed has none of it."""
        try:
            return await self.bars(product, base, begin, slot_of(now, base))
        except CallFailed as failure:
            if failure.kind != "rule" or base == MINUTE:
                raise
        return await self.bars(product, MINUTE, begin, slot_of(now, MINUTE))

    # --- what is missing ---------------------------------------------------------------------------------------------

    def want(self, gap: Gap) -> bool:
        """Take note of missing bars; whether somebody has to begin fetching them."""
        key = gap.product, gap.tf
        since, until = self._wanted.get(key, (gap.since, gap.until))
        self._wanted[key] = min(since, gap.since), max(until, gap.until)
        if key in self._fetching:
            return False
        self._fetching.add(key)
        return True

    async def mend(self, product: str, tf: int, give: Callable[[Bars], None]) -> None:
        """Fetch what is missing of a product, and what comes to be missing meanwhile."""
        key = product, tf
        try:
            while key in self._wanted:
                bars = await self.missing(product, tf, *self._wanted.pop(key))
                if len(bars):
                    give(bars)
        except CallFailed as failure:
            self._telling.tell(failure.kind, f"{product}: missing bars cannot be had: {failure}")
        finally:
            self._fetching.discard(key)

    async def missing(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of some slots. One that is only just over may not be told yet: it is asked for again, soon."""
        bars = await self.bars(product, tf, since, until)
        calendar = self._host.calendars.of(product)
        for _ in range(AGAIN):
            slots = calendar.open_slots(since, until, tf)
            if not len(slots) or (len(bars) and int(bars.open_ts[-1]) >= int(slots[-1])):
                break
            await passed(self._host, SOON)
            bars = await self.bars(product, tf, since, until)
        return bars

    # --- asking ------------------------------------------------------------------------------------------------------

    async def bars(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of some slots, as context; those that cannot be are told and left out."""
        what = f"history of {product} {timeframe_name(tf)}"
        bars = await self._patiently(what, lambda: self._feed.history(product, tf, since, until))
        if (bars.product, bars.tf) != (product, tf):
            raise CallFailed("format", f"the {what} is of {bars.product} {timeframe_name(bars.tf)}")
        fit = possible(bars) & (bars.open_ts >= since) & (bars.open_ts < until) & (bars.open_ts % tf == 0)
        fit[1:] &= np.diff(bars.open_ts) > 0
        if not fit.all():
            self._telling.tell("format", f"{int(np.count_nonzero(~fit))} bars in the {what} cannot be; left out")
            bars = bars.chosen(fit)
        return bars.rows(0, len(bars), 0)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        """The quotes of some time, once."""
        call = self._feed.ticks(product, since, until)
        return await asked(call, FETCHING, f"no quotes of {product} within {FETCHING:.0f} s")

    async def _patiently(self, what: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask, and again where that may help."""
        backoff = Backoff(HTTP, f"{self._name} {what}")
        while True:
            try:
                async with self._room:
                    return await asked(ask(), FETCHING, f"the {what} did not come within {FETCHING:.0f} s")
            except CallFailed as failed:
                failure = failed
            wait = backoff.failed() if failure.kind in ("network", "throttle", "maintenance") else None
            if wait is None or failure.final:
                raise failure
            self._telling.tell(failure.kind, str(failure))
            await passed(self._host, max(wait, failure.wait or 0.0))


def slot_back(calendar: Calendar, now: int, tf: int, rows: int) -> int:
    """The opening of the slot so many before the last that can be final; a slot that is open in part is one."""
    wanted = rows + 2  # the last may not be final yet
    back, earliest = wanted * tf, slot_of(now - FARTHEST, tf)
    while True:
        begin = max(earliest, now - back)
        slots = calendar.open_slots(begin, now, tf)
        if len(slots) >= wanted:
            return int(slots[-wanted])
        if begin == earliest:
            return begin
        back *= 2


def unfinished(past: Iterable[Bars], rows: Mapping[int, int], now: int) -> int:
    """The opening of the first slot that is not history."""
    base = min(rows, default=MINUTE)
    known = [int(bars.open_ts[-1]) + base for bars in past if bars.tf == base and len(bars)]
    return max(known, default=slot_of(now, base))
