"""What waits beside the graph of a running flow, and how much ever did."""

from collections.abc import Iterable, Iterator

from pipeline.service import Diagnosis, FeedReport
from pipeline.telemetry.conserving import SPILLING
from pipeline.telemetry.edges import Edges
from pipeline.view import QueueRow


class Queues:
    """Remembers the most that was seen to wait in each queue."""

    def __init__(self) -> None:
        self._most: dict[str, int] = {}

    def rows(
        self, edges: Edges, publishers: Iterable[Diagnosis], sources: Iterable[FeedReport]
    ) -> tuple[QueueRow, ...]:
        rows = tuple(self._seen(row) for row in (*_edges(edges), *_lanes(publishers), *_sources(sources)))
        self._most = {row.name: row.most for row in rows}
        return rows

    def _seen(self, row: QueueRow) -> QueueRow:
        most = max(row.depth, self._most.get(row.name, 0))
        return QueueRow(row.name, row.depth, row.capacity, row.when_full, row.dropped, most, row.oldest_s)


def _edges(edges: Edges) -> Iterator[QueueRow]:
    for each in edges.all():
        depth = each.depth()
        yield QueueRow(each.name, depth, each.capacity, each.when_full, each.dropped(), depth, each.oldest())


def _lanes(publishers: Iterable[Diagnosis]) -> Iterator[QueueRow]:
    """Those of publishers to Redis, as they last told of them."""
    for told in publishers:
        for lane in told.lanes:
            name, depth = f"{told.whose}/{lane.name}", lane.depth + lane.in_flight
            policy = "spills" if lane.name in SPILLING else "drops_oldest"
            yield QueueRow(name, depth, lane.limit, policy, lane.dropped, depth, None)


def _sources(sources: Iterable[FeedReport]) -> Iterator[QueueRow]:
    """Those between the thread of a source and the flow, where a source has one."""
    for told in sources:
        if told.edge_depth or told.ticks_dropped:
            yield QueueRow(told.whose, told.edge_depth, 0, "conflates", told.ticks_dropped, told.edge_depth, None)
