"""What waits beside the graph: the queues at which a flow meets a disk, a network, a console.

Inside the graph all is synchronous, and its edges are counted there. Whoever has a queue says here what it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Full = Literal["waits", "drops_oldest", "drops_newest", "conflates", "spills", "fails"]
"""What becomes of one more when it is full: whoever gives it waits, the oldest or the newest is let go, an older one of
the same kind is passed over, it is put on disk, or the flow ends."""


@dataclass(frozen=True)
class Edge:
    """A queue, by what it says of itself when it is asked. It is asked from more than one thread."""

    name: str
    depth: Callable[[], int]
    capacity: int
    when_full: Full
    dropped: Callable[[], int] = lambda: 0
    oldest: Callable[[], float | None] = lambda: None
    """For how many real seconds the oldest one has waited; None where nobody keeps that."""


class Edges:
    """The queues of one flow. Two of one name: the later one stands."""

    def __init__(self) -> None:
        self._edges: dict[str, Edge] = {}

    def add(self, edge: Edge) -> None:
        self._edges[edge.name] = edge

    def remove(self, name: str) -> None:
        self._edges.pop(name, None)

    def all(self) -> tuple[Edge, ...]:
        return tuple(self._edges.values())
