"""A running flow goes on by another plan: everything new is made first, then all is exchanged at one moment.

What raises while it is made or begun leaves the flow as it was. Nodes that go on keep their state, their edges and what
these have counted. Who listens anew is told the last of what holds until somebody says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reactivex import Observable, abc

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.border import Border
from pipeline.changes.proposal import NodeChange
from pipeline.changes.revision import Unchanged
from pipeline.changes.steps import by_node, changes_of, merged
from pipeline.errors import MoonlightError
from pipeline.masking import masked
from pipeline.nodes import Running
from pipeline.passages import Passage
from pipeline.plan import FEATURES, REPAINT, Plan
from pipeline.steps import Woken
from pipeline.times import timeframe
from pipeline.values import Past

ASIDE = 5000
"""Ranks from here on are of nodes that are begun before their turn is known."""
NOT_OWN = frozenset({"from", "on_fault"})
"""Keys that need no other instance."""


@dataclass(slots=True)
class Began:
    """A node that was begun, and is not heard before it is adopted."""

    stream: Observable[Any]
    scheduler: AgendaScheduler
    subscription: abc.DisposableBase | None = None
    failure: Exception | None = None


class Graph(Protocol):
    """As much of a flow as is rewired."""

    plan: Plan
    agenda: Agenda
    border: Border
    core: Mapping[str, tuple[str, ...]]
    nodes: dict[str, Running]
    giving: set[str]

    def made(self, name: str, plan: Plan, rank: int) -> Running: ...
    def stream(self, running: Running, plan: Plan) -> Observable[Any] | None: ...
    def begin(self, running: Running, stream: Observable[Any], life: int, rank: int) -> Began: ...
    def adopt(self, running: Running, began: Began) -> None: ...
    def complain(self, running: Running, failure: Exception) -> None: ...
    def connect(self) -> tuple[Passage, ...]: ...
    def connected(self) -> tuple[Passage, ...]: ...


class Rewiring:
    """One change of one flow: `prepare`, then `commit`, then `retell`. `outer` are to begin once all is done."""

    def __init__(self, graph: Graph, plan: Plan, past: Past | None) -> None:
        self._graph, self._was, self._past = graph, graph.plan, past
        self.changes: tuple[NodeChange, ...] = changes_of(graph.plan, plan)
        self.plan = merged(graph.plan, plan, self.changes)
        self._what = by_node(self.changes)
        self.outer: dict[str, Observable[Any]] = {}
        self.borders: dict[str, Border | None] = {}
        """Where outer nodes that begin anew stood until now."""
        self._made: dict[str, Running] = {}
        self._began: dict[str, Began] = {}
        self._fresh: tuple[Passage, ...] = ()
        self._ranks = {name: rank for rank, name in enumerate((*graph.core, *(node.id for node in self.plan.nodes)))}

    def prepare(self) -> None:
        """Make and begin all that is new; on a failure nothing of it is left."""
        border, history, calendars = self._graph.border, self._graph.border.history, self._graph.border.calendars
        stood = {name: running.border for name, running in self._graph.nodes.items()}
        nodes = {name: running.node for name, running in self._graph.nodes.items()}
        border.history, border.calendars = _history(self.plan), self.plan.calendars
        try:
            self._make()
        except Exception as failure:
            for began in self._began.values():
                if began.subscription is not None:
                    began.subscription.dispose()
            border.history, border.calendars = history, calendars
            for name, running in self._graph.nodes.items():
                running.border, running.node = stood[name], nodes[name]
            if isinstance(failure, Unchanged):
                raise
            raise Unchanged(f"the flow goes on as it was: {_said(failure)}") from failure

    def commit(self) -> None:
        """Exchange all at once. A part that fails as it lets go is told of; what takes its place goes on."""
        graph = self._graph
        for name, what in self._what.items():
            if what == "stop":
                running = graph.nodes.pop(name)
                running.lives += 1
                self._let_go(running)
                graph.giving.discard(name)
        graph.nodes.update(self._made)
        ordered = {name: graph.nodes[name] for name in self._ranks}
        graph.nodes.clear()
        graph.nodes.update(ordered)
        graph.plan = self.plan
        for node in self.plan.nodes:
            graph.nodes[node.id].node = node
        for name in self.outer:
            graph.nodes[name].lives += 1
            self._let_go(graph.nodes[name])
        for name, began in self._began.items():
            self._let_go(graph.nodes[name])
            graph.adopt(graph.nodes[name], began)
        for name, what in self._what.items():
            if what == "restart":  # what it said holds until it says so again
                graph.nodes[name].lasting.clear()
        self._rank()
        self._fresh = graph.connect()

    def retell(self) -> None:
        """Tell nodes inside that listen anew what holds."""
        anew = {name for name in self._began if self._what.get(name) in ("restart", "start")}
        told = {id(passage): passage for passage in self._fresh}
        for passage in self._graph.connected():
            if passage.edge.target in anew:
                told[id(passage)] = passage
        for passage in told.values():
            if passage.edge.target not in self.outer:
                self._tell(passage)
        self._graph.agenda.follow_up()

    def retell_to(self, name: str) -> None:
        """Tell an outer node that has begun what holds."""
        for passage in self._graph.connected():
            if passage.edge.target == name:
                self._tell(passage)
                if self._past is not None and Past in passage.edge.types:
                    passage.carry(self._past)
        self._graph.agenda.follow_up()

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        graph = self._graph
        for name, what in self._what.items():
            if what == "start":
                self._made[name] = graph.made(name, self.plan, ASIDE + self._ranks[name])
        streams: list[tuple[Running, Observable[Any]]] = []
        for name in self._ranks:
            running = self._made.get(name) or graph.nodes[name]
            if not self._exchanged(name):
                continue
            before = running.border
            running.node = self.plan.by_id.get(name)
            stream = graph.stream(running, self.plan)
            if stream is None:
                continue
            if running.outer:
                self.outer[name], self.borders[name] = stream, before
            else:
                streams.append((running, stream))
        inheriting = [each for each in streams if self._inherits(*each)]
        for running, stream in (*(each for each in streams if each not in inheriting), *inheriting):
            began = graph.begin(running, stream, running.lives + 1, ASIDE + self._ranks[running.id])
            self._began[running.id] = began
            if began.failure is not None:
                raise began.failure

    def _exchanged(self, name: str) -> bool:
        """Whether a node gives by another stream from now on."""
        what = self._what.get(name, "keep")
        if name == REPAINT:
            return any(each.what != "keep" and _judges(self.plan, each) for each in self.changes)
        if name == FEATURES or what in ("keep", "stop"):
            return False
        keys = {key for each in self.changes if each.node == name for key in each.keys}
        return what != "apply" or bool(keys - NOT_OWN)

    def _inherits(self, running: Running, stream: Observable[Any]) -> bool:
        """Have a node know what the one in its place knew, and what others of its kind knew."""
        if not isinstance(stream, Woken) or self._what.get(running.id, "apply") == "restart":
            return False
        known = {each.id: each.stream.machine for each in self._graph.nodes.values() if isinstance(each.stream, Woken)}
        kinds = {each.id: each.kind for each in self._graph.nodes.values()}
        others = [machine for name, machine in known.items() if name != running.id and kinds[name] == running.kind]
        stream.in_place_of(known.get(running.id), others)
        return True

    def _let_go(self, running: Running) -> None:
        try:
            running.subscription.disposable = None
        except Exception as failure:  # noqa: BLE001  # a part that ends badly has ended, and the others go on
            self._graph.complain(running, failure)

    def _rank(self) -> None:
        ranks = {ASIDE + rank: rank for rank in self._ranks.values()}
        for name, running in self._graph.nodes.items():
            ranks.setdefault(running.rank, self._ranks[name])
            running.rank = self._ranks[name]
            if running.scheduler is not None:
                running.scheduler.rank = running.rank
        self._graph.agenda.ranked(ranks)

    def _tell(self, passage: Passage) -> None:
        source = self._graph.nodes[passage.edge.source]
        for item in tuple(source.told(passage.edge)):
            passage.carry(item)


def _history(plan: Plan) -> dict[int, int]:
    """How many bars of each timeframe a source that begins now has to load."""
    spans = {timeframe(name) for node in plan.of("operator") for name in getattr(node.instance, "timeframes", ())}
    return {tf: plan.anchoring.context(tf) for tf in sorted(spans)}


def _judges(plan: Plan, change: NodeChange) -> bool:
    """Whether decisions depend on a node that changes."""
    node = plan.by_id.get(change.node)
    return node is None or node.part.kind in ("provider", "ensemble", "risk", "operator")


def _said(failure: Exception) -> str:
    said = str(failure) if isinstance(failure, MoonlightError) else f"{type(failure).__name__}: {failure}"
    return masked(said)
