"""How publishing fares, as one fold: what was heard of prices, bars and sources, and what follows at a moment.

The state at a moment is a function of what came before it, however often somebody looked: between two looks it passes
through every moment at which something could have become another.
"""

from collections.abc import Iterable

from pipeline.calendar import Calendars
from pipeline.evidence import Trouble
from pipeline.publishing.picture import Facts, Picture, pictured
from pipeline.publishing.silence import NEVER, Ticks
from pipeline.publishing.states import Sources, States, Turn
from pipeline.publishing.streams import Streams
from pipeline.publishing.thresholds import Thresholds
from pipeline.publishing.trading import LAST, Trading
from pipeline.service import FeedReport
from pipeline.times import MINUTE, SECOND
from pipeline.values import Bars, Link, NoData, Quotes

STEADY = 3
"""So many prices in a row, in time that is closed by the calendar, are no stray one."""


class Pulse:
    """Take what is heard; each such call says whether something may be another now, and a look is due at once."""

    def __init__(
        self,
        calendars: Calendars,
        timeframes: Iterable[int],
        limits: Thresholds,
        begins: int,
        products: Iterable[str] = (),
    ) -> None:
        lengths = tuple(timeframes)
        self.limits = limits
        self.ticks = Ticks(limits.tick_live)
        self.streams = Streams(lengths)
        self.trading = Trading(calendars, products)
        self.sources = Sources(begins)
        self.states = States(limits, begins, min(lengths, default=MINUTE))
        self.turns: list[Turn] = []
        """Changes of the state that nobody took yet."""
        self._alive = False
        self._looked = begins
        self._due = begins
        self._hours = self.trading.at(begins)
        self._known_until = begins
        self._step(begins)

    @property
    def due(self) -> int:
        """When somebody should look again at the latest, though nothing came: by then a bar may be late."""
        return min(self._due, self._looked + SECOND)

    # --- what is heard -----------------------------------------------------------------------------------------------

    def quotes(self, quotes: Quotes, now: int) -> bool:
        """Prices came."""
        if now >= self._due:
            self._pass(now)
        if self.ticks.of(quotes.product) is None:
            self._keep(quotes.product, now)
            self.streams.begin(quotes.product, now)
        ended = self.ticks.heard(quotes)
        if not ended and self._alive and self.states.now.state == "STREAM":
            return False
        return self._step(now) or ended

    def given(self, bars: Bars, now: int) -> bool:
        """Final bars came: new rows, or history."""
        if not len(bars):
            return False
        self._pass(now)
        self._keep(bars.product, now)
        self.sources.gave(now, new=bars.fresh > 0)
        self.streams.came(bars)
        silence = self.ticks.silence(now)
        word = bars.fresh > 0 and silence is not None and silence >= self.limits.tick_stale
        return self._step(now) or word

    def missing(self, told: NoData) -> None:
        self.streams.missing(told)

    def restored(self, product: str, tf: int, last_open: int, now: int) -> bool:
        """An earlier life has published bars up to this one."""
        self._pass(now)
        self.trading.assume(product)
        self._read(now)
        self.streams.restored(product, tf, last_open)
        return self._step(now)

    def linked(self, link: Link, now: int) -> bool:
        self._pass(now)
        for product in link.products:
            self._keep(product, now)
        self.sources.linked(link, now, self.ticks.products)
        return self._step(now)

    def reported(self, report: FeedReport, now: int) -> bool:
        self._pass(now)
        self.sources.reported(report, now)
        return self._step(now)

    def troubled(self, trouble: Trouble, now: int) -> bool:
        self._pass(now)
        self.sources.troubled(trouble, now)
        return self._step(now)

    # --- what follows ------------------------------------------------------------------------------------------------

    def look(self, now: int) -> Picture:
        """How it all stands at a moment that is not before the last one."""
        self._pass(now)
        self._step(now)
        return self._picture(now)

    def taken(self) -> tuple[Turn, ...]:
        """The changes of the state since this was asked last."""
        turns, self.turns = tuple(self.turns), []
        return turns

    def _keep(self, product: str, now: int) -> None:
        if self.trading.keep(product):
            self._read(now)

    def _pass(self, now: int) -> None:
        """Go through the moments before this one at which something could have become another."""
        while self._due < now:
            self._step(self._due)

    def _step(self, at: int) -> bool:
        if not self._hours.at <= at < self._known_until:
            self._read(at)
        before = self._alive, self.states.now.state
        self._alive = self._is_alive(at)
        if self.states.step(at, self.sources, self.ticks, self._closed()):
            self.turns.append(self.states.now)
        self._looked = at
        self._due = self._next(at)
        return before != (self._alive, self.states.now.state)

    def _is_alive(self, at: int) -> bool:
        """Alive from the first price on, against the calendar from several in a row; until they are stale."""
        silence = self.ticks.silence(at)
        if silence is None or silence >= self.limits.tick_stale:
            return False
        return self._alive or (silence < self.limits.tick_live and (self._hours.is_open or self.ticks.run >= STEADY))

    def _closed(self) -> str:
        return "" if self._hours.is_open or self._alive or not self._hours.known else self._hours.note

    def _read(self, at: int) -> None:
        """What the calendars say: cities come and go within a minute of what is said here."""
        self._hours = self.trading.at(at)
        edge = self._hours.edge(self.limits.preopen)
        self._known_until = at + MINUTE if edge is None else min(edge, at + MINUTE)

    def _next(self, at: int) -> int:
        spoke, limits = self.ticks.at, self.limits
        moments = self.states.dues(self.sources, self.ticks)
        edge = self._hours.edge(limits.preopen)
        if edge is not None:
            moments.append(edge)
        if spoke != NEVER:
            moments += [spoke + limits.tick_live, spoke + limits.tick_stale, spoke + limits.idle_after]
        return min((each for each in moments if each > at), default=LAST)

    def _picture(self, at: int) -> Picture:
        owed = self.streams.owed(self.ticks, self.trading, at)
        silence, hours = self.ticks.silence(at), self._hours
        is_open = hours.is_open or self._alive
        return pictured(
            Facts(
                at=at,
                turn=self.states.now,
                hours=hours,
                market="open" if is_open else "closed" if hours.known else "unknown",
                ticks_alive=self._alive,
                silence=silence,
                bars_silence=None if self.sources.bars_at == NEVER else max(0, at - self.sources.bars_at),
                shortest=self.states.shortest,
                quiet=self._quiet(at, silence),
                lag=0 if owed is None or not is_open else max(0, at - owed),
                report=self.sources.worst,
                failed=self.sources.failure if self.sources.failed or not self.sources.reached else "",
                fresh=self.streams.fresh,
                live=self.streams.live,
            ),
            self.limits,
        )

    def _quiet(self, at: int, silence: int | None) -> tuple[str, ...]:
        """Products that say nothing in their own open time, while others speak."""
        if silence is None or silence >= self.limits.tick_stale:
            return ()
        return tuple(
            product
            for product in self.ticks.silent_for(at, self.limits.quotes_lost)
            if self.trading.is_open(product, at)
        )
