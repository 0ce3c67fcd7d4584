"""What a flow's edges are made of: values go along them, and every one is accounted for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from pipeline.agenda import Agenda
from pipeline.flowing.stopwatch import Stopwatch
from pipeline.plan import Edge
from pipeline.steps import Tube


@dataclass(slots=True)
class Meter:
    """What a node has done. Rows let go are counted by reason."""

    taken: int = 0
    given: int = 0
    faults: int = 0
    restarts: int = 0
    last_at: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])


class Passage:
    """One edge: it carries what its target takes, and counts items: in = out + held + dropped, at any moment."""

    def __init__(self, edge: Edge, inlet: Tube[Any], meter: Meter, agenda: Agenda) -> None:
        """`meter` is the target's: what it fails on counts as dropped."""
        self.edge = edge
        self.came = self.went = self.held = self.most_held = 0
        self.ended = False
        self.dropped: Counter[str] = Counter()
        self._inlet, self._meter, self._agenda = inlet, meter, agenda
        self._give: Callable[[Any], object] = inlet.give
        self._kinds = frozenset(edge.types)

    @property
    def conserved(self) -> bool:
        return self.came == self.went + self.held + sum(self.dropped.values())

    def timed_by(self, stopwatch: Stopwatch | None) -> None:
        """Have it measured how long the target works on what it is given; None: no more."""
        give = self._inlet.give
        self._give = give if stopwatch is None else stopwatch.around(self.edge.target, give)

    def end(self) -> None:
        """Carry nothing any more: what it still held is dropped, by that name."""
        self.ended = True
        if self.held:
            self.dropped["its edge ended"] += self.held
            self.held = 0

    def carry(self, item: Any) -> None:
        """Take what the source gave, if it is for the target; what goes back to where it came from waits its turn."""
        edge = self.edge
        if type(item) not in self._kinds or (edge.accounts and item.account not in edge.accounts):
            return
        self.came += 1
        if edge.closes:
            self.held += 1
            self.most_held = max(self.most_held, self.held)
            self._agenda.soon(lambda: self._deliver_held(item), edge.target)
        else:
            self._deliver(item)

    def _deliver_held(self, item: Any) -> None:
        if self.ended:
            return
        self.held -= 1
        self._deliver(item)

    def _deliver(self, item: Any) -> None:
        meter = self._meter
        meter.taken += rows_of(item)
        faults = meter.faults
        self._give(item)
        if meter.faults == faults:
            self.went += 1
        else:
            self.dropped["fault"] += 1


def rows_of(item: Any) -> int:
    """How many rows of a batch are new; an event is one."""
    count = COUNTED.get(item.__class__)
    if count is None:
        counted = _fresh if hasattr(item, "fresh") else _all
        count = COUNTED[item.__class__] = _one if isinstance(item, Struct) else counted
    return count(item)


COUNTED: dict[type[Any], Callable[[Any], int]] = {}
"""How the rows of each type are counted: asked once, as every value passes here on every edge."""


def _one(_: Any) -> int:
    return 1


def _all(item: Any) -> int:
    return len(item)


def _fresh(item: Any) -> int:
    fresh: int = item.fresh
    return fresh
