"""The past of what comes by a channel: its publisher is asked for it, and what comes later waits until it is there."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from reactivex.abc import DisposableBase

from pipeline.candles import as_history
from pipeline.channels.commands import APART, MOST_BARS, MOST_MINUTES
from pipeline.channels.course import Course, Want, bars_of
from pipeline.channels.hearing import Row
from pipeline.channels.wording import wire_timeframe
from pipeline.connections.telling import Telling
from pipeline.connections.waiting import Work
from pipeline.host import Host
from pipeline.times import MINUTE, SECOND, slot_of
from pipeline.values import Bars, Gap, Quotes

Given = Bars | Quotes
Send = Callable[[Mapping[str, Any]], Awaitable[int | None]]
"""Sends a command; how many took it, None while there is no connection."""

BEGINNING = 20 * SECOND
"""So long what comes is held back for the past to be there before it."""
PART = 5 * SECOND
"""What came of an answer is given when no more of it came for so long,"""
REST = 120 * SECOND
"""and the rest of it when it comes within that: a publisher may have to ask for it too."""
AGAIN = 30 * SECOND
"""What is not answered is asked for again after so long, and twice that, and so on."""
TRIES = 4
SPACED = APART + SECOND
"""Nobody is asked for the same sooner: it would be refused."""
Timers = dict[tuple[str, int], DisposableBase]


class CatchingUp:
    """The courses of some products, and what of their past is still to come."""

    def __init__(
        self,
        host: Host,
        symbols: Mapping[str, str],
        timeframes: tuple[int, ...],
        warm: int,
        give: Callable[[Given], None],
        telling: Telling,
        work: Callable[[Work], DisposableBase],
        send: Send,
    ) -> None:
        self._host, self._give, self._telling, self._work, self._send = host, give, telling, work, send
        self._symbols, self._timeframes, self._warm = symbols, timeframes, warm
        self._courses: dict[tuple[str, int], Course] = {}
        self._held: dict[str, list[Given]] = {}
        self._asking: dict[tuple[str, int], DisposableBase] = {}
        self._giving: dict[tuple[str, int], DisposableBase] = {}
        self._asked_at: dict[tuple[str, int], int] = {}
        self._beginning: DisposableBase | None = None

    def open(self) -> None:
        """Messages come from now on, for the first time or again: ask for what is wanted and not here."""
        now = self._host.now()
        if not self._courses:
            self._begin(now)
        for key, course in self._courses.items():
            if course.want is not None:
                course.want.tries = 0
                self._ask(key)

    def bars(self, product: str, tf: int, rows: tuple[Row, ...]) -> None:
        """Take bars that came: new ones are given, old ones kept as far as they are wanted."""
        key = product, tf
        course = self._courses[key]
        before = len(course.want.found) if course.want is not None else 0
        fresh = course.take(rows)
        if course.want is not None and len(course.want.found) > before:
            if self._full(course, course.want):
                self._close(key)
            else:
                self._plan(self._giving, key, PART, self._partly)
        if fresh:
            self._pass(product, bars_of(product, tf, fresh, self._host.now(), fresh=True))

    def quotes(self, quotes: Quotes) -> None:
        self._pass(quotes.product, quotes)

    def mend(self, gap: Gap) -> None:
        """Ask for bars that are missing: of the timeframe itself, or of the longest that it can be made of."""
        native = _native(gap.tf, self._timeframes)
        course = self._courses.get((gap.product, native))
        if course is not None:
            course.ask(gap.since, gap.until)
            self._ask((gap.product, native))

    def close(self) -> None:
        for timer in (*self._asking.values(), *self._giving.values()):
            timer.dispose()
        if self._beginning is not None:
            self._beginning.dispose()

    # --- the beginning -----------------------------------------------------------------------------------------------

    def _begin(self, now: int) -> None:
        rows = self._needed(now)
        for product in self._symbols:
            for tf in self._timeframes:
                course = self._courses[product, tf] = Course(product, tf, now)
                if rows.get(tf):
                    course.ask(0, slot_of(now, tf), rows[tf], warm=True)
                    self._held.setdefault(product, [])
        if self._held:
            self._beginning = self._host.at(now + BEGINNING, self._begun)

    def _needed(self, now: int) -> dict[int, int]:
        """How many bars of each timeframe that comes are needed: for itself, and for those that are made of it."""
        rows = {tf: self._warm for tf in self._timeframes if self._warm}
        for tf, wanted in self._host.history.items():
            if native := _native(tf, self._timeframes):
                slot = slot_of(now, max(self._host.history))
                rows[native] = max(rows.get(native, 0), wanted * (tf // native), (now - slot) // native + 1)
        return rows

    def _begun(self) -> None:
        """The past did not come in time: all goes on without it, and it is given when it comes."""
        waiting = ", ".join(sorted(self._held))
        if waiting:
            self._telling.tell("network", f"no history of {waiting} within {BEGINNING // SECOND} s")
        for product in tuple(self._held):
            self._release(product)

    def _release(self, product: str) -> None:
        for item in self._held.pop(product, ()):
            self._give(item)

    def _pass(self, product: str, item: Given) -> None:
        held = self._held.get(product)
        if held is None:
            self._give(item)
        else:
            held.append(item)

    # --- what is wanted ----------------------------------------------------------------------------------------------

    def _full(self, course: Course, want: Want) -> bool:
        """Whether nothing of what is wanted can still be on its way."""
        calendar, tf = self._host.calendars.of(course.product), course.tf
        if not want.warm:
            return len(want.found) >= len(calendar.open_slots(want.since, want.until, tf))
        last = want.until - tf
        return len(want.found) >= want.rows and (
            last in want.found or not len(calendar.open_slots(last, want.until, tf))
        )

    def _partly(self, key: tuple[str, int]) -> None:
        """Go on with what came so far."""
        self._give_found(key)
        self._release(key[0])
        self._plan(self._giving, key, REST, self._close)

    def _close(self, key: tuple[str, int]) -> None:
        """Give what came of what was wanted; nothing more of it is waited for."""
        for timers in (self._asking, self._giving):
            self._drop(timers, key)
        self._give_found(key)
        self._courses[key].want = None
        several = (course for (product, _), course in self._courses.items() if product == key[0])
        if not any(course.want is not None and course.want.warm for course in several):
            self._release(key[0])

    def _give_found(self, key: tuple[str, int]) -> None:
        course = self._courses[key]
        want, rows = course.want, course.found()
        if want is None or len(rows) <= want.given:
            return
        want.given = len(rows)
        bars = bars_of(course.product, course.tf, rows, self._host.now(), fresh=False)
        for each in self._made(bars) if want.warm else (bars,):
            self._give(each)

    def _made(self, bars: Bars) -> Iterator[Bars]:
        """The past of a timeframe, and that of longer ones which do not come by themselves."""
        yield bars
        rows = {
            tf: wanted
            for tf, wanted in self._host.history.items()
            if tf not in self._timeframes and _native(tf, self._timeframes) == bars.tf
        }
        if rows:
            yield from as_history(bars, rows, self._host.now(), self._host.calendars.of(bars.product))

    def _ask(self, key: tuple[str, int]) -> None:
        """Ask, unless it would be refused for coming too soon after the last time: then a little later."""
        soon = self._asked_at.get(key, 0) + SPACED - self._host.now()
        if 0 < soon <= SPACED:
            self._plan(self._asking, key, soon, self._ask)
        else:
            self._asked_at[key] = self._host.now()
            self._work(lambda: self._asked(key))

    async def _asked(self, key: tuple[str, int]) -> None:
        """Ask the publisher, and plan to ask again: it may not hear, or not be able to say yet."""
        product, tf = key
        want = self._courses[key].want
        if want is None:
            return
        name = f"{product} {wire_timeframe(tf)}"
        if want.tries >= TRIES:
            self._telling.tell("network", f"{name}: the past was asked for {TRIES} times and did not come")
            self._close(key)
            return
        taken = await self._send(self._command(product, tf, want))
        if taken is None:  # it is asked for when there is a connection
            return
        if not taken:
            self._telling.tell("network", f"{name}: nobody takes commands for the past; is its publisher running?")
        if self._courses[key].want is not None and not want.found:
            self._plan(self._asking, key, AGAIN << want.tries, self._ask)
        want.tries += 1

    def _command(self, product: str, tf: int, want: Want) -> dict[str, Any]:
        """What to ask for: so many last bars, or all of the last minutes."""
        target = {"symbol": self._symbols[product], "tf": wire_timeframe(tf)}
        now = self._host.now()
        minutes = -(-(now - want.since) // MINUTE) + 1
        if want.warm or minutes > MOST_MINUTES:
            rows = min(max(want.rows if want.warm else 0, (now - want.since) // tf if want.since else 0), MOST_BARS)
            return {"type": "fxcm_warmup", **target, "min_history_bars": rows}
        return {"type": "fxcm_backfill", **target, "lookback_minutes": minutes}

    def _plan(self, timers: Timers, key: tuple[str, int], wait: int, act: Callable[[tuple[str, int]], None]) -> None:
        self._drop(timers, key)
        timers[key] = self._host.at(self._host.now() + wait, lambda: act(key))

    def _drop(self, timers: Timers, key: tuple[str, int]) -> None:
        if timer := timers.pop(key, None):
            timer.dispose()


def _native(tf: int, timeframes: tuple[int, ...]) -> int:
    """The longest timeframe that comes of which one can be made; 0 where none is."""
    return max((each for each in timeframes if tf % each == 0), default=0)
