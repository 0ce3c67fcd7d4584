"""A flow: a plan, built and running. Everything from outside comes in by one door; inside all is synchronous.

The door stamps what enters with the flow's time. Before it is given to the graph everything planned for an earlier
moment has happened, and what is planned for that moment happens after it: so the same things entering at the same
times make the same decisions, whichever clock drives the flow. Sources, venues and sinks that hear from outside stand
outside the door, all other nodes inside.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.border import Border
from pipeline.certainty.auditing import Auditing
from pipeline.certainty.certifying import Certifying
from pipeline.changes.proposal import NodeChange
from pipeline.changes.revision import Revision, Unchanged
from pipeline.changes.rewiring import Began, Rewiring
from pipeline.clocks import Planned
from pipeline.entering import without_secrets
from pipeline.errors import FlowStopped, MoonlightError
from pipeline.evidence import Closing, Inquiry, Unsent
from pipeline.flowing.stopwatch import Stopwatch
from pipeline.hogging.patience import Patience
from pipeline.masking import masked
from pipeline.nodes import LASTING, Running
from pipeline.outcomes import Counterfactual, Priced
from pipeline.parts import Kind
from pipeline.passages import Passage, rows_of
from pipeline.plan import (
    AUDITS,
    CERTIFICATES,
    FEATURES,
    LEDGER,
    OUTCOMES,
    REPAINT,
    Edge,
    Node,
    Plan,
    closes,
    lists,
    tie_of,
)
from pipeline.repainting import Repainting
from pipeline.settlement import Tie
from pipeline.steps import Tube, woken
from pipeline.stretch import PRICES
from pipeline.times import SECOND, duration
from pipeline.tipping import HEARS, Board, hears
from pipeline.values import Bars, Columns, Dropped, Fault, Latch, Leaving, Order, Past, Quotes, Slept, Standstill, Votes
from pipeline.voting import votes_of

RESTARTS = 3
"""How often a node is started afresh before its failure ends the flow."""

OUTSIDE: tuple[Kind, ...] = ("source", "venue", "sink")
"""Kinds of nodes of which some stand outside the door: what these give is let in."""

CLOCK = "clock"
"""The node that tells when nothing ran; whoever takes that hears it without a word in the file."""
OVERDUE = 5 * SECOND
"""What happens so much later than planned was slept through."""

TAP = "tap"
"""The node that faults of onlookers are told under."""
FAULTS = 1_000
"""So many of the last faults are kept at least, and all of onlookers; everybody is told of each as it happens."""

Tap = Callable[[str, Any], None]


class Recorder(Protocol):
    """Told of everything that enters, and of every waking, in the order it happens."""

    def entered(self, at: int, port: str, value: Any) -> None: ...
    def woke(self, at: int) -> None: ...


CORE: Mapping[str, tuple[str, ...]] = {
    CLOCK: (),
    LEDGER: (),
    FEATURES: ("bars",),
    REPAINT: ("revised", "decisions"),
    OUTCOMES: ("bars", "quotes", "prices", "past"),
    AUDITS: ("past", "quotes", "prices", "orders"),
    CERTIFICATES: ("past", "orders", "statements"),
}
"""The nodes that every flow has, and by what they take values."""


class Flow:
    """Build with a plan, `start`, let things `enter`, wait for `ended`, `stop`."""

    def __init__(self, plan: Plan, border: Border, begin: int, recorder: Recorder | None = None) -> None:
        self.plan = plan
        self.core = CORE
        self.agenda = Agenda(begin, self._planned)
        self.nodes: dict[str, Running] = {}
        self.passages: list[Passage] = []
        self.faults: list[Fault] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.border = border
        self.standstill: Callable[[], Standstill] = lambda: "slept"
        """Asked why nothing ran until now, when something is long overdue."""
        self.patience = Patience()
        self._recorder = recorder
        self._taps: list[Tap] = []
        self._stopwatch: Stopwatch | None = None
        self._show: Tap = self._tap
        """Shows what a node gives to whoever looks on."""
        self._loop = asyncio.get_running_loop()
        self._alarm: Planned | None = None
        self._armed: int | None = None
        self._inside = self._over = False
        self.giving = set[str]()
        """The sources that have not ended."""
        self._outside: tuple[Kind, ...] = ()
        self._awake = begin
        """Until when what was slept through is known."""
        self._failure: MoonlightError | None = None
        self._urged: deque[Latch] = deque()
        self._edges: list[abc.DisposableBase] = []
        self._boards: dict[str, Board] = {}
        border.failed = self._act_failed
        self._build()

    # --- life --------------------------------------------------------------------------------------------------------

    def tap(self, told: Tap) -> None:
        """Tell of everything any node gives, before it goes along the edges."""
        self._taps.append(told)

    def untap(self, told: Tap) -> None:
        """Tell it no more."""
        if told in self._taps:
            self._taps.remove(told)

    def timed_by(self, stopwatch: Stopwatch | None) -> None:
        """Have it measured from now on how long each node works; None: no more, and it costs nothing any more."""
        self._stopwatch = stopwatch
        self._show = self._tap if stopwatch is None else stopwatch.apart(self._tap)
        for passage in self.passages:
            passage.timed_by(stopwatch)

    def start(
        self, past: Past | None, outside: tuple[Kind, ...] = OUTSIDE, earlier: Iterable[tuple[str, Quotes]] = ()
    ) -> None:
        """Begin. Outer nodes of kinds not in `outside` stay dark: somebody else lets their values enter.

        `earlier` are quotes of sources from before the beginning: what is still open is settled from them.
        """
        self._outside = outside
        for running in self.nodes.values():
            if not running.outer:
                self._subscribe(running)
        if "venue" in outside:
            self._light("venue")
        for port, quotes in earlier:
            self.nodes[port].beyond.give(quotes)
            if past is not None:
                self.enter(LEDGER, quotes)
        if past is not None:
            self.enter(LEDGER, past)  # once the venues listen: they hear of what is still open
        if "sink" in outside:
            self._light("sink")
        if "source" in outside:
            self._light("source")

    def _light(self, kind: Kind) -> None:
        """Subscribe to the outer nodes of a kind."""
        lit = sorted((each for each in self.nodes.values() if each.kind == kind and each.outer), key=_id)
        if kind == "source":
            self.giving.update(map(_id, lit))
        for running in lit:
            self._subscribe(running)

    def stop(self) -> None:
        """Let go of everything; nothing enters any more."""
        self._over = True
        self._disarm()
        for running in self.nodes.values():
            running.subscription.dispose()
        CompositeDisposable(*self._edges).dispose()
        if not self.ended.done():
            self.ended.set_result(None)
        elif not self.ended.cancelled():
            self.ended.exception()  # it is told already: where the start failed too nobody waits for it

    def fail(self, failure: MoonlightError) -> None:
        """End because something outside failed that the flow cannot go on without."""
        self._end_with(failure)

    async def settled(self, until: int) -> None:
        """Wait until nothing is planned any more, but not past a moment."""
        while (due := self.agenda.due) is not None and due <= until and not self._over:
            await self.border.until(due + 1)

    # --- the door ----------------------------------------------------------------------------------------------------

    def urge(self, stop: Latch) -> None:
        """From any thread: let a stop in before all else. From here on no order that it stops leaves."""
        self._urged.append(stop)
        self._loop.call_soon_threadsafe(self._let_in_urged)

    def _let_in_urged(self) -> None:
        while self._urged and not self._inside:
            self._enter(LEDGER, self._urged[0])
            self._urged.popleft()

    def _stops(self, order: Order) -> bool:
        """Whether somebody stopped an account's orders and the flow has not heard of it yet."""
        return any(stop.scope in ("", order.account) for stop in tuple(self._urged))

    def enter(self, port: str, value: Any) -> None:
        """Let a value in from outside, now, as given by the node `port`; other outer nodes hear of it first."""
        value = without_secrets(value)
        if self._inside:
            self._loop.call_soon(self.enter, port, value)
            return
        if self._urged:
            self._let_in_urged()
        self._enter(port, value)

    def _enter(self, port: str, value: Any) -> None:
        if port not in self.nodes:  # it went away with a change of the flow while this was on its way
            return
        self.nodes[port].beyond.give(value)
        now = max(self.border.now(), self.agenda.now)
        self._wake_up(now)
        self.enter_at(now, port, value)

    def enter_at(self, at: int, port: str, value: Any) -> None:
        if self._over:
            return
        if self._recorder is not None:
            self._recorder.entered(at, port, value)

        def happens() -> None:
            self.agenda.advance_before(at)
            self._give(self.nodes[port], value)
            self.agenda.follow_up()

        self._happen(happens)

    def wake_at(self, at: int) -> None:
        """Let everything happen that is planned up to a moment."""
        if self._recorder is not None:
            self._recorder.woke(at)
        self._happen(lambda: self.agenda.advance_to(at))

    def stepped(self, millis: int, cause: Standstill = "stepped") -> None:
        """The machine stood still, or its clock was set: the flow's time goes on at a later or an earlier moment."""
        now = self.border.now()
        was = max(now, self.agenda.now)
        self.border.clock.step(millis)
        if self.border.now() == now:  # a simulated market goes by its own time
            return
        since, until = sorted((was, was + millis))
        self._sleep(was, since, until, cause)
        self._disarm()
        self._arm()

    def _wake_up(self, now: int) -> None:
        """Before anything happens that should have long ago, say so."""
        due = self.agenda.due
        if due is not None:
            since = max(due, self.agenda.now, self._awake)
            if now - since > OVERDUE:
                self._sleep(since, since, now, self.standstill())

    def _sleep(self, at: int, since: int, until: int, cause: Standstill) -> None:
        self._awake = max(self._awake, until)
        self.enter_at(at, CLOCK, Slept(since, until, cause))

    def _happen(self, what: Callable[[], object]) -> None:
        self._inside = True
        try:
            what()
        except MoonlightError as failure:
            self._end_with(failure)
        except Exception as failure:  # noqa: BLE001  # the last door: whatever comes this far ends the flow, told
            self._end_with(FlowStopped(f"the flow ended on a mistake of its own ({_said(failure)})"))
        finally:
            self._inside = False
        self._arm()

    def _planned(self, moment: int) -> None:
        if not self._inside:
            self._arm()

    def _arm(self) -> None:
        """See to it that the one timer rings no later than the next thing planned.

        It is never put off: one that rings too early finds nothing due and is set anew. It goes last of its moment, so
        that what comes in from outside at that moment is there first.
        """
        due = self.agenda.due
        if due is None or self._over or (self._armed is not None and self._armed <= due):
            return
        self._disarm()
        self._armed = due
        self._alarm = self.border.clock.at(due, self._ring, last=True)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._armed = None, None

    def _ring(self) -> None:
        self._alarm = self._armed = None
        if self._urged:
            self._let_in_urged()
        due = self.agenda.due
        now = self.border.now()
        if due is not None and due <= now:
            self._wake_up(now)
            self.wake_at(now)
        else:
            self._arm()

    # --- changing ----------------------------------------------------------------------------------------------------

    def change(self, plan: Plan, past: Past | None = None) -> tuple[NodeChange, ...]:
        """Go on by another plan from now on; what became of each node. Where a part cannot be made or begun, nothing
        is done, and `Unchanged` says why.

        `past` is what the ledger knows of the accounts of venues that begin anew.
        """
        return self.change_at(max(self.border.now(), self.agenda.now), plan, past)

    def change_at(self, at: int, plan: Plan, past: Past | None = None) -> tuple[NodeChange, ...]:
        assert not self._inside, "a flow is changed between two things that happen"
        if self._urged:
            self._let_in_urged()
        self.wake_at(at)  # what is due by then is decided by what held until then
        if self._over:
            raise Unchanged("the flow has ended")
        with self._changing():
            rewiring = Rewiring(self, plan, past)
            rewiring.prepare()
            if self._recorder is not None:
                self._recorder.entered(at, LEDGER, Revision(plan.source.text, past))
            rewiring.commit()
        for each in rewiring.changes:
            if each.what != "keep":
                self.patience.forget(each.node)
        self._happen(rewiring.retell)
        for name in sorted(rewiring.outer):
            self._light_again(self.nodes[name], rewiring)
        return rewiring.changes

    @contextmanager
    def _changing(self) -> Generator[None]:
        """Nothing enters in the middle of a change."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _light_again(self, running: Running, rewiring: Rewiring) -> None:
        """Begin an outer node that is new or begins anew: at once, or when it has let go of what it held."""
        kind = running.kind
        if kind not in self._outside:
            return
        if kind == "source":
            self.giving.add(running.id)
        life = running.lives

        def begin() -> None:
            if running.lives == life and not self._over:
                self._subscribe_to(running, rewiring.outer[running.id])
                self._happen(partial(rewiring.retell_to, running.id))

        before = rewiring.borders[running.id]
        if before is None or not before.works or hasattr(running.node and running.node.instance, "starts_at"):
            begin()
        else:
            self.border.work(_after(before, begin), self._act_failed)

    # --- building ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        for name in (*CORE, *(node.id for node in self.plan.nodes)):
            self.nodes[name] = self.made(name, self.plan, len(self.nodes))
        self.connect()

    def made(self, name: str, plan: Plan, rank: int) -> Running:
        """A node that nothing leads to yet."""
        node = plan.by_id.get(name)
        running = Running(name, node, {}, rank)
        led = (edge.parameter for edge in plan.into(name))
        for parameter in (*CORE.get(name, ()), *(node.part.takes if node is not None else ()), *led):
            running.inlets.setdefault(parameter, Tube[Any]())
        return running

    def connect(self) -> tuple[Passage, ...]:
        """Lay the plan's edges, in its order: one that was there goes on. Those that are new."""
        CompositeDisposable(*self._edges).dispose()
        self._edges.clear()
        known = {passage.edge: passage for passage in self.passages if not passage.ended}
        edges = (*self.plan.edges, *_hearing_of_time(self.plan))
        fresh = set(edges) - known.keys()
        gone = [passage for passage in self.passages if passage.ended]
        self.passages = [known.pop(edge, None) or self._passage(edge) for edge in edges]
        for passage in self.passages:
            source, target = self.nodes[passage.edge.source], self.nodes[passage.edge.target]
            beyond = source.outer and target.outer
            self._edges.append((source.beyond if beyond else source.out).attach(passage.carry))
        for passage in known.values():
            passage.end()
        self.passages += [passage for passage in (*gone, *known.values()) if not passage.conserved]
        heard = [node.id for node in self.plan.of("provider") if hears(node.part.cls)]
        for name in self._boards.keys() - set(heard):
            del self._boards[name]
        for name in heard:
            self._boards.setdefault(name, Board())
        for name, board in self._boards.items():
            self._edges.append(self.nodes[name].inlets[HEARS].attach(board.add))
        return tuple(passage for passage in self.passages if passage.edge in fresh)

    def connected(self) -> tuple[Passage, ...]:
        """The edges that are laid."""
        return tuple(passage for passage in self.passages if not passage.ended)

    def _passage(self, edge: Edge) -> Passage:
        target = self.nodes[edge.target]
        inlet = target.inlets.setdefault(edge.parameter, Tube[Any]())
        if target.kind == "venue" and Order in edge.types:
            inlet = self._leaving(inlet, target.id)
        passage = Passage(edge, inlet, target.meter, self.agenda)
        passage.timed_by(self._stopwatch)
        return passage

    def _leaving(self, inlet: Tube[Any], venue: str) -> Tube[Any]:
        """The last step of an order to its venue: one that somebody stopped meanwhile comes back unsent."""
        leaving = Tube[Any]()

        def leave(item: Order | Inquiry | Closing) -> None:
            if isinstance(item, Order) and item.state == "SEND" and self._urged and self._stops(item):
                self.enter(venue, Unsent(item.order, "somebody stopped it before it left", self.agenda.now))
            else:
                inlet.give(item)

        leaving.attach(leave)
        return leaving

    def _subscribe(self, running: Running) -> None:
        stream = self.stream(running, self.plan)
        if stream is not None:
            self._subscribe_to(running, stream)

    def _subscribe_to(self, running: Running, stream: Observable[Any]) -> None:
        running.lives += 1
        life = running.lives
        began = self.begin(running, stream, life, running.rank)
        if running.lives == life:
            running.lives -= 1
            self.adopt(running, began)
        elif began.subscription is not None:  # it failed as it began, and has begun again
            began.subscription.dispose()

    def begin(self, running: Running, stream: Observable[Any], life: int, rank: int) -> Began:
        """Subscribe to what a node gives; that is heard as long as the node lives that life of its own."""
        began = Began(stream, AgendaScheduler(self.agenda, rank))

        def given(item: Any) -> None:
            if running.lives == life:
                self.enter(running.id, item)

        def failed(failure: Exception) -> None:
            if running.lives == life:
                self._failed(running, failure)
            elif running.lives < life:
                began.failure = failure

        def completed() -> None:
            if running.lives == life:
                self._completed(running)

        give = given if running.outer else partial(self._give, running)
        began.subscription = stream.subscribe(give, failed, completed, scheduler=began.scheduler)
        return began

    def adopt(self, running: Running, began: Began) -> None:
        """Let what was begun be what the node is; what it was before is over."""
        running.lives += 1
        running.subscription.disposable = began.subscription
        running.stream, running.scheduler = began.stream, began.scheduler

    def stream(self, running: Running, plan: Plan) -> Observable[Any] | None:
        """What a node gives by a plan."""
        if running.id in (CLOCK, LEDGER):
            return None
        if running.id == FEATURES:
            return running.inlets["bars"].pipe(_each(lambda bars: self._columns(running, bars)))
        if running.id == REPAINT:
            again = partial(Repainting, plan, self._boards, self.patience)
            return woken(again, REPAINT, *running.inlets.values())
        if running.id == OUTCOMES:
            return self._outcomes(running.inlets)
        if running.id == AUDITS:
            return self._audits(running.inlets)
        if running.id == CERTIFICATES:
            return self._certificates(running.inlets)
        node = running.node
        assert node is not None, "every other node is in the plan"
        if node.part.kind == "provider":
            return running.inlets["columns"].pipe(_each(lambda columns: self._votes(running, node, columns)))
        inlets = [running.inlets[parameter] for parameter in node.part.takes]
        border = self.border.of(node.id)
        if running.outer:
            running.border = border
            return node.instance(border, *inlets)
        if node.part.kind == "sink":
            return node.instance(border.inside(self.agenda), *inlets)
        return node.instance(*inlets)

    def _outcomes(self, inlets: Mapping[str, Tube[Any]]) -> Observable[Any] | None:
        delay = duration(self.plan.settings.entry_delay)
        streams = [inlet.pipe(_each(Priced)) if parameter == "prices" else inlet for parameter, inlet in inlets.items()]
        return woken(lambda: Counterfactual(delay), OUTCOMES, *streams)

    def _audits(self, inlets: Mapping[str, Tube[Any]]) -> Observable[Any] | None:
        ties: dict[str, Tie] = {account: tie_of(self.plan, account) for account in self.plan.accounts}
        tolerance = self.plan.settings.audit_tolerance
        streams = [inlet.pipe(_each(Priced)) if parameter == "prices" else inlet for parameter, inlet in inlets.items()]
        closing = frozenset(account for account in self.plan.accounts if closes(self.plan, account))
        return woken(lambda: Auditing(ties, tolerance, closing), AUDITS, *streams)

    def _certificates(self, inlets: Mapping[str, Tube[Any]]) -> Observable[Any] | None:
        listing = frozenset(account for account in self.plan.accounts if lists(self.plan, account))
        return woken(lambda: Certifying(listing), CERTIFICATES, *inlets.values()) if listing else None

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _give(self, running: Running, item: Any) -> None:
        meter = running.meter
        meter.given += rows_of(item)
        meter.last_at = self.agenda.now
        if type(item) is Dropped:
            meter.dropped[item.reason] += item.rows
        elif type(item) in LASTING:
            running.keep(item)
        self._show(running.id, item)
        running.out.give(item)

    def _columns(self, running: Running, bars: Bars) -> Columns:
        """Features of bars; when one of them fails, none is ready."""
        anchoring = self.plan.anchoring
        try:
            return anchoring.columns(bars)
        except Exception as failure:  # noqa: BLE001  # one bar's features failed: told, and the bar says it is not ready
            self._tell(running, failure, fatal=False)
            rows = bars.rows(len(bars) - bars.fresh, len(bars), bars.fresh)
            nothing = np.full(bars.fresh, np.nan)
            values = dict.fromkeys(anchoring.names, nothing) | {name: getattr(rows, name) for name in PRICES}
            return Columns(
                bars.product, bars.tf, rows.open_ts, rows.final_at, np.zeros(bars.fresh, np.bool_), values, bars.fresh
            )

    def _votes(self, running: Running, node: Node, columns: Columns) -> Votes:
        """One provider's scores of the new rows; when it fails it says so, and the others go on."""
        board = self._boards.get(running.id)
        told = None if board is None else board.told(columns)
        ask = partial(self.patience.ask, running.id, columns, self.agenda.now, partial(self._tap, running.id))
        votes, failure = votes_of(running.id.split(".", 1)[1], node.instance, columns, told, ask)
        if failure is not None:
            fatal = node.on_fault == "stop"
            self._tell(running, failure, fatal=fatal)
            if fatal:
                raise _stopped(running, failure) from failure
        return votes

    def _failed(self, running: Running, failure: Exception) -> None:
        node = running.node
        restart = node is not None and node.on_fault == "restart" and running.meter.restarts < RESTARTS
        self._tell(running, failure, fatal=not restart)
        if restart:
            running.meter.restarts += 1
            self._subscribe(running)
        elif isinstance(failure, MoonlightError):
            self._end_with(failure)
        else:
            self._end_with(_stopped(running, failure))

    def _act_failed(self, failure: Exception) -> None:
        """What an outer node had planned with the host raised: nobody can tell what it still knows."""
        self._end_with(FlowStopped(f"a venue or source failed ({_said(failure)}); the flow ended"))

    def complain(self, running: Running, failure: Exception) -> None:
        """Tell of a failure that ends nothing."""
        self._tell(running, failure, fatal=False)

    def _tell(self, running: Running, failure: Exception, *, fatal: bool) -> None:
        running.meter.faults += 1
        fault = Fault(running.id, self.agenda.now, _said(failure), fatal)
        self._keep(fault)
        self._tap(running.id, fault)

    def _keep(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) >= 2 * FAULTS:
            self.faults[:-FAULTS] = [each for each in self.faults[:-FAULTS] if each.node == TAP]

    def _tap(self, node: str, value: Any) -> None:
        """Tell whoever looks on. One that cannot look without failing is told no more, and the flow goes on."""
        for told in tuple(self._taps):
            try:
                told(node, value)
            except MoonlightError:
                raise
            except Exception as failure:  # noqa: BLE001  # nobody who only looks may stop the flow
                self._taps.remove(told)
                self._keep(Fault(TAP, self.agenda.now, _said(failure)))

    def _completed(self, running: Running) -> None:
        if running.kind == "source":
            self.giving.discard(running.id)
            if not self.giving and not self.ended.done():
                self.ended.set_result(None)

    def _end_with(self, failure: MoonlightError) -> None:
        self._over = True
        self._disarm()
        if not self.ended.done():
            self.ended.set_exception(failure)


async def _after(before: Border, begin: Callable[[], None]) -> None:
    """Begin once somebody who held the same has let go of it."""
    await before.left()
    begin()


def _id(running: Running) -> str:
    return running.id


def _hearing_of_time(plan: Plan) -> Iterator[Edge]:
    """To whom the clock tells when nothing ran, and when the program is about to end."""
    for node in plan.nodes:
        for parameter, kinds in node.part.takes.items():
            told = tuple(kind for kind in (Slept, Leaving) if kind in kinds)
            if told:
                yield Edge(CLOCK, node.id, parameter, told)


def _stopped(running: Running, failure: Exception) -> FlowStopped:
    return FlowStopped(f"{running.id} failed ({_said(failure)}); the flow ended")


def _said(failure: Exception) -> str:
    return masked(f"{type(failure).__name__}: {failure}")


def _each(make: Callable[[Any], Any]) -> Callable[[Observable[Any]], Observable[Any]]:
    """`ops.map` for a function that never raises, without its guard."""

    def step(items: Observable[Any]) -> Observable[Any]:
        def subscribe(
            observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return items.subscribe(
                lambda item: observer.on_next(make(item)), observer.on_error, observer.on_completed, scheduler=scheduler
            )

        return Observable(subscribe)

    return step
