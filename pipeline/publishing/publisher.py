"""The publisher: what a flow makes of its sources, and what these say, becomes messages in lanes.

Everything it hears is folded at once; what follows from time alone is looked at every second. Only its lanes wait for
Redis.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reactivex.abc import DisposableBase
from reactivex.disposable import Disposable, SerialDisposable

from pipeline.channels.wording import Unfit
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.publishing.carrying import Carrying
from pipeline.publishing.gate import NEVER, Gate
from pipeline.publishing.geometry import Spreads
from pipeline.publishing.lanes import Finals
from pipeline.publishing.letters import Letters
from pipeline.publishing.link import Link
from pipeline.publishing.outlook import Outlook
from pipeline.publishing.posting import Posting
from pipeline.publishing.pulse import Pulse
from pipeline.publishing.shelf import Shelf
from pipeline.publishing.supervisor import Standing, Supervisor
from pipeline.publishing.terms import Terms
from pipeline.publishing.wires import Wire, each_command
from pipeline.publishing.wishes import Wishes
from pipeline.service import Diagnosis, FeedReport, LaneReport, Pressure, Universe
from pipeline.times import slot_of, timeframe_name, utc_text
from pipeline.values import Bars, Forming, Gap, NoData, Quotes, Revised, Stream
from pipeline.values import Link as Connection

SHELF_FILE = "feed.db"
SOON = 15_000
"""So long (ms) after its first price a product's past is there, or is asked for."""
RECALLED = 300
"""Among so many slots before the last bar of an earlier life those without one may still get it."""
LEAVING = 3.0
"""Real seconds that final bars get to leave when the program ends."""
FAREWELL = 1.0
"""And the word that nobody publishes any more."""

Made = Bars | Forming | NoData | Revised
Told = Quotes | Bars | Connection | Trouble | FeedReport
Given = Gap | Pressure | Universe | Diagnosis | Trouble


class Publisher:
    """One subscription of a flow to a publisher."""

    def __init__(self, host: Host, terms: Terms, make: Callable[[], Wire], give: Callable[[Given], None]) -> None:
        now = host.now()
        self._host, self._terms, self._give = host, terms, give
        self._telling = Telling(host, terms.name, self._troubled)
        self._errors: dict[str, int] = {}
        self._over = self._begun = self._ending = False
        self._farewell: DisposableBase = Disposable()
        self._pulse = Pulse(host.calendars, terms.timeframes, terms.limits, now)
        self._gate = Gate()
        self._shelf = Shelf(folder_of(host) / SHELF_FILE, terms.cache_bars, self._shelf_failed)
        self._spreads = Spreads(terms.timeframes)
        self._own: set[Stream] = set()
        """Streams whose bars are the venue's own."""
        self._native: set[Stream] = set()
        """Those of them whose new bars a source gives itself."""
        self._made: set[Stream] = set()
        """Those whose new bars the flow makes."""
        letters = Letters(self._spreads, self._own, terms.secret)
        lane = Finals("ohlcv", terms.queued_bars)
        self._posting = Posting(host, lane, self._gate, self._shelf, letters, self._pulse.streams, self._unfit)
        self._link = Link(host, terms.name, make, self._failed, self._turned)
        self._carrying = Carrying(
            host, terms, self._gate, letters, self._link, self._posting, self._refused, self._relieved
        )
        self._wishes = Wishes(host, terms, self._shelf, self._gate.cursor, self._again, self._ask)
        self._pulse.streams.wanted = self._wishes.wanted
        self._outlook = Outlook(terms, self._pulse, self._carrying, self._link, now)
        self._asked: set[str] = set()
        """Products whose past was looked at, or is about to be."""
        self._past_known: set[Stream] = set()
        """Streams that were published before, or whose past a source gave."""
        self._beat = SerialDisposable()
        self._dirty = False
        self._resume(now)
        self._supervisor = Supervisor(host, self._fell)
        self._supervisor.run("link", self._keep_link)
        self._carrying.begin(self._supervisor)
        if terms.commands:
            self._supervisor.run("commands", self._listen)
        self._whole = host.work(self._until_over(), self._raise)
        self._look(now)

    # --- what is heard -----------------------------------------------------------------------------------------------

    def take(self, item: Made) -> None:
        """What the flow makes: final bars, and bars that form."""
        match item:
            case Bars():
                self._finals(item)
            case Forming():
                self._forming(item)
            case NoData():
                self._pulse.missing(item)
            case Revised():
                span = timeframe_name(item.bars.tf)
                what = f"{item.bars.product} {span}: the venue changed a bar that may be out: listeners keep the first"
                self._telling.tell("rule", what)

    def hear(self, item: Told) -> None:
        """What the sources give."""
        now = self._host.now()
        match item:
            case Quotes():
                turned = self._pulse.quotes(item, now)
                self._spreads.take(item)
                if item.product not in self._asked:
                    self._began(item.product, now)
                    turned = True
            case Bars():
                turned = self._past(item, now)
            case Connection():
                turned = self._pulse.linked(item, now)
            case Trouble():
                self._count("history" if item.kind in ("throttle", "maintenance") else "feed")
                turned = self._pulse.troubled(item, now)
            case FeedReport():
                turned = self._pulse.reported(item, now)
        if turned:
            self._look(now)

    def lanes(self, now: int) -> tuple[LaneReport, ...]:
        """How each lane is."""
        return self._carrying.reports(now)

    def leave(self) -> None:
        """The program is about to end: let the bars leave, say so to who listens, and then to the flow."""
        self._farewell = self._host.work(self._leave(), self._raise)

    async def _leave(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self._carrying.drained()
        self._ending = True
        self._outlook.ends(self._host.now())
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await self._carrying.said()
        self._give(self._outlook.told(self._host.now(), ended=True))

    def close(self) -> None:
        """Let go: what is on its way gets a few seconds."""
        self._over = True
        self._farewell.dispose()
        self._beat.dispose()
        self._telling.close()
        self._whole.dispose()
        if not self._begun:  # it was over before anything of it ran: nothing will be told of the end
            self._let_go()

    # --- bars --------------------------------------------------------------------------------------------------------

    def _finals(self, bars: Bars) -> None:
        """Bars of the flow's own, or of the past: those that are not out yet go into the lane."""
        stream, now = bars.stream, self._host.now()
        if stream.tf not in self._terms.timeframes or not self._wishes.wanted(stream):
            return
        if bars.fresh:
            self._pulse.streams.came(bars)
            if stream not in self._native and any(stream.product == own.product for own in self._native):
                self._made.add(stream)  # of the venue's shorter ones, whatever past the venue has of them
                self._own.discard(stream)
            if not len(self._pulse.ticks) and stream.product not in self._asked:
                self._began(stream.product, now)
        late = self._gate.late(bars, now)
        if late is not None:
            self._posting.offer(late, "late")
        most = self._terms.warmup_bars if self._gate.offered(stream) == NEVER else None
        new = self._gate.finals(bars, now, most)
        if new is not None:
            full = self._posting.lane.full
            self._posting.offer(new)
            if self._posting.lane.full and not full:
                self._outlook.backpressure_events += 1
                self._give(Pressure(True, now))
        if late is not None or new is not None:
            self._carrying.wake(self._posting.lane)
            self._soon(now)

    def _forming(self, bar: Forming) -> None:
        stream = Stream(bar.product, bar.tf)
        wanted = self._terms.live and bar.tf in self._terms.timeframes and self._wishes.wanted(stream)
        if wanted and self._gate.forming(bar):
            self._carrying.live.offer(stream, bar)
            self._carrying.wake(self._carrying.live)

    def _past(self, bars: Bars, now: int) -> bool:
        """Bars as a source gives them: new ones come by the window, those of the past are published as they are."""
        if bars.fresh:
            self._native.add(bars.stream)
        if bars.fresh or bars.stream not in self._made:
            self._own.add(bars.stream)
        turned = self._pulse.given(bars, now)
        if bars.fresh == 0 and len(bars) and bars.tf in self._terms.timeframes:
            self._know_past(bars.stream, now)
            kept = bars.rows(max(0, len(bars) - self._terms.cache_bars), len(bars), 0)
            self._shelf.put(kept, waiting=False)
            self._finals(bars)
            self._wishes.came(bars)
            self._soon(now)
        return turned

    def _know_past(self, stream: Stream, now: int) -> None:
        """The past of a stream is there: behind its first new bars, where these were quicker."""
        if stream not in self._past_known:
            self._past_known.add(stream)
            if self._gate.offered(stream) != NEVER:
                self._want_past(stream, now)

    def _want_past(self, stream: Stream, now: int) -> None:
        """Have the past of a stream go out, whenever it comes."""
        if self._terms.warmup_bars:
            until = slot_of(now, stream.tf)
            self._gate.lacks(stream, until - self._terms.warmup_bars * stream.tf, until)

    def _again(self, bars: Bars) -> None:
        """Bars that somebody asked for once more."""
        self._carrying.again(bars)

    def _began(self, product: str, now: int) -> None:
        """A product's first price: soon its past should be there."""
        self._asked.add(product)
        self._wishes.known(tuple(sorted(self._asked)))
        self._host.at(now + SOON, lambda: self._ask_for_past(product))

    def _ask_for_past(self, product: str) -> None:
        """Ask for what is missing since a product was published last, by now."""
        if self._over:
            return
        if not len(self._pulse.ticks):
            self._telling.tell("rule", "bars come and no price of any source: prices are not published")
        now, calendar = self._host.now(), self._host.calendars.of(product)
        for tf in self._terms.timeframes:
            stream, until = Stream(product, tf), slot_of(now, tf)
            if stream not in self._past_known:
                self._want_past(stream, now)
            offered = self._gate.offered(stream)
            tail = [(offered + tf, until - tf)] if offered != NEVER else []
            for since, before in (*self._gate.holes(stream), *tail):
                if since < before and len(calendar.open_slots(since, before, tf)):
                    self._ask(Gap(product, tf, since, before, now))

    def _resume(self, now: int) -> None:
        """Go on where the last life was."""
        for stream in self._gate.begin(self._shelf.cursors(), self._shelf.shown(), now):
            self._shelf.forget(stream)
            what = f"{stream.product} {timeframe_name(stream.tf)} was published beyond {utc_text(now)}: it begins anew"
            self._telling.tell("rule", what)
        self._past_known |= {stream for stream in self._shelf.cursors() if self._gate.cursor(stream) != NEVER}
        for stream in self._past_known:
            cursor = self._gate.cursor(stream)
            self._pulse.restored(stream.product, stream.tf, cursor, now)
            kept = self._shelf.newest(stream, RECALLED, cursor - RECALLED * stream.tf).open_ts
            self._gate.recalled(stream, kept[kept <= cursor])
        for stream, since, last, rows in self._shelf.waiting():
            self._posting.lane.spill(stream, since, rows)
            self._gate.resumed(stream, last)
        self._shelf.commit()

    def _soon(self, now: int) -> None:
        """Have the shelf written once this turn is over."""
        if not self._dirty:
            self._dirty = True
            self._host.at(now, self._settle)

    def _settle(self) -> None:
        self._dirty = False
        if not self._over:
            self._shelf.commit()

    # --- time --------------------------------------------------------------------------------------------------------

    def _look(self, now: int) -> None:
        """See what is due, and when to look again."""
        if self._over or self._ending:
            return
        self._wishes.expired(now)
        self._outlook.commands, self._outlook.universe = self._wishes.counts, self._wishes.universe
        self._outlook.errors = self._errors
        told = self._outlook.look(now)
        if told is not None:
            self._give(told)
        self._beat.disposable = self._host.at(self._outlook.due(now), self._again_look)

    def _again_look(self) -> None:
        self._look(self._host.now())

    # --- tasks -------------------------------------------------------------------------------------------------------

    async def _keep_link(self, standing: Standing) -> None:
        standing.state = "running"
        await self._link.keep()

    async def _listen(self, standing: Standing) -> None:
        """Hear commands; a connection of their own, which breaks for itself."""
        while not standing.over:
            await self._link.up()
            wire = self._link.current
            if wire is None:
                continue
            standing.state = "running"
            async for raw in each_command(wire):
                standing.worked_at = self._host.now()
                refused = self._wishes.heard(raw)
                if refused:
                    self._count("command")
                    self._telling.tell("rule", f"a command was refused: {refused}")
            await self._host.until(self._host.now() + 1000)

    async def _until_over(self) -> None:
        """Hold everything until the flow lets go; then let what is on its way leave, and close."""
        self._begun = True
        try:
            await asyncio.Event().wait()
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    await self._carrying.drained()
            self._let_go()

    def _let_go(self) -> None:
        self._supervisor.stop()
        self._shelf.close()

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def _fell(self, task: str, failure: Exception) -> None:
        if isinstance(failure, CallFailed):
            self._failed(failure)
        else:
            self._telling.tell("format", f"{task} ended on a mistake of its own and is begun anew ({failure!r})")

    def _failed(self, failure: CallFailed) -> None:
        self._count("redis")
        self._telling.tell(failure.kind, str(failure))

    def _refused(self, failure: CallFailed | Unfit) -> None:
        if isinstance(failure, CallFailed):
            self._failed(failure)
        else:
            self._unfit(failure)

    def _unfit(self, wrong: Unfit) -> None:
        self._telling.tell("format", f"a message was not sent: {wrong}")

    def _shelf_failed(self, what: str) -> None:
        self._telling.tell("rule", what)

    def _troubled(self, trouble: Trouble) -> None:
        if not self._over:
            self._give(trouble)

    def _turned(self) -> None:
        """Redis is lost, or there again."""
        if not self._over:
            self._look(self._host.now())

    def _relieved(self) -> None:
        self._ask(Pressure(False, self._host.now()))

    def _ask(self, what: Gap | Universe | Pressure) -> None:
        if not self._over:
            self._give(what)

    def _count(self, kind: str) -> None:
        self._errors[kind] = self._errors.get(kind, 0) + 1

    def _raise(self, failure: Exception) -> None:
        raise failure


def folder_of(host: Host) -> Path:
    """Where a publisher keeps its shelf, and where states lie when there is no Redis."""
    return host.folder / host.node
