"""The graph of a running flow, as it is shown: who looks has each node timed for as long as somebody does."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.flow import CLOCK, Flow
from pipeline.flowing.queues import Queues
from pipeline.flowing.stopwatch import Stopwatch
from pipeline.flowing.taps import Tapping, Taps
from pipeline.nodes import Running
from pipeline.passages import Passage
from pipeline.plan import AUDITS, CERTIFICATES, FEATURES, LEDGER, OUTCOMES, REPAINT, Plan
from pipeline.values import Fault
from pipeline.view import EdgeRow, FlowNews, NodeRow, QueueRow, TapOf
from pipeline.watch_feeds import Feeds

SAYS = {
    CLOCK: "Tells when nothing ran, and when the program is about to end.",
    LEDGER: "Keeps orders, decisions and stops on disk, and tells what it knows.",
    FEATURES: "Computes every declared feature of final bars.",
    REPAINT: "Tells of decisions that would have been others, had a bar come as its venue changed it later.",
    OUTCOMES: "Settles a contract of every final bar by our own prices, bought or not.",
    AUDITS: "Settles each contract again by our own ticks.",
    CERTIFICATES: "Keeps the books of each account, and says whether everything is accounted for.",
}
"""What those do that every flow has."""
FAULTS = 300
"""Letters of a fault that are shown."""
TIMES = 20
"""So many times as long as it took to make is a look given again: however many look, it takes a twentieth of the flow's
thread at the most."""
LONGEST = 1.0
"""Seconds for which it is given again at the most."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a plan says of a node."""

    kind: str
    use: str
    says: str
    line: int


class Flowing:
    """Shows a flow to all who look at it."""

    def __init__(self, clock: Callable[[], int], feeds: Feeds, real: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._feeds, self._real = clock, feeds, real
        self._flow: Flow | None = None
        self._plan: Plan | None = None
        """The one of which `_said` is."""
        self._said: dict[str, Said] = {}
        self._lookers = 0
        self._stopwatch: Stopwatch | None = None
        self._faults: dict[str, str] = {}
        self._newest_fault: Fault | None = None
        self._queues = Queues()
        self._taps = Taps()
        self._made: FlowNews | None = None
        self._again = 0.0
        """Until when that is given again."""

    def begins(self, flow: Flow) -> None:
        """The flow has begun."""
        self._flow = flow
        self._taps.begins(flow)
        self._time()

    @property
    def timed(self) -> bool:
        """Whether its nodes are timed now."""
        return self._stopwatch is not None

    @property
    def tapped(self) -> frozenset[str]:
        """The nodes that somebody listens to now."""
        return self._taps.nodes

    def look(self) -> "Looking":
        """Somebody looks from now on."""
        self._lookers += 1
        self._time()
        return Looking(self)

    def listen(self, of: TapOf) -> Tapping:
        """Somebody listens in on a node from now on."""
        return self._taps.listen(of)

    def waits(self) -> None:
        """See how much waits beside the graph now: the most is remembered."""
        if self._flow is not None:
            self.queues(self._flow)

    def leave(self) -> None:
        """One of those who looked does so no more."""
        self._lookers -= 1
        self._time()

    def shown(self) -> FlowNews:
        """All of it as it is, or was a moment ago: whoever looks then is given the same one."""
        flow, real = self._flow, self._real()
        if flow is None:
            return FlowNews(self._clock(), real * 1000, (), (), (), conserved=True)
        if flow.plan is not self._plan:
            self._plan, self._made = flow.plan, None
            self._said.clear()
        if self._made is None or real >= self._again:
            self._made = self._news(flow, real * 1000)
            done = self._real()
            self._again = done + min(TIMES * (done - real), LONGEST)
        return self._made

    def _news(self, flow: Flow, real: float) -> FlowNews:
        if self._stopwatch is not None:
            self._stopwatch.look()
        self._hear_faults(flow)
        passages = tuple(flow.passages)
        edges = _edges(passages)
        used = {name for edge in edges for name in (edge.source, edge.target)}
        return FlowNews(
            self._clock(),
            real,
            tuple(self._node(each, flow.plan) for each in flow.nodes.values() if each.node or each.id in used),
            edges,
            self.queues(flow),
            conserved=all(passage.conserved for passage in passages),
        )

    def queues(self, flow: Flow) -> tuple[QueueRow, ...]:
        return self._queues.rows(flow.border.panel.edges, self._feeds.diagnoses, self._feeds.reports)

    def _time(self) -> None:
        """Have the flow timed while somebody looks, and not otherwise."""
        flow = self._flow
        if flow is None or (self._lookers > 0) == (self._stopwatch is not None):
            return
        self._stopwatch = Stopwatch(self._real) if self._lookers else None
        flow.timed_by(self._stopwatch)

    def _hear_faults(self, flow: Flow) -> None:
        newest = flow.faults[-1] if flow.faults else None
        if newest is not self._newest_fault:
            self._newest_fault = newest
            self._faults |= {fault.node: fault.what[:FAULTS] for fault in flow.faults}

    def _node(self, running: Running, plan: Plan) -> NodeRow:
        said = self._said.get(running.id)
        if said is None:
            said = self._said[running.id] = _said(running, plan)
        meter = running.meter
        busy, p50, p99 = (0.0, 0.0, 0.0) if self._stopwatch is None else self._stopwatch.took(running.id)
        return NodeRow(
            id=running.id,
            kind=said.kind,
            use=said.use,
            taken=meter.taken,
            given=meter.given,
            faults=meter.faults,
            restarts=meter.restarts,
            last_at=meter.last_at,
            dropped=dict(meter.dropped),
            busy=round(busy, 6),
            p50_ms=round(p50, 4),
            p99_ms=round(p99, 4),
            last_fault=self._faults.get(running.id, ""),
            says=said.says,
            line=said.line,
        )


class Looking:
    """One who looks at a flow."""

    def __init__(self, flowing: Flowing) -> None:
        self._flowing = flowing
        self._over = False

    def news(self) -> FlowNews:
        return self._flowing.shown()

    def ends(self) -> None:
        """It looks no more; a second time changes nothing."""
        if not self._over:
            self._over = True
            self._flowing.leave()


def _said(running: Running, plan: Plan) -> Said:
    node = running.node
    if node is None:
        return Said(running.id, "", SAYS.get(running.id, ""), 0)
    path = tuple(running.id.split(".", 1))
    tables = plan.source.data.get(path[0], {})
    line = plan.source.place(path)[0] if path[-1] in tables else 0
    return Said(node.part.kind, node.part.name, first_sentence(node.part.help), line)


def first_sentence(text: str) -> str:
    """Of a docstring, in one line."""
    summary = " ".join(text.partition("\n\n")[0].split())
    first, stop, _ = summary.partition(". ")
    return first + stop.strip()


def _edges(passages: Iterable[Passage]) -> tuple[EdgeRow, ...]:
    """One row for all that goes from one node to another, by whichever of its parameters."""
    between: dict[tuple[str, str], list[Passage]] = {}
    for each in passages:
        between.setdefault((each.edge.source, each.edge.target), []).append(each)
    return tuple(_edge(*ends, some) for ends, some in between.items())


def _edge(source: str, target: str, some: list[Passage]) -> EdgeRow:
    dropped: dict[str, int] = {}
    for each in some:
        for reason, count in each.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return EdgeRow(
        source=source,
        target=target,
        carries=tuple(dict.fromkeys(kind.__name__ for each in some for kind in each.edge.types)),
        closes=any(each.edge.closes for each in some),
        came=sum(each.came for each in some),
        went=sum(each.went for each in some),
        held=sum(each.held for each in some),
        most_held=sum(each.most_held for each in some),
        dropped=dropped,
    )
