"""Looks on as a flow runs, and answers how it fares."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any

from pipeline.clocks import PacedClock
from pipeline.evidence import Written
from pipeline.flow import Flow
from pipeline.ledger import Ledger
from pipeline.ledger.threads import AT_MOST
from pipeline.plan import LEDGER, Plan
from pipeline.service import Diagnosis, FeedReport
from pipeline.telemetry.conserving import CONSERVATION, Conserving
from pipeline.telemetry.counts import COUNTED, Counts
from pipeline.telemetry.edges import Edge
from pipeline.telemetry.machine import Machine
from pipeline.telemetry.money import Money
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.samples import Channel, Sample
from pipeline.telemetry.sketches import Spread
from pipeline.telemetry.stages import Stages, Way
from pipeline.times import timeframe_name
from pipeline.values import Bars, Columns, Decisions, Fault, Order, Past, Quotes, Stream
from pipeline.watch import own_version

LOOKS_EVERY = 1.0
"""Seconds between two looks at what nobody tells: edges, the loop, the process."""
TURNS_EVERY = 300
"""So many looks between two turns: quantiles are of the last five to ten minutes."""

Tell = Callable[[str, Any], None]
Took = Callable[[Way], None]


class Onlooker:
    """A companion that keeps numbers. Reading them is quick, and may be done in another thread."""

    name = "telemetry"

    def __init__(self, plan: Plan, real: Callable[[], float] = time.perf_counter) -> None:
        self.ways: Took | None = None
        """Told of each traded bar whose order has ended."""
        self._plan = plan
        self._real = real
        self._flow: Flow | None = None
        self._shown = 0
        self._paced: tuple[float, int] | None = None
        """When a simulated market began: the real moment, and its own."""
        self._behind = 0.0
        self._tell: Tell | None = None
        self._money, self._stages, self._counts = Money(plan), Stages(), Counts()
        self._machine, self._loop_lag = Machine(self.real_millis), Spread()
        self._conserving = Conserving()
        self._columns: dict[Stream, Columns] = {}
        """Those whose last row was not read yet: they hold whole windows, so not for long."""
        self._lasts: dict[Stream, dict[str, float]] = {}
        self._channel = Channel()
        self._takes: dict[type[Any], Callable[[str, Any], None]] = {
            Quotes: self._take_quotes,
            Bars: self._take_bars,
            Columns: self._take_columns,
            Decisions: self._take_decisions,
            Order: self._take_order,
            Written: lambda _, value: self._stages.written(value, self.real_millis),
            Past: self._take_past,
            Diagnosis: lambda _, value: self._conserving.take(value),
            FeedReport: lambda _, value: self._conserving.take(value),
            **dict.fromkeys(COUNTED, self._counts.other),
        }

    # --- what a companion is -----------------------------------------------------------------------------------------

    def tells_by(self, tell: Tell) -> None:
        """How it may tell everybody of something itself."""
        self._tell = tell

    def told(self, node: str, value: Any) -> None:
        take = self._takes.get(value.__class__)
        if take is not None:
            take(node, value)

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        self._conserving.begins(flow)
        clock, ledger, panel = flow.border.clock, flow.border.ledger, flow.border.panel
        self._stages.speed = clock.speed
        if isinstance(clock, PacedClock):
            self._paced = self.real_millis, clock.now()
        if isinstance(ledger, Ledger) and ledger.waiting is not None:
            panel.edges.add(Edge("ledger", lambda: ledger.waiting or 0, AT_MOST, "waits"))
        panel.readings = self.readings

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan."""
        self._plan = plan
        self._money.changed(plan)
        self._columns.clear()
        self._lasts.clear()

    async def attend(self) -> None:
        looks = 0
        while True:
            planned = self._real() + LOOKS_EVERY
            await asyncio.sleep(LOOKS_EVERY)
            self._loop_lag.add((self._real() - planned) * 1000)
            self.look()
            looks += 1
            if looks % TURNS_EVERY == 0:
                self._turn()

    async def ends(self, why: str) -> None:
        """Its last look: what was lost without a name until now is told."""
        self.look()

    def look(self) -> None:
        real = self.real_millis
        self._shown = 0 if self._flow is None else self._flow.border.clock.shown()
        self._counts.look(real)
        self._stages.look(real)
        self._machine.look(real)
        self._read_columns()
        for sentence in self._conserving.look(real):
            if self._tell is not None:
                self._tell(CONSERVATION, Fault(CONSERVATION, self.now, sentence))

    # --- what it answers ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """On the flow's clock, which other threads do not ask: as of the last look, or of what happened since."""
        return max(self._shown, self._at)

    def readings(self, features: Collection[str] = ()) -> Iterator[Reading]:
        """Every number there is, with the last values of these features ("*": of all)."""
        now, real = self.now, self.real_millis
        yield Reading("moonlight_info", (self._plan.name, self._plan.settings.mode, own_version()), 1)
        yield from self._money.readings(now)
        yield from self._stages.readings()
        yield from self._counts.readings(now)
        yield Reading("moonlight_loop_lag_seconds", (), self._loop_lag)
        if self._paced is not None:
            yield Reading("moonlight_behind_seconds", (), self._behind / 1000)
        yield from self._conserving.readings(real)
        yield from self._machine.readings(real)
        yield from self._features(features)

    def samples(self, since: int = 0, features: Collection[str] = ()) -> list[Sample]:
        """All numbers that are others than they were at `since` (ms UTC, the flow's clock), as messages."""
        return self._channel.samples(self.readings(features), self.now, since)

    # --- pieces ------------------------------------------------------------------------------------------------------

    @property
    def real_millis(self) -> float:
        """Real time, of no calendar."""
        return self._real() * 1000

    @property
    def _at(self) -> int:
        """The moment of what happens now."""
        return 0 if self._flow is None else self._flow.agenda.now

    def _take_quotes(self, node: str, quotes: Quotes) -> None:
        if node.startswith("sources.") and len(quotes):
            real = self.real_millis
            self._counts.quotes(node, quotes)
            self._stages.quotes(quotes.product, real)
            if self._paced is not None:
                begun, moment = self._paced
                self._behind = max(0.0, real - begun - (self._at - moment) / self._stages.speed)

    def _take_bars(self, node: str, bars: Bars) -> None:
        if not node.startswith("sources."):  # what a source gives, a window gives on
            self._counts.bars(bars)
            self._stages.bars(bars, self.real_millis, self._at)

    def _take_columns(self, _: str, columns: Columns) -> None:
        self._columns[Stream(columns.product, columns.tf)] = columns

    def _take_decisions(self, _: str, decisions: Decisions) -> None:
        self._counts.decisions(decisions)
        self._stages.decisions(decisions, self.real_millis, self._at)

    def _take_order(self, _: str, order: Order) -> None:
        self._money.take(order)
        way = self._stages.order(order, self.real_millis, self._at)
        if way is not None and self.ways is not None:
            self.ways(way)

    def _take_past(self, node: str, past: Past) -> None:
        if node == LEDGER:
            for order in past.orders:
                self._money.remember(order)

    def _turn(self) -> None:
        self._stages.turn()
        self._counts.turn()
        self._loop_lag.turn()

    def _features(self, names: Collection[str]) -> Iterator[Reading]:
        if not names:
            return
        self._read_columns()
        for stream, values in tuple(self._lasts.items()):
            for name in values if "*" in names else names:
                if name in values:
                    yield Reading("moonlight_feature", (stream.product, timeframe_name(stream.tf), name), values[name])

    def _read_columns(self) -> None:
        with suppress(KeyError):  # there is none left, or another thread took it
            while True:
                stream, columns = self._columns.popitem()
                if len(columns):
                    self._lasts[stream] = {name: float(column[-1]) for name, column in columns.values.items()}
