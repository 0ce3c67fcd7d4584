"""Whether nothing is lost without a name: each edge of a running flow, looked at every second."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.flow import Flow
from pipeline.passages import Passage
from pipeline.service import Diagnosis, FeedReport, LaneReport
from pipeline.telemetry.readings import Reading
from pipeline.times import SECOND

CONSERVATION = "conservation"
"""The node that is named when something was lost."""
SPILLING = frozenset(("ohlcv",))
"""Lanes of publishers that lose nothing: what finds no room waits on disk. The others pass over what is older."""


@dataclass(slots=True)
class _Held:
    went: int
    since: float


class Conserving:
    """Looks at the edges of a flow, and at what publishers and sources say of theirs."""

    def __init__(self) -> None:
        self._flow: Flow | None = None
        self._amiss: set[tuple[str, ...]] = set()
        self._held: dict[tuple[str, ...], _Held] = {}
        self._lanes: dict[str, tuple[LaneReport, ...]] = {}
        self._sources: dict[str, FeedReport] = {}

    def begins(self, flow: Flow) -> None:
        self._flow = flow

    def take(self, told: Diagnosis | FeedReport) -> None:
        if isinstance(told, Diagnosis):
            self._lanes[told.whose] = told.lanes
        else:
            self._sources[told.whose] = told

    def look(self, real: float) -> Iterator[str]:
        """What was lost without a name since the last look (real ms), each once: a sentence."""
        for passage in self._passages():
            name = named(passage)
            self._hold(name, passage, real)
            if not passage.conserved and name not in self._amiss:
                self._amiss.add(name)
                yield said(passage)
        for whose, lanes in self._lanes.items():
            for lane in lanes:
                name = (whose, lane.name)
                if not whole(lane) and name not in self._amiss:
                    self._amiss.add(name)
                    yield f"lost without a name: in the lane {lane.name} of {whose}; {counted(lane)}"

    def readings(self, real: float) -> Iterator[Reading]:
        sums: Counter[tuple[str, tuple[str, ...]]] = (
            Counter()
        )  # of all passages of one name: two series cannot have one
        for passage in self._passages():
            name = named(passage)
            sums["moonlight_edge_in_total", name] += passage.came
            sums["moonlight_edge_out_total", name] += passage.went
            sums["moonlight_edge_held", name] += passage.held
            for reason, count in tuple(passage.dropped.items()):
                sums["moonlight_edge_dropped_total", (*name, reason)] += count
        for (family, labels), count in sums.items():
            yield Reading(family, labels, count)
        for name, held in tuple(self._held.items()):
            yield Reading("moonlight_edge_held_seconds", name, (real - held.since) / SECOND)
        yield Reading("moonlight_edges_amiss", (), len(self._amiss))
        yield from self._queues()

    def _queues(self) -> Iterator[Reading]:
        for edge in () if self._flow is None else self._flow.border.panel.edges.all():
            labels = (edge.name,)
            yield Reading("moonlight_queue_depth", labels, edge.depth())
            yield Reading("moonlight_queue_capacity", (edge.name, edge.when_full), edge.capacity)
            yield Reading("moonlight_queue_dropped_total", labels, edge.dropped())
            oldest = edge.oldest()
            if oldest is not None:
                yield Reading("moonlight_queue_oldest_seconds", labels, oldest)
        for whose, lanes in tuple(self._lanes.items()):
            for lane in lanes:
                name = f"{whose}/{lane.name}"
                policy = "spills" if lane.name in SPILLING else "drops_oldest"
                yield Reading("moonlight_queue_depth", (name,), lane.depth + lane.in_flight)
                yield Reading("moonlight_queue_capacity", (name, policy), lane.limit)
                yield Reading("moonlight_queue_dropped_total", (name,), lane.dropped)
        for whose, report in tuple(self._sources.items()):
            yield Reading("moonlight_queue_depth", (whose,), report.edge_depth)
            yield Reading("moonlight_queue_dropped_total", (whose,), report.ticks_dropped)

    def _passages(self) -> tuple[Passage, ...]:
        return () if self._flow is None else tuple(self._flow.passages)

    def _hold(self, name: tuple[str, ...], passage: Passage, real: float) -> None:
        if not passage.held:
            self._held.pop(name, None)
        elif name not in self._held or self._held[name].went != passage.went:
            self._held[name] = _Held(passage.went, real)


def named(passage: Passage) -> tuple[str, str, str]:
    """An edge, by the labels of its families."""
    return passage.edge.source, passage.edge.target, passage.edge.parameter


def said(passage: Passage) -> str:
    source, target, parameter = named(passage)
    let_go = sum(passage.dropped.values())
    return (
        f"lost without a name: {source} → {target} ({parameter}); "
        f"{passage.came} came, {passage.went} went, {passage.held} are held, {let_go} were let go by name"
    )


def whole(lane: LaneReport) -> bool:
    kept = lane.spilled + lane.depth + lane.in_flight
    return lane.enqueued == lane.processed + lane.conflated + lane.dropped + kept


def counted(lane: LaneReport) -> str:
    kept = lane.spilled + lane.depth + lane.in_flight
    return f"{lane.enqueued} came, {lane.processed} went, {kept} are kept, {lane.conflated + lane.dropped} were let go"
