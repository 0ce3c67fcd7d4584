"""What several looks at a running flow say together: rates, what went amiss lately, where it jams."""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

from pipeline.view import EdgeRow, FlowNews, NodeRow, QueueRow
from tui.flowing.items import layers_of, turned_in

OVER = 5.0
"""Seconds that rates are of."""
APART = 10.0
"""With more seconds between two looks nothing is said of what came between them."""
LATELY = 10.0
"""Seconds for which something that went amiss is new."""
CROWDED, BUSY = 0.7, 0.8
"""From here on a queue is nearly full, a node nearly always at work."""
RISES = 2.0
"""Seconds for which more and more is held until it is said."""

RISING = "more and more is held"

LOST = frozenset(("fault", "overrun", "full", "overload"))
"""Reasons for which an edge or a node lets go what it should have kept; every other is on purpose."""
STEADY = frozenset(("conflates",))
"""What becomes of one more where a full queue passes over what is older: that is on purpose."""

State = Literal["ok", "warn", "wrong"]
Ends = tuple[str, str]


class EdgeRead(NamedTuple):
    """An edge as it does now; rates are unknown before the second look."""

    row: EdgeRow
    came_s: float | None
    lost: int
    on_purpose: int
    state: State
    why: str


class Entry(NamedTuple):
    """A node or a queue as it does now. `full` is a share of the room there is; 0 where nobody says how much."""

    id: str
    name: str
    row: NodeRow | QueueRow
    taken_s: float | None
    given_s: float | None
    held: int
    most: int
    full: float
    lost: int
    on_purpose: int
    state: State
    why: str

    @property
    def node(self) -> NodeRow | None:
        return self.row if isinstance(self.row, NodeRow) else None

    @property
    def queue(self) -> QueueRow | None:
        return self.row if isinstance(self.row, QueueRow) else None

    @property
    def faults(self) -> int:
        return self.row.faults if isinstance(self.row, NodeRow) else 0

    @property
    def rate(self) -> float | None:
        """What it gives; what it takes where it gives nothing."""
        return self.given_s if self.given_s or (self.node is not None and self.node.given) else self.taken_s


class Gauge:
    """Is told each look at the flow, and keeps those of the last seconds."""

    def __init__(self) -> None:
        self.version = 0
        self.entries: tuple[Entry, ...] = ()
        """Nodes along the flow, then the queues beside it."""
        self.edges: dict[Ends, EdgeRead] = {}
        self.unnamed: tuple[Ends, ...] = ()
        """Edges on which something was lost without a name."""
        self.topology: tuple[tuple[str, ...], tuple[EdgeRow, ...]] = ((), ())
        self._by_id: dict[str, Entry] = {}
        self._looks: deque[tuple[float, FlowNews]] = deque()
        self._engine: object = None
        self._shape: object = None
        self._place: Mapping[str, int] = {}
        self._amiss: dict[object, tuple[int, float]] = {}
        """Of what can go amiss: how often it did, and when that last rose."""
        self._before: dict[object, int] = {}
        """How often it had by the time one began to count anew."""
        self._peaks: dict[object, tuple[int, int]] = {}
        """The engine's own high-water mark when one began to count anew, and the most that was seen since."""

    def entry(self, name: str) -> Entry | None:
        return self._by_id.get(name)

    def take(self, flow: FlowNews, now: float, engine: object = None) -> None:
        """The latest look at the flow of an engine; one that was taken already changes nothing."""
        if self._looks and self._looks[-1][1] is flow:
            return
        if engine != self._engine or (self._looks and flow.real_ms < self._looks[-1][1].real_ms):
            self._engine = engine
            self._looks.clear()
            self._amiss.clear()
            self._before.clear()
            self._peaks.clear()
        if self._looks and flow.real_ms - self._looks[-1][1].real_ms > APART * 1000:
            self._looks.clear()
        self._looks.append((now, flow))
        while len(self._looks) > 2 and flow.real_ms - self._looks[0][1].real_ms > OVER * 1000:
            self._looks.popleft()
        self._read(now)

    def reset(self) -> None:
        """Count high-water marks and what went amiss from here on."""
        self._before = {what: count for what, (count, _) in self._amiss.items()}
        if self._looks:
            flow = self._looks[-1][1]
            self._peaks = {
                **{(each.source, each.target): (each.most_held, each.held) for each in flow.edges},
                **{each.name: (each.most, each.depth) for each in flow.queues},
            }
            self._read(self._looks[-1][0])

    def ahead(self) -> str:
        """Where it jams: the first along the flow that is nearly always busy or nearly full; "" nowhere."""
        for entry in self.entries:
            busy = entry.node.busy if entry.node is not None else 0.0
            if busy > BUSY:
                return f"{entry.name} (busy {busy:.0%})".replace("%", " %")
            if entry.full > CROWDED:
                return f"{entry.name} (queue {entry.full:.0%})".replace("%", " %")
        return ""

    def _read(self, now: float) -> None:
        flow, first = self._looks[-1][1], self._looks[0][1]
        self._sort(flow)
        seconds = (flow.real_ms - first.real_ms) / 1000
        came = {(each.source, each.target): each.came for each in first.edges} if seconds > 0 else {}
        self.edges = {}
        into: dict[str, list[EdgeRead]] = {each.id: [] for each in flow.nodes}
        for each in flow.edges:
            ends = each.source, each.target
            read = self.edges[ends] = self._edge(each, _rate(each.came, came.get(ends), seconds), now)
            into.setdefault(each.target, []).append(read)
        self.unnamed = tuple(ends for ends, each in self.edges.items() if each.row.came != _accounted(each.row))
        before = {each.id: each for each in first.nodes} if seconds > 0 else {}
        names = _short([each.id for each in flow.nodes])
        nodes = [
            self._node(each, names[each.id], before.get(each.id), seconds, into[each.id], now) for each in flow.nodes
        ]
        nodes.sort(key=lambda each: self._place[each.id])
        self.entries = (*nodes, *(self._queue(each, now) for each in flow.queues))
        self._by_id = {each.id: each for each in self.entries}
        self.version += 1

    def _sort(self, flow: FlowNews) -> None:
        """Where along the flow each node is; worked out anew only when there are others."""
        ids = tuple(each.id for each in flow.nodes)
        shape = (ids, tuple((each.source, each.target, each.closes) for each in flow.edges))
        if shape == self._shape:
            return
        self._shape, self.topology = shape, (ids, flow.edges)
        at = {name: number for number, name in enumerate(ids)}
        after: list[list[int]] = [[] for _ in ids]
        for each in flow.edges:
            if not each.closes and each.source in at and each.target in at:
                after[at[each.source]].append(at[each.target])
        for source, target in turned_in(after):
            after[source].remove(target)
        self._place = dict(zip(ids, layers_of(after), strict=True))

    def _edge(self, row: EdgeRow, rate: float | None, now: float) -> EdgeRead:
        ends = row.source, row.target
        lost, on_purpose = _let_go(row.dropped)
        state, why = self._judge(ends, lost, "lost", now)
        if state == "ok" and row.held and self._rises(ends):
            state, why = "warn", RISING
        return EdgeRead(row, rate, lost, on_purpose, state, why)

    def _node(
        self, row: NodeRow, name: str, before: NodeRow | None, seconds: float, into: list[EdgeRead], now: float
    ) -> Entry:
        queues = [each for each in self._looks[-1][1].queues if _belongs(each.name, row.id)]
        lost, on_purpose = _let_go(row.dropped)
        lost += sum(each.lost for each in into)
        full = max((each.depth / each.capacity for each in queues if each.capacity), default=0.0)
        found = [
            self._judge((row.id, "fault"), row.faults, "failed", now),
            self._judge((row.id, "lost"), lost, "lost", now),
            ("warn", f"busy {row.busy:.0%}".replace("%", " %")) if row.busy > BUSY else ("ok", ""),
            ("warn", f"queue {full:.0%} full".replace("%", " %")) if full > CROWDED else ("ok", ""),
            *((each.state, each.why) for each in into if each.why == RISING),
        ]
        state: State = "wrong" if any(each == "wrong" for each, _ in found) else "ok"
        if state == "ok" and any(each == "warn" for each, _ in found):
            state = "warn"
        return Entry(
            row.id,
            name,
            row,
            _rate(row.taken, before and before.taken, seconds),
            _rate(row.given, before and before.given, seconds),
            sum(each.row.held for each in into) + sum(each.depth for each in queues),
            sum(self.most((each.row.source, each.row.target), each.row.most_held, each.row.held) for each in into)
            + sum(self.most(each.name, each.most, each.depth) for each in queues),
            full,
            lost,
            on_purpose + sum(each.on_purpose for each in into),
            state,
            ", ".join(dict.fromkeys(why for each, why in found if each != "ok")),
        )

    def _queue(self, row: QueueRow, now: float) -> Entry:
        lost, on_purpose = (0, row.dropped) if row.when_full in STEADY else (row.dropped, 0)
        full = row.depth / row.capacity if row.capacity else 0.0
        state, why = self._judge(row.name, lost, "lost", now)
        if state == "ok" and full > CROWDED:
            state, why = "warn", f"{full:.0%} full".replace("%", " %")
        most = self.most(row.name, row.most, row.depth)
        return Entry(QUEUE + row.name, row.name, row, None, None, row.depth, most, full, lost, on_purpose, state, why)

    def most(self, what: object, ever: int, now: int) -> int:
        """The most that was held since one began to count anew."""
        before, seen = self._peaks.get(what, (-1, 0))
        if ever != before:
            return ever
        self._peaks[what] = (before, max(seen, now))
        return self._peaks[what][1]

    def _judge(self, what: object, count: int, word: str, now: float) -> tuple[State, str]:
        """Of what goes amiss: whether it did lately, or since one counts."""
        known, at = self._amiss.get(what, (count, -LATELY))
        if count > known:
            at = now
        self._amiss[what] = (count, at)
        since = count - self._before.get(what, 0)
        if now - at < LATELY and since:
            return "wrong", f"{word} {since}, just now"
        return ("warn", f"{word} {since}") if since > 0 else ("ok", "")

    def _rises(self, ends: Ends) -> bool:
        """Whether more and more is held, look by look."""
        if self._looks[-1][1].real_ms - self._looks[0][1].real_ms < RISES * 1000:
            return False
        held = [
            next((each.held for each in flow.edges if (each.source, each.target) == ends), 0) for _, flow in self._looks
        ]
        return held[-1] > held[0] > 0 and all(a <= b for a, b in pairwise(held))


QUEUE = "queue "
"""Before the name of a queue, so that it is none of a node."""


def _rate(count: int, before: int | None, seconds: float) -> float | None:
    """Unknown where it counts since later than the look before."""
    return None if before is None or count < before else (count - before) / seconds


def _let_go(dropped: Mapping[str, int]) -> tuple[int, int]:
    """What was let go by overload or fault, and on purpose."""
    lost = sum(count for reason, count in dropped.items() if reason in LOST)
    return lost, sum(dropped.values()) - lost


def _accounted(row: EdgeRow) -> int:
    return row.went + row.held + sum(row.dropped.values())


def _belongs(queue: str, node: str) -> bool:
    return queue == node or queue.startswith(f"{node}/")


def _short(ids: Iterable[str]) -> dict[str, str]:
    """Names without their tables, where that still tells them apart."""
    every = list(ids)
    bare = [each.partition(".")[2] or each for each in every]
    return {
        each: name if bare.count(name) == 1 or "." not in each else f"{name}·{each[:3]}"
        for each, name in zip(every, bare, strict=True)
    }
